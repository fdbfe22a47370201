//! Tunnels of UDP (RFC 9298): a path that names where to, and that Envoy makes the Host of
//! (`HeaderUtility::rewriteAuthorityForConnectUdp` in `source/common/http/header_utility.cc`).

/// The protocol that such a request asks to go over to.
const PROTOCOL: &str = "connect-udp";

/// What such a path begins with: the default template is the only one that Envoy takes.
const BEGINS: &str = "/.well-known/masque/udp/";

/// Whether a request that asks to go over to `upgrade` opens a tunnel of UDP.
pub fn is_asked(upgrade: &str) -> bool {
    upgrade.eq_ignore_ascii_case(PROTOCOL)
}

/// The Host that the path stands for, with its port; `None` where it names no target.
pub fn host(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.strip_prefix(BEGINS)?.split('/').collect();
    let [host, port, ""] = parts[..] else { return None };
    if !path.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) || host.is_empty() || port.is_empty() {
        return None;
    }
    let (host, port) = (decoded(host), decoded(port));
    // A zone has no place in it.
    if host.contains('%') {
        return None;
    }
    Some(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
}

/// Its percent-encoded characters as what they stand for; what is none stays.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_a_host_and_a_port() {
        for (path, expected) in [
            ("/.well-known/masque/udp/192.0.2.1/443/", Some("192.0.2.1:443")),
            ("/.well-known/masque/udp/2001%3Adb8%3A%3A1/53/", Some("[2001:db8::1]:53")),
            ("/.well-known/masque/udp/192.0.2.1/443", None),
            ("/.well-known/masque/udp/192.0.2.1/443/?x", None),
            ("/.well-known/masque/udp//443/", None),
            ("/.well-known/masque/udp/fe80%3A%3A1%2525eth0/53/", None),
            ("/plain", None),
        ] {
            assert_eq!(host(path).as_deref(), expected, "{path}");
        }
    }
}
