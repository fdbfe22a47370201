//! What a word that is no A and no B:PORT was meant for. Words come from columns of kubectl, URLs, clusters of Envoy, and
//! from the order of other tools.

use std::fs;
use std::net::Ipv6Addr;
use std::path::Path;

use crate::collect::Source;
use crate::near::near;
use crate::redact;
use crate::snapshot::Kind;

/// The most letters of a name that is written again; a DNS name has no more.
const LONGEST: usize = 253;

/// How many files of a folder are looked at.
const MANY: usize = 1000;

/// What stands before `://` in B.
const SCHEMES: &[&str] = &["http", "https", "ws", "wss", "grpc", "grpcs", "tcp", "tls"];

/// What A may speak.
pub(super) const PROTOCOLS: &[&str] = &["auto", "http1.0", "http1", "http2", "grpc", "tcp", "tls"];

/// The methods that people type.
pub(super) const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"];

/// What to write in place of a B that is no destination. Without a guess there is none.
pub(super) fn destination(typed: &str) -> Option<String> {
    let text = typed.trim();
    if text.contains('@') {
        return Some("a destination has no user: write `HOST:PORT`, and what A sends with `-H`".to_owned());
    }
    of_url(text)
        .or_else(|| of_cluster(text))
        .or_else(|| of_ipv6(text))
        .or_else(|| of_list(text))
        .or_else(|| of_slash(text))
        .or_else(|| of_ports(text))
        .or_else(|| of_part(text))
        .or_else(|| text.contains(char::is_whitespace).then(|| "a destination is one word: `SERVICE:PORT`".to_owned()))
}

/// A scheme that no client of a mesh speaks, or that is written wrong.
fn of_url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    if SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return None;
    }
    let rest = plain(rest.split(['/', '?', '#']).next()?)?;
    Some(match near(scheme, SCHEMES) {
        Some(near) => format!("did you mean `{near}://{rest}`?"),
        None => format!("a scheme is one of {}; without one, write `{}`", SCHEMES.join(", "), with_port(&rest)),
    })
}

/// A cluster of Istio's, as Envoy's access log has it.
fn of_cluster(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('|').collect();
    let [_, port, _, host] = parts.as_slice() else { return None };
    Some(format!("that is a cluster of Envoy's; its host is `{}:{}`", plain(host)?, plain(port)?))
}

/// An IPv6 address stands in brackets.
fn of_ipv6(text: &str) -> Option<String> {
    let bare = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    let with_port = text.rsplit_once(':').filter(|(host, port)| bare(host) && port.parse::<u16>().is_ok());
    match (with_port, bare(text)) {
        (Some((host, port)), true) => {
            Some(format!("an IPv6 address stands in brackets: `[{host}]:{port}`, or `[{text}]:PORT`"))
        }
        (Some((host, port)), false) => Some(format!("an IPv6 address stands in brackets: `[{host}]:{port}`")),
        (None, true) => Some(format!("an IPv6 address stands in brackets: `[{text}]:PORT`")),
        (None, false) => None,
    }
}

/// Several ports, or several destinations.
fn of_list(text: &str) -> Option<String> {
    let (first, _) = text.split_once(',')?;
    Some(format!("one question has one destination: `{}`, then the others", plain(first)?))
}

/// What stands behind or before a slash: a path, a protocol, a namespace, a kind.
fn of_slash(text: &str) -> Option<String> {
    let (before, after) = text.split_once('/')?;
    if let Some((host, port)) = before.split_once(':') {
        let host = plain(host)?;
        return match after.to_ascii_lowercase().as_str() {
            "tcp" => Some(format!("write `{host}:{}`", first_port(port)?)),
            "udp" | "sctp" => Some("a mesh proxy takes TCP, and requests over it, alone".to_owned()),
            path => {
                let path = if path.is_empty() { String::new() } else { redact::path(&format!("/{after}")) };
                let path = shlex::try_quote(&path).ok()?.into_owned();
                Some(format!("write `{host}:{} --path {path}`", first_port(port)?).replace(" --path ''", ""))
            }
        };
    }
    let after = plain(after)?;
    match Source::kind_of(before) {
        Some(Kind::Pod) => Some(
            "a request goes to a Service or an address: `SERVICE:PORT` and `--address IP` for one pod of it, or \
             `POD_IP:PORT`"
                .to_owned(),
        ),
        Some(Kind::Service) => Some(format!("write `{}`", with_port(&after))),
        Some(kind) => Some(format!("a request goes to a Service, not to a {}: `{}`", kind.name(), with_port(&after))),
        None => {
            let (name, port) = after.split_once(':').unwrap_or((&after, "PORT"));
            Some(format!("write `{name}.{}:{port}`", plain(before)?))
        }
    }
}

/// Several ports behind a name, as kubectl lists them.
fn of_ports(text: &str) -> Option<String> {
    let (host, ports) = text.split_once(':')?;
    let (host, ports) = (plain(host).filter(|host| !host.is_empty())?, plain(ports)?);
    if let Some(port) = first_port(&ports).filter(|port| *port != ports) {
        return Some(format!("write `{host}:{port}`"));
    }
    ports.bytes().any(|b| !b.is_ascii_digit()).then(|| format!("write `{host}:PORT`"))
}

/// A pattern of hosts, or a port without a host.
fn of_part(text: &str) -> Option<String> {
    if text.contains('*') {
        return Some("a pattern is no destination: ask about one of the hosts that it takes".to_owned());
    }
    text.starts_with(':').then(|| plain(text)).flatten().map(|port| format!("B's name is missing: `SERVICE{port}`"))
}

/// The port of `8082:30080`, or a port alone.
fn first_port(text: &str) -> Option<&str> {
    let port = text.split(':').next()?;
    (!port.is_empty() && port.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')).then_some(port)
}

fn with_port(name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { format!("{name}:PORT") }
}

/// What to write in place of a protocol that is none.
pub(super) fn protocol(typed: &str) -> Option<String> {
    match typed.to_ascii_lowercase().as_str() {
        "https" => Some("what A speaks inside TLS is its own matter: `--tls`, or `https://` before B".to_owned()),
        "ws" | "wss" | "websocket" => Some("write `ws://` or `wss://` before B".to_owned()),
        "mtls" => Some("A's proxy adds mutual TLS by itself; leave `--protocol` out".to_owned()),
        "udp" | "quic" | "http3" | "h3" => Some("a mesh proxy takes TCP, and requests over it, alone".to_owned()),
        word => near(word, PROTOCOLS).map(|near| format!("did you mean `{near}`?")),
    }
}

/// What to write in place of a header that is none.
pub(super) fn header(typed: &str) -> Option<String> {
    let (name, value) = typed.split_once('=')?;
    let line = redact::header_line(&format!("{}: {}", name.trim(), value.trim()));
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    Some(format!("write `-H {}`", shlex::try_quote(&line).ok()?)).filter(|_| is_name)
}

/// What to write in place of a path that is none.
pub(super) fn path(typed: &str) -> Option<String> {
    if typed.is_empty() {
        return Some("leave `--path` out for all paths, or write `--path /`".to_owned());
    }
    if let Some((_, rest)) = typed.split_once("://") {
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/".to_owned() } else { redact::path(path) };
        return Some(format!("write `--host {} --path {}`", plain(host)?, shlex::try_quote(&path).ok()?));
    }
    let path = redact::path(&format!("/{typed}"));
    Some(format!("write `--path {}`", shlex::try_quote(&path).ok()?))
}

/// What to write in place of a method that is none.
pub(super) fn method(typed: &str) -> Option<String> {
    let (method, path) = typed.trim().split_once(' ')?;
    let path = redact::path(path.trim());
    Some(format!("write `--method {} --path {}`", plain(method)?, shlex::try_quote(&path).ok()?))
}

/// The method that was meant, where only its letters are small: methods are told apart by case.
pub(super) fn capital(method: &str) -> Option<String> {
    let capital = method.to_ascii_uppercase();
    (METHODS.contains(&capital.as_str()) && capital != method).then_some(capital)
}

/// What to write in place of an A that is no source.
pub(super) fn source(typed: &str) -> Option<String> {
    let text = typed.trim();
    if let Some((host, _)) = text.split_once("://") {
        let is_admin = host.starts_with("http");
        return is_admin
            .then(|| "an Envoy's admin endpoint is `--admin URL`; a source is a pod or a workload".to_owned());
    }
    if let Some((first, _)) = text.split_once(',') {
        return Some(format!("ask one source at a time: `{}`; all pods of it, `--all-pods`", plain(first)?));
    }
    if let Some((label, _)) = text.split_once('=').filter(|(label, _)| !label.contains('/')) {
        return Some(format!("labels are `-l {}=VALUE`", plain(label)?));
    }
    if let Some((before, after)) = text.split_once('/') {
        let (before, after) = (plain(before)?, plain(after)?);
        if let Some(kind) = near(&before, &Source::words()).filter(|kind| *kind != before) {
            return Some(format!("did you mean `{kind}/{after}`?"));
        }
        return Some(if Source::kind_of(&before).is_some() || after.contains('/') {
            "a source is `NAME`, `TYPE/NAME` or `NAME.NAMESPACE`".to_owned()
        } else {
            format!("`{after}` in namespace {before} is `{after}.{before}`, or `{after} -n {before}`")
        });
    }
    if text.contains(':') {
        return Some("the source goes first, and has no port: kubectl mesh-why A B:PORT".to_owned());
    }
    let lower = plain(text)?.to_ascii_lowercase().replace('_', "-");
    (lower != text && !lower.is_empty()).then(|| format!("names have small letters, digits, `-` and `.`: `{lower}`?"))
}

/// A file that is there beside one that is not.
pub(super) fn file(path: &str) -> Option<String> {
    let path = Path::new(path);
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).ok()?.take(MANY).flatten();
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let near = near(name, &names).or_else(|| names.iter().map(String::as_str).find(|other| begins(other, name)))?;
    Some(format!("did you mean `{}`?", path.with_file_name(near).display()))
}

/// Whether only an ending was left out: `orders` of `orders.tar.gz`.
fn begins(file: &str, typed: &str) -> bool {
    file.strip_prefix(typed).is_some_and(|rest| rest.starts_with('.'))
}

/// What to write in place of three words, or more.
pub(super) fn words(words: &[&str]) -> Option<String> {
    let plain: Vec<String> = words.iter().map(|word| plain(word)).collect::<Option<_>>()?;
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    match plain.as_slice() {
        ["explain", all @ ..] => {
            Some(format!("several words are one list: `kubectl mesh-why explain {}`", all.join(",")))
        }
        [a, b, port] if is_port(port) && !b.contains(':') => Some(format!("write `kubectl mesh-why {a} {b}:{port}`")),
        [a, "to" | "->" | "=>" | "into", b] => Some(format!("write `kubectl mesh-why {a} {b}`")),
        [kind, name, b] if Source::kind_of(kind).is_some() => {
            Some(format!("write `kubectl mesh-why {kind}/{name} {b}`"))
        }
        [a, kind @ ("svc" | "service"), b] => Some(format!("write `kubectl mesh-why {a} {kind}/{b}`")),
        _ => None,
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A word that can be written again as it is: of the letters of names, ports and addresses.
fn plain(word: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:/[]<>=".contains(c);
    (word.len() <= LONGEST && word.chars().all(is_plain)).then(|| word.to_owned())
}
