//! A text that some regular expressions match and others do not, or the proof that there is none.
//!
//! The automata of all expressions read the same text side by side. They have finitely many states together, so the
//! search for the shortest text ends; a bound keeps it short, and where it is reached nothing is said.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use regex_automata::Anchored;
use regex_automata::dfa::dense::{self, DFA};
use regex_automata::dfa::{Automaton as _, StartKind};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};

use super::atom::Sign;

/// The most bytes that one automaton may have, and that its making may take.
const SIZE: usize = 1 << 18;
/// The most states, of all automata together, that a search looks at.
const STATES: usize = 1 << 13;
/// The most states of all searches for one list of routes.
const ALL_STATES: usize = 1 << 18;
/// The characters that are tried first.
const FIRST: &[u8] = b"x1/abcdefghijklmnopqrstuvwyz023456789-_.~ABCDEFGHIJKLMNOPQRSTUVWXYZ";

type Machine = Option<Rc<DFA<Vec<u32>>>>;
type Machines = Vec<(Rc<DFA<Vec<u32>>>, Sign)>;

/// What a search comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// This text, the shortest.
    Text(Vec<u8>),
    /// There is none.
    Nothing,
    /// It would take too long, or an expression makes too large an automaton.
    TooHard,
}

/// The most automata that are remembered.
const REMEMBERED: usize = 1 << 10;

thread_local! {
    /// To make one takes a hundred times what a short search does, and every list of routes meets the same again.
    static MADE: RefCell<HashMap<String, Machine>> = RefCell::default();
}

/// Searches, counted.
#[derive(Default)]
pub(super) struct Automata {
    /// How many there were.
    pub(super) searches: usize,
    /// How many states they looked at; an automaton that was too large counts as many.
    states: usize,
}

impl Automata {
    /// A text that all expressions with [`Sign::Holds`] match whole, and none of the others.
    pub(super) fn find(&mut self, wanted: &[(&str, Sign)]) -> Found {
        self.searches += 1;
        if self.states > ALL_STATES {
            return Found::TooHard;
        }
        let machines: Option<Machines> =
            wanted.iter().map(|(pattern, sign)| Some((machine(pattern)?, *sign))).collect();
        machines.and_then(|machines| search(&machines, &mut self.states)).unwrap_or_else(|| {
            self.states += STATES;
            Found::TooHard
        })
    }
}

/// [`make`], once for a pattern.
fn machine(pattern: &str) -> Machine {
    MADE.with_borrow_mut(|made| {
        if let Some(known) = made.get(pattern) {
            return known.clone();
        }
        if made.len() == REMEMBERED {
            made.clear();
        }
        let machine = make(pattern).map(Rc::new);
        made.insert(pattern.to_owned(), machine.clone());
        machine
    })
}

fn make(pattern: &str) -> Option<DFA<Vec<u32>>> {
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .dfa_size_limit(Some(SIZE))
        .determinize_size_limit(Some(SIZE));
    let syntax = syntax::Config::new().unicode(false).utf8(false).octal(true);
    dense::Builder::new().configure(config).syntax(syntax).build(&format!(r"\A(?:{pattern})\z")).ok()
}

/// Breadth first; `None` where the bound is reached.
fn search(machines: &[(Rc<DFA<Vec<u32>>>, Sign)], looked_at: &mut usize) -> Option<Found> {
    let letters = letters(machines);
    let from = start::Config::new().anchored(Anchored::Yes);
    let begin: Vec<StateID> = machines.iter().map(|(dfa, _)| dfa.start_state(&from).ok()).collect::<Option<_>>()?;
    let mut known = HashSet::from([begin.clone()]);
    // Each with where it was come from, and by which letter.
    let mut states = vec![(begin, 0, 0_u8)];
    let mut at = 0;
    while let Some((state, _, _)) = states.get(at).cloned() {
        if is_accepted(machines, &state) {
            return Some(Found::Text(spelled(&states, at)));
        }
        for letter in &letters {
            let step = machines.iter().zip(&state);
            let next: Vec<StateID> = step.map(|((dfa, _), id)| dfa.next_state(*id, *letter)).collect();
            let dead =
                machines.iter().zip(&next).any(|((dfa, sign), id)| *sign == Sign::Holds && dfa.is_dead_state(*id));
            if !dead && known.insert(next.clone()) {
                states.push((next, at, *letter));
            }
        }
        if states.len() > STATES {
            return None;
        }
        at += 1;
        *looked_at += 1;
    }
    Some(Found::Nothing)
}

fn is_accepted(machines: &[(Rc<DFA<Vec<u32>>>, Sign)], state: &[StateID]) -> bool {
    machines.iter().zip(state).all(|((dfa, sign), id)| {
        let matches = dfa.is_match_state(dfa.next_eoi_state(*id));
        matches == (*sign == Sign::Holds)
    })
}

/// One letter of each kind that the automata tell apart.
fn letters(machines: &[(Rc<DFA<Vec<u32>>>, Sign)]) -> Vec<u8> {
    // The number of each letter's kind, finer with each automaton.
    let mut kinds = [0_usize; 256];
    for (dfa, _) in machines {
        let mut finer = HashMap::new();
        for (letter, kind) in (0..=u8::MAX).zip(&mut kinds) {
            let next = finer.len();
            *kind = *finer.entry((*kind, dfa.byte_classes().get(letter))).or_insert(next);
        }
    }
    let mut met = [false; 256];
    let mut is_new = |letter: &u8| {
        let kind = kinds.get(usize::from(*letter)).and_then(|kind| met.get_mut(*kind));
        kind.is_some_and(|met| !std::mem::replace(met, true))
    };
    FIRST.iter().copied().chain(0..=u8::MAX).filter(|letter| is_new(letter)).collect()
}

/// The letters that led to a state.
fn spelled(states: &[(Vec<StateID>, usize, u8)], mut at: usize) -> Vec<u8> {
    let mut text = Vec::new();
    while let (true, Some((_, before, letter))) = (at > 0, states.get(at)) {
        text.push(*letter);
        at = *before;
    }
    text.reverse();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(holds: &[&str], fails: &[&str]) -> Found {
        let wanted = |patterns: &[&'static str], sign| -> Vec<(&'static str, Sign)> {
            patterns.iter().map(|pattern| (*pattern, sign)).collect()
        };
        let (holds, fails): (Vec<&'static str>, Vec<&'static str>) =
            (holds.iter().map(|p| leak(p)).collect(), fails.iter().map(|p| leak(p)).collect());
        Automata::default().find(&[wanted(&holds, Sign::Holds), wanted(&fails, Sign::Fails)].concat())
    }

    fn leak(text: &str) -> &'static str {
        Box::leak(text.to_owned().into_boxed_str())
    }

    #[test]
    fn the_shortest_text_or_none() {
        let text = |text: &str| Found::Text(text.as_bytes().to_vec());
        assert_eq!(found(&["/[a-z]+", "/b.*"], &[]), text("/b"));
        assert_eq!(found(&["/[a-c]"], &["/a", "/b"]), text("/c"));
        assert_eq!(found(&["/[a-c]"], &["/a", "/b", "/c"]), Found::Nothing);
        assert_eq!(found(&["(?s:.)*"], &["(?s:.)*"]), Found::Nothing);
        assert_eq!(found(&[r"a\b(?s:.)*", "..(?s:.)*"], &[]), Found::Text(b"a/x".to_vec()[..2].to_vec()));
        assert_eq!(found(&["^/a$"], &[]), text("/a"));
        assert_eq!(found(&[super::super::numbers::NEVER], &[]), Found::Nothing);
    }

    #[test]
    fn what_is_too_large_is_left() {
        assert_eq!(found(&["(?s:.)*a(?s:.){24}"], &[]), Found::TooHard);
    }
}
