//! A certificate is not there: the client's, or the proxy's own.
//!
//! A listener with `require_client_certificate` (a Gateway of mode MUTUAL) ends each handshake without one. A listener whose
//! own certificate was never delivered (a Secret that is not there, or may not be read) closes each connection.

use crate::diagnose::{Case, Found, advice};
use crate::verdict::{Fix, Op};
use crate::walk::{Stop, Unfit};

pub(crate) const YIELDS_TO: &[&str] = &["certificate-not-accepted", "mtls-required"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let stop = case.own_stop()?;
    let (why, fix): (String, Vec<Fix>) = if *stop == Stop::Unfit(Unfit::ClientCertificateMissing) {
        (
            "The filter chain takes clients with a certificate only, and this one shows none: the handshake fails."
                .to_owned(),
            vec![
                advice(Op::Add, "let the client show a certificate that the proxy's authority signed"),
                advice(Op::Replace, "require_client_certificate: false (a Gateway: tls mode SIMPLE), if all may come"),
            ],
        )
    } else if let Stop::Unfit(Unfit::CertificateNotDelivered(name)) = stop {
        (
            format!(
                "The filter chain shows the certificate {name}, which the proxy never got, and closes each connection."
            ),
            vec![
                advice(Op::Add, format!("the Secret {name}, where the gateway's control plane looks for it")),
                advice(Op::Replace, "the name of the certificate in the Gateway: one that is there"),
            ],
        )
    } else {
        return None;
    };
    let step = case.last_step()?;
    Some(Found::of_end(&step, stop.words(), why, fix))
}
