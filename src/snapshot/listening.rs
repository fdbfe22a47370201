//! The active listeners of a proxy and where they listen. A big mesh has thousands, and no more is kept of each.

use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::Value;

use super::entries::Entry;
use super::node::Node;
use crate::envoy::address;
use crate::envoy::pb::envoy::config::core::v3::Address;

/// An active listener and where it listens.
#[derive(Clone, Debug)]
pub struct Listening {
    /// Its name.
    pub name: String,
    /// The addresses that it takes TCP connections to.
    pub addresses: Vec<SocketAddr>,
    /// Its element of `listener_statuses`, where `/listeners` was read.
    pub(super) at: Option<Node>,
}
/// Those of `{"listener_statuses": […]}`.
pub(super) fn listed(list: &Node) -> Vec<Listening> {
    let status = |at: Node| {
        let main = at.get("local_address").and_then(|a| a.decode().ok());
        let more = at.list("additional_local_addresses");
        let more = more.iter().filter_map(|a| a.decode().ok());
        let addresses = sockets(main.into_iter().chain(more));
        Listening { name: at.text("name").unwrap_or_default(), addresses, at: Some(at) }
    };
    let Some(list) = list.get("listener_statuses") else { return Vec::new() };
    // Only what can be a listener gets an address of its own: a list may hold millions of other things.
    let is_one =
        |at: &usize| list.value().get(at).is_some_and(|status| status.as_object().is_some_and(|o| !o.is_empty()));
    let len = list.value().as_array().map_or(0, Vec::len);
    (0..len).filter(is_one).filter_map(|at| list.index(at)).map(status).collect()
}

/// One, as its element in a dump tells of it; `None` where it is not active.
pub(super) fn by_dump(name: &str, entry: &Entry) -> Option<Listening> {
    let element: ListenerElement = entry.read()?;
    let listener = element.listener.or(element.active_state.and_then(|state| state.listener))?;
    let more = listener.additional_addresses.as_array().into_iter().flatten().filter_map(|a| a.get("address"));
    let decoded = listener.address.iter().chain(more).filter_map(|address| Address::deserialize(address).ok());
    Some(Listening { name: name.to_owned(), addresses: sockets(decoded), at: None })
}

fn sockets(addresses: impl Iterator<Item = Address>) -> Vec<SocketAddr> {
    addresses.filter(|a| !address::is_udp(a)).filter_map(|a| address::socket(&a)).collect()
}

/// What a listener's element in the dump says of where it listens. Nothing else of it is kept.
#[derive(Deserialize)]
struct ListenerElement {
    #[serde(alias = "activeState")]
    active_state: Option<ListenerState>,
    listener: Option<ListenerAddresses>,
}

#[derive(Deserialize)]
struct ListenerState {
    listener: Option<ListenerAddresses>,
}

#[derive(Deserialize)]
struct ListenerAddresses {
    address: Option<Value>,
    #[serde(default, alias = "additionalAddresses")]
    additional_addresses: Value,
}
