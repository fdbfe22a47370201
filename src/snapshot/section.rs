//! The lists of named resources in an admin body, and the parts of a dump that they are of.

/// A list of named resources in an admin body, by the name of its field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Section {
    DynamicListeners,
    StaticListeners,
    DynamicRouteConfigs,
    DynamicActiveClusters,
    StaticClusters,
    DynamicWarmingClusters,
    DynamicEndpointConfigs,
    StaticEndpointConfigs,
    DynamicActiveSecrets,
    StaticSecrets,
    DynamicWarmingSecrets,
    EcdsFilters,
    InlineScopes,
    DynamicScopes,
    ClusterStatuses,
}

/// The sections of one part of the dump: they are read, and missing, together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Group {
    /// `ListenersConfigDump`
    Listeners,
    /// `RoutesConfigDump`
    Routes,
    /// `ClustersConfigDump`
    Clusters,
    /// `EndpointsConfigDump`
    Endpoints,
    /// `SecretsConfigDump`, from which Envoy leaves out what is private
    Secrets,
    /// `EcdsConfigDump`
    Extensions,
    /// `ScopedRoutesConfigDump`
    Scopes,
    /// `/clusters`
    Hosts,
}

/// Section, field, the member that holds the resource (none: the element is the resource), its group.
static SECTIONS: &[(Section, &str, &str, Group)] = &[
    (Section::DynamicListeners, "dynamic_listeners", "", Group::Listeners),
    (Section::StaticListeners, "static_listeners", "listener", Group::Listeners),
    (Section::DynamicRouteConfigs, "dynamic_route_configs", "route_config", Group::Routes),
    (Section::DynamicActiveClusters, "dynamic_active_clusters", "cluster", Group::Clusters),
    (Section::StaticClusters, "static_clusters", "cluster", Group::Clusters),
    (Section::DynamicWarmingClusters, "dynamic_warming_clusters", "cluster", Group::Clusters),
    (Section::DynamicEndpointConfigs, "dynamic_endpoint_configs", "endpoint_config", Group::Endpoints),
    (Section::StaticEndpointConfigs, "static_endpoint_configs", "endpoint_config", Group::Endpoints),
    (Section::DynamicActiveSecrets, "dynamic_active_secrets", "secret", Group::Secrets),
    (Section::StaticSecrets, "static_secrets", "secret", Group::Secrets),
    (Section::DynamicWarmingSecrets, "dynamic_warming_secrets", "secret", Group::Secrets),
    (Section::EcdsFilters, "ecds_filters", "ecds_filter", Group::Extensions),
    (Section::InlineScopes, "inline_scoped_route_configs", "", Group::Scopes),
    (Section::DynamicScopes, "dynamic_scoped_route_configs", "", Group::Scopes),
    (Section::ClusterStatuses, "cluster_statuses", "", Group::Hosts),
];

impl Section {
    /// Every section, in the order in which a dump is written.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        SECTIONS.iter().map(|row| row.0)
    }

    /// The field's name.
    pub(crate) fn field(self) -> &'static str {
        self.row().1
    }

    /// The member of an element that holds the resource; empty when the element itself is it.
    pub(crate) fn member(self) -> &'static str {
        self.row().2
    }

    /// The part of the dump that the section belongs to.
    pub(crate) fn group(self) -> Group {
        self.row().3
    }

    fn row(self) -> &'static (Section, &'static str, &'static str, Group) {
        SECTIONS.iter().find(|row| row.0 == self).unwrap_or(&SECTIONS[0])
    }

    /// `istioctl -o json` writes the same bodies with `camelCase` names.
    pub(super) fn of(field: &str) -> Option<Self> {
        SECTIONS.iter().find(|row| row.1 == field || camel(row.1) == field).map(|row| row.0)
    }
}

impl Group {
    /// The `@type` of the group's section in a dump, without the URL's beginning.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Listeners => "envoy.admin.v3.ListenersConfigDump",
            Self::Routes => "envoy.admin.v3.RoutesConfigDump",
            Self::Clusters => "envoy.admin.v3.ClustersConfigDump",
            Self::Endpoints => "envoy.admin.v3.EndpointsConfigDump",
            Self::Secrets => "envoy.admin.v3.SecretsConfigDump",
            Self::Extensions => "envoy.admin.v3.EcdsConfigDump",
            Self::Scopes => "envoy.admin.v3.ScopedRoutesConfigDump",
            Self::Hosts => "envoy.admin.v3.Clusters",
        }
    }

    /// Every group.
    pub(crate) fn all() -> [Self; 8] {
        [
            Self::Listeners,
            Self::Routes,
            Self::Clusters,
            Self::Endpoints,
            Self::Secrets,
            Self::Extensions,
            Self::Scopes,
            Self::Hosts,
        ]
    }
}

/// A field's name as protobuf's JSON form has it by default.
pub(super) fn camel(field: &str) -> String {
    let mut name = String::with_capacity(field.len());
    let mut up = false;
    for c in field.chars() {
        match c {
            '_' => up = true,
            c if up => {
                name.push(c.to_ascii_uppercase());
                up = false;
            }
            c => name.push(c),
        }
    }
    name
}
