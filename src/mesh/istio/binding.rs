//! How routes are bound to gateways: which hosts a pattern takes, and which gateway a name means.
//!
//! `pilot/pkg/model/gateway.go` and `virtualservice.go`; <https://istio.io/latest/docs/reference/config/networking/gateway/>.

/// What a `VirtualService` names for the sidecars, all together.
pub const MESH: &str = "mesh";

/// Whether a host pattern takes a host: `*`, `*.example.com`, or the host itself.
pub fn takes(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => pattern == host,
    }
}

/// A server's entry of `hosts`: a pattern, and the namespace whose `VirtualService` objects it is for (`*` is every).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerHost {
    /// `*`, or a namespace.
    pub namespace: String,
    /// The host pattern.
    pub pattern: String,
}

impl ServerHost {
    /// Takes `ns/host` apart; `.` is the Gateway's own namespace.
    pub fn of(entry: &str, own_namespace: &str) -> Self {
        let (namespace, pattern) = entry.split_once('/').unwrap_or(("*", entry));
        let namespace = if namespace == "." { own_namespace } else { namespace };
        Self { namespace: namespace.to_owned(), pattern: pattern.to_owned() }
    }

    /// Whether it takes a host of a `VirtualService` of a namespace.
    pub fn admits(&self, host: &str, namespace: &str) -> bool {
        takes(&self.pattern, host) && (self.namespace == "*" || self.namespace == namespace)
    }
}

/// The object that `namespace/name`, or a name alone, means in an object of a namespace.
pub fn object_of(name: &str, namespace: &str) -> (String, String) {
    let (namespace, name) = name.split_once('/').unwrap_or((namespace, name));
    (namespace.to_owned(), name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_istios() {
        assert!(takes("*", "a.test"));
        assert!(takes("*.test", "a.b.test"));
        assert!(!takes("*.test", ".test"));
        assert!(!takes("*.test", "test"));
        assert!(takes("A.test", "a.TEST"));
        assert!(!takes("a.test", "b.a.test"));
    }

    #[test]
    fn a_server_may_be_for_one_namespace() {
        assert!(ServerHost::of("*", "edge").admits("a.test", "shop"));
        assert!(ServerHost::of("shop/*.test", "edge").admits("a.test", "shop"));
        assert!(!ServerHost::of("shop/*.test", "edge").admits("a.test", "other"));
        assert!(ServerHost::of("./a.test", "edge").admits("a.test", "edge"));
        assert!(!ServerHost::of("./a.test", "edge").admits("a.test", "shop"));
    }

    #[test]
    fn a_name_alone_is_of_the_same_namespace() {
        assert_eq!(object_of("front", "shop"), ("shop".to_owned(), "front".to_owned()));
        assert_eq!(object_of("edge/front", "shop"), ("edge".to_owned(), "front".to_owned()));
    }
}
