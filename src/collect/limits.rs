//! What one read may cost: its time, and the bytes of its answer.

use std::time::Duration;

/// The bounds of one read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The longest that it may take; `None` for as long as it takes.
    pub(super) timeout: Option<Duration>,
    /// The most bytes that are read of its answer.
    pub(super) max_read: usize,
}

impl Limits {
    /// Why an answer is not read to its end.
    pub(super) fn too_large(&self) -> String {
        format!("the answer is larger than {}: `--max-read` lets in more", size(self.max_read))
    }
}

/// A number of bytes, for people.
fn size(bytes: usize) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_as_they_are_given() {
        assert_eq!(size(256 << 20), "256 MiB");
        assert_eq!(size(1 << 30), "1 GiB");
        assert_eq!((size(500_000), size(0)), ("500000 bytes".to_owned(), "0 bytes".to_owned()));
    }
}
