//! The certificate of a Gateway's server, which istiod reads from a Secret.

use super::gateways::servers_of;
use super::{Case, advice, list, named, ref_of, replace};
use crate::snapshot::{Kind, Node};
use crate::verdict::{Command, Fix, ObjectRef, Op};

/// A Secret that a Gateway names. Istiod looks for it in the namespace of the gateway's pods, and delivers it as
/// `kubernetes://NAME` (`pilot/pkg/xds/sds.go`).
pub(crate) struct Credential {
    /// The Gateway, with the field.
    pub(crate) object: ObjectRef,
    /// The field.
    pub(crate) at: Node,
    name: String,
    /// Of the gateway's pods.
    namespace: String,
}

impl Credential {
    /// What a name of a secret stands for, where a Gateway for this request has it.
    pub(crate) fn of(case: &Case, delivered_as: &str) -> Option<Self> {
        let name = delivered_as.strip_prefix("kubernetes://")?;
        let named = |server: &Node| server.at("tls.credentialName").filter(|at| at.value() == name);
        let (gateway, at) =
            servers_of(case).into_iter().find_map(|(gateway, server)| Some((gateway, named(&server)?)))?;
        let namespace = case.proxy_pod()?.text("metadata.namespace")?;
        Some(Self { object: ref_of(Kind::Gateway, &gateway, &at.place()), at, name: name.to_owned(), namespace })
    }

    /// The title of a finding.
    pub(crate) fn title(&self) -> String {
        format!("Secret {}/{} was never delivered", self.namespace, self.name)
    }

    /// The cause, in a sentence.
    pub(crate) fn why(&self) -> String {
        format!(
            "{} names Secret {} ({}), which istiod looks for in the namespace of the gateway's pods, {}, and the gateway never got it.",
            named(&self.object),
            self.name,
            self.object.field,
            self.namespace
        )
    }

    /// What would deliver it.
    pub(crate) fn fix(&self) -> Vec<Fix> {
        let other = format!("{}, {}: a Secret of namespace {}", named(&self.object), self.object.field, self.namespace);
        vec![
            advice(
                Op::Add,
                format!(
                    "Secret {} of type kubernetes.io/tls in namespace {}, with a certificate and its key",
                    self.name, self.namespace
                ),
            ),
            replace(&self.object, Some(&self.at), None, other),
        ]
    }

    /// The names of the Secrets that are there.
    pub(crate) fn next(&self) -> Command {
        list(&self.namespace, "secrets")
    }
}
