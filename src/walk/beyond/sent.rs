//! The request as A's proxy sends it on, and how it speaks to B.

use crate::envoy::domains;
use crate::snapshot::Node;
use crate::verdict::{Power, Stage};
use crate::walk::way::dial::{Dial, Layer};
use crate::walk::way::forwarded::{Handed, Over, Taken, Underscores};
use crate::walk::way::guard::{Condition, TLS_IN_TLS};
use crate::walk::way::met::{ClusterTrail, Socket};
use crate::walk::way::protocol::Protocol;
use crate::walk::way::question::{Asks, Question};

/// The request as A's proxy sends it on; an error says what of it is not modeled.
pub(in crate::walk) fn as_sent(question: &Question, over: &Over) -> Result<Question, String> {
    let mut sent = Question { tls: false, ..question.clone() };
    let Some(taken) = over.http() else { return Ok(sent) };
    sent.authority = Some(taken.authority.clone());
    sent.path.clone_from(&taken.path);
    sent.headers.retain(|(name, _)| taken.underscores == Underscores::Kept || !name.contains('_'));
    let Some(action) = &taken.action else { return Ok(sent) };
    if let Some(field) = opaque(action) {
        return Err(format!("what `{field}` makes of the request is not modeled"));
    }
    if let Some(host) = action.text("host_rewrite_literal") {
        sent.authority = Some(host);
    }
    if let Some(rewrite) = action.text("prefix_rewrite") {
        let path = rewritten(taken, &sent.path, &rewrite);
        sent.path = path.ok_or_else(|| "what `prefix_rewrite` makes of the request is not modeled".to_owned())?;
        // Others of its kind may come with paths that B tells apart.
        sent.asks = Asks::One;
    }
    Ok(sent)
}

/// The field of a route's action whose rewriting is not modeled.
fn opaque(action: &Node) -> Option<&'static str> {
    let opaque = [
        "regex_rewrite",
        "path_rewrite",
        "path_rewrite_policy",
        "host_rewrite_header",
        "host_rewrite_path_regex",
        "auto_host_rewrite",
    ];
    let own = |field: &&str| action.get(field).is_some_and(|value| value.value().as_bool() != Some(false));
    let weighted = action.get("weighted_clusters").map(|w| w.list("clusters")).unwrap_or_default();
    let of_cluster = weighted.iter().any(|c| c.get("host_rewrite_literal").is_some()).then_some("host_rewrite_literal");
    opaque.into_iter().find(own).or(of_cluster)
}

fn rewritten(taken: &Taken, path: &str, rewrite: &str) -> Option<String> {
    let wanted = taken.matched.as_ref()?;
    let matched = ["prefix", "path", "path_separated_prefix"].iter().find_map(|f| wanted.text(f))?;
    let (own, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    Some(format!("{rewrite}{}{query}", own.get(matched.len()..)?))
}

/// What A's proxy speaks to B over HTTP: as the cluster says, else HTTP/1.1; `None` where the handshake decides.
pub(in crate::walk) fn upstream_protocol(handed: &Handed) -> Option<Protocol> {
    let has = |field: &str| has_option(handed, field);
    let asked = handed.dial.protocol;
    let http2 = if asked == Protocol::Grpc { Protocol::Grpc } else { Protocol::Http2 };
    if has("auto_config") {
        None
    } else if has("explicit_http_config.http2_protocol_options") {
        Some(http2)
    } else if has("use_downstream_protocol_config") {
        Some(asked)
    } else {
        Some(Protocol::Http1)
    }
}

/// What is open where an upgrade goes on over HTTP/2 to somebody who is not known: it takes a CONNECT of another kind,
/// which few servers do (502 UPE where it does not).
pub(in crate::walk) fn upgrade_over_http2(handed: &Handed) -> Option<Condition> {
    let wanted = handed.over.http()?.upgrade.as_deref()?;
    let cluster = handed.cluster.as_ref().map_or("", |cluster| cluster.name.as_str());
    let over_http2 = upstream_protocol(handed).is_none_or(Protocol::is_http2);
    let why = format!("cluster {cluster} speaks HTTP/2, and whether B takes {wanted} over that is not known");
    let condition = Condition::of(Stage::Endpoints, cluster, &[Power::Refuse], &why);
    over_http2.then(|| condition.provided_that(&format!("B takes {wanted} over HTTP/2 (extended CONNECT)")))
}

/// The client's own TLS goes into the TLS of A's proxy. A server that ends one of them finds the other where it wants its
/// own protocol to begin.
pub(in crate::walk) fn tls_inside_tls(handed: &Handed) -> Option<Condition> {
    let cluster = handed.cluster.as_deref()?;
    let mut sockets = cluster.eligible().map(|host| host.socket.as_deref()).chain([cluster.own_socket.as_deref()]);
    let is_sealed = handed.dial.layer == Layer::Sealed && handed.over.http().is_none();
    if !is_sealed || !sockets.any(|socket| socket.is_some_and(Socket::is_tls)) {
        return None;
    }
    let name = &cluster.name;
    let why = format!(
        "the client speaks TLS itself, and cluster {name} puts TLS around that: whether B takes TLS inside of TLS is not known"
    );
    let condition = Condition::of(Stage::Endpoints, TLS_IN_TLS, &[Power::Refuse], &why);
    let socket = cluster.cluster.as_ref().and_then(|cluster| cluster.get("transport_socket"));
    let evidence = socket.and_then(|socket| socket.get("name")).map(|name| name.evidence());
    Some(Condition { evidence: evidence.into_iter().collect(), ..condition.provided_that("B takes TLS inside of TLS") })
}

/// Where a cluster says that the names in TLS follow the Host.
const NAMES_BY_HOST: &str = "upstream_http_protocol_options";

/// Whether the cluster lets the Host decide about names in TLS in this way.
pub(in crate::walk) fn names_by_host(handed: &Handed, field: &str) -> bool {
    handed.over.http().is_some() && has_option(handed, &format!("{NAMES_BY_HOST}.{field}"))
}

/// The name in the Host that is sent to B, without its port.
pub(in crate::walk) fn name_of_host(sent: &Question, dial: &Dial) -> String {
    let host = sent.authority.as_deref().unwrap_or(&dial.host);
    domains::without_port(host).trim_matches(['[', ']']).to_owned()
}

/// Whether the cluster's HTTP options have this field.
fn has_option(handed: &Handed, field: &str) -> bool {
    let options = handed.cluster.as_deref().and_then(ClusterTrail::http_options);
    options.is_some_and(|options| options.at(field).is_some())
}
