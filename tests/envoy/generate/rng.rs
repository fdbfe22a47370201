//! Chance that can be repeated: `SplitMix64`.

/// The same seed gives the same sequence, on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The sequence of this seed, and of this number below it.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut of_seed = Self(seed);
        let mixed = of_seed.next();
        Self(mixed ^ number.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// The sequence of this seed, of this name, and of this number below both.
    pub(crate) fn named(seed: u64, name: &str, number: u64) -> Self {
        Self::new(seed ^ fnv(name.as_bytes()), number)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("a small number");
        usize::try_from(self.next() % limit).expect("a smaller number")
    }

    /// From the first to the last, both included.
    pub(crate) fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last + 1 - first)
    }

    /// One of these, and seldom another where they become more.
    pub(crate) fn pick_lasting<'a, T>(&mut self, from: &'a [T], text: impl Fn(&T) -> String) -> &'a T {
        let draw = self.next();
        let least = from.iter().min_by_key(|one| Self(draw ^ fnv(text(one).as_bytes())).next());
        least.expect("one to choose")
    }

    /// True so often of a hundred times.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Likewise, of words.
    pub(crate) fn word(&mut self, from: &[&str]) -> String {
        (*self.pick(from)).to_owned()
    }

    /// Another order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// `FNV-1a`: the same on every machine, and in every release of Rust.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
