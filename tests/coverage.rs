//! Every field of `proto/` is read: what is decoded and not looked at would be taken for understood.
//!
//! The compiler says what is read: with the feature `marked-fields` it warns wherever a field is used. Fields that are
//! read another way are listed here, with the way. `tests/envoy/coverage.txt` has the other half: fields that no real
//! Envoy has been asked about.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use common::none;
use mesh_why::envoy::fields::{Kind, MESSAGES};
use serde_json::Value;

/// Looked up in the JSON by its name, which stands between quotes in the sources.
const IN_JSON: &[&str] = &[
    "envoy.config.cluster.v3.Cluster.load_assignment",
    "envoy.config.cluster.v3.Cluster.metadata",
    "envoy.config.cluster.v3.Cluster.outlier_detection",
    "envoy.config.cluster.v3.OutlierDetection.max_ejection_percent",
    "envoy.config.endpoint.v3.ClusterLoadAssignment.cluster_name",
    "envoy.config.route.v3.Route.metadata",
    "envoy.config.route.v3.RouteConfiguration.virtual_hosts",
    "envoy.config.route.v3.VirtualHost.domains",
    "envoy.config.route.v3.VirtualHost.routes",
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig.http2_protocol_options",
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.auto_config",
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.explicit_http_config",
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.use_downstream_protocol_config",
];

/// Harmless as a whole, but for fields in it that the unknown rule is to find.
const FOR_THE_UNKNOWN_RULE: &[&str] = &[
    "envoy.config.route.v3.VirtualHost.retry_policy",
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.retry_policy",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.local_reply_config",
    "envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig.mappers",
];

/// Variables that cargo sets for the tests of a package.
const OF_A_PACKAGE: &[&str] =
    &["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];

#[test]
fn every_field_is_read() {
    let used = used();
    assert!(used.len() > 100, "the compiler names only {} fields", used.len());
    let sources = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    let mut complaints = Vec::new();
    for (message, fields) in MESSAGES {
        for (name, kind) in *fields {
            let field = format!("{message}.{name}");
            let listed = IN_JSON.contains(&field.as_str()) || FOR_THE_UNKNOWN_RULE.contains(&field.as_str());
            // Of an enumeration the generated accessor is called.
            let is_read = used.contains(&field) || *kind == Kind::Enum && sources.contains(&format!(".{name}()"));
            match (is_read, listed) {
                (true, true) => complaints.push(format!("{field} is read: strike it off")),
                (false, false) => complaints.push(format!("{field} is decoded, and nothing reads it")),
                (true, false) | (false, true) => {}
            }
        }
    }
    for field in IN_JSON {
        let name = field.rsplit('.').next().unwrap_or_default();
        let looked_up = [format!("\"{name}\""), format!("\"{name}."), format!(".{name}\"")];
        if !looked_up.iter().any(|text| sources.contains(text)) {
            complaints.push(format!("{field}: the sources look up no `{name}`"));
        }
    }
    none(&complaints);
}

/// The fields that the compiler warns of, outside of the generated code.
fn used() -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["check", "--lib", "--features", "marked-fields", "--message-format", "json", "--quiet"]);
    // A crate that is built for this package's own variables would be built anew.
    let own = std::env::vars_os().map(|(name, _)| name);
    for name in own.filter(|name| OF_A_PACKAGE.iter().any(|start| name.to_string_lossy().starts_with(start))) {
        cargo.env_remove(name);
    }
    let output = cargo.output().expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo check: {errors}");
    let mut used = BTreeSet::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Value = serde_json::from_str(line).expect("a message of cargo's");
        let spans = message["message"]["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
        let file = spans.first().and_then(|span| span["file_name"].as_str()).unwrap_or_default();
        let text = message["message"]["message"].as_str().unwrap_or_default();
        if let Some((_, field)) = text.rsplit_once(": field ").filter(|_| file.starts_with("src")) {
            used.insert(field.to_owned());
        }
    }
    used
}

/// All of them, one after the other.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("envoy/harmless.rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("a source file"));
        }
    }
    text
}
