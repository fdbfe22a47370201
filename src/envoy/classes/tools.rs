//! What solving a part takes, and what a part has to be.

use crate::envoy::codec::Limits;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

use super::atom::{Atom, Sign};
use super::automata::Automata;
use super::request::Frame;

/// A condition, and which way it is wanted.
pub(super) type Wanted<'a> = (&'a Atom, Sign);

/// What solving takes.
pub(super) struct Tools<'f> {
    pub(super) frame: &'f Frame,
    pub(super) automata: Automata,
    pub(super) limits: Limits,
}

/// What a part has to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    /// Not there, or as it is anyway.
    Absent,
    /// These lines; one, but for some headers.
    Lines(Vec<String>),
    /// Nothing will do.
    Impossible,
    /// It cannot be told, and why.
    Unknown(String),
}

impl<'f> Tools<'f> {
    pub(super) fn new(frame: &'f Frame) -> Self {
        let limits = Limits::of(&HttpConnectionManager::default());
        Self { frame, automata: Automata::default(), limits }
    }
}
