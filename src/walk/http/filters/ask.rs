//! What a filter is asked about, and what it answers.

use std::collections::{BTreeMap, BTreeSet};

use crate::envoy::any::JsonAny;
use crate::envoy::fraction;
use crate::envoy::matcher::{Match, Reading};
use crate::envoy::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use crate::envoy::pb::envoy::config::route::v3::{
    FilterConfig, HeaderMatcher, RouteConfiguration, route, route_action::ClusterSpecifier,
};
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter,
};
use crate::envoy::subset::Criteria;
use crate::snapshot::Node;
use crate::verdict::Power;
use crate::walk::http::chosen::Chosen;
use crate::walk::http::host::Host;
use crate::walk::http::request::Http;
use crate::walk::http::route::header_matches;
use crate::walk::way::accepted::Sight;
use crate::walk::way::dial::Dial;
use crate::walk::way::open_headers::may_be_added;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

use super::configured::Configured;

/// The filters, and the levels that configure them.
pub(in crate::walk) struct Chain<'a> {
    pub(in crate::walk) manager: &'a HttpConnectionManager,
    pub(in crate::walk) node: &'a Node,
    /// The route configuration and where it stands; `None` where it was never delivered.
    pub(in crate::walk) config: Option<(&'a RouteConfiguration, &'a Node)>,
    pub(in crate::walk) host: &'a Host,
    pub(in crate::walk) dial: &'a Dial,
    pub(in crate::walk) sight: Sight,
    pub(in crate::walk) reach: Reach<'a>,
    /// What each filter is configured with.
    pub(in crate::walk) configured: &'a [Configured],
}

impl Chain<'_> {
    /// What the filter at this place is configured with, and where that stands.
    pub(super) fn own(&self, place: usize) -> Result<(&JsonAny, &Node), String> {
        match self.configured.get(place) {
            Some(Ok((any, node))) => Ok((any, node)),
            Some(Err(why)) => Err(why.clone()),
            None => Err("a filter is not where it was decoded".to_owned()),
        }
    }
}

/// What comes of asking the service behind a cluster of this name, which a filter names.
pub(in crate::walk) type Reach<'a> = &'a dyn Fn(&str) -> Reached;

/// Whether a filter's own service can be asked.
pub(in crate::walk) enum Reached {
    /// It may answer.
    Perhaps,
    /// No request ever gets there: why, in Envoy's words.
    Never(Stop),
}

/// What one filter does.
pub(super) enum Effect {
    /// Answers requests.
    Answers(Answer),
    /// Holds this share of them up.
    Delays(f64, Node),
    /// May set dynamic metadata under this name; `*` for any.
    SetsMetadata(String),
    /// Sets this dynamic metadata under this name.
    Writes(String, Criteria),
    /// Notes which policy of shadow rules matched, under this prefix.
    Shadows(String, Result<Option<String>, String>),
    /// Changes headers that later filters see.
    ChangesHeaders,
    /// Asks the route's cluster by itself.
    Caches,
    /// It is open what the filter does.
    Open(Vec<Power>, String),
    /// The same, of a filter whose kind says what it could do.
    Unknown(String),
}

/// A filter's own answer.
pub(super) struct Answer {
    /// The share of requests that get it.
    pub(super) share: f64,
    pub(super) stop: Stop,
    /// Who answers, in a few words.
    pub(super) by: &'static str,
    pub(super) note: String,
    /// The part of the configuration that says so.
    pub(super) node: Option<Node>,
}

impl Answer {
    /// Every request gets it.
    pub(super) fn to_all(stop: Stop, by: &'static str, note: String, node: Node) -> Effect {
        Effect::Answers(Self { share: 1.0, stop, by, note, node: Some(node) })
    }
}

/// A filter's own configuration where it applies to this route.
pub(super) struct Applied {
    pub(super) any: JsonAny,
    pub(super) node: Node,
}

/// What a filter is asked about.
pub(super) struct Ask<'a> {
    pub(super) walker: &'a Walker<'a>,
    pub(super) chain: &'a Chain<'a>,
    pub(super) chosen: &'a Chosen,
    pub(super) http: &'a Http,
    pub(super) before: &'a Before,
    pub(super) filter: &'a HttpFilter,
    /// The filter's place among all.
    pub(super) place: usize,
}

/// What the filters before have left behind.
#[derive(Clone, Default)]
pub(super) struct Before {
    /// The names under which they may have set dynamic metadata.
    pub(super) metadata: BTreeSet<String>,
    /// What they ask of hosts by what they wrote under `envoy.lb`.
    pub(super) criteria: Criteria,
    /// Why more may be asked.
    pub(super) unsure: Option<String>,
    pub(super) headers_changed: bool,
    /// One of them changes headers, so that B's side cannot be sure of them either.
    pub(super) passed_a_change: bool,
    /// The policy that matched in shadow rules, by the prefix of their statistics; an error where it cannot be told.
    pub(super) shadows: BTreeMap<String, Result<Option<String>, String>>,
}

impl Ask<'_> {
    /// The filter's own configuration.
    pub(super) fn own(&self) -> Result<(&JsonAny, &Node), String> {
        self.chain.own(self.place)
    }

    /// Where the filter's own configuration stands.
    pub(super) fn own_node(&self) -> Option<Node> {
        self.own().ok().map(|(_, node)| node.clone())
    }

    /// A share of requests that runtime may override; `unset` where it is not configured.
    /// Whether the route forwards to a cluster.
    pub(super) fn forwards(&self) -> bool {
        matches!(self.chosen.route.as_ref().map(|hit| &hit.route.action), Some(Some(route::Action::Route(_))))
    }

    pub(super) fn share(&self, percent: Option<&RuntimeFractionalPercent>, unset: f64) -> Result<f64, String> {
        let Some(percent) = percent else { return Ok(unset) };
        match self.walker.runtime_percent(&percent.runtime_key) {
            Some(share) => share,
            None => Ok(fraction::share(percent.default_value.as_ref())),
        }
    }

    /// A header matcher, as of this filter's turn.
    pub(super) fn header(&self, header: &HeaderMatcher) -> Match {
        self.header_of(header, Reading::of(self.walker.version))
    }

    /// Whether it is open what a header says by now, or whether it is there.
    pub(super) fn is_open(&self, name: &str) -> bool {
        let given = !self.http.values(name).is_empty();
        self.before.headers_changed || self.http.open.why(name, given).is_some()
    }

    /// The first value of a header; empty without one.
    pub(super) fn first(&self, name: &str) -> &str {
        self.http.values(name).first().copied().unwrap_or_default()
    }

    /// The same, read in a way of the filter's own.
    pub(super) fn header_of(&self, header: &HeaderMatcher, reading: Reading) -> Match {
        let name = header.name.to_ascii_lowercase();
        if self.before.headers_changed {
            return Match::Unknown("headers may have been changed by then".to_owned());
        }
        if self.http.values(&name).is_empty() && may_be_added(&name) {
            return Match::Unknown(format!("a proxy may add the header {name}"));
        }
        header_matches(header, self.http, reading)
    }
}

/// The type of the filter's own configuration.
pub(super) fn own_type<'a>(ask: &'a Ask) -> &'a str {
    ask.own().map_or("", |(any, _)| &any.type_name)
}

/// The entries of all levels that have one, the most specific first, unwrapped where they can be.
pub(super) fn levels(chain: &Chain, chosen: &Chosen, name: &str) -> Vec<Applied> {
    let unwrapped = |(any, node): (JsonAny, Node)| {
        let wrapped = any.type_name == "envoy.config.route.v3.FilterConfig";
        let inner = || Some((any.unpack::<FilterConfig>().ok()?.config?, node.get("config")?));
        let (any, node) = if wrapped { inner()? } else { (any, node) };
        Some(Applied { any, node })
    };
    entries(chain, chosen, name).into_iter().filter_map(unwrapped).collect()
}

/// The entries of all levels that have one, the most specific first.
pub(super) fn entries(chain: &Chain, chosen: &Chosen, name: &str) -> Vec<(JsonAny, Node)> {
    let entry = |map: &BTreeMap<String, JsonAny>, node: &Node| -> Option<(JsonAny, Node)> {
        Some((map.get(name)?.clone(), node.get("typed_per_filter_config")?.get(name)?))
    };
    let (Some(hit), Host::Found(host, table)) = (&chosen.route, chain.host) else { return Vec::new() };
    let of_weighted = || {
        let at = hit.node.at("route.weighted_clusters.clusters")?;
        let weighted = hit.weighted()?;
        let i = chosen.only.as_ref()?.entry;
        entry(&weighted.clusters.get(i)?.typed_per_filter_config, &at.index(i)?)
    };
    let all = [
        of_weighted(),
        entry(&hit.route.typed_per_filter_config, &hit.node),
        entry(&host.typed_per_filter_config, table.node()),
        chain.config.and_then(|(config, node)| entry(&config.typed_per_filter_config, node)),
    ];
    all.into_iter().flatten().collect()
}

/// The cluster that the router will be asked for; `None` where the route forwards to none.
pub(super) fn cluster_name<'a>(chosen: &'a Chosen, http: &'a Http) -> Result<Option<&'a str>, String> {
    let Some(route::Action::Route(action)) = chosen.route.as_ref().and_then(|hit| hit.route.action.as_ref()) else {
        return Ok(None);
    };
    match &action.cluster_specifier {
        Some(ClusterSpecifier::Cluster(name)) => Ok(Some(name)),
        Some(ClusterSpecifier::ClusterHeader(header)) => {
            Ok(Some(http.values(header).first().copied().unwrap_or_default()))
        }
        Some(ClusterSpecifier::WeightedClusters(_)) => match &chosen.only {
            Some(drawn) => Ok(Some(&drawn.cluster)),
            None => Err("which weighted cluster is drawn is not known".to_owned()),
        },
        Some(ClusterSpecifier::ClusterSpecifierPlugin(_) | ClusterSpecifier::InlineClusterSpecifierPlugin(_)) => {
            Err("which cluster a plugin names is not known to filters".to_owned())
        }
        None => Err("the route's cluster specifier is not modeled".to_owned()),
    }
}
