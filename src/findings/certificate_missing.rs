//! A certificate that is asked for is not there.
//!
//! A certificate is asked for in a TLS handshake, and it is not there: the client's own, or the one that the proxy
//! should show. The connection is closed.
//!
//! How it comes about: A listener with `require_client_certificate` (a Gateway of mode MUTUAL) ends each handshake
//! without a certificate. A listener whose own certificate was never delivered, as its Secret is not there or may not
//! be read, closes each connection.
//!
//! How to confirm it: `istioctl proxy-config secret POD` lists what was delivered. `openssl s_client -connect
//! HOST:PORT` shows whether the proxy asks the client for a certificate.
//!
//! How to fix it: Show a certificate; or create the Secret that `credentialName` of the Gateway names, in the namespace of
//! the gateway's pods, with the keys `tls.crt` and `tls.key`.

use crate::diagnose::{Case, Credential, Found, advice};
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
        if let Some(found) = of_gateway(case, name) {
            return Some(found);
        }
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

/// Of a Gateway's server: the Secret that it names.
fn of_gateway(case: &Case, delivered_as: &str) -> Option<Found> {
    let step = case.last_step()?;
    let credential = Credential::of(case, delivered_as)?;
    let found = Found::of_end(&step, credential.title(), String::new(), credential.fix());
    let why = format!("{} The proxy closes each connection.", credential.why());
    let evidence = [credential.at.evidence()].into_iter().chain(found.evidence.clone()).collect();
    Some(Found { why, next: credential.next(), objects: vec![credential.object], evidence, ..found })
}
