//! Pairs of proxies that speak TLS to each other, with certificates of their own.
//!
//! ```yaml
//! certificates:
//!   ca: {}                    # signs itself; another may be `called` the same, and `reach` so many authorities
//!                             # down; `identified` certificates say which key their authority has
//!   a: {by: ca, uris: [spiffe://shop/a], days: [-1, 30], usages: [client, server]}
//! tls:
//!   fine: {client: {shows: a, trusts: ca}, server: {shows: b, trusts: ca, requires: true}}
//! ```
//!
//! Each entry becomes a cluster of A's and a listener of B's, in one Envoy: `/fine` leads there by HTTP, and a listener
//! of A's at 127.1.1.N (N counts the entries) by TCP. With `after` it is asked once more, after requests; a text there
//! says why that may be unknown, and `unknown` why all of it may. Besides, a side has `expects` (string matchers), `names` (typed
//! ones), `versions`, `delivered: true` for secrets that are discovered, and `context`, `validation`: Envoy's own fields.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType,
};
use serde_json::{Map, Value, json};

use crate::config::{discovered_from, items, object, take};

const V3: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";

/// Certificates by name, and where those that are discovered are written.
pub(crate) struct Certificates {
    pems: BTreeMap<String, (String, String)>,
    directory: tempfile::TempDir,
}

/// Takes `certificates` and `tls` out of a case, and puts in what they stand for. What is discovered lies in the
/// directory that is returned.
pub(crate) fn expand(short: &mut Map<String, Value>) -> Option<tempfile::TempDir> {
    let certificates = Certificates::new(object(short.remove("certificates")?));
    let mut routes = Vec::new();
    let mut listeners = Vec::new();
    let mut clusters = object(json!({"app": ["$app"]}));
    let mut requests = Vec::new();
    for (index, (name, pair)) in object(take(short, "tls")).into_iter().enumerate() {
        let mut pair = object(pair);
        let (client, server) = (object(take(&mut pair, "client")), object(take(&mut pair, "server")));
        let at = format!("$proxy-{name}");
        let tcp = format!("127.1.1.{}:80", index + 1);
        let mut cluster =
            object(json!({"endpoints": [at], "transport_socket": certificates.socket("Upstream", client)}));
        cluster.extend(object(take(&mut pair, "cluster")));
        clusters.insert(name.clone(), Value::Object(cluster));
        let mut chain = object(json!({"transport_socket": certificates.socket("Downstream", server), "tcp": "app"}));
        chain.extend(object(take(&mut pair, "chain")));
        listeners.push(json!({"name": format!("b-{name}"), "address": at, "bound": true, "chains": [chain]}));
        listeners.push(json!({"name": format!("tcp-{name}"), "address": tcp, "tcp": name}));
        routes.push(json!({"name": name, "match": {"path": format!("/{name}")}, "route": {"cluster": name}}));
        let host = take(&mut pair, "host");
        let open = take(&mut pair, "unknown");
        requests.push(json!({"path": format!("/{name}"), "host": host, "may_be_unknown": open}));
        requests.push(json!({"to": tcp, "protocol": "tcp", "may_be_unknown": open}));
        if let Some(unknown) = pair.remove("after") {
            let unknown = unknown.as_str();
            requests.push(json!({"path": format!("/{name}"), "host": host, "ask_after": 2, "may_be_unknown": unknown}));
        }
        assert!(pair.is_empty(), "unknown keys {pair:?}");
    }
    listeners.push(json!({"name": "web", "address": "127.1.0.1:80", "http": {"routes": routes}}));
    short.insert("listeners".to_owned(), Value::Array(listeners));
    short.insert("clusters".to_owned(), Value::Object(clusters));
    short.insert("requests".to_owned(), Value::Array(requests));
    short.insert("pod".to_owned(), json!(crate::backend::POD.to_string()));
    Some(certificates.directory)
}

impl Certificates {
    fn new(wanted: Map<String, Value>) -> Self {
        let mut issuers: BTreeMap<String, CertifiedIssuer<'static, KeyPair>> = BTreeMap::new();
        let mut pems = BTreeMap::new();
        let mut rest: Vec<(String, Map<String, Value>)> =
            wanted.into_iter().map(|(name, fields)| (name, object(fields))).collect();
        while !rest.is_empty() {
            let ready = |fields: &Map<String, Value>| match fields.get("by").and_then(Value::as_str) {
                Some(by) => issuers.contains_key(by),
                None => true,
            };
            let at = rest.iter().position(|(_, fields)| ready(fields)).expect("every `by` names a certificate");
            let (name, fields) = rest.remove(at);
            let by = fields.get("by").and_then(Value::as_str).map(|by| &issuers[by]);
            let key = KeyPair::generate().expect("a key");
            let private = key.serialize_pem();
            let params = params(&name, &fields);
            let issued = match by {
                Some(by) => CertifiedIssuer::signed_by(params, key, by),
                None => CertifiedIssuer::self_signed(params, key),
            };
            let issued = issued.unwrap_or_else(|error| panic!("certificate {name}: {error}"));
            pems.insert(name.clone(), (issued.pem(), private));
            issuers.insert(name, issued);
        }
        Self { pems, directory: tempfile::tempdir().expect("a directory") }
    }

    fn socket(&self, direction: &str, mut side: Map<String, Value>) -> Value {
        let delivered = take(&mut side, "delivered") == json!(true);
        let mut common = object(take(&mut side, "context"));
        let mut validation = object(take(&mut side, "validation"));
        for (key, field) in [("expects", "match_subject_alt_names"), ("names", "match_typed_subject_alt_names")] {
            if let Some(matchers) = side.remove(key) {
                validation.insert(field.to_owned(), matchers);
            }
        }
        if let [lowest, highest] = &items(take(&mut side, "versions"))[..] {
            let params = json!({"tls_minimum_protocol_version": lowest, "tls_maximum_protocol_version": highest});
            common.insert("tls_params".to_owned(), params);
        }
        let (shows, trusts) = (take(&mut side, "shows"), take(&mut side, "trusts"));
        if let Some(own) = shows.as_str() {
            let (pem, key) = (self.chain(own), self.pems[own.split('+').next().unwrap_or_default()].1.clone());
            let certificate =
                json!({"certificate_chain": {"inline_string": pem}, "private_key": {"inline_string": key}});
            if delivered {
                let config = self.delivered(own, "tls_certificate", &certificate);
                common.insert("tls_certificate_sds_secret_configs".to_owned(), json!([config]));
            } else {
                common.insert("tls_certificates".to_owned(), json!([certificate]));
            }
        }
        let authority = trusts.as_str().map(|names| {
            // Istio's agent delivers bytes.
            let bytes = || json!({"inline_bytes": BASE64_STANDARD.encode(self.chain(names))});
            json!({"trusted_ca": if delivered { bytes() } else { json!({"inline_string": self.chain(names)}) }})
        });
        match authority {
            Some(authority) if delivered && validation.is_empty() => {
                let config = self.delivered(trusts.as_str().unwrap_or_default(), "validation_context", &authority);
                common.insert("validation_context_sds_secret_config".to_owned(), config);
            }
            Some(authority) if delivered => {
                let config = self.delivered(trusts.as_str().unwrap_or_default(), "validation_context", &authority);
                let both =
                    json!({"default_validation_context": validation, "validation_context_sds_secret_config": config});
                common.insert("combined_validation_context".to_owned(), both);
            }
            authority => {
                validation.extend(object(authority.unwrap_or_default()));
                if !validation.is_empty() {
                    common.insert("validation_context".to_owned(), Value::Object(validation));
                }
            }
        }
        let mut typed = object(json!({"@type": format!("{V3}.{direction}TlsContext"), "common_tls_context": common}));
        if take(&mut side, "requires") == json!(true) {
            typed.insert("require_client_certificate".to_owned(), json!(true));
        }
        typed.extend(side);
        json!({"name": "envoy.transport_sockets.tls", "typed_config": typed})
    }

    /// `leaf+intermediate` is a chain.
    fn chain(&self, names: &str) -> String {
        names.split('+').map(|name| self.pems[name].0.as_str()).collect()
    }

    /// Writes a secret, and says where it is.
    fn delivered(&self, name: &str, kind: &str, content: &Value) -> Value {
        // Of one name there can be one of each kind; the dump tells them apart by nothing but their content.
        let name = format!("{name}.{kind}");
        let secret = json!({"@type": format!("{V3}.Secret"), "name": name, kind: content});
        let path = self.directory.path().join(format!("{name}.json"));
        write(&path, &json!({"resources": [secret]}));
        json!({"name": name, "sds_config": discovered_from(&path.to_string_lossy())})
    }
}

fn write(path: &Path, value: &Value) {
    fs::write(path, value.to_string()).expect("a secret");
}

fn params(name: &str, fields: &Map<String, Value>) -> CertificateParams {
    let list = |key: &str| items(fields.get(key).cloned().unwrap_or_default());
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let called = fields.get("called").and_then(Value::as_str).unwrap_or(name);
    params.distinguished_name.push(DnType::OrganizationName, called);
    let uri = |value: &Value| SanType::URI(text(value).try_into().expect("a URI"));
    let dns = |value: &Value| SanType::DnsName(text(value).try_into().expect("a name"));
    let ip = |value: &Value| SanType::IpAddress(text(value).parse().expect("an address"));
    params.subject_alt_names.extend(list("uris").iter().map(uri));
    params.subject_alt_names.extend(list("dns").iter().map(dns));
    params.subject_alt_names.extend(list("ips").iter().map(ip));
    params.extended_key_usages = list("usages")
        .iter()
        .map(|usage| match usage.as_str() {
            Some("client") => ExtendedKeyUsagePurpose::ClientAuth,
            Some("server") => ExtendedKeyUsagePurpose::ServerAuth,
            _ => panic!("usage {usage}"),
        })
        .collect();
    params.use_authority_key_identifier_extension = fields.get("identified") == Some(&json!(true));
    let day = time::Duration::days(1);
    let days = list("days");
    let after = |index: usize, default: i32| {
        let days = days.get(index).and_then(Value::as_i64).and_then(|days| i32::try_from(days).ok()).unwrap_or(default);
        time::OffsetDateTime::now_utc() + day * days
    };
    (params.not_before, params.not_after) = (after(0, -1), after(1, 30));
    let is_authority = fields.is_empty() || fields.contains_key("authority") || fields.get("by").is_none();
    if is_authority {
        let reach = fields.get("reach").and_then(Value::as_u64).and_then(|reach| u8::try_from(reach).ok());
        params.is_ca = IsCa::Ca(reach.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
    }
    params
}
