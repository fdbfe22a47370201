//! What the rules of an `AuthorizationPolicy` want of a request, in Istio's own fields.
//!
//! B's proxy decides by what istiod made of them; this says which field of which rule is nearest to letting the request
//! pass, and which fields of a rule take it. <https://istio.io/latest/docs/reference/config/security/authorization-policy/>

use std::net::IpAddr;

use ipnet::IpNet;

use crate::snapshot::Node;

/// The request, as policies see it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What it is to the port that it comes to.
    pub speaks: Speaks,
    /// The port of the pod.
    pub port: u16,
    /// Who A is to B.
    pub client: Client,
    /// The address that it comes from, where that is known.
    pub address: Option<IpAddr>,
    /// What B's proxy takes for the client's own address, where that is known.
    pub remote: Option<IpAddr>,
}

/// What B's proxy takes it for.
#[derive(Clone, Debug)]
pub enum Speaks {
    /// A request. `None`: not known.
    Http {
        /// The method.
        method: Option<String>,
        /// The path, without its query.
        path: Option<String>,
        /// The Host.
        host: Option<String>,
        /// All headers that the client sends; proxies add some.
        headers: Option<Vec<(String, String)>>,
    },
    /// A connection, of which nothing else is seen.
    Tcp,
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

/// A list in a rule that has values for the request to be held against.
#[derive(Clone, Debug)]
pub struct Field {
    /// The list.
    pub at: Node,
    /// The key of the condition (`when`) that it stands in.
    key: Option<String>,
    about: About,
}

impl Field {
    /// Its own name, with the condition's key: `paths`, `values of request.headers[x-key]`.
    pub fn name(&self) -> String {
        let place = self.at.place();
        let name = place.rsplit('.').next().unwrap_or_default();
        self.key.as_ref().map_or_else(|| name.to_owned(), |key| format!("{name} of {key}"))
    }

    /// What it lists.
    pub fn values(&self) -> String {
        let values: Vec<String> = self.at.items().filter_map(|item| item.value().as_str().map(str::to_owned)).collect();
        values.join(", ")
    }

    /// Whether it leaves out what it lists.
    pub fn leaves_out(&self) -> bool {
        self.at.place().rsplit('.').next().is_some_and(|name| name.starts_with("not"))
    }

    /// What the request has of what it is about, where one value of its says it.
    pub fn is_of(&self, asked: &Asked) -> Option<String> {
        let has = self.key.as_ref().map_or_else(|| asked.has(self.about), |key| asked.of_key(key));
        match has {
            Has::Value(value) | Has::Account(value) => Some(value),
            Has::Principal(of) => Some(format!("cluster.local{of}")),
            Has::Address(address) => Some(address.to_string()),
            Has::Nothing(_) | Has::OfHttp | Has::Unknown => None,
        }
    }

    /// What it would have to list for this client to be taken; `None` where it would be.
    pub fn lacks_client(&self, client: Client) -> Option<String> {
        let asked = Asked { speaks: Speaks::Tcp, port: 0, client, address: None, remote: None };
        if is_listed(&self.at, &asked.has(self.about)) { None } else { self.is_of(&asked) }
    }

    /// Whether it is about whom the client's certificate names.
    pub fn is_about_the_peer(&self) -> bool {
        matches!(self.about, About::Principal | About::Account | About::Namespace)
    }

    /// Whether it is about the address that the connection comes from.
    pub fn is_about_the_address(&self) -> bool {
        self.about == About::Address
    }

    /// Whether it is about the address that the client had before proxies.
    pub fn is_about_the_client(&self) -> bool {
        self.about == About::Remote
    }

    /// Whether nothing but HTTP has what it is about.
    pub fn is_about_http(&self) -> bool {
        match self.about {
            About::Token | About::Remote | About::Other | About::Host | About::Method | About::Path | About::Header => {
                true
            }
            About::Principal | About::Account | About::Namespace | About::Address | About::Port => false,
        }
    }
}

/// A field that does not take the request.
#[derive(Clone, Debug)]
pub struct Miss {
    /// The field.
    pub field: Field,
    /// What the request has instead.
    pub is: String,
    /// How the field fails it.
    pub way: Way,
    /// Why what looks like it does not match.
    pub hint: Option<&'static str>,
}

/// How a field fails a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// It is none of those that the field lists.
    NotListed,
    /// It is one of those that the field leaves out.
    LeftOut,
    /// The field is about HTTP, and the port is TCP to the proxy: such a rule allows nothing.
    /// <https://istio.io/latest/docs/reference/config/security/authorization-policy/#Rule>
    OfHttp,
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
    let mut all = least(sources.map(|source| of_fields(&source, SOURCE, asked)).collect());
    all.extend(least(operations.map(|operation| of_fields(&operation, OPERATION, asked)).collect()));
    all.extend(rule.list("when").iter().flat_map(|condition| of_condition(condition, asked)));
    all
}

/// The lists of a rule, in its order: what it goes by.
pub fn fields(rule: &Node) -> Vec<Field> {
    let of = |list: &str, part: &str, rows: &[Row]| -> Vec<Field> {
        let parts = rule.list(list).into_iter().filter_map(|entry| entry.get(part));
        parts.flat_map(|part| rows.iter().filter_map(|row| own(&part, *row)).collect::<Vec<_>>()).collect()
    };
    let conditions = rule.list("when").into_iter().flat_map(|condition| {
        let key = condition.text("key").unwrap_or_default();
        let about = about(&key);
        let lists = ["values", "notValues"].into_iter().filter_map(move |name| condition.get(name));
        lists.map(move |at| Field { at, key: Some(key.clone()), about })
    });
    [of("from", "source", SOURCE), of("to", "operation", OPERATION)].concat().into_iter().chain(conditions).collect()
}

/// What a field of a rule is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum About {
    Principal,
    Account,
    Namespace,
    Address,
    /// What a token says.
    Token,
    /// The address that the client had before proxies.
    Remote,
    /// A condition of a kind that is not known.
    Other,
    Host,
    Port,
    Method,
    Path,
    Header,
}

/// A field, and what it is about; a name that begins with `not` leaves out what it lists.
type Row = (&'static str, About);

const SOURCE: &[Row] = &[
    ("principals", About::Principal),
    ("notPrincipals", About::Principal),
    ("serviceAccounts", About::Account),
    ("notServiceAccounts", About::Account),
    ("namespaces", About::Namespace),
    ("notNamespaces", About::Namespace),
    ("ipBlocks", About::Address),
    ("notIpBlocks", About::Address),
    ("requestPrincipals", About::Token),
    ("remoteIpBlocks", About::Remote),
    ("notRemoteIpBlocks", About::Remote),
];
const OPERATION: &[Row] = &[
    ("methods", About::Method),
    ("notMethods", About::Method),
    ("paths", About::Path),
    ("notPaths", About::Path),
    ("hosts", About::Host),
    ("notHosts", About::Host),
    ("ports", About::Port),
    ("notPorts", About::Port),
];

/// What the request has of something, to be held against a field.
enum Has {
    /// A value: what it is, as it reads.
    Value(String),
    /// A principal: `/ns/NAMESPACE/sa/ACCOUNT`, of a trust domain that is not known.
    Principal(String),
    /// A service account, `NAMESPACE/NAME`; a pattern may leave out the namespace.
    Account(String),
    /// An address.
    Address(IpAddr),
    /// None, and how that reads: no list takes it, and none leaves it out.
    Nothing(&'static str),
    /// The port sees no such thing.
    OfHttp,
    /// That is not known.
    Unknown,
}

fn of_fields(part: &Node, rows: &[Row], asked: &Asked) -> Vec<Miss> {
    let present = rows.iter().filter_map(|row| own(part, *row));
    present.filter_map(|field| miss(&asked.has(field.about), field)).collect()
}

/// A field of a source or an operation, where it lists something.
fn own(part: &Node, (name, about): Row) -> Option<Field> {
    let at = part.get(name).filter(|at| at.items().next().is_some())?;
    Some(Field { at, key: None, about })
}

/// A condition of `when`.
fn of_condition(condition: &Node, asked: &Asked) -> Vec<Miss> {
    let Some(key) = condition.text("key") else { return Vec::new() };
    let lists = ["values", "notValues"].into_iter().filter_map(|name| condition.get(name));
    let fields = lists.map(|at| Field { at, about: about(&key), key: Some(key.clone()) });
    fields.filter_map(|field| miss(&asked.of_key(&key), field)).collect()
}

/// What the key of a condition is about. <https://istio.io/latest/docs/reference/config/security/conditions/>
fn about(key: &str) -> About {
    match key {
        "source.principal" => About::Principal,
        "source.namespace" => About::Namespace,
        "source.serviceAccount" => About::Account,
        "source.ip" => About::Address,
        "destination.port" => About::Port,
        _ if key.starts_with("request.headers[") => About::Header,
        _ if key.starts_with("request.auth.") => About::Token,
        "remote.ip" => About::Remote,
        _ => About::Other,
    }
}

fn miss(has: &Has, field: Field) -> Option<Miss> {
    let is = match has {
        Has::Unknown => return None,
        Has::OfHttp => {
            let is = "a connection of which B's proxy sees nothing but bytes".to_owned();
            return Some(Miss { field, is, way: Way::OfHttp, hint: None });
        }
        Has::Nothing(is) => (*is).to_owned(),
        Has::Value(value) | Has::Account(value) => value.clone(),
        Has::Principal(of) => format!("cluster.local{of}"),
        Has::Address(address) => address.to_string(),
    };
    match (is_listed(&field.at, has), field.leaves_out()) {
        (true, false) | (false, true) => None,
        (true, true) => Some(Miss { field, is, way: Way::LeftOut, hint: None }),
        (false, false) => {
            let hint = hint(&field);
            Some(Miss { field, is, way: Way::NotListed, hint })
        }
    }
}

/// Whether an item of the list is what the request has.
fn is_listed(list: &Node, has: &Has) -> bool {
    let is_it = |pattern: &str| match has {
        // A template is Envoy's to match.
        Has::Value(value) => pattern.contains('{') || matches(pattern, value),
        // Without a namespace it is of the policy's own.
        Has::Account(of) => !pattern.contains('/') || pattern == of,
        Has::Principal(of) => {
            matches(pattern, &format!("cluster.local{of}"))
                || pattern.ends_with(of.as_str()) && !pattern.starts_with("spiffe://")
        }
        Has::Address(address) => {
            let range = pattern.parse::<IpNet>().ok().or_else(|| pattern.parse::<IpAddr>().ok().map(IpNet::from));
            range.is_none_or(|range| range.contains(address))
        }
        Has::Nothing(_) | Has::OfHttp | Has::Unknown => false,
    };
    list.items().any(|item| item.value().as_str().is_some_and(is_it))
}

/// Why a pattern that looks like what the request has does not match it.
fn hint(field: &Field) -> Option<&'static str> {
    let any = |test: fn(&str) -> bool| field.at.items().any(|item| item.value().as_str().is_some_and(test));
    match field.about {
        About::Principal if any(|text| text.starts_with("spiffe://")) => {
            Some("principals are written without spiffe://")
        }
        About::Path if any(has_star_within) => {
            Some("a * counts only at the beginning or the end of a path; {*} stands for one segment")
        }
        About::Port => Some("policies count the port of the pod, not that of the Service"),
        About::Principal
        | About::Path
        | About::Account
        | About::Namespace
        | About::Address
        | About::Token
        | About::Remote
        | About::Other
        | About::Host
        | About::Method
        | About::Header => None,
    }
}

impl Asked {
    fn has(&self, about: About) -> Has {
        let known = |value: Option<&String>| value.cloned().map_or(Has::Unknown, Has::Value);
        match (about, &self.speaks, &self.client) {
            (About::Port, _, _) => Has::Value(self.port.to_string()),
            (About::Address, _, _) => self.address.map_or(Has::Unknown, Has::Address),
            (About::Principal | About::Namespace | About::Account, _, Client::Unknown)
            | (About::Other | About::Header, Speaks::Http { .. }, _) => Has::Unknown,
            (About::Principal | About::Namespace | About::Account, _, Client::Nobody) => {
                Has::Nothing("plaintext, with no certificate that would say who it is")
            }
            (About::Principal, _, Client::Known { namespace, account }) => {
                Has::Principal(format!("/ns/{namespace}/sa/{account}"))
            }
            (About::Namespace, _, Client::Known { namespace, .. }) => Has::Value(namespace.clone()),
            (About::Account, _, Client::Known { namespace, account }) => Has::Account(format!("{namespace}/{account}")),
            (
                About::Token | About::Remote | About::Other | About::Host | About::Method | About::Path | About::Header,
                Speaks::Tcp,
                _,
            ) => Has::OfHttp,
            (About::Remote, Speaks::Http { .. }, _) => self.remote.map_or(Has::Unknown, Has::Address),
            (About::Token, Speaks::Http { headers, .. }, _) => {
                let is_one = |(name, _): &(String, String)| name.eq_ignore_ascii_case("authorization");
                let has_none = headers.as_ref().is_some_and(|headers| !headers.iter().any(is_one));
                if has_none { Has::Nothing("a request without a token") } else { Has::Unknown }
            }
            (About::Host, Speaks::Http { host, .. }, _) => known(host.as_ref()),
            (About::Method, Speaks::Http { method, .. }, _) => known(method.as_ref()),
            (About::Path, Speaks::Http { path, .. }, _) => known(path.as_ref()),
        }
    }

    /// What it has of the key of a condition.
    fn of_key(&self, key: &str) -> Has {
        let header = key.strip_prefix("request.headers[").and_then(|rest| rest.strip_suffix(']'));
        header.map_or_else(|| self.has(about(key)), |name| self.of_header(name))
    }

    fn of_header(&self, name: &str) -> Has {
        let Speaks::Http { headers, .. } = &self.speaks else { return Has::OfHttp };
        let Some(headers) = headers else { return Has::Unknown };
        let values: Vec<&str> =
            headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect();
        // Those that proxies set or change are not known.
        let is_set = ["x-forwarded", "x-envoy", "x-request-id", "x-b3", "host", ":", "user-agent", "accept"]
            .iter()
            .any(|start| name.to_ascii_lowercase().starts_with(start));
        match &values[..] {
            [] if is_set => Has::Unknown,
            [] => Has::Nothing("a request without it"),
            values => Has::Value(values.join(",")),
        }
    }
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
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::{Value, json};

    use super::*;
    use crate::snapshot::{Answer, Kind, Lookup, Need, Snapshot};

    fn rule(spec: &Value) -> Node {
        let object = json!({
            "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
            "metadata": {"namespace": "shop", "name": "product"},
            "spec": {"rules": [spec]},
        });
        let mut snapshot = Snapshot::default();
        let need = Need::Object(Kind::AuthorizationPolicy, "shop".to_owned(), "product".to_owned());
        snapshot.answer(&need, Answer::Object(object)).unwrap();
        match snapshot.object(Kind::AuthorizationPolicy, "shop", "product") {
            Lookup::Found(policy) => policy,
            Lookup::Absent(_) | Lookup::Unread(_) => panic!("it was read"),
        }
    }

    /// The fields that do not take it, each with how.
    fn missed(spec: &Value, asked: &Asked) -> Vec<(String, Way)> {
        let found = nearest(&[rule(spec)], asked).map(|(_, misses)| misses).unwrap_or_default();
        found.into_iter().map(|miss| (miss.field.at.place(), miss.way)).collect()
    }

    fn get() -> Asked {
        let text = |text: &str| Some(text.to_owned());
        Asked {
            speaks: Speaks::Http {
                method: text("GET"),
                path: text("/api/7"),
                host: text("product:8082"),
                headers: Some(vec![("X-Key".to_owned(), "k".to_owned())]),
            },
            port: 8082,
            client: Client::Known { namespace: "shop".to_owned(), account: "web".to_owned() },
            address: "10.244.0.7".parse().ok(),
            remote: "198.51.100.7".parse().ok(),
        }
    }

    #[test]
    fn every_field_is_held_against_the_request() {
        let operation = |field: &str, values: Value| json!({"to": [{"operation": {field: values}}]});
        let source = |field: &str, values: Value| json!({"from": [{"source": {field: values}}]});
        let when = |key: &str, list: &str, values: Value| json!({"when": [{"key": key, list: values}]});
        let (missed_by, left_out) = (Some(Way::NotListed), Some(Way::LeftOut));
        for (spec, expected) in [
            (operation("methods", json!(["POST"])), missed_by),
            (operation("methods", json!(["GET"])), None),
            (operation("notPaths", json!(["/api/*"])), left_out),
            (operation("notPaths", json!(["/x"])), None),
            (operation("hosts", json!(["other"])), missed_by),
            (operation("ports", json!(["80"])), missed_by),
            (operation("notPorts", json!(["8082"])), left_out),
            (source("principals", json!(["cluster.local/ns/shop/sa/web"])), None),
            (source("principals", json!(["mesh.example/ns/shop/sa/web"])), None),
            (source("notPrincipals", json!(["*/ns/shop/sa/web"])), left_out),
            (source("serviceAccounts", json!(["shop/other"])), missed_by),
            (source("serviceAccounts", json!(["web"])), None),
            (source("namespaces", json!(["billing"])), missed_by),
            (source("ipBlocks", json!(["10.244.0.0/16"])), None),
            (source("ipBlocks", json!(["10.1.0.1"])), missed_by),
            (source("requestPrincipals", json!(["*"])), missed_by),
            (source("remoteIpBlocks", json!(["198.51.100.0/24"])), None),
            (source("remoteIpBlocks", json!(["10.1.0.1"])), missed_by),
            (source("notRemoteIpBlocks", json!(["198.51.100.7"])), left_out),
            (when("remote.ip", "values", json!(["10.1.0.1"])), missed_by),
            (when("request.headers[x-key]", "values", json!(["k"])), None),
            (when("request.headers[x-key]", "values", json!(["other"])), missed_by),
            (when("request.headers[x-key]", "notValues", json!(["k"])), left_out),
            (when("request.headers[x-none]", "values", json!(["*"])), missed_by),
            (when("source.namespace", "values", json!(["shop"])), None),
            (when("experimental.envoy.filters.x", "values", json!(["y"])), None),
        ] {
            let ways: Vec<Way> = missed(&spec, &get()).into_iter().map(|(_, way)| way).collect();
            assert_eq!(ways, expected.into_iter().collect::<Vec<_>>(), "{spec}");
        }
    }

    #[test]
    fn a_connection_has_nothing_of_http() {
        let tcp = Asked { speaks: Speaks::Tcp, ..get() };
        let spec = json!({"to": [{"operation": {"paths": ["/api*"], "ports": ["8082"]}}]});
        assert_eq!(missed(&spec, &tcp), [("spec.rules[0].to[0].operation.paths".to_owned(), Way::OfHttp)]);
    }

    #[test]
    fn plaintext_is_nobody() {
        let plain = Asked { client: Client::Nobody, ..get() };
        let spec = json!({"from": [{"source": {"notNamespaces": ["billing"]}}, {"source": {"namespaces": ["shop"]}}]});
        assert_eq!(missed(&spec, &plain), []);
        let spec = json!({"from": [{"source": {"namespaces": ["shop"]}}]});
        assert_eq!(missed(&spec, &plain), [("spec.rules[0].from[0].source.namespaces".to_owned(), Way::NotListed)]);
    }

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
