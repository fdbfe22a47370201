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

use crate::diagnose::{Case, Found, advice};
use crate::snapshot::Node;
use crate::verdict::Op;
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
    Some(Found::of_end(
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
    ))
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
