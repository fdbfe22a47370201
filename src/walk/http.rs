//! What a connection manager does with a request: the request itself, virtual host, route, filters, action.

mod action;
mod added;
mod apart;
mod chosen;
mod client;
mod cluster_plugin;
mod detection;
mod early;
pub(super) mod filters;
mod forwarded_for;
mod host;
pub(super) mod manager;
mod request;
mod resolved_host;
mod retries;
mod route;
mod scopes;
mod upgrade;
mod weights;

pub(super) use chosen::describe;
