//! Commands that ask again: the question, and each piece of evidence, for whoever reads of it in a ticket or on a page.
//!
//! A name comes from somebody's mesh. Where a tool would take it for something else, there is no command.

use super::command::line;
use crate::snapshot::{Evidence, Origin};
use crate::verdict::{Asked, Command, Proxy, Request, Side, Verdict};

/// The container that Istio runs its proxy in.
const ISTIO: &str = "istio-proxy";

/// The question, as it is typed; `None` where A has no name that can be typed.
pub(super) fn question(verdict: &Verdict) -> Option<String> {
    Some(line(&asked(verdict)?)).filter(|line| !line.is_empty())
}

/// The same in words.
pub(super) fn asked(verdict: &Verdict) -> Option<Command> {
    let Request { source_name, source, target, method, path, headers, .. } = &verdict.request;
    if source.is_none() && source_name == Request::UNNAMED {
        return None;
    }
    let mut words = vec!["kubectl".to_owned(), "mesh-why".to_owned(), source_name.clone(), target.clone()];
    if [source_name, target].into_iter().any(|name| name.is_empty() || name.starts_with('-')) {
        return None;
    }
    match (method.as_deref(), path.as_deref()) {
        (Some("GET"), Some("/")) if headers.is_empty() => words.push("--exact".to_owned()),
        (method, path) => {
            let flag = |name: &str, value: &str| format!("{name}={value}");
            words.extend(method.map(|method| flag("--method", method)));
            words.extend(path.map(|path| flag("--path", path)));
            words.extend(headers.iter().map(|(name, value)| flag("--header", &format!("{name}: {value}"))));
        }
    }
    words.extend(other_host(&verdict.request).map(|host| format!("--host={host}")));
    words.extend(connection(&verdict.request.connection));
    let cluster = &verdict.cluster;
    words.extend(cluster.context.as_ref().map(|context| format!("--context={context}")));
    words.extend(cluster.namespace.as_ref().map(|namespace| format!("--namespace={namespace}")));
    Some(Command::of(words))
}

/// The flags of what the question says of the connection.
fn connection(asked: &Asked) -> Vec<String> {
    let tls = asked.tls.then(|| "--tls".to_owned());
    let flags = [
        ("--protocol", asked.protocol),
        ("--sni", asked.sni.as_deref()),
        ("--address", asked.address.as_deref()),
        ("--from-address", asked.from_address.as_deref()),
        ("--proxy-protocol", asked.proxy_protocol),
    ];
    let typed = flags.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    tls.into_iter().chain(typed).collect()
}

/// What this is, in a word.
pub(super) const TOOL: &str = concat!("mesh-why ", env!("CARGO_PKG_VERSION"));

/// When that was, and by what.
pub(super) fn circumstances(verdict: &Verdict) -> String {
    if verdict.time.is_empty() { TOOL.to_owned() } else { format!("{}, {TOOL}", verdict.time) }
}

/// The last line of a document: by what, when, of which cluster, and how to ask again. `code` sets a value off.
pub(super) fn footer(verdict: &Verdict, code: impl Fn(&str) -> String) -> String {
    let named = |name: &str, value: Option<&str>| value.map(|value| format!("{name} {}", code(value)));
    let time = Some(verdict.time.as_str()).filter(|time| !time.is_empty());
    let parts = [
        Some(TOOL.to_owned()),
        named("read", time),
        named("context", verdict.cluster.context.as_deref()),
        named("namespace", verdict.cluster.namespace.as_deref()),
        named("ask again:", question(verdict).as_deref()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" \u{b7} ")
}

/// The Host header, where it is not the one that follows from B.
fn other_host(request: &Request) -> Option<&str> {
    let is_http = ["http1", "http1.0", "http2", "grpc"].contains(&request.protocol);
    let is_own = [request.target.as_str(), request.asked_host()].contains(&request.host.as_str());
    (is_http && !is_own).then_some(request.host.as_str())
}

/// The command that reads a piece of evidence; `None` where none can be given.
pub(super) fn reads(verdict: &Verdict, evidence: &Evidence) -> Option<String> {
    let query = evidence.query();
    // A port-forward is no read, and these characters mean something in a URL.
    let is_plain = |c: char| !c.is_whitespace() && !"#%".contains(c);
    if query.contains("/portforward") || !query.starts_with('/') || !query.chars().all(is_plain) {
        return None;
    }
    // Where the proxy is none of Istio's, its admin endpoint is asked where it runs.
    let local;
    let words: Vec<&str> = match evidence.origin() {
        Origin::Kubernetes => vec!["kubectl", "get", "--raw", query],
        Origin::Source(0) => {
            if let Some((namespace, pod)) = sidecar_of_a(verdict) {
                agent(namespace, pod, query)?
            } else {
                local = format!("http://localhost:9901{query}");
                vec!["curl", "-sg", &local]
            }
        }
        Origin::Destination(n) => {
            let read = verdict.proxies.iter().filter(|proxy| proxy.side == Side::Destination);
            let (namespace, pod) = of_istio(read.clone().nth(usize::from(n))?)?;
            agent(namespace, pod, query)?
        }
        Origin::Source(_) | Origin::ControlPlane => return None,
    };
    with_jq(&words, evidence.path())
}

/// Whom a query was put to.
pub(super) fn whom(evidence: &Evidence) -> String {
    let further = |n: u8| if n > 0 { format!(" ({})", n + 1) } else { String::new() };
    match evidence.origin() {
        Origin::Source(n) => format!("the source's proxy{}", further(n)),
        Origin::Destination(n) => format!("the destination's proxy{}", further(n)),
        Origin::Kubernetes => "Kubernetes".to_owned(),
        Origin::ControlPlane => "the control plane".to_owned(),
    }
}

fn sidecar_of_a(verdict: &Verdict) -> Option<(&str, &str)> {
    let pod = verdict.request.source.as_ref()?;
    let of_a = verdict.proxies.iter().find(|proxy| proxy.side == Side::Source);
    let is_istio = match &pod.proxy {
        Some(container) => container == ISTIO,
        None => of_a.is_some_and(|proxy| of_istio(proxy).is_some()),
    };
    is_istio.then_some((pod.namespace.as_str(), pod.name.as_str()))
}

fn of_istio(proxy: &Proxy) -> Option<(&str, &str)> {
    proxy.mesh.as_deref().filter(|mesh| *mesh == "istio" || mesh.starts_with("istio "))?;
    proxy.pod.as_deref()?.split_once('/')
}

fn agent<'a>(namespace: &'a str, pod: &'a str, query: &'a str) -> Option<Vec<&'a str>> {
    let is_name = |name: &str| !name.is_empty() && !name.starts_with('-') && !name.contains('/');
    let exec = ["kubectl", "-n", namespace, "exec", pod, "-c", ISTIO, "--"];
    let words = exec.into_iter().chain(["pilot-agent", "request", "GET", query.trim_start_matches('/')]);
    (is_name(namespace) && is_name(pod)).then(|| words.collect())
}

/// The command, and behind it jq with the path; the command alone where jq has no such path.
fn with_jq(words: &[&str], path: &str) -> Option<String> {
    let command = line(&Command::of(words.iter().map(|word| (*word).to_owned()).collect()));
    if command.is_empty() {
        return None;
    }
    let filter = jq(path).map(|filter| line(&Command::of(vec!["jq".to_owned(), "-c".to_owned(), filter])));
    Some(match filter.filter(|filter| !filter.is_empty()) {
        Some(filter) => format!("{command} | {filter}"),
        None => command,
    })
}

/// A path of evidence as jq has it. Only forms that evidence has are known: names, numbers, `*`, and a name that equals
/// something.
fn jq(path: &str) -> Option<String> {
    let mut rest = path.strip_prefix('$')?;
    let mut filter = ".".to_owned();
    while !rest.is_empty() {
        let (step, more) = segment(rest)?;
        match step {
            Segment::Name(name) => field(&mut filter, &name),
            Segment::Index(index) => filter.extend(["[", &index.to_string(), "]"]),
            Segment::Each => filter.push_str("[]?"),
            Segment::Equals(names, value) => {
                let mut of = ".".to_owned();
                for name in &names {
                    field(&mut of, name);
                }
                filter.extend(["[]? | select(", &of, " == ", &serde_json::Value::String(value).to_string(), ") | ."]);
            }
        }
        rest = more;
    }
    Some(filter.strip_suffix(" | .").map(str::to_owned).unwrap_or(filter))
}

fn field(filter: &mut String, name: &str) {
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_word && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) {
        let dot = if filter.ends_with('.') { "" } else { "." };
        filter.extend([dot, name]);
    } else {
        filter.extend(["[", &serde_json::Value::String(name.to_owned()).to_string(), "]"]);
    }
}

/// A step of a path.
enum Segment {
    Name(String),
    Index(usize),
    Each,
    Equals(Vec<String>, String),
}

/// The first step, and what follows it.
fn segment(path: &str) -> Option<(Segment, &str)> {
    if let Some(named) = path.strip_prefix('.') {
        let (name, rest) = name(named)?;
        return Some((Segment::Name(name), rest));
    }
    let inner = path.strip_prefix('[')?;
    if let Some(rest) = inner.strip_prefix("*]") {
        return Some((Segment::Each, rest));
    }
    if inner.starts_with('\'') {
        let (name, rest) = quoted(inner)?;
        return Some((Segment::Name(name), rest.strip_prefix(']')?));
    }
    if let Some(mut rest) = inner.strip_prefix("?@") {
        let mut names = Vec::new();
        while let Some(named) = rest.strip_prefix('.') {
            let (one, more) = name(named)?;
            names.push(one);
            rest = more;
        }
        let (value, rest) = quoted(rest.strip_prefix("==")?)?;
        return Some((Segment::Equals(names, value), rest.strip_prefix(']')?));
    }
    let (index, rest) = inner.split_once(']')?;
    Some((Segment::Index(index.parse().ok()?), rest))
}

fn name(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

/// Text in single quotes, with JSON's escapes and `\'`.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('\'')?;
    let mut json = String::from("\"");
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => {
                json.push('"');
                return Some((serde_json::from_str(&json).ok()?, &inner[at + 1..]));
            }
            '\\' => match chars.next()?.1 {
                '\'' => json.push('\''),
                other => json.extend(['\\', other]),
            },
            '"' => json.push_str("\\\""),
            c => json.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::jq;

    #[test]
    fn a_path_is_the_same_to_jq() {
        for (path, filter) in [
            ("$", "."),
            ("$.configs[0].a_b", ".configs[0].a_b"),
            ("$['x.y'].z", ".[\"x.y\"].z"),
            ("$.a['it\\'s \"so\"'][2]", ".a[\"it's \\\"so\\\"\"][2]"),
            (
                "$.configs[*].l[?@.cluster.name=='a||b'].cluster",
                ".configs[]?.l[]? | select(.cluster.name == \"a||b\") | .cluster",
            ),
            ("$.l[?@.name=='x']", ".l[]? | select(.name == \"x\")"),
        ] {
            assert_eq!(jq(path).as_deref(), Some(filter), "{path}");
        }
        assert_eq!(jq("$..a"), None);
        assert_eq!(jq("$.a[?@.b>1]"), None);
    }
}
