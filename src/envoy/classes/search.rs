//! A request that a rule takes and no earlier one, or the rules that leave it none.
//!
//! A request that meets the rule's own conditions is looked for first. If an earlier rule takes it, one of that rule's
//! conditions has to fail, and the search goes on with that as one condition more. So only those earlier rules are ever
//! looked at that stand in the way of something, and where nothing is left, they are the proof.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::envoy::matcher::Match;

use super::atom::{Atom, Sign};
use super::index::Index;
use super::parts::{Outcome, Problem};
use super::request::{Frame, Request, Seen};
use super::rule::{Rule, Takes, met};
use super::tools::Tools;

/// The most requests that are tried for one class.
const TRIES: usize = 128;
/// The most times that rules are asked for all classes, beyond which nothing more is said: about a second.
const EVALUATIONS: usize = 1 << 22;
/// The most rules of which it is tried whether fewer of them are proof enough.
const PROVING: usize = 12;

/// The rules that were placed so far, and what placing takes.
pub(super) struct Search<'a> {
    pub(super) rules: &'a [Rule],
    pub(super) index: Index,
    pub(super) tools: Tools<'a>,
    /// How many times a rule was asked whether it takes a request.
    pub(super) evaluations: usize,
    tries: usize,
    /// Conditions besides those of the rules, none of which a request may meet whole.
    others: Vec<&'a [(Atom, Sign)]>,
}

/// Which earlier rules have to let a request pass.
#[derive(Clone, Copy)]
enum Scope<'s> {
    /// All that may take it, be it by chance or for all that is known.
    May,
    /// All that surely take it.
    Surely,
    /// Of those that surely take it, these.
    Among(&'s [usize]),
}

/// What is left for a rule.
pub(super) enum Left {
    /// This request.
    Request(Request),
    /// This request, of which these earlier rules may take a share, or all for all that is known.
    Behind(Vec<usize>, Request),
    /// None: these earlier rules take all.
    Nothing(Vec<usize>),
    /// None at all would meet its conditions.
    Impossible,
    /// It cannot be told, and why.
    Unknown(String),
}

/// What one search comes to.
enum Way {
    Free(Request),
    Blocked,
    Unknown(String),
}

impl<'a> Search<'a> {
    pub(super) fn new(rules: &'a [Rule], frame: &'a Frame) -> Self {
        Self {
            rules,
            index: Index::new(rules, frame),
            tools: Tools::new(frame),
            evaluations: 0,
            tries: 0,
            others: Vec::new(),
        }
    }

    /// What the rules that were placed leave of the requests that meet a rule's conditions; `None`: of all requests.
    pub(super) fn left(&mut self, rule: Option<usize>) -> Left {
        let conditions = rule.map(|rule| self.conditions(rule)).unwrap_or_default();
        let problem = Problem::new(conditions.iter().map(|(atom, sign)| (atom, *sign)), &mut self.tools);
        if problem.is_impossible() {
            return Left::Impossible;
        }
        let may = match self.way(&problem, Scope::May) {
            (Way::Free(request), _) => return Left::Request(request),
            (Way::Blocked, by) if by.iter().all(|rule| self.is_sure(*rule)) => {
                return Left::Nothing(self.fewest(&problem, by));
            }
            (Way::Blocked, by) => Ok(by),
            (Way::Unknown(why), _) => Err(why),
        };
        match (self.way(&problem, Scope::Surely), may) {
            ((Way::Blocked, by), _) => Left::Nothing(self.fewest(&problem, by)),
            ((Way::Free(request), _), Ok(by)) => {
                let unsure = by.into_iter().filter(|rule| !self.is_sure(*rule)).collect();
                Left::Behind(unsure, request)
            }
            ((Way::Free(_) | Way::Unknown(_), _), Err(why)) | ((Way::Unknown(why), _), Ok(_)) => Left::Unknown(why),
        }
    }

    /// A request that is as these conditions want it, that no rule that was placed takes, and that meets none of these
    /// others whole; `None` where there is none, an error where it cannot be told.
    pub(super) fn part(
        &mut self,
        wanted: &[&'a (Atom, Sign)],
        others: &[&'a [(Atom, Sign)]],
    ) -> Result<Option<Request>, String> {
        let problem = Problem::new(wanted.iter().map(|(atom, sign)| (atom, *sign)), &mut self.tools);
        self.others.clear();
        self.others.extend_from_slice(others);
        let (way, _) = self.way(&problem, Scope::Surely);
        self.others.clear();
        match way {
            Way::Free(request) => Ok(Some(request)),
            Way::Blocked => Ok(None),
            Way::Unknown(why) => Err(why),
        }
    }

    /// Whether no request is as all conditions want it.
    pub(super) fn is_impossible(&mut self, wanted: &[&'a (Atom, Sign)]) -> bool {
        Problem::new(wanted.iter().map(|(atom, sign)| (atom, *sign)), &mut self.tools).is_impossible()
    }

    /// The conditions of a rule.
    pub(super) fn conditions(&self, rule: usize) -> &'a [(Atom, Sign)] {
        self.rules.get(rule).map(|rule| rule.conditions.as_slice()).unwrap_or_default()
    }

    fn is_sure(&self, rule: usize) -> bool {
        self.rules.get(rule).is_some_and(|rule| rule.takes == Takes::All)
    }

    /// A search of its own, and the rules that stood in its way.
    fn way(&mut self, problem: &Problem<'a>, scope: Scope) -> (Way, BTreeSet<usize>) {
        self.tries = 0;
        let mut met = BTreeSet::new();
        let way = self.avoid(problem, scope, &mut met);
        (way, met)
    }

    fn avoid(&mut self, problem: &Problem<'a>, scope: Scope, met: &mut BTreeSet<usize>) -> Way {
        self.tries += 1;
        if self.tries > TRIES || self.evaluations > EVALUATIONS {
            return Way::Unknown("too many routes overlap".to_owned());
        }
        let request = match problem.outcome(&self.tools) {
            Outcome::Witness(request) => request,
            Outcome::Empty => return Way::Blocked,
            Outcome::Undecided(why) => return Way::Unknown(why),
        };
        let conditions = match self.other(&request) {
            Ok(Some(other)) => other,
            Ok(None) => {
                let Some(blocker) = self.blocker(&request, scope) else { return Way::Free(request) };
                met.insert(blocker);
                self.conditions(blocker)
            }
            Err(why) => return Way::Unknown(why),
        };
        let mut unknown = None;
        for (atom, sign) in conditions {
            let harder = problem.with((atom, sign.flipped()), &mut self.tools);
            match self.avoid(&harder, scope, met) {
                Way::Free(request) => return Way::Free(request),
                Way::Blocked => {}
                Way::Unknown(why) => unknown = unknown.or(Some(why)),
            }
        }
        unknown.map_or(Way::Blocked, Way::Unknown)
    }

    /// Of the other conditions, those that the request meets and must not.
    fn other(&self, request: &Request) -> Result<Option<&'a [(Atom, Sign)]>, String> {
        if self.others.is_empty() {
            return Ok(None);
        }
        let seen = Seen::new(request, self.tools.frame);
        for other in &self.others {
            match met(Match::Yes, other, &seen) {
                Match::No => {}
                Match::Yes => return Ok(Some(other)),
                Match::Share(_) => return Err("a condition leaves it to chance".to_owned()),
                Match::Unknown(why) => return Err(why),
            }
        }
        Ok(None)
    }

    /// An earlier rule that takes the request; one that surely does, where there is one.
    fn blocker(&mut self, request: &Request, scope: Scope) -> Option<usize> {
        let seen = Seen::new(request, self.tools.frame);
        let (mut sure, mut unsure, mut evaluations) = (None, None, 0);
        let mut visit = |rule: usize| {
            evaluations += 1;
            match self.rules.get(rule).map_or(Match::No, |rule| rule.seen(&seen)) {
                Match::No => {}
                Match::Yes => sure = Some(rule),
                Match::Share(_) | Match::Unknown(_) => unsure = unsure.or(Some(rule)),
            }
            if sure.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let all = match scope {
            Scope::May | Scope::Surely => self.index.taking(&seen, &mut visit),
            Scope::Among(rules) => rules.iter().try_for_each(|rule| visit(*rule)),
        };
        self.evaluations += evaluations;
        match (all, scope) {
            (ControlFlow::Break(()), _) => sure,
            (ControlFlow::Continue(()), Scope::May) => unsure,
            (ControlFlow::Continue(()), Scope::Surely | Scope::Among(_)) => None,
        }
    }

    /// Of rules that together leave nothing, as few as do.
    fn fewest(&mut self, problem: &Problem<'a>, by: BTreeSet<usize>) -> Vec<usize> {
        let mut by: Vec<usize> = by.into_iter().filter(|rule| self.is_sure(*rule)).collect();
        if by.len() < 2 || by.len() > PROVING {
            return by;
        }
        let alone = by.iter().copied().find(|rule| matches!(self.way(problem, Scope::Among(&[*rule])).0, Way::Blocked));
        if let Some(alone) = alone {
            return vec![alone];
        }
        for rule in by.clone() {
            let without: Vec<usize> = by.iter().copied().filter(|other| *other != rule).collect();
            if matches!(self.way(problem, Scope::Among(&without)).0, Way::Blocked) {
                by = without;
            }
        }
        by
    }
}
