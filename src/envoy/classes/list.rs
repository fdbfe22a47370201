//! Lists of conditions that take a class apart.

use crate::envoy::matcher::Match;

use super::atom::{Atom, Sign};
use super::request::{Frame, Request, Seen};
use super::rule::met;

/// Conditions that all have to be as they are wanted.
pub type Conditions = Vec<(Atom, Sign)>;

/// Conditions that are tried in order: the first entry that a request meets counts.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct List {
    /// Each, and what then becomes of the request.
    pub entries: Vec<(Conditions, Then)>,
    /// What becomes of a request that meets none.
    pub otherwise: Then,
}

/// What becomes of a request after a list.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Then {
    /// The next list is asked.
    #[default]
    GoesOn,
    /// It ends: nothing is asked any more.
    Ends,
}

impl List {
    /// The first entry that a request meets, and what then becomes of it; an error, with the reason, where that cannot be
    /// told.
    pub fn entry(&self, request: &Request, frame: &Frame) -> Result<(Option<usize>, Then), String> {
        let seen = Seen::new(request, frame);
        for (place, (conditions, then)) in self.entries.iter().enumerate() {
            match met(Match::Yes, conditions, &seen) {
                Match::No => {}
                Match::Yes => return Ok((Some(place), *then)),
                Match::Share(_) => return Err("it is left to chance".to_owned()),
                Match::Unknown(why) => return Err(why),
            }
        }
        Ok((None, self.otherwise))
    }
}
