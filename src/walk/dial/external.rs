//! A host that is no Service of the cluster: the addresses under which A dials it.
//!
//! Whether such a name resolves is for DNS to say, which is not read: it is taken to, where it cannot be a Service's.

use std::net::{IpAddr, SocketAddr};

use crate::mesh::visibility::is_exported;
use crate::snapshot::{Kind, Lookup, Need, Node};
use crate::walk::dial::dialed::{Resolved, ended, found, pending};
use crate::walk::dial::gateway::of_clients;
use crate::walk::dial::service::{near_services, number};
use crate::walk::way::log::Fact;
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::{Got, Walker};

/// A host outside the cluster: the addresses of its `ServiceEntry`, else any address.
pub(in crate::walk) fn external(walker: &Walker) -> Resolved {
    let Some(port) = number(&walker.question.port) else {
        return ended(walker, "a port name needs a Service", Stop::NoSuchPort, Vec::new());
    };
    if walker.is_gateway() {
        return of_clients(walker, port);
    }
    let need = Need::Objects(Kind::ServiceEntry, None, Vec::new());
    let entries = match walker.snapshot.objects(Kind::ServiceEntry, None, &[]) {
        Lookup::Found(entries) => entries,
        Lookup::Absent(_) => Vec::new(),
        Lookup::Unread(_) if walker.is_refused(&need) => Vec::new(),
        Lookup::Unread(need) => {
            walker.want(need);
            return pending(walker);
        }
    };
    let host = walker.question.host.as_str();
    let takes = |entry: &Node, by: &dyn Fn(&str) -> bool| {
        entry.list("spec.hosts").iter().filter_map(|h| h.value().as_str()).any(by)
    };
    let suffix = |name: &str| name.strip_prefix('*').is_some_and(|rest| host.ends_with(rest));
    let visible: Vec<Node> = entries.into_iter().filter(|e| is_exported(e, &walker.namespace())).collect();
    let is_known = visible.iter().any(|e| takes(e, &|name| name == host || suffix(name)));
    if !is_known && let Some(resolved) = misspelled(walker) {
        return resolved;
    }
    let entries: Vec<Node> = visible.into_iter().filter(|e| takes(e, &|name| name == host)).collect();
    addresses(walker, &entries, port)
}

/// The addresses that `ServiceEntry` objects have, as A dials them.
fn addresses(walker: &Walker, entries: &[Node], port: u16) -> Resolved {
    let mut ips = Vec::new();
    let mut evidence = Vec::new();
    // What Istio gives out by itself only counts where the proxy answers for names, too: then it listens there.
    let listeners = if entries.iter().all(|entry| entry.at("spec.addresses").is_some()) {
        None
    } else {
        match walker.ask(walker.snapshot.listeners(walker.origin)) {
            Got::Found(all) => Some(all),
            Got::Absent(_) => None,
            Got::Gap(_) => return pending(walker),
        }
    };
    let listens = |ip: IpAddr| {
        listeners.iter().flat_map(|all| all.iter()).any(|l| l.addresses.contains(&SocketAddr::new(ip, port)))
    };
    for entry in entries {
        let given = entry.at("spec.addresses");
        let is_given = given.is_some();
        let listed = given.or_else(|| entry.at("status.addresses"));
        for address in listed.iter().flat_map(|a| a.items().collect::<Vec<_>>()) {
            let text = address.value().as_str().or_else(|| address.value().get("value")?.as_str());
            let ip = text.and_then(|t| t.parse().ok());
            if let Some(ip) = ip.filter(|ip| is_given || listens(*ip)) {
                ips.push(Some(ip));
                evidence.push(address.evidence());
            }
        }
    }
    if ips.is_empty() {
        ips.push(None);
    }
    found(walker, &ips, port, None, evidence)
}

/// `name.namespace` of a namespace that has Services, and not this one; `None` where it is another name.
fn misspelled(walker: &Walker) -> Option<Resolved> {
    let (name, namespace) = walker.question.host.split_once('.').filter(|(_, rest)| !rest.contains('.'))?;
    let Lookup::Absent(evidence) = walker.snapshot.object(Kind::Service, namespace, name) else { return None };
    let others = match walker.snapshot.objects(Kind::Service, Some(namespace), &[]) {
        Lookup::Found(others) => others,
        Lookup::Absent(_) => return None,
        Lookup::Unread(need) if walker.is_refused(&need) => return None,
        Lookup::Unread(need) => {
            walker.want(need);
            return Some(pending(walker));
        }
    };
    if others.is_empty() {
        return None;
    }
    let near = Fact::Near(near_services(walker));
    Some(ended(walker, "there is no such Service", Stop::NoSuchService, vec![evidence]).met(near))
}
