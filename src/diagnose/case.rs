//! What a finding has at hand: the walk, one way through it, and look-ups that note what is missing.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::mesh::istio::{self, ClusterName};
use crate::snapshot::{Evidence, Kind, Lookup, Need, Node, Origin, Snapshot};
use crate::verdict::ObjectRef;
use crate::walk::{ClusterTrail, DestinationWalk, End, Leg, Stop, Trail, Walk};

/// One way that the request can go, to be explained.
pub(crate) struct Case<'a> {
    pub(crate) walk: &'a Walk,
    leg: &'a Leg,
    snapshot: &'a Snapshot,
    needs: &'a RefCell<BTreeSet<Need>>,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        walk: &'a Walk,
        leg: &'a Leg,
        needs: &'a RefCell<BTreeSet<Need>>,
    ) -> Self {
        Self { walk, leg, snapshot, needs }
    }

    /// Why this way ends, where it does.
    pub(crate) fn stop(&self) -> Option<&'a Stop> {
        match &self.leg.end {
            End::Stopped(stop) => Some(stop),
            End::HandedOver | End::Unknown => None,
        }
    }

    /// What was met on the way to where this way ends: in A's proxy, or in B's.
    pub(crate) fn trail(&self) -> &'a Trail {
        self.destination().map_or(&self.walk.trail, |d| &d.trail)
    }

    /// B's pod whose proxy ends this way.
    pub(crate) fn destination(&self) -> Option<&'a DestinationWalk> {
        self.walk.destinations.get(self.leg.destination?)
    }

    /// The cluster of this way.
    pub(crate) fn cluster(&self) -> Option<&'a ClusterTrail> {
        match self.destination() {
            Some(destination) => destination.trail.clusters.first(),
            None => self.walk.trail.clusters.get(self.leg.cluster?),
        }
    }

    /// Its name, taken apart.
    pub(crate) fn cluster_name(&self) -> Option<ClusterName> {
        ClusterName::parse(&self.cluster()?.name)
    }

    /// Whether the request ends because the cluster is not there.
    pub(crate) fn lacks_cluster(&self) -> bool {
        matches!(self.stop(), Some(Stop::NoCluster(_) | Stop::TcpNoCluster))
    }

    /// Whether the request ends because no host can be chosen.
    pub(crate) fn lacks_host(&self) -> bool {
        matches!(self.stop(), Some(Stop::NoHealthyUpstream | Stop::TcpNoHealthyUpstream))
    }

    /// A's namespace.
    pub(crate) fn namespace(&self) -> String {
        self.walk.request.source.as_ref().map_or_else(|| "default".to_owned(), |s| s.namespace.clone())
    }

    /// An object; `None` when it is not there or was not read. What is missing is asked for.
    pub(crate) fn object(&self, kind: Kind, namespace: &str, name: &str) -> Option<Node> {
        match self.look(self.snapshot.object(kind, namespace, name)) {
            Lookup::Found(node) => Some(node),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        }
    }

    /// Whether an object is known not to be there, and the proof.
    pub(crate) fn no_object(&self, kind: Kind, namespace: &str, name: &str) -> Option<Evidence> {
        match self.look(self.snapshot.object(kind, namespace, name)) {
            Lookup::Absent(evidence) => Some(evidence),
            Lookup::Found(_) | Lookup::Unread(_) => None,
        }
    }

    /// The objects of a kind; `None` when they were not read.
    pub(crate) fn objects(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        labels: &[(String, String)],
    ) -> Option<Vec<Node>> {
        match self.look(self.snapshot.objects(kind, namespace, labels)) {
            Lookup::Found(nodes) => Some(nodes),
            Lookup::Absent(_) => Some(Vec::new()),
            Lookup::Unread(_) => None,
        }
    }

    /// The policies of a kind that select the workload whose proxy ends this way: of its namespace, and of the mesh.
    pub(crate) fn policies_of_the_workload(&self, kind: Kind) -> Vec<Node> {
        let (own, labels) = match self.destination() {
            Some(there) => (there.namespace.clone(), there.pod.at("metadata.labels")),
            None => (self.namespace(), None),
        };
        let selects = |policy: &Node| {
            let wanted = policy.at("spec.selector.matchLabels").map(|l| l.members()).unwrap_or_default();
            wanted.iter().all(|(k, v)| labels.as_ref().is_none_or(|l| l.value().get(k) == Some(v.value())))
        };
        let mut namespaces = vec![own.as_str(), "istio-system"];
        namespaces.dedup();
        let all = namespaces.into_iter().filter_map(|namespace| self.objects(kind, Some(namespace), &[]));
        all.flatten().filter(selects).collect()
    }

    /// Proof that no object of a namespace carries these labels.
    pub(crate) fn none_of(&self, kind: Kind, namespace: &str, labels: &[(String, String)]) -> Option<Evidence> {
        match self.look(self.snapshot.objects(kind, Some(namespace), labels)) {
            Lookup::Absent(evidence) => Some(evidence),
            Lookup::Found(_) | Lookup::Unread(_) => None,
        }
    }

    /// The clusters that A's proxy has of a host; `None` when they were not read.
    pub(crate) fn clusters_of(&self, host: &str) -> Option<Vec<Node>> {
        match self.look(self.snapshot.clusters_of_host(Origin::Source(0), host)) {
            Lookup::Found(nodes) => Some(nodes),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        }
    }

    /// The hosts of another cluster of A's proxy: the list in `/clusters`.
    pub(crate) fn hosts_of(&self, cluster: &str) -> Option<Node> {
        match self.look(self.snapshot.hosts(Origin::Source(0), cluster)) {
            Lookup::Found(node) => node.get("host_statuses"),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        }
    }

    /// The Service behind this way's cluster, where it was read.
    pub(crate) fn service(&self) -> Option<Node> {
        let (namespace, name) = self.cluster_name()?.service()?;
        self.object(Kind::Service, &namespace, &name)
    }

    /// The object that the route came of, from Envoy's own metadata, with the node that says so.
    pub(crate) fn route_object(&self) -> Option<(ObjectRef, Evidence)> {
        Self::object_of_route(self.trail().route.as_ref()?)
    }

    /// The object that a route came of: a `VirtualService`, or the `HTTPRoute` behind a made-up one.
    pub(crate) fn object_of_route(route: &Node) -> Option<(ObjectRef, Evidence)> {
        if let Some((namespace, name, rule)) = istio::http_route_of(route) {
            let evidence = route.get("name")?.evidence();
            return Some((object_ref(Kind::HttpRoute, &namespace, &name, &format!("spec.rules[{rule}]")), evidence));
        }
        let (object, node) = istio::config_of(route)?;
        Some((object, node.evidence()))
    }

    /// The object that this way's cluster was shaped by: a `DestinationRule`.
    pub(crate) fn cluster_object(&self) -> Option<(ObjectRef, Evidence)> {
        let (object, node) = istio::config_of(self.cluster()?.cluster.as_ref()?)?;
        Some((object, node.evidence()))
    }

    /// A's own pod.
    pub(crate) fn source_pod(&self) -> Option<ObjectRef> {
        let pod = self.walk.request.source.as_ref()?;
        Some(object_ref(Kind::Pod, &pod.namespace, &pod.name, ""))
    }

    fn look<T>(&self, lookup: Lookup<T>) -> Lookup<T> {
        if let Lookup::Unread(need) = &lookup {
            self.needs.borrow_mut().insert(need.clone());
        }
        lookup
    }
}

/// An object's name, with the field to look at.
pub(crate) fn object_ref(kind: Kind, namespace: &str, name: &str, field: &str) -> ObjectRef {
    ObjectRef {
        api_version: kind.api_version(),
        kind: kind.name().to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        field: field.to_owned(),
    }
}

/// An object that was read, by its own words.
pub(crate) fn ref_of(kind: Kind, object: &Node, field: &str) -> ObjectRef {
    let text = |path: &str| object.text(path).unwrap_or_default();
    object_ref(kind, &text("metadata.namespace"), &text("metadata.name"), field)
}

/// `DestinationRule shop/product`.
pub(crate) fn named(object: &ObjectRef) -> String {
    if object.namespace.is_empty() {
        return format!("{} {}", object.kind, object.name);
    }
    format!("{} {}/{}", object.kind, object.namespace, object.name)
}

/// The command that shows an object.
pub(crate) fn show(object: &ObjectRef) -> String {
    let kind = object.kind.to_ascii_lowercase();
    if object.namespace.is_empty() {
        return format!("kubectl get {kind} {} -o yaml", object.name);
    }
    format!("kubectl -n {} get {kind} {} -o yaml", object.namespace, object.name)
}

/// The labels of a map, `key=value`.
pub(crate) fn labels_of(map: Option<&Node>) -> Vec<(String, String)> {
    let members = map.map(Node::members).unwrap_or_default();
    members.into_iter().filter_map(|(key, value)| Some((key, value.value().as_str()?.to_owned()))).collect()
}

/// `version=v3,app=x`.
pub(crate) fn label_text(labels: &[(String, String)]) -> String {
    labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}

/// `"a", "b" and "c"`.
pub(crate) fn quoted_list(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
    match &quoted[..] {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
