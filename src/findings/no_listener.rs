//! No listener of the proxy takes the port.
//!
//! The connection is refused before Envoy sees a request, so nothing is logged.
//!
//! How it comes about: A gateway listens on the ports of its Gateway (or of its virtual hosts) and on no other. A port
//! with TLS often has no listener until its certificate is there.
//!
//! How to confirm it: `istioctl proxy-config listeners POD` lists the ports. `kubectl get gateways -A -o yaml` shows
//! which the Gateway has, and whether a listener was not accepted.
//!
//! How to fix it: Add the port to the Gateway, or dial one of those that there are. Where the certificate is missing,
//! create its Secret.

use crate::diagnose::{Case, Found, advice};
use crate::verdict::{Op, Side};
use crate::walk::Stop;

pub(crate) const YIELDS_TO: &[&str] =
    &["gateway-routes-of-another-kind", "route-not-attached", "update-still-warming", "virtual-service-not-bound"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    if case.own_stop() != Some(&Stop::NoListener) {
        return None;
    }
    let step = case.last_step()?;
    let whose = if step.side == Side::Source { "The proxy" } else { "B's proxy" };
    let port = case.request().port;
    Some(Found::of_end(
        &step,
        format!("the proxy does not listen on port {port}"),
        format!("{whose} does not listen on {}: {}. The connection is refused.", step.subject, step.note),
        vec![
            advice(Op::Replace, "ask for a port that it listens on"),
            advice(
                Op::Add,
                format!("give it a listener for port {port}: in a Gateway, or where its listeners are configured"),
            ),
        ],
    ))
}
