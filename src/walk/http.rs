//! What a connection manager does with a request: the request itself, virtual host, route, filters, action.

pub(super) mod action;
pub(super) mod filters;
pub(super) mod manager;
pub(super) mod route;
