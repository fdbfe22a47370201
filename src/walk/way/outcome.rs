//! From the ways that requests can go to one word.

use crate::verdict::{Outcome, Power};

use super::end::End;
use super::stop::RequestKind;

/// What an end means.
pub(in crate::walk) fn of(end: &End, kind: RequestKind) -> Outcome {
    match end {
        End::HandedOver => Outcome::Reaches,
        End::Stopped(stop) => stop.outcome(kind),
        End::Unknown => Outcome::Unknown,
    }
}

/// What surely becomes of requests that come to this where something with these powers lets them pass: what can only
/// refuse never serves a request that fails behind it.
pub(in crate::walk) fn under(outcome: Outcome, powers: &[Power]) -> Outcome {
    let only_refuses = powers.iter().all(|power| *power == Power::Refuse);
    match outcome {
        _ if powers.is_empty() => outcome,
        Outcome::Fails if only_refuses => Outcome::Fails,
        Outcome::Reaches | Outcome::Answered | Outcome::Fails | Outcome::Partial | Outcome::Unknown => Outcome::Unknown,
    }
}

/// The outcome of several shares together. What is unknown matters only where it could change the word: shares that
/// differ already are partial whatever the rest does.
pub(in crate::walk) fn combine(shares: &[(f64, Outcome)]) -> Outcome {
    let mut known = shares.iter().filter(|(share, o)| *share > 0.0 && *o != Outcome::Unknown).map(|(_, o)| *o);
    let has_unknown = shares.iter().any(|(share, o)| *share > 0.0 && *o == Outcome::Unknown);
    let Some(first) = known.next() else {
        return Outcome::Unknown;
    };
    if first == Outcome::Partial || known.any(|o| o != first) {
        return Outcome::Partial;
    }
    if has_unknown { Outcome::Unknown } else { first }
}

/// The word that all are, where they are one.
pub(in crate::walk) fn alike(mut words: impl Iterator<Item = Outcome>) -> Option<Outcome> {
    let first = words.next()?;
    words.all(|word| word == first).then_some(first).filter(|word| *word != Outcome::Unknown)
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Fails, Partial, Reaches, Unknown};
    use super::combine;

    #[test]
    fn the_unknown_matters_where_it_could_change_the_word() {
        assert_eq!(combine(&[(1.0, Reaches)]), Reaches);
        assert_eq!(combine(&[(0.5, Reaches), (0.5, Fails)]), Partial);
        assert_eq!(combine(&[(0.5, Fails), (0.5, Unknown)]), Unknown);
        assert_eq!(combine(&[(0.4, Fails), (0.4, Reaches), (0.2, Unknown)]), Partial);
        assert_eq!(combine(&[(0.0, Fails), (1.0, Reaches)]), Reaches);
        assert_eq!(combine(&[]), Unknown);
    }
}
