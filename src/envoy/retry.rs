//! Retries: after which failures a request is sent again, and what the access log says once that is given up.
//!
//! `source/common/router/retry_state_impl.cc`. A request is tried at least once more where the failure is one of
//! `retry_on`, so that for a failure that lasts only the flag tells of it.

use crate::envoy::matcher::{self, Match, Reading};
use crate::envoy::pb::envoy::config::cluster::v3::circuit_breakers::Thresholds;
use crate::envoy::pb::envoy::config::route::v3::{HeaderMatcher, RetryPolicy};

/// How a try fails before there is an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// No connection comes about.
    NoConnection,
    /// The connection ends when the request is on it.
    Reset,
}

/// Which failures are tried again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
enum Covered {
    #[default]
    Nothing,
    NoConnection,
    EachReset,
}

/// What leaves no try.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Limit {
    /// Their number.
    #[default]
    Tries,
    /// The cluster's circuit breaker.
    Breaker,
}

/// The retries of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retries {
    covered: Covered,
    tries: u32,
    limit: Limit,
}

impl Default for Retries {
    /// Nothing is tried again; what is covered later has one try more.
    fn default() -> Self {
        Self { covered: Covered::Nothing, tries: 1, limit: Limit::Tries }
    }
}

impl Retries {
    /// Those of a policy, for a request whose headers have these values (`retriable_request_headers`).
    pub fn of<'a>(policy: &RetryPolicy, values: impl Fn(&str) -> Vec<&'a str>, reading: Reading) -> Self {
        let takes = |asked: &HeaderMatcher| matcher::header(asked, &values(&asked.name), reading) == Match::Yes;
        let asked = &policy.retriable_request_headers;
        let is_asked = asked.is_empty() || asked.iter().any(takes);
        let covered = if is_asked { covered(&policy.retry_on) } else { Covered::Nothing };
        Self { covered, tries: policy.num_retries.as_ref().map_or(1, |n| n.value), ..Self::default() }
    }

    /// With what an internal request asks for itself (`x-envoy-retry-on`, `x-envoy-max-retries`).
    #[must_use]
    pub fn and_asked(self, retry_on: Option<&str>, max_retries: Option<&str>) -> Self {
        let asked = retry_on.map(covered).unwrap_or_default();
        let tries = max_retries.and_then(|n| n.parse().ok()).unwrap_or(self.tries);
        Self { covered: self.covered.max(asked), tries, ..self }
    }

    /// Under a circuit breaker, for a request that is alone: whether `max_retries`, or the budget that goes before it,
    /// leaves room for one.
    #[must_use]
    pub fn under(self, thresholds: &Thresholds) -> Self {
        let room = match &thresholds.retry_budget {
            Some(budget) => {
                let share = budget.budget_percent.as_ref().map_or(20.0, |p| p.value);
                budget.min_retry_concurrency.as_ref().is_none_or(|n| n.value > 0) || share >= 100.0
            }
            None => thresholds.max_retries.as_ref().is_none_or(|n| n.value > 0),
        };
        Self { limit: if room { Limit::Tries } else { Limit::Breaker }, ..self }
    }

    /// The flag that stands before that of the failure, where the request was to be tried again: `URX`, or `UO`.
    pub fn flag(self, failure: Failure) -> Option<&'static str> {
        let covers = match failure {
            Failure::NoConnection => self.covered >= Covered::NoConnection,
            Failure::Reset => self.covered >= Covered::EachReset,
        };
        let flag = match self.limit {
            Limit::Breaker if self.tries > 0 => "UO",
            Limit::Breaker | Limit::Tries => "URX",
        };
        covers.then_some(flag)
    }
}

/// Of `retry_on`; a request that is on a connection has begun, so that `reset-before-request` is about those before it.
fn covered(retry_on: &str) -> Covered {
    let of = |name: &str| match name.trim() {
        "5xx" | "gateway-error" | "reset" => Covered::EachReset,
        "connect-failure" | "reset-before-request" => Covered::NoConnection,
        _ => Covered::Nothing,
    };
    retry_on.split(',').map(of).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use pbjson_types::UInt32Value;

    use crate::envoy::version::Version;

    use super::*;

    fn retries(retry_on: &str, num_retries: Option<u32>) -> Retries {
        let num_retries = num_retries.map(|value| UInt32Value { value });
        let policy = RetryPolicy { retry_on: retry_on.to_owned(), num_retries, ..RetryPolicy::default() };
        Retries::of(&policy, |_| Vec::new(), Reading::of(Version::new(1, 40, 0)))
    }

    #[test]
    fn what_is_tried_again() {
        for (retry_on, no_connection, reset) in [
            ("", None, None),
            ("connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes", Some("URX"), None),
            ("reset-before-request", Some("URX"), None),
            ("retriable-4xx, 5xx", Some("URX"), Some("URX")),
            ("gateway-error", Some("URX"), Some("URX")),
            ("reset", Some("URX"), Some("URX")),
        ] {
            let own = retries(retry_on, None);
            assert_eq!(own.flag(Failure::NoConnection), no_connection, "{retry_on}");
            assert_eq!(own.flag(Failure::Reset), reset, "{retry_on}");
        }
    }

    #[test]
    fn a_breaker_without_room_says_so_where_a_try_is_left() {
        let none = Thresholds { max_retries: Some(UInt32Value { value: 0 }), ..Thresholds::default() };
        assert_eq!(retries("5xx", None).under(&none).flag(Failure::Reset), Some("UO"));
        assert_eq!(retries("5xx", Some(0)).under(&none).flag(Failure::Reset), Some("URX"));
        assert_eq!(retries("5xx", None).under(&Thresholds::default()).flag(Failure::Reset), Some("URX"));
    }
}
