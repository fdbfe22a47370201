//! Lists of conditions that take a class apart.

use super::atom::{Atom, Sign};

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
