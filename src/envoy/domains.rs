//! Which virtual host takes a Host: `RouteMatcher` in `source/common/router/config_impl.cc`.

/// The index of the virtual host whose domains take `host`.
///
/// `hosts` gives the domains of each virtual host in order. Exact wins over suffix (`*.foo.com`), suffix over
/// prefix (`foo.*`), longer over shorter, `*` is last. A wildcard stands for at least one character. Where `*` is
/// the only domain of the whole configuration, the host is not looked at.
pub fn select<'a>(hosts: impl Iterator<Item = &'a [String]>, host: &str) -> Option<usize> {
    let host = host.to_ascii_lowercase();
    let mut best: Option<(Rank, usize)> = None;
    for (i, domains) in hosts.enumerate() {
        for rank in domains.iter().filter_map(|domain| rank(&domain.to_ascii_lowercase(), &host)) {
            if best.is_none_or(|(other, _)| rank > other) {
                best = Some((rank, i));
            }
        }
    }
    best.map(|(_, i)| i)
}

/// How well a domain matches; greater is better, ties go to the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Any,
    Prefix(usize),
    Suffix(usize),
    Exact,
}

fn rank(domain: &str, host: &str) -> Option<Rank> {
    if domain == "*" {
        return Some(Rank::Any);
    }
    if let Some(suffix) = domain.strip_prefix('*') {
        return (host.len() > suffix.len() && host.ends_with(suffix)).then_some(Rank::Suffix(suffix.len()));
    }
    if let Some(prefix) = domain.strip_suffix('*') {
        return (host.len() > prefix.len() && host.starts_with(prefix)).then_some(Rank::Prefix(prefix.len()));
    }
    (domain == host).then_some(Rank::Exact)
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
        let hosts: Vec<Vec<String>> = domains.iter().map(|d| d.iter().map(|s| (*s).to_owned()).collect()).collect();
        select(hosts.iter().map(Vec::as_slice), host)
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
