//! The Gateway's server passes TLS through, and the host's routes are for HTTP.
//!
//! A server of a Gateway with `tls.mode` PASSTHROUGH does not end TLS, so that no request is seen on it: the
//! `spec.http` of a `VirtualService` is nothing to it. Without `spec.tls` or `spec.tcp` istiod gives the gateway no filter chain
//! for the host, and where that leaves a port with none, no listener: the connection is closed or refused.
//!
//! How it comes about: TLS is to end at the application, and the `VirtualService` was written as for TLS that ends at the
//! gateway; or the Gateway was to end TLS, and has the wrong mode.
//!
//! How to confirm it: `istioctl proxy-config listeners POD` at the gateway has no chain with the host's server name. Compare the
//! Gateway's `servers[].tls.mode` with the kinds of rules of the `VirtualService`.
//!
//! How to fix it: Route by `spec.tls` with `sniHosts`, or let the Gateway end TLS (SIMPLE, with a certificate).

use serde_json::json;

use crate::diagnose::{Case, Found, Proved, certain, named, ref_of, replace, servers_of, set, show};
use crate::envoy::domains::without_port;
use crate::mesh::istio::binding::{object_of, takes};
use crate::snapshot::{Kind, Node};
use crate::verdict::Stage;
use crate::walk::Stop;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if !matches!(case.own_stop(), Some(Stop::NoListener | Stop::NoFilterChain)) || case.destination().is_some() {
        return None;
    }
    let (gateway, mode) = servers_of(case).into_iter().find_map(|(gateway, server)| {
        let mode = server.at("tls.mode").filter(|mode| mode.value().as_str() == Some("PASSTHROUGH"))?;
        Some((gateway, mode))
    })?;
    let services = bound(case, &gateway)?;
    // One with rules of the right kind would have a chain, and something else is wrong with it.
    let of_http = |service: &Node| ["spec.tls", "spec.tcp"].iter().all(|list| service.list(list).is_empty());
    let service = services.iter().find(|service| !service.list("spec.http").is_empty())?;
    if !services.iter().all(of_http) {
        return None;
    }
    let by = ref_of(Kind::Gateway, &gateway, &mode.place());
    let object = ref_of(Kind::VirtualService, service, "spec.http");
    let http = service.at("spec.http")?;
    let route = format!("{}, spec.tls: a rule with sniHosts for the host, in the place of spec.http", named(&object));
    let end = format!("{}, {}: SIMPLE, with a certificate, where TLS is to end at the gateway", named(&by), by.field);
    Some(Found {
        certainty: certain(Proved::Yes),
        stage: Stage::Listener,
        title: "TLS is passed through, and its routes are for HTTP".to_owned(),
        why: format!(
            "{} passes TLS through ({}), so that no request is seen there, and {} routes {} by spec.http alone: the gateway has nothing that takes the connection.",
            named(&by),
            by.field,
            named(&object),
            without_port(&case.request().host)
        ),
        fix: vec![
            set(&object, Some(service), "spec.tls", None, route),
            replace(&by, Some(&mode), Some(json!("SIMPLE")), end),
        ],
        next: show(&object),
        objects: vec![object, by],
        codes: &[],
        evidence: vec![mode.evidence(), http.evidence()],
    })
}

/// The `VirtualService` objects with the host that are bound to a Gateway.
fn bound(case: &Case, gateway: &Node) -> Option<Vec<Node>> {
    let own = (gateway.text("metadata.namespace")?, gateway.text("metadata.name")?);
    let host = without_port(&case.request().host);
    let is_bound = |service: &Node| {
        let namespace = service.text("metadata.namespace").unwrap_or_default();
        let names = service.list("spec.gateways");
        let hosts = service.list("spec.hosts");
        names.iter().filter_map(|name| name.value().as_str()).any(|name| object_of(name, &namespace) == own)
            && hosts.iter().filter_map(|pattern| pattern.value().as_str()).any(|pattern| takes(pattern, host))
    };
    Some(case.objects(Kind::VirtualService, None, &[])?.into_iter().filter(is_bound).collect())
}
