//! Which earlier rules take a part of what a rule would take, so that words about its class can name them.

use std::ops::ControlFlow;

use super::atom::{Atom, Sign};
use super::implied::{Beginning, excludes, implies};
use super::parts::{Part, Problem};
use super::search::Search;

/// The most rules that are named.
const NAMED: usize = 3;
/// The most rules that are looked at for one class, and of those the most that are compared.
const VISITED: usize = 512;
const COMPARED: usize = 32;
/// The most comparisons of patterns for all classes; beyond that, what may overlap is taken to.
const SEARCHES: usize = 2_000;

/// The earlier rules that take a part of what meets a rule's conditions.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Exceptions {
    /// These, in order; none whose part lies within another's.
    pub rules: Vec<usize>,
    /// And others.
    pub and_others: bool,
}

impl Exceptions {
    /// Those of a rule, among the ones that were placed and of which `is_taking` says that they take something.
    pub(super) fn of(rule: usize, search: &mut Search, is_taking: &dyn Fn(usize) -> bool) -> Self {
        let near = near(rule, search, is_taking);
        let mut found = Self { rules: Vec::new(), and_others: near.is_cut };
        for other in near.rules {
            // What takes a share of all of it is no part of it.
            if is_within(rule, rule, other, search) || !meets(rule, other, search) {
                continue;
            }
            if found.rules.iter().any(|known| is_within(rule, other, *known, search)) {
                continue;
            }
            found.rules.retain(|known| !is_within(rule, *known, other, search));
            found.rules.push(other);
            if found.rules.len() > NAMED {
                found.rules.truncate(NAMED);
                found.and_others = true;
                break;
            }
        }
        found
    }
}

/// A condition of a rule.
type Condition = (Atom, Sign);

struct Near {
    rules: Vec<usize>,
    is_cut: bool,
}

fn near(rule: usize, search: &Search, is_taking: &dyn Fn(usize) -> bool) -> Near {
    let (mut rules, mut visited) = (Vec::new(), 0);
    let cut = search.index.near(rule, &mut |other| {
        visited += 1;
        if visited > VISITED || rules.len() == COMPARED {
            return ControlFlow::Break(());
        }
        if is_taking(other) {
            rules.push(other);
        }
        ControlFlow::Continue(())
    });
    rules.sort_unstable();
    rules.dedup();
    Near { rules, is_cut: cut.is_break() }
}

/// Whether both rules can take the same request.
fn meets(one: usize, other: usize, search: &mut Search) -> bool {
    let (one, other) = (search.conditions(one), search.conditions(other));
    let pairs = || one.iter().flat_map(|a| other.iter().map(move |b| (a, b)));
    if pairs().any(|(a, b)| are_apart(a, b)) {
        return false;
    }
    let is_plain = |(a, b): (&Condition, &Condition)| !Part::is_same(&a.0, &b.0) || is_settled(a, b);
    if pairs().all(is_plain) || search.tools.automata.searches > SEARCHES {
        return true;
    }
    let both = one.iter().chain(other).map(|(atom, sign)| (atom, *sign));
    !Problem::new(both, &mut search.tools).is_impossible()
}

/// Whether two conditions of one part that do not exclude each other surely go together.
fn is_settled(a: &Condition, b: &Condition) -> bool {
    let begins = |(atom, sign): &Condition| {
        *sign == Sign::Holds && matches!(atom, Atom::Path(path) if Beginning::of(path).is_some())
    };
    begins(a) && begins(b) || follows(a, b) || follows(b, a)
}

/// Whether forms show that two conditions do not go together.
pub(super) fn are_apart(a: &Condition, b: &Condition) -> bool {
    match (a.1, b.1) {
        (Sign::Holds, Sign::Holds) => excludes(&a.0, &b.0),
        (Sign::Holds, Sign::Fails) => implies(&a.0, &b.0),
        (Sign::Fails, Sign::Holds) => implies(&b.0, &a.0),
        (Sign::Fails, Sign::Fails) => false,
    }
}

/// Whether forms show that the second condition follows from the first.
pub(super) fn follows(a: &Condition, b: &Condition) -> bool {
    match (a.1, b.1) {
        (Sign::Holds, Sign::Holds) => implies(&a.0, &b.0),
        (Sign::Fails, Sign::Fails) => implies(&b.0, &a.0),
        (Sign::Holds, Sign::Fails) | (Sign::Fails, Sign::Holds) => false,
    }
}

/// Whether what `inner` takes of a rule's requests is taken by `outer` too, as far as forms show it.
fn is_within(rule: usize, inner: usize, outer: usize, search: &Search) -> bool {
    let given = || search.conditions(rule).iter().chain(search.conditions(inner));
    search.conditions(outer).iter().all(|wanted| given().any(|known| follows(known, wanted)))
}
