//! Which virtual host takes a Host: `RouteMatcher` in `source/common/router/config_impl.cc`.

use std::collections::{BTreeMap, HashMap};

/// The domains of all virtual hosts of a route configuration, by the number of the host that has them.
///
/// Exact wins over suffix (`*.foo.com`), suffix over prefix (`foo.*`), longer over shorter, `*` is last. A wildcard
/// stands for at least one character. Kept as Envoy keeps them, so that a look-up does not get slower with each host.
#[derive(Clone, Default, Debug)]
pub struct Domains {
    exact: HashMap<Box<str>, u32>,
    suffixes: Wildcards,
    prefixes: Wildcards,
    any: Option<usize>,
}

/// What stands beside the asterisk, by its length.
type Wildcards = BTreeMap<usize, HashMap<String, usize>>;

impl Domains {
    /// Adds a domain; one that is there already stays with its host.
    pub fn insert(&mut self, domain: &str, host: usize) {
        let domain = domain.to_ascii_lowercase();
        if domain == "*" {
            self.any.get_or_insert(host);
        } else if let Some(suffix) = domain.strip_prefix('*') {
            self.suffixes.entry(suffix.len()).or_default().entry(suffix.to_owned()).or_insert(host);
        } else if let Some(prefix) = domain.strip_suffix('*') {
            self.prefixes.entry(prefix.len()).or_default().entry(prefix.to_owned()).or_insert(host);
        } else {
            // As small as can be: a port of a big mesh has a hundred thousand.
            let Ok(host) = u32::try_from(host) else { return };
            self.exact.entry(domain.into_boxed_str()).or_insert(host);
        }
    }

    /// The virtual host whose domains take `host`.
    pub fn select(&self, host: &str) -> Option<usize> {
        let host = host.to_ascii_lowercase();
        let suffix = |len: usize| host.get(host.len() - len..);
        let prefix = |len: usize| host.get(..len);
        self.exact(&host)
            .or_else(|| longest(&self.suffixes, host.len(), suffix))
            .or_else(|| longest(&self.prefixes, host.len(), prefix))
            .or(self.any)
    }

    /// The virtual host that names this very domain.
    pub fn exact(&self, domain: &str) -> Option<usize> {
        self.exact.get(domain).and_then(|host| usize::try_from(*host).ok())
    }

    /// Whether `*` is the only domain of the whole configuration: then the host is not looked at.
    pub fn is_any_alone(&self) -> bool {
        self.any.is_some() && self.exact.is_empty() && self.suffixes.is_empty() && self.prefixes.is_empty()
    }
}

/// The host of the longest wildcard that is shorter than the `len` characters of what is asked for.
fn longest<'a>(wildcards: &Wildcards, len: usize, part: impl Fn(usize) -> Option<&'a str>) -> Option<usize> {
    wildcards.range(..len).rev().find_map(|(len, hosts)| hosts.get(part(*len)?)).copied()
}

/// The host without what follows its last colon, a number or not, as `ignore_port_in_host_matching` takes it
/// (`HeaderUtility::getPortStart`).
pub fn without_port(host: &str) -> &str {
    port_start(host).map_or(host, |at| &host[..at])
}

/// The host as `strip_any_host_port` leaves it, or `strip_matching_host_port` for the listener's port
/// (`HeaderUtility::stripPortFromHost`): only a number is a port, and it may begin with a plus or zeros.
pub fn strip_port(host: &str, only: Option<u16>) -> &str {
    let Some(at) = port_start(host) else { return host };
    match host[at + 1..].parse::<u32>() {
        Ok(port) if only.is_none_or(|only| port == u32::from(only)) => &host[..at],
        Ok(_) | Err(_) => host,
    }
}

/// The host as `strip_trailing_host_dot` leaves it (`HeaderUtility::stripTrailingHostDot`).
pub fn strip_trailing_dot(host: &str) -> String {
    match host.rsplit_once('.') {
        Some((name, rest)) if rest.is_empty() || rest.starts_with(':') => format!("{name}{rest}"),
        Some(_) | None => host.to_owned(),
    }
}

/// Where the last colon is, unless it is one of an IPv6 address in brackets.
fn port_start(host: &str) -> Option<usize> {
    let colon = host.rfind(':')?;
    host.rfind(']').is_none_or(|bracket| bracket < colon).then_some(colon)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(domains: &[&[&str]], host: &str) -> Option<usize> {
        let mut all = Domains::default();
        for (i, of_host) in domains.iter().enumerate() {
            for domain in *of_host {
                all.insert(domain, i);
            }
        }
        all.select(host)
    }

    #[test]
    fn exact_then_suffix_then_prefix_then_any() {
        let hosts: &[&[&str]] = &[&["*"], &["foo.*"], &["*.com", "*.foo.com"], &["a.foo.com"]];
        assert_eq!(picked(hosts, "A.foo.com"), Some(3));
        assert_eq!(picked(hosts, "b.foo.com"), Some(2));
        assert_eq!(picked(hosts, "foo.x"), Some(1));
        assert_eq!(picked(hosts, "x"), Some(0));
        assert_eq!(picked(&[&["*x"], &["foo.*"]], "foo.x"), Some(0));
    }

    #[test]
    fn a_wildcard_stands_for_something() {
        assert_eq!(picked(&[&["*.foo.com"]], ".foo.com"), None);
        assert_eq!(picked(&[&["foo.*"]], "foo."), None);
        assert_eq!(picked(&[&["a*b.com"]], "axb.com"), None);
        assert_eq!(picked(&[&["foo.com"]], "foo.com:9"), None);
        assert_eq!(picked(&[&["foo.*"]], "foo.com:9"), Some(0));
    }

    #[test]
    fn ports_come_off_where_they_are_ports() {
        for (host, number, any) in [
            ("h:80", "h", "h"),
            ("h", "h", "h"),
            ("[::1]:80", "[::1]", "[::1]"),
            ("[::1]", "[::1]", "[::1]"),
            ("[::1].:80", "[::1].", "[::1]."),
            ("::1", ":", ":"),
            ("h:abc", "h:abc", "h"),
            ("h:", "h:", "h"),
            ("h:4294967296", "h:4294967296", "h"),
        ] {
            assert_eq!(strip_port(host, None), number);
            assert_eq!(without_port(host), any);
        }
        assert_eq!(strip_port("h:080", Some(80)), "h");
        assert_eq!(strip_port("h:81", Some(80)), "h:81");
    }

    #[test]
    fn one_dot_comes_off() {
        for (host, expected) in [("h.", "h"), ("h.:80", "h:80"), ("h..", "h."), ("a.b", "a.b"), ("a.:b:c", "a:b:c")] {
            assert_eq!(strip_trailing_dot(host), expected);
        }
    }
}
