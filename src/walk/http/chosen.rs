//! A route that the request takes.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::envoy::draw::Draw;
use crate::envoy::pb::envoy::config::route::v3::route_match::PathSpecifier;
use crate::envoy::pb::envoy::config::route::v3::{Route, WeightedCluster, route, route_action::ClusterSpecifier};
use crate::snapshot::Node;

/// A route that the request takes.
#[derive(Clone)]
pub(in crate::walk) struct Chosen {
    /// Which number is drawn for these requests.
    pub(in crate::walk) draw: Draw,
    /// `None`: no route.
    pub(in crate::walk) route: Option<Rc<Hit>>,
    /// Of a route to weighted clusters, the one that was drawn, where filters tell them apart.
    pub(in crate::walk) only: Option<Drawn>,
}

/// A weighted cluster that was drawn.
#[derive(Clone)]
pub(in crate::walk) struct Drawn {
    /// Among the entries of `weighted_clusters`.
    pub(in crate::walk) entry: usize,
    pub(in crate::walk) cluster: String,
}

/// A route, and where it is.
pub(in crate::walk) struct Hit {
    /// Among the routes of the virtual host; `None` for one that a matcher led to.
    pub(in crate::walk) index: Option<usize>,
    pub(in crate::walk) route: Route,
    pub(in crate::walk) node: Node,
    /// What of it is not modeled, once that was asked.
    pub(in crate::walk) unmodeled: OnceCell<Option<String>>,
}

impl Chosen {
    /// No route, whatever is drawn.
    pub(in crate::walk) fn none() -> Self {
        Self { draw: Draw::default(), route: None, only: None }
    }
}

impl Hit {
    /// Its weighted clusters, where it forwards to such.
    pub(in crate::walk) fn weighted(&self) -> Option<&WeightedCluster> {
        match self.route.action.as_ref()? {
            route::Action::Route(action) => match action.cluster_specifier.as_ref()? {
                ClusterSpecifier::WeightedClusters(weighted) => Some(weighted),
                ClusterSpecifier::Cluster(_)
                | ClusterSpecifier::ClusterHeader(_)
                | ClusterSpecifier::ClusterSpecifierPlugin(_)
                | ClusterSpecifier::InlineClusterSpecifierPlugin(_) => None,
            },
            route::Action::Redirect(_) | route::Action::DirectResponse(_) | route::Action::NonForwardingAction(_) => {
                None
            }
        }
    }

    /// Its name, or its match, in words.
    pub(in crate::walk) fn words(&self) -> String {
        describe(&self.route, self.index)
    }
}

/// A route's name, or its match, in words.
pub(in crate::walk) fn describe(route: &Route, index: Option<usize>) -> String {
    if !route.name.is_empty() {
        return format!("route \"{}\"", route.name);
    }
    let route_of = index.map_or_else(|| "the matcher's route".to_owned(), |index| format!("route {index}"));
    match route.r#match.as_ref().and_then(|m| m.path_specifier.as_ref()) {
        Some(PathSpecifier::Prefix(p)) => format!("{route_of}, prefix \"{p}\""),
        Some(PathSpecifier::Path(p)) => format!("{route_of}, path \"{p}\""),
        Some(PathSpecifier::PathSeparatedPrefix(p)) => format!("{route_of}, path prefix \"{p}\""),
        Some(PathSpecifier::SafeRegex(r)) => format!("{route_of}, regex \"{}\"", r.regex),
        Some(PathSpecifier::ConnectMatcher(_)) => format!("{route_of}, CONNECT"),
        Some(PathSpecifier::PathMatchPolicy(_)) => format!("{route_of}, path template"),
        None => route_of,
    }
}
