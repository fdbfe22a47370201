//! Clusters whose hosts are spoken to in other ways: over TLS, over HTTP/2, through a socket in the file system.

use serde_json::{Value, json};

use super::rng::Rng;
use super::{Unit, text};

const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const RAW: &str = "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
const OPTIONS: &str = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const OPTIONS_NAME: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

fn tls(rng: &mut Rng) -> Value {
    let mut context = json!({"@type": TLS, "common_tls_context": {"alpn_protocols": ["h2", "http/1.1"]}});
    if rng.chance(60) {
        context["sni"] = json!(rng.word(&["a.com", "b.com"]));
    }
    json!({"name": "tls", "typed_config": context})
}

/// One whose hosts refuse every connection, whatever would have been spoken.
pub(super) fn refusing(rng: &mut Rng, unit: &mut Unit) -> String {
    unit.warm = true;
    if rng.chance(25) {
        let nobody = json!({"endpoint": {"address": {"pipe": {"path": "nobody.sock"}}}});
        let endpoints = json!([{"lb_endpoints": [nobody]}]);
        return unit.cluster("pipe", json!({"load_assignment": {"cluster_name": "pipe", "endpoints": endpoints}}));
    }
    let mut short = json!({"endpoints": ["$refused"]});
    if rng.chance(70) {
        short["transport_socket"] = tls(rng);
    }
    let options = match rng.below(5) {
        0 => json!({"explicit_http_config": {"http2_protocol_options": {}}}),
        1 => json!({"use_downstream_protocol_config": {"http2_protocol_options": {}}}),
        // Which of both it is, the handshake decides.
        2 if short.get("transport_socket").is_some() => json!({"auto_config": {}}),
        3 => json!({"explicit_http_config": {"http_protocol_options": {}}}),
        _ => Value::Null,
    };
    with_options(&mut short, options);
    unit.own_cluster(short)
}

fn with_options(short: &mut Value, mut options: Value) {
    if options.is_object() {
        options["@type"] = json!(OPTIONS);
        short["typed_extension_protocol_options"] = json!({OPTIONS_NAME: options});
    }
}

/// One that answers: no socket but the plain one is for its host. Labels tell nothing of where a request goes.
pub(super) fn answering(rng: &mut Rng, unit: &mut Unit) -> String {
    let own = text::near(rng, "no");
    let metadata = json!({"filter_metadata": {"envoy.transport_socket_match": {"tls": own}}});
    let mut short = json!({"endpoints": [{"at": "$a", "metadata": metadata}], "eds": rng.chance(50)});
    let plain = json!({"name": "plain", "match": {"tls": "no"}, "transport_socket": {"name": "plain", "typed_config": {"@type": RAW}}});
    let secure = json!({"name": "tls", "match": {"tls": "yes"}, "transport_socket": tls(rng)});
    let mut matches = if rng.chance(50) { vec![plain, secure] } else { vec![secure] };
    rng.shuffle(&mut matches);
    short["transport_socket_matches"] = json!(matches);
    if rng.chance(40) {
        short["metadata"] = json!({"filter_metadata": {"istio": {"services": [{"host": "a.com"}]}}});
    }
    if rng.chance(30) {
        with_options(&mut short, json!({"explicit_http_config": {"http_protocol_options": {}}}));
    }
    unit.own_cluster(short)
}
