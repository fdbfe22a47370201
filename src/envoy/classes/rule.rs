//! A match as the conditions that it is made of.

use crate::envoy::fraction;
use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::config::route::v3::RouteMatch;
use crate::envoy::pb::envoy::config::route::v3::route_match::PathSpecifier;

use super::atom::{Atom, Case, PathAtom, PathTest, Sign};
use super::request::{Frame, Request, Seen};

/// Conditions that all have to hold, and what then happens.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// The conditions, and which way each is wanted: a route wants all of its own to hold, a policy may say not.
    pub conditions: Vec<(Atom, Sign)>,
    /// Which of the requests that meet them it takes.
    pub takes: Takes,
}

/// Which of the requests that meet its conditions a rule takes.
#[derive(Clone, PartialEq, Debug)]
pub enum Takes {
    /// All.
    All,
    /// Chance decides; this share, between 0 and 1.
    Share(f64),
    /// None, and why.
    Never(String),
    /// It cannot be told, and why.
    Open(String),
}

impl Rule {
    /// Of a route's match (`RouteEntryImplBase::matchRoute`); `None` is a match that could not be read.
    pub fn of(wanted: Option<&RouteMatch>, frame: &Frame) -> Self {
        let Some(wanted) = wanted else {
            return Self { conditions: Vec::new(), takes: Takes::Open("its match could not be read".to_owned()) };
        };
        let headers = wanted.headers.iter().cloned().map(Atom::Header);
        let parameters = wanted.query_parameters.iter().cloned().map(Atom::Query);
        let cookies = wanted.cookies.iter().cloned().map(Atom::Cookie);
        let grpc = wanted.grpc.iter().map(|_| Atom::Grpc);
        let atoms = path(wanted).into_iter().chain(headers).chain(parameters).chain(cookies).chain(grpc);
        Self { conditions: atoms.map(|atom| (atom, Sign::Holds)).collect(), takes: takes(wanted, frame) }
    }

    /// The conditions that have to hold.
    pub(super) fn holding(&self) -> impl Iterator<Item = &Atom> {
        self.conditions.iter().filter(|(_, sign)| *sign == Sign::Holds).map(|(atom, _)| atom)
    }

    /// Whether it takes a request.
    #[must_use]
    pub fn matches(&self, request: &Request, frame: &Frame) -> Match {
        self.seen(&Seen::new(request, frame))
    }

    /// The same, of a request that was looked at.
    pub(super) fn seen(&self, seen: &Seen) -> Match {
        let takes = match &self.takes {
            Takes::All => Match::Yes,
            Takes::Share(share) => Match::Share(*share),
            Takes::Never(_) => return Match::No,
            Takes::Open(why) => Match::Unknown(why.clone()),
        };
        met(takes, &self.conditions, seen)
    }
}

/// Whether a request meets conditions besides what is known of it.
pub(super) fn met(known: Match, conditions: &[(Atom, Sign)], seen: &Seen) -> Match {
    let mut all = known;
    for (atom, sign) in conditions {
        all = all.and(sign.of(atom.seen(seen)));
        if all == Match::No {
            break;
        }
    }
    all
}

/// The condition of the path; none for one that every path meets, and for what no atom says.
fn path(wanted: &RouteMatch) -> Option<Atom> {
    let is_ignored = wanted.case_sensitive.as_ref().is_some_and(|sensitive| !sensitive.value);
    let case = if is_ignored { Case::Ignored } else { Case::Sensitive };
    let test = match wanted.path_specifier.as_ref()? {
        // Envoy refuses a request whose path does not begin with a slash before it asks the routes.
        PathSpecifier::Prefix(prefix) if prefix.is_empty() || prefix == "/" => return None,
        PathSpecifier::Prefix(prefix) => PathTest::Prefix(prefix.clone()),
        PathSpecifier::Path(exact) => PathTest::Exact(exact.clone()),
        PathSpecifier::PathSeparatedPrefix(prefix) => PathTest::Below(prefix.clone()),
        PathSpecifier::SafeRegex(regex) => PathTest::Regex(regex.regex.clone()),
        PathSpecifier::PathMatchPolicy(policy) => PathTest::Template(policy.typed_config.clone()?),
        PathSpecifier::ConnectMatcher(_) => return None,
    };
    Some(Atom::Path(PathAtom::new(test, case)))
}

/// What it comes to besides the conditions that a plain request can meet.
fn takes(wanted: &RouteMatch, frame: &Frame) -> Takes {
    let never = |why: &str| Takes::Never(why.to_owned());
    match &wanted.path_specifier {
        Some(PathSpecifier::ConnectMatcher(_)) => return never("it takes CONNECT only"),
        None => return Takes::Open("it names no path".to_owned()),
        Some(PathSpecifier::PathMatchPolicy(policy)) if policy.typed_config.is_none() => {
            return Takes::Open("a path matcher of a kind that is not modeled".to_owned());
        }
        Some(_) => {}
    }
    // A's own request comes in plaintext: no certificate is presented.
    let is_wanted = |flag: &Option<pbjson_types::BoolValue>| flag.as_ref().is_some_and(|flag| flag.value);
    if wanted.tls_context.as_ref().is_some_and(|tls| is_wanted(&tls.presented) || is_wanted(&tls.validated)) {
        return never("it takes requests with a client certificate only");
    }
    // No filter runs before the route is chosen, so there is none yet, and what is missing does not match.
    if let Some(metadata) = wanted.dynamic_metadata.iter().find(|metadata| !metadata.invert) {
        return Takes::Never(format!("nothing has set the dynamic metadata {} by then", metadata.filter));
    }
    let chance = chance(wanted, frame);
    match wanted.filter_state.first() {
        Some(state) if !matches!(chance, Takes::Never(_)) => {
            Takes::Open(format!("the filter state {} is not modeled", state.key))
        }
        Some(_) | None => chance,
    }
}

/// What a `runtime_fraction` leaves to chance.
fn chance(wanted: &RouteMatch, frame: &Frame) -> Takes {
    let Some(runtime) = &wanted.runtime_fraction else { return Takes::All };
    let share = match frame.runtime.get(&runtime.runtime_key) {
        Some(None) => return Takes::Open(format!("the runtime value {} is not modeled", runtime.runtime_key)),
        Some(Some(share)) => *share,
        None => fraction::share(runtime.default_value.as_ref()),
    };
    match share {
        share if share <= 0.0 => Takes::Never("its share of requests is 0".to_owned()),
        share if share >= 1.0 => Takes::All,
        share => Takes::Share(share),
    }
}
