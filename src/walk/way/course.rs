//! What a stage answers: what it met, and what becomes of the request.
//!
//! A stage returns a value and changes nothing. The driver strings the values together with [`Told::then`], and reads
//! the ways that requests go off the whole ([`Told::ways`]).

use std::sync::Arc;

use crate::verdict::{Mark, Side};

use super::guard::{Alternative, Condition, Guard};
use super::log::{Entry, Fact, Log, Row};
use super::stop::Stop;

/// How the row of a stop begins that is taken as repaired.
const AS_IF: &str = "as if this were repaired";

/// What becomes of the request at one stage. `T` is what the next stage gets.
#[derive(Clone, Debug)]
pub(in crate::walk) enum Course<T> {
    /// It goes on.
    Goes(T),
    /// Requests part; together the guards let all of them pass.
    Parts(Vec<(Guard, Told<T>)>),
    /// It ends. With what the next stage would get, where that tells more of why.
    Ends(Stop, Option<T>),
    /// It depends on something that is not modeled or was not read. With what would follow if that let the request pass
    /// unchanged; without, nothing can be said of what follows.
    Depends(Arc<Condition>, Option<Box<Told<T>>>),
}

/// What a stage tells: what it met, in order, and the course of the request after that.
#[derive(Clone, Debug)]
pub(in crate::walk) struct Told<T> {
    pub(super) log: Log,
    pub(super) course: Course<T>,
}

/// One way through a [`Told`]: what sends requests there, what they meet, and how it ends.
pub(in crate::walk) struct Way<T> {
    pub(in crate::walk) guards: Vec<Guard>,
    pub(in crate::walk) log: Log,
    pub(in crate::walk) last: Last<T>,
}

/// How one way ends.
pub(in crate::walk) enum Last<T> {
    /// It goes on to what was asked for.
    Goes(T),
    /// It ends here.
    Ends(Stop, Option<T>),
    /// Nothing can be said of what follows.
    Open,
}

impl<T> Told<T> {
    /// The request goes on.
    pub(in crate::walk) fn goes(next: T) -> Self {
        Self { log: Vec::new(), course: Course::Goes(next) }
    }

    /// The request ends.
    pub(in crate::walk) fn ends(stop: Stop) -> Self {
        Self { log: Vec::new(), course: Course::Ends(stop, None) }
    }

    /// The request ends at a place, at which a walk could take it as repaired.
    pub(in crate::walk) fn ends_at(stop: Stop, at: &str) -> Self {
        Self::ends(stop.clone()).met(Fact::Repairable(stop, at.to_owned()))
    }

    /// The same, where what ended the request at a place is taken as repaired; the row would say that it ends.
    pub(in crate::walk) fn repaired(self, stop: &Stop, at: &str, row: Row) -> Self {
        let note = if row.note.is_empty() { AS_IF.to_owned() } else { format!("{AS_IF}: {}", row.note) };
        let row = Row { mark: Mark::Warned, note, ..row };
        self.row(row).met(Fact::Repaired(stop.clone(), at.to_owned()))
    }

    /// The request ends, and what the next stage would get tells more of why.
    pub(in crate::walk) fn ends_before(stop: Stop, next: T) -> Self {
        Self { log: Vec::new(), course: Course::Ends(stop, Some(next)) }
    }

    /// Requests part. Where all of them go one way, they do not.
    pub(in crate::walk) fn parts(mut parts: Vec<(Guard, Self)>) -> Self {
        if let [(guard, _)] = &parts[..]
            && guard.is_for_all()
            && let Some((_, only)) = parts.pop()
        {
            return only;
        }
        Self { log: Vec::new(), course: Course::Parts(parts) }
    }

    /// The request goes on as this says, provided that something lets it pass unchanged.
    pub(in crate::walk) fn provided(condition: Condition, rest: Self) -> Self {
        Self { log: Vec::new(), course: Course::Depends(Arc::new(condition), Some(Box::new(rest))) }
    }

    /// Nothing can be said of what follows.
    pub(in crate::walk) fn open(condition: Condition) -> Self {
        Self { log: Vec::new(), course: Course::Depends(Arc::new(condition), None) }
    }

    /// The same, after a row.
    pub(in crate::walk) fn row(self, row: Row) -> Self {
        self.after(vec![Entry::source(Fact::Row(row))])
    }

    /// The same, after saying more of the last row of a stage.
    pub(in crate::walk) fn more(self, row: Row) -> Self {
        self.after(vec![Entry::source(Fact::More(row))])
    }

    /// The same, after something was met.
    pub(in crate::walk) fn met(self, fact: Fact) -> Self {
        self.after(vec![Entry::source(fact)])
    }

    /// The same, after what was met before.
    pub(in crate::walk) fn after(mut self, mut before: Log) -> Self {
        before.append(&mut self.log);
        Self { log: before, course: self.course }
    }

    /// The same, provided that each of these lets the request pass unchanged; each has a row.
    pub(in crate::walk) fn under(
        self,
        conditions: impl IntoIterator<Item = Condition, IntoIter: DoubleEndedIterator>,
    ) -> Self {
        conditions.into_iter().rev().fold(self, |rest, condition| {
            let row = Row::unknown(condition.stage, &condition.subject, &condition.why);
            let row = row.citing(condition.evidence.clone());
            Self::provided(condition, rest).row(row)
        })
    }

    /// What an open thing could be: each alternative goes its own way.
    pub(in crate::walk) fn alternatives(condition: Condition, alternatives: Vec<(String, Self)>) -> Self {
        let row = Row::unknown(condition.stage, &condition.subject, &condition.why).citing(condition.evidence.clone());
        let condition = Arc::new(condition);
        let guarded = |(place, (words, told)): (usize, (String, Self))| {
            let alternative = Some(Arc::new(Alternative { place, words, outcome: None }));
            (Guard::Provided { condition: Arc::clone(&condition), alternative }, told.row(row.clone()))
        };
        let parts = alternatives.into_iter().enumerate().map(guarded).collect();
        Self { log: Vec::new(), course: Course::Parts(parts) }
    }

    /// One more alternative, of which nothing is known: there are too many to look at each.
    pub(in crate::walk) fn and_others(condition: &Condition) -> (String, Self) {
        ("another".to_owned(), Self::open(condition.clone()))
    }

    /// Goes on with the next stage, wherever the request gets there.
    pub(in crate::walk) fn then<U>(self, next: &impl Fn(T) -> Told<U>) -> Told<U> {
        let told = match self.course {
            Course::Goes(value) => next(value),
            Course::Ends(stop, _) => Told::ends(stop),
            Course::Parts(parts) => {
                let parts = parts.into_iter().map(|(guard, part)| (guard, part.then(next))).collect();
                Told { log: Vec::new(), course: Course::Parts(parts) }
            }
            Course::Depends(condition, rest) => {
                let rest = rest.map(|rest| Box::new(rest.then(next)));
                Told { log: Vec::new(), course: Course::Depends(condition, rest) }
            }
        };
        told.after(self.log)
    }

    /// The same, where requests that end get another end or go on.
    pub(in crate::walk) fn or_else(self, end: &impl Fn(Stop, Option<T>) -> Self) -> Self {
        let told = match self.course {
            Course::Ends(stop, next) => end(stop, next),
            Course::Goes(value) => Self::goes(value),
            Course::Parts(parts) => {
                let parts = parts.into_iter().map(|(guard, part)| (guard, part.or_else(end))).collect();
                Self { log: Vec::new(), course: Course::Parts(parts) }
            }
            Course::Depends(condition, rest) => {
                let rest = rest.map(|rest| Box::new(rest.or_else(end)));
                Self { log: Vec::new(), course: Course::Depends(condition, rest) }
            }
        };
        told.after(self.log)
    }

    /// The same, seen as what B's proxy met.
    pub(in crate::walk) fn beyond(self) -> Self {
        let log = self.log.iter().map(|entry| entry.on(Side::Destination)).collect();
        let course = match self.course {
            Course::Goes(value) => Course::Goes(value),
            Course::Ends(stop, next) => Course::Ends(stop, next),
            Course::Parts(parts) => {
                Course::Parts(parts.into_iter().map(|(guard, part)| (guard.beyond(), part.beyond())).collect())
            }
            Course::Depends(condition, rest) => {
                let condition = Condition { side: Side::Destination, ..(*condition).clone() };
                Course::Depends(Arc::new(condition), rest.map(|rest| Box::new(rest.beyond())))
            }
        };
        Self { log, course }
    }

    /// The same, where something was met at the end of every way.
    pub(in crate::walk) fn last(self, fact: Fact) -> Self {
        let Self { mut log, course } = self;
        let course = match course {
            Course::Parts(parts) => {
                Course::Parts(parts.into_iter().map(|(guard, part)| (guard, part.last(fact.clone()))).collect())
            }
            Course::Depends(condition, Some(rest)) => Course::Depends(condition, Some(Box::new(rest.last(fact)))),
            end @ (Course::Goes(_) | Course::Ends(..) | Course::Depends(_, None)) => {
                log.push(Entry::source(fact));
                end
            }
        };
        Self { log, course }
    }

    /// Whether any way ends so.
    pub(in crate::walk) fn ends_with(&self, is_it: &impl Fn(&Stop) -> bool) -> bool {
        match &self.course {
            Course::Goes(_) => false,
            Course::Ends(stop, _) => is_it(stop),
            Course::Parts(parts) => parts.iter().any(|(_, part)| part.ends_with(is_it)),
            Course::Depends(_, rest) => rest.as_ref().is_some_and(|rest| rest.ends_with(is_it)),
        }
    }

    /// Whether every way ends so.
    pub(in crate::walk) fn only_ends_with(&self, is_it: &impl Fn(&Stop) -> bool) -> bool {
        match &self.course {
            Course::Goes(_) | Course::Depends(_, None) => false,
            Course::Ends(stop, _) => is_it(stop),
            Course::Parts(parts) => parts.iter().all(|(_, part)| part.only_ends_with(is_it)),
            Course::Depends(_, Some(rest)) => rest.only_ends_with(is_it),
        }
    }

    /// What the next stage gets, on the first way that goes on.
    pub(in crate::walk) fn first(&self) -> Option<&T> {
        match &self.course {
            Course::Goes(value) => Some(value),
            Course::Ends(..) => None,
            Course::Parts(parts) => parts.iter().find_map(|(_, part)| part.first()),
            Course::Depends(_, rest) => rest.as_ref()?.first(),
        }
    }

    /// The last thing that was met, on the first way that tells of it.
    pub(in crate::walk) fn last_met<F>(&self, of: &impl Fn(&Fact) -> Option<F>) -> Option<F> {
        let further = match &self.course {
            Course::Goes(_) | Course::Ends(..) => None,
            Course::Parts(parts) => parts.iter().find_map(|(_, part)| part.last_met(of)),
            Course::Depends(_, rest) => rest.as_ref().and_then(|rest| rest.last_met(of)),
        };
        further.or_else(|| self.log.iter().rev().find_map(|entry| of(&entry.fact)))
    }

    /// The first thing that was met of which this tells something.
    pub(in crate::walk) fn first_met<F>(&self, of: &impl Fn(&Fact) -> Option<F>) -> Option<F> {
        let own = || self.log.iter().find_map(|entry| of(&entry.fact));
        own().or_else(|| match &self.course {
            Course::Goes(_) | Course::Ends(..) => None,
            Course::Parts(parts) => parts.iter().find_map(|(_, part)| part.first_met(of)),
            Course::Depends(_, rest) => rest.as_ref()?.first_met(of),
        })
    }

    /// All that was met on any way, of which this tells something.
    pub(in crate::walk) fn all_met<F>(&self, of: &impl Fn(&Entry) -> Option<F>) -> Vec<F> {
        let mut all: Vec<F> = self.log.iter().filter_map(|entry| of(entry)).collect();
        match &self.course {
            Course::Goes(_) | Course::Ends(..) | Course::Depends(_, None) => {}
            Course::Parts(parts) => parts.iter().for_each(|(_, part)| all.extend(part.all_met(of))),
            Course::Depends(_, Some(rest)) => all.extend(rest.all_met(of)),
        }
        all
    }

    /// Every way that requests go.
    pub(in crate::walk) fn ways(self) -> Vec<Way<T>> {
        let mut ways = Vec::new();
        self.collect(&[], &[], &mut ways);
        ways
    }

    fn collect(self, guards: &[Guard], log: &[Arc<Entry>], ways: &mut Vec<Way<T>>) {
        let log = [log, &self.log].concat();
        let with = |guard: Guard| [guards, &[guard]].concat();
        let mut end = |last| ways.push(Way { guards: guards.to_vec(), log: log.clone(), last });
        match self.course {
            Course::Goes(value) => end(Last::Goes(value)),
            Course::Ends(stop, next) => end(Last::Ends(stop, next)),
            Course::Parts(parts) => parts.into_iter().for_each(|(guard, part)| part.collect(&with(guard), &log, ways)),
            Course::Depends(condition, rest) => {
                let guards = with(Guard::Provided { condition, alternative: None });
                match rest {
                    Some(rest) => rest.collect(&guards, &log, ways),
                    None => ways.push(Way { guards, log, last: Last::Open }),
                }
            }
        }
    }
}
