//! The bytes of what was read: in memory, or where they lie.
//!
//! A dump of a big mesh stays in its file, and what the walk asks for is read out of it again. The core reads no disk: who
//! opened the file gives a function that does.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Fills a buffer with what lies from a place on. The error says for people why it cannot.
pub type ReadAt = dyn Fn(u64, &mut [u8]) -> Result<(), String> + Send + Sync;

/// How many bytes tell what a body is.
const HEAD: u64 = 64 << 10;

/// The bytes of a body. Cheap to clone.
#[derive(Clone)]
pub struct Bytes(Arc<Inner>);

enum Inner {
    Kept(Vec<u8>),
    Lying(Lying),
}

struct Lying {
    name: String,
    length: u64,
    read_at: Box<ReadAt>,
    /// Why something could not be read again: what rests on these bytes is worth nothing then.
    failed: OnceLock<String>,
}

impl Bytes {
    /// Bytes that are read where they lie, whenever they are asked for; `name` says for people where that is.
    pub fn lying(name: String, length: u64, read_at: Box<ReadAt>) -> Self {
        Self(Arc::new(Inner::Lying(Lying { name, length, read_at, failed: OnceLock::new() })))
    }

    /// How many there are.
    pub(super) fn length(&self) -> u64 {
        match &*self.0 {
            Inner::Kept(bytes) => bytes.len() as u64,
            Inner::Lying(lying) => lying.length,
        }
    }

    /// Fills a buffer with what lies from a place on; the error says why it could not.
    pub(super) fn fill(&self, from: u64, into: &mut [u8]) -> Result<(), String> {
        match &*self.0 {
            Inner::Kept(bytes) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                let there = from.checked_add(into.len()).and_then(|to| bytes.get(from..to));
                there.map(|there| into.copy_from_slice(there)).ok_or_else(|| "there is no more of it".to_owned())
            }
            Inner::Lying(lying) => {
                let read = (lying.read_at)(from, into);
                if let Err(why) = &read {
                    let _ = lying.failed.set(why.clone());
                }
                read
            }
        }
    }

    /// A part of them; nothing where it could not be read, which [`Self::failed`] then says.
    pub(super) fn part(&self, range: &Range<u64>) -> Cow<'_, [u8]> {
        if let Inner::Kept(bytes) = &*self.0 {
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            return Cow::Borrowed(bytes.get(place(range.start)..place(range.end)).unwrap_or_default());
        }
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or_default();
        let mut part = vec![0; length];
        Cow::Owned(if self.fill(range.start, &mut part).is_ok() { part } else { Vec::new() })
    }

    /// The first that is no white space, of those that come early.
    pub(super) fn first(&self) -> Option<u8> {
        self.head().iter().copied().find(|byte| !byte.is_ascii_whitespace())
    }

    /// What comes first of them.
    pub fn head(&self) -> Cow<'_, [u8]> {
        self.part(&(0..self.length().min(HEAD)))
    }

    /// All of them.
    pub(super) fn whole(&self) -> Result<Cow<'_, [u8]>, String> {
        let whole = self.part(&(0..self.length()));
        self.failed().map_or(Ok(whole), |(_, why)| Err(why.to_owned()))
    }

    /// Where they lie and why they could not be read again, where they could not.
    pub(super) fn failed(&self) -> Option<(&str, &str)> {
        match &*self.0 {
            Inner::Kept(_) => None,
            Inner::Lying(lying) => lying.failed.get().map(|why| (lying.name.as_str(), why.as_str())),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Inner::Kept(bytes)))
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length())
    }
}
