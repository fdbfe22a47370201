//! The cluster that a route's plugin names (`cluster_specifier_plugin`, `inline_cluster_specifier_plugin`).

use crate::envoy::any::JsonAny;
use crate::envoy::pb::envoy::config::route::v3::ClusterSpecifierPlugin;
use crate::envoy::pb::envoy::extensions::router::cluster_specifiers::matcher::v3::{
    ClusterAction, MatcherClusterSpecifier,
};
use crate::envoy::re2::Charset;
use crate::envoy::xds_matcher::{self, Led};
use crate::snapshot::Node;
use crate::walk::http::request::Http;
use crate::walk::http::route::header_input;
use crate::walk::way::typed_struct::plain;
use crate::walk::way::walker::Walker;

const PACKAGE: &str = "envoy.extensions.router.cluster_specifiers.";

/// What a plugin names.
pub(in crate::walk) enum Named {
    /// This cluster, and what says so.
    Cluster(String, Node),
    /// One of these, or another where they are not all; it cannot be told which, and why.
    Open { why: String, perhaps: Vec<(String, Node)>, are_all: bool },
}

/// What the route's plugin names, which stands in the route's action or, under its name, in the route configuration.
pub(in crate::walk) fn named(walker: &Walker, http: &Http, action: Option<&Node>, config: Option<&Node>) -> Named {
    let of_name = |name: &str| {
        let plugins = config.map(|config| config.list("cluster_specifier_plugins")).unwrap_or_default();
        plugins.into_iter().find(|plugin| plugin.text("extension.name").as_deref() == Some(name))
    };
    let inline = || action?.get("inline_cluster_specifier_plugin");
    let Some(plugin) = inline().or_else(|| of_name(&action?.text("cluster_specifier_plugin")?)) else {
        return open("the cluster specifier plugin that the route names is not there");
    };
    let any = plugin.decode().map(|plugin: ClusterSpecifierPlugin| plugin.extension?.typed_config);
    let (any, node) = match (any, plugin.at("extension.typed_config")) {
        (Ok(Some(any)), Some(node)) => plain(any, node),
        (Ok(_), _) => return open("the route's cluster specifier plugin has no configuration"),
        (Err(why), _) => return open(&why),
    };
    match any.type_name.strip_prefix(PACKAGE) {
        Some("matcher.v3.MatcherClusterSpecifier") => by_matcher(walker, http, &node),
        Some("lua.v3.LuaConfig") => by_lua(&node),
        Some("priority_group.v3.PriorityGroupClusterSpecifier") => by_priority(&node),
        Some(_) | None => open(&format!("which cluster {} names is not modeled", any.type_name)),
    }
}

fn open(why: &str) -> Named {
    Named::Open { why: why.to_owned(), perhaps: Vec::new(), are_all: false }
}

/// The cluster of the action that the matcher leads to; the empty name where it leads nowhere.
fn by_matcher(walker: &Walker, http: &Http, node: &Node) -> Named {
    let of_action = |any: &JsonAny| any.unpack::<ClusterAction>().map(|action| action.cluster);
    let config: MatcherClusterSpecifier = match node.decode() {
        Ok(config) => config,
        Err(why) => return open(&why),
    };
    let input = |any: &JsonAny| header_input(any, http);
    let asked = xds_matcher::Asked { input: &input, charset: Charset::of(walker.version) };
    let cluster = match config.cluster_matcher.as_ref().map_or(Led::Nowhere, |matcher| asked.follow(matcher)) {
        Led::To(any, _) => of_action(&any),
        Led::Nowhere => Ok(String::new()),
        Led::Unknown(why) => Err(why),
    };
    cluster.map_or_else(|why| open(&why), |cluster| Named::Cluster(cluster, node.clone()))
}

/// Its code names a cluster; where it fails, that is the default.
fn by_lua(node: &Node) -> Named {
    let at = node.get("default_cluster");
    let default = at.and_then(|at| Some((at.value().as_str()?.to_owned(), at))).filter(|(name, _)| !name.is_empty());
    let why = "which cluster its Lua code names is not modeled".to_owned();
    Named::Open { why, perhaps: default.into_iter().collect(), are_all: false }
}

/// One of its clusters, unless its groups are replaced for this request.
fn by_priority(node: &Node) -> Named {
    let clusters = node.list("priority_groups").into_iter().flat_map(|group| group.list("clusters"));
    let name = |cluster: Node| {
        let at = cluster.get("cluster_name")?;
        Some((at.value().as_str()?.to_owned(), at))
    };
    let why = "which cluster its priority groups draw is not modeled".to_owned();
    let are_all = node.get("override_metadata_namespace").is_none();
    Named::Open { why, perhaps: clusters.filter_map(name).collect(), are_all }
}
