//! When the router sends a request again: the route's policy, or else that of its virtual host, and what the request
//! asks for itself.

use crate::envoy::matcher::{Match, Reading};
use crate::envoy::pb::envoy::config::route::v3::{RetryPolicy, RouteAction};
use crate::envoy::retry::Retries;
use crate::snapshot::Node;
use crate::walk::http::request::Http;
use crate::walk::way::walker::Walker;

/// The retries of a request that a route forwards; `levels` are the route, its virtual host and so on.
pub(in crate::walk) fn of(walker: &Walker, http: &Http, action: &RouteAction, levels: &[Node]) -> Retries {
    let of_host = || levels.get(1)?.get("retry_policy")?.decode::<RetryPolicy>().ok();
    let policy = action.retry_policy.clone().or_else(of_host);
    let reading = Reading::of(walker.version);
    let retries = policy.map(|policy| Retries::of(&policy, |name| http.values(name), reading)).unwrap_or_default();
    // What others ask for is taken away from their requests.
    if http.internal != Match::Yes {
        return retries;
    }
    let asked = |name: &str| walker.question.header(name);
    retries.and_asked(asked("x-envoy-retry-on"), asked("x-envoy-max-retries"))
}
