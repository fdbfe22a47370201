//! What all ways of a [`Told`] come to: one word, and alternatives that come to one.

use crate::verdict::{Outcome, Power, Stage};

use super::course::{Course, Told};
use super::guard::Guard;
use super::log::Fact;
use super::outcome::{alike, combine, under};
use super::stop::RequestKind;

impl<T> Told<T> {
    /// The outcome of all ways together.
    pub(in crate::walk) fn outcome(&self, kind: RequestKind) -> Outcome {
        combine(&self.outcomes(kind, &[]))
    }

    /// The shares of the ways with what surely becomes of them. Alternatives that come to one word are an answer.
    fn outcomes(&self, kind: RequestKind, powers: &[Power]) -> Vec<(f64, Outcome)> {
        match &self.course {
            Course::Goes(_) => vec![(1.0, under(Outcome::Reaches, powers))],
            Course::Ends(stop, _) => vec![(1.0, under(stop.outcome(kind), powers))],
            Course::Depends(_, None) => vec![(1.0, Outcome::Unknown)],
            Course::Depends(condition, Some(rest)) => rest.outcomes(kind, &[powers, &condition.powers].concat()),
            Course::Parts(parts) if parts.iter().any(|(guard, _)| matches!(guard, Guard::Provided { .. })) => {
                let words = parts.iter().map(|(_, part)| combine(&part.outcomes(kind, powers)));
                // Of one alternative it is open whether it is the one.
                let word = alike(words).filter(|_| parts.len() > 1);
                vec![(1.0, word.unwrap_or(Outcome::Unknown))]
            }
            Course::Parts(parts) => {
                let of = |(guard, part): &(Guard, Self)| {
                    let share = guard.share();
                    let kind = guard.asked_for().map_or(kind, |asked_for| asked_for.request);
                    part.outcomes(kind, powers).into_iter().map(move |(inner, word)| (share * inner, word))
                };
                // What somebody meant to end, and what no route takes, leaves a host that is fine as it is.
                parts.iter().filter(|(guard, _)| guard.counts()).flat_map(of).collect()
            }
        }
    }

    /// The same, where alternatives that come to one word say so, and those that are alike in all are one.
    pub(in crate::walk) fn settled(self, kind: RequestKind) -> Self {
        let course = match self.course {
            Course::Parts(parts) => {
                let mut parts: Vec<(Guard, Self)> =
                    parts.into_iter().map(|(guard, part)| (guard, part.settled(kind))).collect();
                if let Some(merged) = merged(&mut parts) {
                    return merged.after(self.log);
                }
                let word = alike(parts.iter().map(|(_, part)| part.outcome(kind))).filter(|_| parts.len() > 1);
                let settle = |(guard, part): (Guard, Self)| (guard.settled_as(word), part);
                Course::Parts(parts.into_iter().map(settle).collect())
            }
            Course::Depends(condition, rest) => {
                Course::Depends(condition, rest.map(|rest| Box::new(rest.settled(kind))))
            }
            other @ (Course::Goes(_) | Course::Ends(..)) => other,
        };
        Self { log: self.log, course }
    }
}

/// Alternatives that are alike in all that is told of them, as one: the first stands for all, without the row that says
/// that it is open.
fn merged<T>(parts: &mut Vec<(Guard, Told<T>)>) -> Option<Told<T>> {
    // Of one alternative it is open whether it is the one.
    if parts.len() < 2 || !parts.iter().all(|(guard, _)| guard.condition().is_some()) {
        return None;
    }
    let mut signatures = parts.iter().map(|(_, part)| part.signature());
    let first = signatures.next()?;
    if !signatures.all(|other| other == first) {
        return None;
    }
    let why = parts.first().and_then(|(guard, _)| guard.condition()).map(|open| open.why.clone()).unwrap_or_default();
    let named = [Stage::Listener, Stage::FilterChain, Stage::Route];
    let names = |stage: Stage| parts.iter().map(move |(_, part)| part.first_met(&|fact: &Fact| fact.name_at(stage)));
    let differing = named.into_iter().filter(|stage| {
        let mut names = names(*stage);
        let first = names.next().flatten();
        names.any(|other| other != first)
    });
    let fact = Fact::Unsettled { why, differing: differing.collect() };
    let (_, mut one) = parts.drain(..).next()?;
    one.log.remove(0);
    Some(one.last(fact))
}

/// What is compared of a way: how it ends, and by which route and cluster it went there.
type Signature = Vec<String>;

impl<T> Told<T> {
    /// What tells ways apart that end alike.
    pub(in crate::walk) fn signature(&self) -> Signature {
        let mut own: Vec<String> = self.log.iter().filter_map(|entry| entry.fact.mark()).collect();
        match &self.course {
            Course::Goes(_) => own.push("goes".to_owned()),
            Course::Ends(stop, _) => own.push(format!("{stop:?}")),
            Course::Parts(parts) => own.extend(
                parts
                    .iter()
                    .flat_map(|(guard, part)| std::iter::once(format!("{}", guard.share())).chain(part.signature())),
            ),
            Course::Depends(condition, rest) => {
                own.push(condition.why.clone());
                own.extend(rest.iter().flat_map(|rest| rest.signature()));
            }
        }
        own
    }
}
