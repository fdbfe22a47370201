//! Headers that are not known for certain: proxies on the way add and change some.

use std::collections::BTreeSet;

use crate::snapshot::Node;

use super::forwarded::{Headers, Taken};

/// Which headers may be others by the time that this proxy looks.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(in crate::walk) struct OpenHeaders {
    /// Any may be.
    all: bool,
    /// These, in lower case.
    names: BTreeSet<String>,
    /// The request comes from a proxy, which adds headers of its own.
    from_proxy: bool,
}

/// What filters answer by, without a matcher that could be unknown.
const LOOKED_AT: &[&str] = &["access-control-request-method", "authorization", "cookie", "origin", "referer"];

impl OpenHeaders {
    /// Of a request that comes as its client made it; at the edge of a mesh the proxy itself writes down the client's
    /// address before it looks (`use_remote_address`).
    pub(in crate::walk) fn of_client(at_edge: bool) -> Self {
        let names = ["x-forwarded-for", "x-envoy-external-address", "x-envoy-internal"];
        let names = names.iter().filter(|_| at_edge).map(|name| (*name).to_owned()).collect();
        Self { names, ..Self::default() }
    }

    /// Of a request that another proxy sends on: it adds some, and its route and its filters may change more.
    pub(in crate::walk) fn after(taken: &Taken) -> Self {
        let names = taken.levels.iter().flat_map(changed).collect();
        Self { all: taken.headers == Headers::MayBeChanged, names, from_proxy: true }
    }

    /// Of bytes that another proxy sends on.
    pub(in crate::walk) fn after_bytes() -> Self {
        Self { from_proxy: true, ..Self::default() }
    }

    /// These too.
    pub(in crate::walk) fn and(mut self, names: Vec<&str>) -> Self {
        self.names.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// The names of those that may be others, in lower case, where it is not any.
    pub(in crate::walk) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Why the header is open, given whether the request has it; `None` where it is as it was asked.
    pub(in crate::walk) fn why(&self, name: &str, given: bool) -> Option<String> {
        let name = name.to_ascii_lowercase();
        if self.all || self.names.contains(&name) {
            return Some(format!("a proxy may change the header {name}"));
        }
        (self.from_proxy && !given && may_be_added(&name)).then(|| format!("a proxy may add the header {name}"))
    }

    /// Whether it is open what tokens and origins the request has.
    pub(in crate::walk) fn leave_credentials_open(&self) -> bool {
        self.all || LOOKED_AT.iter().any(|name| self.names.contains(*name))
    }
}

/// The headers that a route, a virtual host or a weighted cluster adds to requests or takes from them.
fn changed(level: &Node) -> Vec<String> {
    let added = level.list("request_headers_to_add");
    let added = added.iter().filter_map(|option| option.at("header.key")?.value().as_str().map(str::to_lowercase));
    let removed = level.list("request_headers_to_remove");
    let removed = removed.iter().filter_map(|name| Some(name.value().as_str()?.to_lowercase()));
    added.chain(removed).collect()
}

/// Headers of proxies: a request that comes without them can have them by the time that a filter looks.
pub(in crate::walk) fn may_be_added(name: &str) -> bool {
    const TRACING: &[&str] = &["b3", "baggage", "traceparent", "tracestate", "x-datadog-trace-id", "x-ot-span-context"];
    const OWN: &[&str] = &["x-forwarded-for", "x-forwarded-client-cert", "x-forwarded-port", "via", "user-agent"];
    name.starts_with("x-envoy-") || name.starts_with("x-b3-") || TRACING.contains(&name) || OWN.contains(&name)
}
