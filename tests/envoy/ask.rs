//! Asks the program.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::in_a_mesh;
use crate::pair::{Protocol, Request};

/// What the program said.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// Null when it was no JSON.
    pub(crate) verdict: Value,
    pub(crate) exit_code: Option<i32>,
    /// Standard error, and standard output when that was no JSON.
    pub(crate) complaint: String,
}

/// The question, put to a folder.
pub(crate) fn snapshot_arguments(folder: &Path, request: &Request) -> Vec<OsString> {
    let mut arguments = vec!["--snapshot".into(), folder.into()];
    arguments.extend(question(request));
    arguments
}

/// The question, put to an admin endpoint.
pub(crate) fn live_arguments(admin: SocketAddr, request: &Request) -> Vec<OsString> {
    let mut arguments = vec!["--admin".into(), format!("http://{admin}").into()];
    arguments.extend(question(request));
    arguments
}

/// Runs the program.
pub(crate) fn ask(arguments: &[OsString]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-mesh_why"))
        .args(arguments)
        .env_remove("KUBECONFIG")
        .output()
        .expect("the program runs");
    let mut complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let verdict = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        complaint.push_str(&String::from_utf8_lossy(&output.stdout));
        Value::Null
    });
    Said { verdict, exit_code: output.status.code(), complaint }
}

/// For a shell.
pub(crate) fn shown(arguments: &[OsString]) -> String {
    let quoted = arguments.iter().map(|argument| {
        let text = argument.to_string_lossy();
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c));
        if plain { text.into_owned() } else { format!("'{text}'") }
    });
    format!("kubectl-mesh_why {}", quoted.collect::<Vec<_>>().join(" "))
}

fn question(request: &Request) -> Vec<OsString> {
    let mut words =
        vec![in_a_mesh::socket(request.to).to_string(), "--protocol".to_owned(), protocol(request).to_owned()];
    if request.is_http() {
        words.extend(["--path".to_owned(), request.path.clone(), "--method".to_owned(), request.method.clone()]);
        if let Some(host) = &request.host {
            words.extend(["--host".to_owned(), host.clone()]);
        }
        for header in &request.headers {
            words.extend(["-H".to_owned(), header.clone()]);
        }
    }
    if let Some(sni) = &request.sni {
        words.extend(["--sni".to_owned(), sni.clone()]);
    }
    words.extend(["-o".to_owned(), "json".to_owned()]);
    words.into_iter().map(OsString::from).collect()
}

/// As the program calls it.
pub(crate) fn protocol(request: &Request) -> &'static str {
    match request.protocol {
        Protocol::Http1 => "http1",
        Protocol::Http2 => "http2",
        Protocol::Grpc => "grpc",
        Protocol::Tcp => "tcp",
        Protocol::Tls => "tls",
    }
}
