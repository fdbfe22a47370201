//! Shares of requests.

use super::pb::envoy::r#type::v3::FractionalPercent;
use super::pb::envoy::r#type::v3::fractional_percent::DenominatorType;

/// A `FractionalPercent` as a share from 0 to 1; unset is 0.
pub fn share(percent: Option<&FractionalPercent>) -> f64 {
    let Some(percent) = percent else { return 0.0 };
    let of = match percent.denominator() {
        DenominatorType::Hundred => 100.0,
        DenominatorType::TenThousand => 10_000.0,
        DenominatorType::Million => 1_000_000.0,
    };
    (f64::from(percent.numerator) / of).min(1.0)
}
