//! What the rules of an `AuthorizationPolicy` want of a request, in Istio's own fields.
//!
//! B's proxy decides by what istiod made of them; this says which field of which rule is nearest to letting the request
//! pass. <https://istio.io/latest/docs/reference/config/security/authorization-policy/>

use crate::snapshot::Node;

/// The request, as policies see it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `None`: not known, or no HTTP.
    pub method: Option<String>,
    /// Without its query.
    pub path: Option<String>,
    /// The port of the pod.
    pub port: u16,
    /// Who A is to B.
    pub client: Client,
}

/// Who the client is to the policies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Client {
    /// It shows the certificate of this namespace and service account.
    Known {
        /// The namespace.
        namespace: String,
        /// The service account.
        account: String,
    },
    /// It comes in plaintext: principals and namespaces match nothing.
    Nobody,
    /// That was not read.
    Unknown,
}

/// A field that does not take the request.
#[derive(Clone, Debug)]
pub struct Miss {
    /// The field.
    pub at: Node,
    /// What the request has instead.
    pub is: String,
    /// Why what looks like it does not match.
    pub hint: Option<&'static str>,
}

/// Of all rules the one that lacks least, with its fields that do not take the request; none where a rule lacks nothing
/// that is looked at here: then it is something else.
pub fn nearest(policies: &[Node], asked: &Asked) -> Option<(Node, Vec<Miss>)> {
    let rules =
        policies.iter().flat_map(|policy| policy.list("spec.rules").into_iter().map(move |rule| (policy, rule)));
    let missing = rules.map(|(policy, rule)| (policy, misses(&rule, asked)));
    let (policy, least) = missing.min_by_key(|(_, misses)| misses.len()).filter(|(_, misses)| !misses.is_empty())?;
    Some((policy.clone(), least))
}

/// The fields of a rule that do not take the request: of several sources and operations those of the nearest.
fn misses(rule: &Node, asked: &Asked) -> Vec<Miss> {
    let least = |all: Vec<Vec<Miss>>| all.into_iter().min_by_key(Vec::len).unwrap_or_default();
    let sources = rule.list("from").into_iter().filter_map(|from| from.get("source"));
    let operations = rule.list("to").into_iter().filter_map(|to| to.get("operation"));
    let mut all = least(sources.map(|source| of_source(&source, asked)).collect());
    all.extend(least(operations.map(|operation| of_operation(&operation, asked)).collect()));
    all
}

fn of_source(source: &Node, asked: &Asked) -> Vec<Miss> {
    let own = |field: &str| source.get(field).filter(|at| at.items().next().is_some());
    let (namespace, account) = match &asked.client {
        Client::Unknown => return Vec::new(),
        Client::Nobody => {
            let fields = ["principals", "namespaces", "serviceAccounts"].into_iter().filter_map(own);
            let is = "plaintext, with no certificate that would say who it is".to_owned();
            return fields.map(|at| Miss { at, is: is.clone(), hint: None }).collect();
        }
        Client::Known { namespace, account } => (namespace, account),
    };
    let principal = format!("/ns/{namespace}/sa/{account}");
    let by_principal = own("principals").filter(|at| {
        !takes(at, &|pattern| {
            matches(pattern, &format!("cluster.local{principal}"))
                || pattern.ends_with(&principal) && !pattern.starts_with("spiffe://")
        })
    });
    let has_scheme =
        |at: &Node| at.items().any(|item| item.value().as_str().is_some_and(|text| text.starts_with("spiffe://")));
    let by_principal = by_principal.map(|at| {
        let hint = has_scheme(&at).then_some("principals are written without spiffe://");
        Miss { at, is: format!("cluster.local{principal}"), hint }
    });
    let by_namespace = own("namespaces").filter(|at| !takes(at, &|pattern| matches(pattern, namespace)));
    let by_namespace = by_namespace.map(|at| Miss { at, is: namespace.clone(), hint: None });
    by_principal.into_iter().chain(by_namespace).collect()
}

fn of_operation(operation: &Node, asked: &Asked) -> Vec<Miss> {
    let own = |field: &str| operation.get(field).filter(|at| at.items().next().is_some());
    let port = asked.port.to_string();
    let mut found = Vec::new();
    let mut test = |field: &str, value: Option<&String>, hint: &dyn Fn(&Node) -> Option<&'static str>| {
        let (Some(at), Some(value)) = (own(field), value) else { return };
        if !takes(&at, &|pattern| matches(pattern, value)) {
            let hint = hint(&at);
            found.push(Miss { at, is: value.clone(), hint });
        }
    };
    test("methods", asked.method.as_ref(), &|_| None);
    test("paths", asked.path.as_ref(), &|at| {
        let literal = at.items().any(|item| item.value().as_str().is_some_and(has_star_within));
        literal.then_some("a * counts only at the beginning or the end of a path; {*} stands for one segment")
    });
    test("ports", Some(&port), &|_| Some("policies count the port of the pod, not that of the Service"));
    found
}

/// Whether an item of the list takes it.
fn takes(list: &Node, test: &dyn Fn(&str) -> bool) -> bool {
    // A template is Envoy's to match.
    list.items().any(|item| item.value().as_str().is_none_or(|pattern| pattern.contains('{') || test(pattern)))
}

/// Exact, by prefix (`/api/*`), by suffix (`*/info`), or anything (`*`).
fn matches(pattern: &str, value: &str) -> bool {
    match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        _ if pattern == "*" => !value.is_empty(),
        (Some(prefix), _) => value.starts_with(prefix),
        (None, Some(suffix)) => value.ends_with(suffix),
        (None, None) => pattern == value,
    }
}

fn has_star_within(pattern: &str) -> bool {
    let inner = pattern.strip_suffix('*').unwrap_or(pattern);
    inner.strip_prefix('*').unwrap_or(inner).contains('*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_count_at_the_ends_only() {
        for (pattern, value, expected) in [
            ("GET", "GET", true),
            ("/api/*", "/api/x", true),
            ("*/info", "/a/info", true),
            ("*", "x", true),
            ("*", "", false),
            ("/a/*/b", "/a/x/b", false),
        ] {
            assert_eq!(matches(pattern, value), expected, "{pattern} {value}");
        }
        assert!(has_star_within("/a/*/b") && !has_star_within("/a/*") && !has_star_within("*/a"));
    }
}
