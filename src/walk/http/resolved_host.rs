//! The host that a dynamic forward proxy resolves for a request.
//!
//! The filter takes the Host, or what a route's `PerRouteConfig` puts in its place
//! (`source/extensions/filters/http/dynamic_forward_proxy/proxy_filter.cc`). The cluster then looks for the Host as the
//! router sends it, so that a route that rewrites it by itself asks for a host that nobody resolved.

use crate::snapshot::Node;
use crate::walk::http::request::Http;

/// The filter's name, under which routes configure it.
const FILTER: &str = "envoy.filters.http.dynamic_forward_proxy";

/// What a route puts in place of the Host before a cluster's host is chosen.
const REWRITES: [&str; 3] = ["host_rewrite_literal", "host_rewrite_header", "host_rewrite_path_regex"];

/// The host of a request, given its route and what is around that; `None` where the route rewrites it itself.
pub(in crate::walk) fn host(http: &Http, levels: &[Node]) -> Option<String> {
    if levels
        .first()
        .and_then(|route| route.get("route"))
        .is_some_and(|to| REWRITES.iter().any(|r| to.get(r).is_some()))
    {
        return None;
    }
    let own = levels.iter().find_map(|level| level.get("typed_per_filter_config")?.get(FILTER));
    let literal = own.as_ref().and_then(|own| own.text("host_rewrite_literal")).filter(|host| !host.is_empty());
    let header = own.and_then(|own| own.text("host_rewrite_header"));
    let header = header.and_then(|name| http.values(&name).first().map(|host| (*host).to_owned()));
    Some(literal.or(header).unwrap_or_else(|| http.authority.clone()))
}
