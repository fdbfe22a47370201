//! A class, taken apart by lists of conditions: of each list the first entry that a request meets counts.
//!
//! The parts are the product of the lists. A part that cannot be is left as soon as its first conditions show it.

use super::atom::{Atom, Sign};
use super::except::{Exceptions, are_apart};
use super::list::{Conditions, List, Then};
use super::request::Request;
use super::search::Search;
use super::words;

/// The most entries that words about a part name.
const NAMED: usize = 3;

/// The requests of one rule that meet a certain entry of each of its lists.
#[derive(Clone, PartialEq, Debug)]
pub struct Refined {
    /// The rule.
    pub rule: usize,
    /// Of each list that is asked the entry that they meet and none before it; `None`: no entry.
    pub entries: Vec<Option<usize>>,
    /// Which requests these are, in words.
    pub predicate: String,
    /// The same as it follows a verb.
    pub place: String,
    /// A request of them, or why it cannot be told whether there is one.
    pub witness: Result<Request, String>,
}

/// A part that is being put together.
#[derive(Clone)]
struct Part<'a> {
    /// What has to be as it is wanted.
    wanted: Vec<&'a (Atom, Sign)>,
    /// What must not be met whole: entries before those that were chosen.
    others: Vec<&'a [(Atom, Sign)]>,
    entries: Vec<Option<usize>>,
}

/// Adds the parts of a class to these; whether they were not more than `most`, with those that were there.
pub(super) fn parts<'a>(
    (rule, except): (usize, &Exceptions),
    lists: &[&'a List],
    search: &mut Search<'a>,
    (parts, most): (&mut Vec<Refined>, usize),
) -> bool {
    let mut refining = Refining { rule, except, search, parts, most };
    let wanted = refining.search.conditions(rule).iter().collect();
    refining.go_on(lists, &Part { wanted, others: Vec::new(), entries: Vec::new() })
}

struct Refining<'s, 'a> {
    rule: usize,
    except: &'s Exceptions,
    search: &'s mut Search<'a>,
    parts: &'s mut Vec<Refined>,
    most: usize,
}

impl<'a> Refining<'_, 'a> {
    fn go_on(&mut self, lists: &[&'a List], part: &Part<'a>) -> bool {
        let Some((list, rest)) = lists.split_first() else { return self.end(part) };
        let mut without = part.clone();
        for (place, (entry, then)) in list.entries.iter().enumerate() {
            let mut with = without.clone();
            with.entries.push(Some(place));
            let new: Vec<&(Atom, Sign)> = entry.iter().filter(|one| !with.wanted.contains(one)).collect();
            let is_excluded = new.iter().any(|one| with.wanted.iter().any(|known| are_apart(known, one)));
            with.wanted.extend(new);
            if !is_excluded && !self.search.is_impossible(&with.wanted) && !self.then(*then, rest, &with) {
                return false;
            }
            // What follows from it anyway leaves nothing for those after it.
            if entry.iter().all(|one| without.wanted.contains(&one)) {
                return true;
            }
            if !is_excluded {
                without.others.push(entry);
            }
        }
        without.entries.push(None);
        self.then(list.otherwise, rest, &without)
    }

    fn then(&mut self, then: Then, rest: &[&'a List], part: &Part<'a>) -> bool {
        match then {
            Then::GoesOn => self.go_on(rest, part),
            Then::Ends => self.end(part),
        }
    }

    fn end(&mut self, part: &Part<'a>) -> bool {
        let witness = match self.search.part(&part.wanted, &part.others) {
            Ok(None) => return true,
            Ok(Some(witness)) => Ok(witness),
            Err(why) => Err(why),
        };
        let own: Conditions = part.wanted.iter().map(|one| (*one).clone()).collect();
        let mut others: Vec<Conditions> = Vec::new();
        for other in &part.others {
            let is_apart = other.iter().any(|one| own.iter().any(|known| are_apart(known, one)));
            if !is_apart && !others.iter().any(|known| known.as_slice() == *other) {
                others.push(other.to_vec());
            }
        }
        let mut except = self.except.clone();
        except.and_others |= others.len() > NAMED;
        let besides: Vec<&Conditions> = others.iter().take(NAMED).collect();
        let predicate = words::predicate(&own, self.search.rules, &except, &besides);
        let place = words::place(&own, &predicate);
        self.parts.push(Refined { rule: self.rule, entries: part.entries.clone(), predicate, place, witness });
        self.parts.len() <= self.most
    }
}
