//! What mutual TLS B asks for, by the `PeerAuthentication` objects.

use super::{Case, ref_of};
use crate::snapshot::{Kind, Node};
use crate::verdict::ObjectRef;
use crate::walk::Visit;

/// The policy that decides for the port of B's pod (of the workload, of the namespace, of the mesh), and its mode.
///
/// The nearest that sets a mode decides; UNSET leaves it to the next. Ports count only beside a selector.
/// `pilot/pkg/security/authn/policy_applier.go`.
pub(crate) fn mtls_mode(case: &Case, there: &Visit) -> Option<(ObjectRef, Node)> {
    let port = there.port.to_string();
    let mode = |policy: &Node| {
        let set = |mode: &Node| mode.value().as_str().is_some_and(|mode| mode != "UNSET");
        let of_port = policy.at("spec.selector").and_then(|_| policy.at("spec.portLevelMtls")?.get(&port)?.get("mode"));
        let of_port = of_port.filter(set);
        let field = match &of_port {
            Some(_) => format!("spec.portLevelMtls.{port}.mode"),
            None => "spec.mtls.mode".to_owned(),
        };
        let mode = of_port.or_else(|| policy.at("spec.mtls.mode").filter(set))?;
        Some((ref_of(Kind::PeerAuthentication, policy, &field), mode))
    };
    case.nearest_for_the_proxy(Kind::PeerAuthentication).iter().find_map(mode)
}
