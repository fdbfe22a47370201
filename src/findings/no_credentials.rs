//! The proxy asks for a login, and none is shown.
//!
//! The filters `basic_auth`, `api_key_auth` and `oauth2` answer 401 (or redirect to the login) by themselves, before
//! any upstream is asked. Credentials that are shown are not looked at here.
//!
//! How it comes about: The client sends no `authorization` header, no key, or none in the place where the filter
//! looks.
//!
//! How to confirm it: The details say which: `no_credential_for_basic_auth`, `missing_api_key`, `oauth_denied`.
//!
//! How to fix it: Send the credentials, or leave the filter out of that route.

use crate::diagnose::{Case, Found, advice};
use crate::verdict::Op;
use crate::walk::{Stop, Unfit};

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let Some(Stop::Unfit(Unfit::CredentialsDenied(_))) = case.own_stop() else { return None };
    let step = case.last_step()?;
    Some(Found::of_end(
        &step,
        "it shows no credentials, which the proxy asks for".to_owned(),
        format!("The filter {} lets nobody pass without credentials, and answers 401.", step.subject),
        vec![
            advice(Op::Add, "send the credentials (-H 'authorization: …', or the header or parameter of the key)"),
            advice(Op::Remove, format!("{}: disable it for this route, if the route is open to all", step.subject)),
        ],
    ))
}
