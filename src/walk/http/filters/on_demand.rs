//! Virtual hosts, scopes and clusters that the proxy asks its control plane for while a request waits
//! (`source/extensions/filters/http/on_demand/on_demand_update.cc`).
//!
//! Where a route was found, and its cluster is there, the filter does nothing. Where nothing comes in time, the request goes
//! on as it was.

use crate::snapshot::Lookup;
use crate::verdict::Power;
use crate::walk::http::host::Host;
use crate::walk::http::scopes::{self, Scope};

use super::ask::{Applied, Ask, Effect, cluster_name};

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let awaited = if ask.chosen.route.is_none() { route(ask) } else { cluster(ask, applied) };
    let open = |what: String| {
        let why = format!("whether the control plane delivers {what}, which HTTP filter {} asks for", ask.filter.name);
        Effect::Open(vec![Power::Answer], why)
    };
    awaited.map(open).into_iter().collect()
}

/// What is asked for where there is no route: of a route configuration with VHDS the Host's virtual host, whether there is
/// one or not, and the route configuration of a scope that has none yet
/// (`ConnectionManagerImpl::RdsRouteConfigUpdateRequester`, `source/common/http/conn_manager_impl.cc`).
fn route(ask: &Ask) -> Option<String> {
    match ask.chain.host {
        Host::Found(..) | Host::Missing(_) => {
            let (_, config) = ask.chain.config?;
            config.get("vhds").map(|_| format!("a virtual host that takes {} (VHDS)", ask.http.authority))
        }
        Host::Undelivered(_) => {
            let scoped = ask.chain.node.get("scoped_routes")?;
            match scopes::scope(ask.walker, &scoped, ask.http, ask.chain.dial) {
                Scope::Named(name) => Some(format!("route configuration {name}")),
                Scope::Inline(_) | Scope::Missing(_) | Scope::Unread(_) | Scope::Open(_) => None,
            }
        }
        // The redirect to HTTPS is a route.
        Host::Secure(..) => None,
    }
}

/// The cluster that is asked for where the route names one that is not there, and the route, or else the filter, has
/// `odcds`.
fn cluster(ask: &Ask, applied: &Applied) -> Option<String> {
    let source = applied.node.get("odcds")?;
    let names = match names(ask) {
        Ok(names) => names,
        Err(why) => return Some(format!("the cluster ({why})")),
    };
    let name = names.into_iter().find(|name| is_absent(ask, name))?;
    let limit = source.text("timeout").unwrap_or_else(|| "5s".to_owned());
    Some(format!("cluster {name} within {limit}"))
}

/// The clusters that the route may lead to.
fn names(ask: &Ask) -> Result<Vec<String>, String> {
    let weighted = ask.chosen.route.as_ref().and_then(|hit| hit.weighted()).filter(|_| ask.chosen.only.is_none());
    let mut names: Vec<String> = match weighted {
        Some(all) => all.clusters.iter().map(|one| one.name.clone()).collect(),
        None => cluster_name(ask.chosen, ask.http)?.map(str::to_owned).into_iter().collect(),
    };
    names.retain(|name| !name.is_empty());
    Ok(names)
}

/// Whether the proxy has no cluster of this name. What was not read says so where the router asks for it.
fn is_absent(ask: &Ask, name: &str) -> bool {
    match ask.walker.snapshot.cluster(ask.walker.origin, name) {
        Lookup::Absent(_) => true,
        Lookup::Found(_) => false,
        Lookup::Unread(need) => {
            ask.walker.want(need);
            false
        }
    }
}
