//! Which Envoy decides: some rules changed between releases.

/// An Envoy release.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version {
    major: u16,
    minor: u16,
    patch: u16,
}

impl Version {
    /// The newest release whose rules are known; assumed where the version was not read.
    pub const NEWEST: Self = Self::new(1, 40, 0);
    /// The oldest release whose rules were compared with a real one.
    pub const OLDEST: Self = Self::new(1, 36, 0);

    /// A release by its numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// Whether two releases differ in nothing but patches.
    pub fn is_of_the_same_minor(self, other: Self) -> bool {
        (self.major, self.minor) == (other.major, other.minor)
    }

    /// From `/server_info`: `<sha>/1.40.0/Clean/RELEASE/BoringSSL`, with a suffix like `-dev` or without.
    pub fn of_server_info(text: &str) -> Option<Self> {
        text.split('/').find_map(Self::parse)
    }

    /// `1.40.0`, `1.40.0-dev`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(['-', '+']).next()?.split('.').map(str::parse::<u16>);
        match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => Some(Self::new(major, minor, patch)),
            _ => None,
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_ordered() {
        let version = Version::of_server_info("9e558093/1.40.0/Clean/RELEASE/BoringSSL");
        assert_eq!(version, Some(Version::NEWEST));
        assert!(Version::parse("1.9.1") < Version::parse("1.39.0-dev"));
        assert_eq!(Version::of_server_info("nonsense"), None);
    }
}
