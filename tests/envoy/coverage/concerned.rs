//! Which messages of Envoy's API could decide of a request, or would be thought to: those that the walk reads or calls
//! harmless, and all that their fields hold.

use std::collections::BTreeSet;

use mesh_why::envoy::{fields, harmless};

use crate::api::{Api, Holds, Message, Standing};

/// Messages that the walk reads without `proto/`, or whose mere presence tells it something.
const READ: &[&str] = &[
    "envoy.config.route.v3.ScopedRouteConfiguration",
    "envoy.extensions.clusters.dns.v3.DnsCluster",
    "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
    "envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth",
    "envoy.extensions.filters.http.basic_auth.v3.BasicAuth",
    "envoy.extensions.filters.http.buffer.v3.Buffer",
    "envoy.extensions.filters.http.cdn_loop.v3.CdnLoopConfig",
    "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
    "envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor",
    "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
    "envoy.extensions.filters.http.header_to_metadata.v3.Config",
    "envoy.extensions.filters.http.ip_tagging.v3.IPTagging",
    "envoy.extensions.filters.http.lua.v3.Lua",
    "envoy.extensions.filters.http.oauth2.v3.OAuth2",
    "envoy.extensions.filters.http.on_demand.v3.OnDemand",
    "envoy.extensions.filters.http.ratelimit.v3.RateLimit",
    "envoy.extensions.filters.http.set_filter_state.v3.Config",
    "envoy.extensions.filters.http.set_metadata.v3.Config",
    "envoy.extensions.filters.http.stateful_session.v3.StatefulSession",
    "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
    "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
    "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
    "envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit",
    "envoy.extensions.filters.network.sni_cluster.v3.SniCluster",
    "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
    "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
    "envoy.extensions.transport_sockets.tap.v3.Tap",
];

/// Where it ends, a message or a whole package: what these hold decides nothing by itself.
const LEAVES: &[&str] = &[
    // Values of every message, without a meaning of their own.
    "google",
    "envoy.config.core.v3.DataSource",
    "envoy.config.core.v3.HeaderValue",
    // Where things are fetched from, and whom a filter asks: what came of it is in the dump, or a condition.
    "envoy.config.core.v3.ApiConfigSource",
    "envoy.config.core.v3.AsyncDataSource",
    "envoy.config.core.v3.ConfigSource",
    "envoy.config.core.v3.GrpcService",
    "envoy.config.core.v3.HttpService",
    "envoy.config.core.v3.HttpUri",
    "envoy.config.core.v3.RemoteDataSource",
    "envoy.config.core.v3.WatchedDirectory",
    "envoy.config.common.key_value",
    // What is written down of requests.
    "envoy.config.accesslog",
    "envoy.config.core.v3.SubstitutionFormatString",
    "envoy.config.metrics",
    "envoy.config.tap",
    "envoy.config.trace",
    "envoy.extensions.common.tap",
    "envoy.type.tracing",
];

/// Their fields, each after its message's name.
pub(super) fn fields(api: &Api) -> BTreeSet<String> {
    let fields = |name: &String| -> Vec<String> {
        let fields = api.message(name).into_iter().flat_map(|message| &message.fields);
        fields.map(|field| format!("{name}.{}", field.name)).collect()
    };
    messages(api).iter().flat_map(fields).collect()
}

/// Those of all fields that are not to be used any more.
pub(super) fn deprecated(api: &Api) -> BTreeSet<String> {
    let of = |(name, message): (&String, &Message)| -> Vec<String> {
        let old = message.fields.iter().filter(|field| field.standing == Standing::Deprecated);
        old.map(|field| format!("{name}.{}", field.name)).collect()
    };
    api.messages().flat_map(of).collect()
}

/// What the walk knows, and what that holds.
fn messages(api: &Api) -> BTreeSet<String> {
    let known = roots(api);
    let is_filter = |file: &&str| file.starts_with("envoy/extensions/filters/");
    let files: BTreeSet<&str> =
        known.iter().filter_map(|name| Some(api.message(name)?.file.as_str())).filter(is_filter).collect();
    // What routes say to a filter stands in its file.
    let beside = api.messages().filter(|(_, message)| files.contains(message.file.as_str()));
    let mut open: Vec<String> = known.iter().cloned().chain(beside.map(|(name, _)| name.clone())).collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if is_leaf(&name) || !found.insert(name.clone()) {
            continue;
        }
        for field in api.message(&name).into_iter().flat_map(|message| &message.fields) {
            match &field.holds {
                Holds::Message(inner) | Holds::Map(inner) => open.push(inner.clone()),
                Holds::Value => {}
            }
        }
    }
    found
}

fn roots(api: &Api) -> BTreeSet<String> {
    let is_known = |name: &str| {
        let is_harmless = [harmless::http_filter, harmless::network_filter, harmless::listener_filter]
            .iter()
            .any(|reason| reason(name).is_some());
        is_harmless || fields::is_modeled(name) || READ.contains(&name)
    };
    // What the admin endpoint says is no configuration.
    let configured = api.messages().map(|(name, _)| name).filter(|name| !name.starts_with("envoy.admin"));
    configured.filter(|name| is_known(name)).cloned().collect()
}

fn is_leaf(name: &str) -> bool {
    let is_in = |leaf: &str| name.strip_prefix(leaf).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    LEAVES.iter().any(|leaf| is_in(leaf))
}
