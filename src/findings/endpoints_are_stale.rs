//! A's proxy holds endpoints that are gone.
//!
//! Every connection to every endpoint that A's proxy holds failed, and the Service's endpoint slices list none of these
//! addresses: 503 UF.
//!
//! How it comes about: Pods came and went, and the proxy was not told: its connection to the control plane is lost or
//! hangs, the control plane is slow, or a rollout is under way at this moment and the update is still coming. An address
//! of another cluster of the mesh is in no slice of this one, too.
//!
//! How to confirm it: `istioctl proxy-config endpoints POD` against `kubectl get endpointslices`: the addresses differ.
//! `istioctl proxy-status POD` says STALE where the proxy has not taken the last update.
//!
//! How to fix it: Find why the updates do not come: istiod's log and load, the log of A's container istio-proxy. A
//! restart of A's pod gets the endpoints anew.

use std::net::{IpAddr, SocketAddr};

use crate::diagnose::{Case, Found, Proved, advice, certain, failures_of, named, proxy_logs, ref_of, show, slices};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Op, Stage};
use crate::walk::{HostTrail, Stop};

pub(crate) const YIELDS_TO: &[&str] = &["control-plane-lost", "proxy-out-of-sync"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if !matches!(case.stop(), Some(Stop::ConnectFailure(_))) || case.destination().is_some() {
        return None;
    }
    let cluster = case.cluster()?;
    let service = case.service_of_source()?;
    let held: Vec<IpAddr> = cluster.eligible().filter_map(|HostTrail { host, .. }| ip_of(&host.address)).collect();
    let slices = slices(case, &service)?;
    let endpoints: Vec<Node> = slices.iter().flat_map(|slice| slice.list("endpoints")).collect();
    let addresses = endpoints.iter().flat_map(|endpoint| endpoint.list("addresses"));
    let listed: Vec<IpAddr> = addresses.filter_map(|address| address.value().as_str()?.parse().ok()).collect();
    // Without a slice it is said elsewhere that there are no endpoints.
    if held.is_empty() || listed.is_empty() || held.iter().any(|ip| listed.contains(ip)) {
        return None;
    }
    let pod = case.source_pod();
    let service = ref_of(Kind::Service, &service, "");
    let shown = |ips: &[IpAddr]| ips.iter().take(3).map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
    let of_slices = slices.iter().filter_map(|slice| slice.get("endpoints")).map(|at| at.evidence());
    let evidence: Vec<Evidence> = failures_of(cluster).into_iter().chain(of_slices).collect();
    Some(Found {
        // An address of another cluster is in no slice of this one.
        certainty: certain(Proved::No),
        stage: Stage::Endpoints,
        title: "A's proxy holds endpoints that are gone".to_owned(),
        why: format!(
            "A's proxy sends to {}, where every connection failed. None of this is in the endpoint slices of {}, which list {}: the proxy has not got the endpoints that there are now. {}.",
            shown(&held),
            named(&service),
            shown(&listed),
            case.answers()
        ),
        fix: vec![
            advice(Op::Replace, "find why istiod's updates do not come to A's proxy: its log names the last of them"),
            advice(Op::Replace, "restart A's pod, whose proxy then gets the endpoints anew"),
        ],
        next: pod.as_ref().map_or_else(|| show(&service), proxy_logs),
        objects: pod.into_iter().chain([service]).collect(),
        codes: &[],
        evidence,
    })
}

/// The address without its port.
fn ip_of(address: &str) -> Option<IpAddr> {
    address.parse::<SocketAddr>().ok().map(|at| at.ip())
}
