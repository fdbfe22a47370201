//! Names, each once: a cluster's name is that of its endpoints and of its hosts too.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Names by number, in the order in which they came.
#[derive(Clone, Default, Debug)]
pub(super) struct Names {
    text: String,
    /// Where in the text each name ends.
    ends: Vec<usize>,
    /// The numbers by the names' hashes, 0 for none; the length is a power of two.
    slots: Vec<u32>,
}

impl Names {
    /// The number of a name, which is added where it is new.
    pub(super) fn add(&mut self, name: &str) -> u32 {
        if self.slots.len() < 2 * (self.ends.len() + 1) {
            self.grow();
        }
        let (slot, found) = self.slot(name);
        if let Some(id) = found {
            return id;
        }
        self.text.push_str(name);
        self.ends.push(self.text.len());
        let count = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = count;
        }
        count - 1
    }

    /// The number of a name that was added.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.slot(name).1
    }

    /// The name of a number.
    pub(super) fn get(&self, id: u32) -> &str {
        let at = id as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }

    /// Where a name's number is, or where it belongs.
    fn slot(&self, name: &str) -> (usize, Option<u32>) {
        let last = self.slots.len().wrapping_sub(1);
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let mut at = usize::try_from(hasher.finish() & 0xffff_ffff).unwrap_or_default() & last;
        loop {
            match self.slots.get(at).and_then(|count| count.checked_sub(1)) {
                None => return (at, None),
                Some(id) if self.get(id) == name => return (at, Some(id)),
                Some(_) => at = (at + 1) & last,
            }
        }
    }

    fn grow(&mut self) {
        self.slots = vec![0; (4 * (self.ends.len() + 1)).next_power_of_two()];
        for id in 0..self.ends.len() {
            let count = u32::try_from(id + 1).unwrap_or(u32::MAX);
            let (at, _) = self.slot(self.get(count - 1));
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number() {
        let mut names = Names::default();
        assert_eq!(names.find("a"), None);
        let numbered: Vec<u32> = (0..1000).map(|i| names.add(&format!("n{}", i % 500))).collect();
        assert_eq!(numbered[..500], numbered[500..]);
        assert_eq!(names.add(""), 500);
        assert_eq!((names.find("n17"), names.find("")), (Some(17), Some(500)));
        assert_eq!((names.get(17), names.get(500), names.get(501)), ("n17", "", ""));
    }
}
