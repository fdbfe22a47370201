//! What Envoy's dump leaves out of an assignment, and whether it matters where requests go.
//!
//! `ClusterLoadAssignment.Policy.weighted_priority_health` decides which share each priority gets, and the dump of
//! endpoints does not have it. What it could be is known: both are looked at.

use crate::envoy::health::Host;
use crate::envoy::load::Spread;
use crate::walk::way::walker::Walker;

/// What the dump does not tell, and these hosts make a difference of.
pub(in crate::walk) const UNTOLD_WEIGHTS: &str =
    "whether priorities count weights (`weighted_priority_health`, which the dump leaves out) in the assignment";

/// The hosts that get requests in one alternative or another; `None` where alternatives end differently: where another
/// share finds no host, or only one of them leads to nothing but hosts to which no connection ever came about.
pub(in crate::walk) fn either(hosts: &[&Host], alternatives: &[Spread]) -> Option<Spread> {
    let dead = |spread: &Spread| {
        let mut chosen = hosts.iter().zip(&spread.eligible).filter(|(_, eligible)| **eligible).peekable();
        chosen.peek().is_some() && chosen.all(|(host, _)| host.counters.never_connected())
    };
    let (first, others) = alternatives.split_first()?;
    let alike =
        |other: &Spread| other.without_host.to_bits() == first.without_host.to_bits() && dead(other) == dead(first);
    others.iter().all(alike).then(|| others.iter().fold(first.clone(), joined))
}

/// What is open, where no way at this proxy rests on it: a line below `not checked`.
pub(in crate::walk) fn told_beside(walker: &Walker, why: String) -> String {
    walker.unchecked(why.clone());
    why
}

fn joined(mut all: Spread, other: &Spread) -> Spread {
    all.eligible.iter_mut().zip(&other.eligible).for_each(|(all, other)| *all |= *other);
    all.panic |= other.panic;
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::pb::envoy::admin::v3::HostStatus;

    #[test]
    fn alternatives_that_end_alike_are_one() {
        let host: Host = Host::of(&HostStatus::default());
        let hosts = [&host, &host, &host];
        let spread =
            |eligible: [bool; 3], without_host: f64| Spread { eligible: eligible.to_vec(), without_host, panic: false };
        let all_here = spread([true, false, false], 0.0);
        let some_there = spread([true, true, false], 0.0);
        assert_eq!(either(&hosts, &[all_here.clone(), some_there.clone()]), Some(some_there.clone()));
        assert_eq!(either(&hosts, &[some_there, spread([true, false, false], 0.5)]), None);
        assert_eq!(either(&hosts, std::slice::from_ref(&all_here)), Some(all_here));
        assert_eq!(either(&hosts, &[]), None);
    }
}
