//! Asks the program.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use mesh_why::render::{self, Format, Theme};
use mesh_why::snapshot::{AskRecord, Snapshot};
use mesh_why::walk::Question;
use serde_json::Value;

use crate::pair::{Protocol, Request};
use crate::{compare, in_a_mesh};

/// What the program said.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// Null when it was no JSON. Without what comes next once a stop is repaired, which is no part of the answer.
    pub(crate) verdict: Value,
    /// The branches that say what comes next.
    pub(crate) behind: Vec<Value>,
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
    Said::of(verdict, output.status.code(), complaint)
}

impl Said {
    pub(crate) fn of(mut verdict: Value, exit_code: Option<i32>, complaint: String) -> Self {
        let behind = without_behind(&mut verdict);
        Self { verdict, behind, exit_code, complaint }
    }
}

/// Takes what comes next out of an answer.
fn without_behind(verdict: &mut Value) -> Vec<Value> {
    let guards = |branch: &Value, kind: &str| -> Vec<Value> {
        let all = branch["guards"].as_array().into_iter().flatten();
        all.filter(|guard| guard["kind"] == kind).cloned().collect()
    };
    let Some(branches) = verdict["branches"].as_array_mut() else { return Vec::new() };
    let (behind, own): (Vec<Value>, Vec<Value>) =
        branches.drain(..).partition(|branch| !guards(branch, "repaired").is_empty());
    let ids = |branches: &[Value]| -> BTreeSet<u64> {
        branches.iter().flat_map(|b| guards(b, "provided")).filter_map(|guard| guard["condition"].as_u64()).collect()
    };
    let alone: BTreeSet<u64> = ids(&behind).difference(&ids(&own)).copied().collect();
    *branches = own;
    let is_own = |condition: &Value| condition["id"].as_u64().is_none_or(|id| !alone.contains(&id));
    verdict["conditions"].as_array_mut().into_iter().for_each(|all| all.retain(is_own));
    verdict["findings"].as_array_mut().into_iter().for_each(|all| all.retain(|one| one.get("behind").is_none()));
    behind
}

/// Likewise, in this process.
pub(crate) fn ask_here(shot: &mut Snapshot, request: &Request) -> Said {
    say(shot, request).unwrap_or_else(|why| Said::of(Value::Null, Some(2), why))
}

/// Asks in this process; an error where it is no question.
pub(crate) fn say(shot: &mut Snapshot, request: &Request) -> Result<Said, String> {
    let record = record(request);
    let question = Question::parse(&record).map_err(|error| error.to_string())?;
    let answering = mesh_why::answer(&question, shot, None);
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let verdict = runtime.block_on(answering);
    let json = render::render(&verdict, &Format::Json, &Theme::default(), 80).map_err(|error| error.to_string())?;
    let verdict: Value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
    let exit_code = compare::exit_code_of(verdict["outcome"].as_str().unwrap_or_default());
    Ok(Said::of(verdict, exit_code, String::new()))
}

fn record(request: &Request) -> AskRecord {
    let http = request.is_http();
    AskRecord {
        from: None,
        to: in_a_mesh::socket(request.to).to_string(),
        path: Some(if http { request.path.clone() } else { "/".to_owned() }),
        method: Some(if http { request.method.clone() } else { "GET".to_owned() }),
        headers: if http { headers(request) } else { Vec::new() },
        host: request.host.clone().filter(|_| http),
        protocol: Some(protocol(request).to_owned()),
        tls: false,
        sni: request.sni.clone(),
        from_address: request.from_address.map(|ip| in_a_mesh::ip(ip).to_string()),
        ..AskRecord::default()
    }
}

/// The headers, in which an address is the one of the mesh.
fn headers(request: &Request) -> Vec<String> {
    let of_the_mesh = |line: &String| match line.split_once(": ") {
        Some((name, value)) => format!("{name}: {}", in_a_mesh::text(value)),
        None => line.clone(),
    };
    request.headers.iter().map(of_the_mesh).collect()
}

/// Whether the command line takes the request. Of `get` it asks whether `GET` was meant; a log's line may have it all the same.
pub(crate) fn can_be_typed(request: &Request) -> bool {
    request.method == request.method.to_ascii_uppercase()
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
        for header in headers(request) {
            words.extend(["-H".to_owned(), header]);
        }
    }
    if let Some(sni) = &request.sni {
        words.extend(["--sni".to_owned(), sni.clone()]);
    }
    if let Some(ip) = request.from_address {
        words.extend(["--from-address".to_owned(), in_a_mesh::ip(ip).to_string()]);
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
