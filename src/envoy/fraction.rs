//! Shares of requests.

use super::pb::envoy::r#type::v3::FractionalPercent;
use super::pb::envoy::r#type::v3::fractional_percent::DenominatorType;

/// A `FractionalPercent` as a share from 0 to 1; unset is 0.
pub fn share(percent: Option<&FractionalPercent>) -> f64 {
    let Some(percent) = percent else { return 0.0 };
    (f64::from(percent.numerator) / f64::from(denominator(percent))).min(1.0)
}

/// Of how many it is a part.
pub fn denominator(percent: &FractionalPercent) -> u32 {
    match percent.denominator() {
        DenominatorType::Hundred => 100,
        DenominatorType::TenThousand => 10_000,
        DenominatorType::Million => 1_000_000,
    }
}
