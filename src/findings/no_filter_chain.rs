//! The listener has no chain for the connection.
//!
//! Envoy closes the connection before any request is read, and logs NR `filter_chain_not_found`; the client sees a
//! reset.
//!
//! How it comes about: A filter chain is chosen by the port, by addresses, by the server name of TLS (SNI), by whether
//! it is TLS at all, and by ALPN, and none fits. Most often the server name is another than the certificates' chains
//! are for, or plaintext comes to a port that takes TLS.
//!
//! How to confirm it: `istioctl proxy-config listeners POD --port PORT -o json`: read `filter_chain_match` of each
//! chain. `openssl s_client -connect ADDRESS:PORT -servername NAME` tries a server name.
//!
//! How to fix it: Dial the name that a chain is for, or add the host to the Gateway's server. Speak TLS to a port of
//! TLS.

use crate::diagnose::{Case, Found, Proved, add_item, advice, certain, in_field, named, ref_of, servers_of, show};
use crate::snapshot::{Kind, Node};
use crate::verdict::{ObjectRef, Op};
use crate::walk::Stop;

pub(crate) const YIELDS_TO: &[&str] = &["mtls-required"];

/// So many chains are told.
const MOST: usize = 4;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.own_stop() != Some(&Stop::NoFilterChain) {
        return None;
    }
    let step = case.last_step()?;
    let chains = case.trail().listener.as_ref()?.list("filter_chains");
    let mut taken: Vec<String> = Vec::new();
    for words in chains.iter().map(|chain| chain.get("filter_chain_match").map_or_else(any, |node| takes(&node))) {
        if !taken.contains(&words) {
            taken.push(words);
        }
    }
    let more = taken.len().saturating_sub(MOST);
    taken.truncate(MOST);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    let there_are = if taken.is_empty() {
        "It has none.".to_owned()
    } else {
        format!("Its chains take {}{more}.", taken.join("; "))
    };
    let found = Found::of_end(
        &step,
        step.note.clone(),
        format!("Listener {}: {}. {there_are} The proxy closes the connection.", step.subject, step.note),
        vec![
            advice(
                Op::Replace,
                "connect in a way that one of them takes: with TLS or without, with another server name",
            ),
            advice(Op::Add, "give the listener a filter chain for this connection (a Gateway: its hosts and its TLS)"),
        ],
    );
    // The note ends with what comes.
    let of_tls = of_tls(case).filter(|_| step.note.ends_with("plaintext"));
    Some(match of_tls {
        Some((object, at)) => in_plaintext(case, found, object, &at),
        None => found,
    })
}

/// The server of a Gateway that takes TLS for the host, and what says so.
fn of_tls(case: &Case) -> Option<(ObjectRef, Node)> {
    servers_of(case).into_iter().find_map(|(gateway, server)| {
        let at = server.at("port.protocol").filter(|at| at.value().as_str().is_some_and(is_tls))?;
        Some((ref_of(Kind::Gateway, &gateway, &at.place()), at))
    })
}

/// Protocols of a Gateway's server whose clients speak TLS.
fn is_tls(protocol: &str) -> bool {
    ["HTTPS", "TLS"].iter().any(|tls| protocol.eq_ignore_ascii_case(tls))
}

/// The same finding, by the name of the Gateway.
fn in_plaintext(case: &Case, found: Found, object: ObjectRef, at: &Node) -> Found {
    let port = case.request().target.rsplit_once(':').map_or("", |(_, port)| port);
    let by = named(&object);
    let why = format!(
        "{by} takes TLS for this host on port {port} ({}: {}), and plaintext comes. {}",
        object.field,
        at.shown(),
        found.why
    );
    let text = format!("{by}: a server of protocol HTTP, on a port of its own, for clients that speak no TLS");
    let servers = in_field(&object, "spec.servers");
    Found {
        certainty: certain(Proved::Yes),
        title: format!("the gateway takes TLS on port {port}, and plaintext comes"),
        why,
        fix: vec![
            advice(Op::Replace, format!("let the client speak TLS to port {port}: https://")),
            add_item(&servers, case.read(&servers).as_ref(), "spec.servers", None, text),
        ],
        next: show(&object),
        evidence: std::iter::once(at.evidence()).chain(found.evidence).collect(),
        objects: vec![object],
        ..found
    }
}

fn any() -> String {
    "any connection".to_owned()
}

/// What a chain wants of a connection: `TLS for *.example.com`.
fn takes(wanted: &Node) -> String {
    let words = |field: &str| {
        let texts = wanted.list(field).into_iter().filter_map(|item| item.value().as_str().map(str::to_owned));
        Some(texts.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
    };
    let names = words("server_names").map(|names| format!("TLS for {names}"));
    let transport = wanted.text("transport_protocol").filter(|word| !word.is_empty());
    let transport = transport.map(|word| if word == "tls" { "TLS".to_owned() } else { "plaintext".to_owned() });
    let protocols = words("application_protocols").map(|protocols| format!("ALPN {protocols}"));
    let port = wanted.get("destination_port").map(|port| format!("port {}", port.shown()));
    let ranges = |field: &str, what: &str| {
        let shown =
            |range: Node| Some(format!("{}/{}", range.text("address_prefix")?, range.get("prefix_len")?.shown()));
        let all: Vec<String> = wanted.list(field).into_iter().filter_map(shown).collect();
        (!all.is_empty()).then(|| format!("{what} {}", all.join(", ")))
    };
    let all: Vec<String> =
        [names.or(transport), protocols, port, ranges("prefix_ranges", "to"), ranges("source_prefix_ranges", "from")]
            .into_iter()
            .flatten()
            .collect();
    if all.is_empty() { any() } else { all.join(" with ") }
}
