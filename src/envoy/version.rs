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
    /// The oldest release whose configuration can be read: API v2 is gone since.
    pub const OLDEST_READ: Self = Self::new(1, 18, 0);
    /// The oldest release whose rules were compared with a real one.
    pub const OLDEST: Self = Self::new(1, 36, 0);
    /// Parameters are taken off each segment of a path, off dot segments too, and RBAC takes part (CVE-2026-73511,
    /// CVE-2026-73551, CVE-2026-73553); regular expressions read bytes, surely from the first of these on.
    pub const PARAMETERS: Change = Change {
        first: Self::new(1, 39, 1),
        patches: &[Self::new(1, 38, 4), Self::new(1, 37, 6), Self::new(1, 36, 10)],
    };

    /// A release by its numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// What to say of a proxy whose release is none of those that were compared, or is not known.
    pub fn caveat(of: Option<Self>) -> Option<String> {
        let minor = |version: Self| (version.major, version.minor);
        let (first, last) = (Self::OLDEST, Self::NEWEST);
        match of {
            Some(version) if (minor(first)..=minor(last)).contains(&minor(version)) => None,
            Some(version) => Some(format!(
                "the proxy is Envoy {version}; the rules were checked on Envoy {}.{} to {}.{} only",
                first.major, first.minor, last.major, last.minor
            )),
            None => Some("the proxy's version is not known; the rules are those of the newest Envoy".to_owned()),
        }
    }

    /// Whether this release has the change, by itself or by a patch.
    pub fn has(self, change: &Change) -> bool {
        self >= change.first || self.is_patched(change)
    }

    /// Whether a patch brought the change to this release.
    pub fn is_patched(self, change: &Change) -> bool {
        let reaches = |patch: &Self| self >= *patch && (self.major, self.minor) == (patch.major, patch.minor);
        self < change.first && change.patches.iter().any(reaches)
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

/// A change of the rules.
#[derive(Debug)]
pub struct Change {
    /// The first release that has it without a patch.
    pub first: Version,
    /// The patches that took it to older minor releases.
    pub patches: &'static [Version],
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

    #[test]
    fn patches_reach_their_own_minor_release_alone() {
        let has = |text: &str| Version::parse(text).map(|version| version.has(&Version::PARAMETERS));
        for with in ["1.36.10", "1.37.6", "1.38.4", "1.39.1", "1.40.0"] {
            assert_eq!(has(with), Some(true), "{with}");
        }
        for without in ["1.35.20", "1.36.9", "1.37.5", "1.38.3", "1.39.0"] {
            assert_eq!(has(without), Some(false), "{without}");
        }
    }

    #[test]
    fn a_release_that_was_not_compared_is_said() {
        let caveat = |text: &str| Version::caveat(Version::parse(text));
        for compared in ["1.36.0", "1.37.9", "1.40.7"] {
            assert_eq!(caveat(compared), None, "{compared}");
        }
        let expected = "the proxy is Envoy 1.20.1; the rules were checked on Envoy 1.36 to 1.40 only";
        assert_eq!(caveat("1.20.1").as_deref(), Some(expected));
        assert!(caveat("1.35.13").is_some() && caveat("1.41.0").is_some() && caveat("?").is_some());
    }
}
