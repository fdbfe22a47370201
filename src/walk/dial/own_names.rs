//! How A's pod resolves names by itself: its own file of hosts, and DNS settings that are not the cluster's.
//!
//! The kubelet writes `localhost` and `spec.hostAliases` into the file of hosts, which goes before DNS. `spec.dnsPolicy`
//! and `spec.dnsConfig` say who is asked, and what is put behind a name (Kubernetes, "DNS for Services and Pods").

use std::net::{IpAddr, Ipv4Addr};

use crate::snapshot::{Evidence, Kind, Lookup, Node};
use crate::verdict::{Power, Stage};
use crate::walk::dial::dialed::subject;
use crate::walk::dial::service::is_bare;
use crate::walk::way::guard::Condition;
use crate::walk::way::walker::Walker;

/// What the pod's own file of hosts has of B's name: an address, and the entry.
pub(in crate::walk) fn in_file_of_hosts(walker: &Walker) -> Option<(IpAddr, Option<Evidence>)> {
    // Who asks about a gateway is its client, and stands elsewhere.
    if walker.snapshot.source.is_none() || walker.is_gateway() {
        return None;
    }
    let host = walker.question.host.trim_end_matches('.');
    if host == "localhost" {
        return Some((IpAddr::V4(Ipv4Addr::LOCALHOST), None));
    }
    let pod = walker.source_pod()?;
    let names = |alias: &Node| {
        let names = alias.list("hostnames");
        names.iter().filter_map(|name| name.value().as_str()).any(|name| name.eq_ignore_ascii_case(host))
    };
    let alias = pod.list("spec.hostAliases").into_iter().find(names)?;
    let ip = alias.text("ip")?.parse().ok()?;
    Some((ip, Some(alias.evidence())))
}

/// The condition that the pod's name servers, which are not the cluster's, know a name of the cluster.
pub(in crate::walk) fn of_other_servers(walker: &Walker) -> Option<Condition> {
    let pod = walker.source_pod().filter(|_| !walker.is_gateway())?;
    let policy = pod.text("spec.dnsPolicy").unwrap_or_else(|| "ClusterFirst".to_owned());
    let is_of_the_host = pod.at("spec.hostNetwork").is_some_and(|of| of.value() == true);
    let whose = match policy.as_str() {
        "Default" => "the node's name server",
        "ClusterFirst" if is_of_the_host => "the node's name server",
        "None" => "name servers of its own",
        _ => return None,
    };
    let why = format!("A's pod asks {whose} (dnsPolicy {policy}), and not the cluster's");
    // A name with a namespace in it is the cluster's or nobody's; one without a dot may be anybody's.
    let power = if is_bare(&walker.question.host) { Power::Withhold } else { Power::Refuse };
    let condition = Condition::of(Stage::Request, &subject(walker), &[power], &why);
    let condition = Condition { need: walker.need_of_source_pod(), ..condition };
    Some(condition.provided_that(&format!("{whose} knows the name {}", walker.question.host)))
}

/// What follows from the domains that the pod puts behind a name, besides the cluster's.
pub(in crate::walk) enum Searched {
    /// There are none that lead further.
    Nowhere,
    /// A Service of another namespace.
    Service(Node),
    /// A domain that is not the cluster's: DNS decides.
    Outside,
    /// A Service was not looked for yet.
    Pending,
}

/// Where the pod's own search domains lead a name without a dot.
pub(in crate::walk) fn searched(walker: &Walker) -> Searched {
    let pod = walker.source_pod().filter(|_| !walker.is_gateway());
    let domains = pod.map(|pod| pod.list("spec.dnsConfig.searches")).unwrap_or_default();
    let mut found = Searched::Nowhere;
    for domain in domains.iter().filter_map(|domain| domain.value().as_str()) {
        let Some((namespace, _)) = domain.split_once(".svc").filter(|(namespace, _)| !namespace.contains('.')) else {
            found = Searched::Outside;
            continue;
        };
        let name = walker.question.host.trim_end_matches('.');
        match walker.snapshot.object(Kind::Service, namespace, name) {
            Lookup::Found(service) => return Searched::Service(service),
            Lookup::Unread(need) if !walker.is_refused(&need) => {
                walker.want(need);
                return Searched::Pending;
            }
            Lookup::Unread(_) => found = Searched::Outside,
            Lookup::Absent(_) => {}
        }
    }
    found
}
