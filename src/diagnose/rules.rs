//! Where in a route's or a cluster's object it says what Envoy was told.

use serde_json::{Value, json};

use super::{Case, in_field, named, ref_of, replace, set};
use crate::mesh::istio::ClusterName;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef};
use crate::walk::ClusterTrail;

/// The rules of a `VirtualService`, of every protocol.
pub(crate) fn rules(service: &Node) -> Vec<Node> {
    ["spec.http", "spec.tcp", "spec.tls"].iter().flat_map(|list| service.list(list)).collect()
}

/// The destinations of a `VirtualService`, of every rule.
pub(crate) fn destinations(service: &Node) -> Vec<Node> {
    let routes = rules(service).into_iter().flat_map(|rule| rule.list("route"));
    routes.filter_map(|route| route.get("destination")).collect()
}

/// Whether a route's object is one of the Gateway API, and no `VirtualService`.
pub(crate) fn is_of_gateway_api(route: &ObjectRef) -> bool {
    ["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"].contains(&route.kind.as_str())
}

/// The field that holds the rules of a route's object.
pub(crate) fn rules_field(route: &ObjectRef) -> &'static str {
    if is_of_gateway_api(route) { "spec.rules" } else { "spec.http" }
}

/// A rule of a route's object that takes whatever comes: it leads where the first of its rules leads, else to the Service
/// that was asked for.
pub(crate) fn rule_for_all(case: &Case, route: &ObjectRef) -> Option<Value> {
    let is_of_gateway_api = is_of_gateway_api(route);
    let list = if is_of_gateway_api { "backendRefs" } else { "route" };
    let leads = |rule: &Node| rule.get(list).filter(|to| to.items().any(|to| takes_some(&to)));
    let there = case.read(route)?.list(rules_field(route)).iter().find_map(leads);
    let to = there.map(|to| to.kept()).or_else(|| to_the_asked(case, route))?;
    Some(json!({ list: to }))
}

/// Whether a destination has a share of the requests.
fn takes_some(destination: &Node) -> bool {
    destination.get("weight").is_none_or(|weight| weight.value().as_u64() != Some(0))
}

/// The Service that was asked for, as what a rule of a route's object leads to.
fn to_the_asked(case: &Case, route: &ObjectRef) -> Option<Value> {
    let service = case.asked_service()?;
    let (namespace, name) = (service.text("metadata.namespace")?, service.text("metadata.name")?);
    let port = case.request().port;
    Some(if is_of_gateway_api(route) {
        json!([{"name": name, "namespace": namespace, "port": port}])
    } else {
        json!([{"destination": {"host": format!("{name}.{namespace}.svc.cluster.local"), "port": {"number": port}}}])
    })
}

/// The object that the route came of. A gateway's filter chains do not say so: then it is the only one of TLS or TCP that
/// leads to the way's cluster.
pub(crate) fn route_object(case: &Case) -> Option<(ObjectRef, Evidence)> {
    case.route_object().or_else(|| {
        let cluster = case.cluster_name().filter(|_| case.trail().route_config.is_none())?;
        let kinds = [Kind::VirtualService, Kind::TlsRoute, Kind::TcpRoute];
        let all =
            kinds.map(|kind| case.objects(kind, None, &[]).unwrap_or_default().into_iter().map(move |at| (kind, at)));
        let leading = all.into_iter().flatten().filter_map(|(kind, at)| {
            let object = ref_of(kind, &at, "");
            let to = leading_to(&object, &at, &cluster).into_iter().next()?;
            Some((object, to.evidence()))
        });
        only(leading.collect())
    })
}

/// The destinations of a route's object that lead to a cluster.
fn leading_to(route: &ObjectRef, object: &Node, cluster: &ClusterName) -> Vec<Node> {
    let all = if is_of_gateway_api(route) {
        object.list("spec.rules").into_iter().flat_map(|rule| rule.list("backendRefs")).collect()
    } else {
        destinations(object)
    };
    all.into_iter().filter(|to| leads_to(route, to, cluster)).collect()
}

/// The destination of a route's object that leads to this cluster: a `destination` of a `VirtualService`, a backend of an
/// `HTTPRoute`. `None` where there are several: nothing tells which of them the request took.
pub(crate) fn destination_of(case: &Case, route: &ObjectRef, cluster: &ClusterName) -> Option<Node> {
    only(leading_to(route, &case.read(route)?, cluster))
}

/// What a route's object mirrors to this cluster, as its destination.
pub(crate) fn mirror_of(case: &Case, route: &ObjectRef, cluster: &ClusterName) -> Option<Node> {
    let object = case.read(route)?;
    let all: Vec<Node> = if is_of_gateway_api(route) {
        let filters = object.list("spec.rules").into_iter().flat_map(|rule| rule.list("filters"));
        filters.filter_map(|filter| filter.at("requestMirror.backendRef")).collect()
    } else {
        let of_rule = |rule: &Node| {
            let many = rule.list("mirrors").into_iter().filter_map(|mirror| mirror.get("destination"));
            rule.get("mirror").into_iter().chain(many).collect::<Vec<_>>()
        };
        object.list("spec.http").iter().flat_map(of_rule).collect()
    };
    only(all.into_iter().filter(|to| leads_to(route, to, cluster)).collect())
}

/// Whether a destination in a route's object means this cluster.
fn leads_to(route: &ObjectRef, to: &Node, cluster: &ClusterName) -> bool {
    let port = to.at(if is_of_gateway_api(route) { "port" } else { "port.number" });
    let is_port = port.and_then(|port| port.value().as_u64()).is_none_or(|port| port == u64::from(cluster.port));
    is_port
        && if is_of_gateway_api(route) {
            let namespace = to.text("namespace").unwrap_or_else(|| route.namespace.clone());
            cluster.service() == to.text("name").map(|name| (namespace, name))
        } else {
            is_host(&to.text("host").unwrap_or_default(), &route.namespace, &cluster.host)
                && to.text("subset").unwrap_or_default() == cluster.subset
        }
}

/// The same object, with the field in which its destination says `part`, as far as that is known.
pub(crate) fn destination_field(route: &ObjectRef, destination: Option<&Node>, part: &str) -> ObjectRef {
    match destination {
        Some(destination) => in_field(route, format!("{}.{part}", destination.place())),
        None if route.field.is_empty() => in_field(route, rules_field(route)),
        None => route.clone(),
    }
}

/// The part of a `DestinationRule`'s traffic policy that counts for a cluster: `tls`, `outlierDetection`. A subset's goes
/// before the rule's, and a port's before that of all ports.
pub(crate) fn policy_part(rule: &Node, cluster: &ClusterName, part: &str) -> Option<Node> {
    let subsets = rule.list("spec.subsets");
    let subset = subsets.into_iter().find(|s| s.text("name").as_deref() == Some(cluster.subset.as_str()));
    let policies = [subset.and_then(|s| s.get("trafficPolicy")), rule.at("spec.trafficPolicy")];
    policies.into_iter().flatten().find_map(|policy| {
        let is_of_port = |of: &Node| of.at("port.number").and_then(|n| n.value().as_u64()) == Some(cluster.port.into());
        let of_port = policy.list("portLevelSettings").into_iter().find(is_of_port);
        of_port.and_then(|of| of.get(part)).or_else(|| policy.get(part))
    })
}

/// The `DestinationRule` that shapes a cluster, and the part of its traffic policy that counts for it.
pub(crate) fn policy_of(case: &Case, cluster: &ClusterTrail, part: &str) -> Option<(ObjectRef, Node)> {
    let (rule, _) = Case::object_of_cluster(cluster)?;
    let at = policy_part(&case.read(&rule)?, &ClusterName::parse(&cluster.name)?, part)?;
    Some((rule, at))
}

/// The part of a `DestinationRule` that makes HTTP/2 of HTTP/1.1 should not; `words` say when.
pub(crate) fn no_upgrade(case: &Case, cluster: &ClusterTrail, words: &str) -> Option<Fix> {
    let (rule, pool) = policy_of(case, cluster, "connectionPool")?;
    let at = pool.at("http.h2UpgradePolicy").filter(|at| at.value().as_str() == Some("UPGRADE"))?;
    let object = in_field(&rule, at.place());
    let text = format!("{}, {}: DO_NOT_UPGRADE, {words}", named(&object), object.field);
    Some(replace(&object, Some(&at), Some(json!("DO_NOT_UPGRADE")), text))
}

/// A field of a part of the `DestinationRule`'s traffic policy that counts for the cluster (`outlierDetection`,
/// `connectionPool`) should be `want`; `words` follow the object and the field.
pub(crate) fn set_policy(
    case: &Case,
    rule: &ObjectRef,
    (part, field): (&str, &str),
    want: Option<Value>,
    words: &str,
) -> Fix {
    let read = case.read(rule);
    let policy = read.as_ref().zip(case.cluster_name()).and_then(|(read, cluster)| policy_part(read, &cluster, part));
    let place = policy.as_ref().map_or_else(|| format!("spec.trafficPolicy.{part}"), Node::place);
    let rule = in_field(rule, format!("{place}.{field}"));
    let text = format!("{}, {}: {words}", named(&rule), rule.field);
    match &policy {
        Some(policy) => set(&rule, Some(policy), field, want, text),
        None => set(&rule, read.as_ref(), &rule.field, want, text),
    }
}

/// Whether an object of a namespace means this host. A name with a dot is taken as it is.
pub(crate) fn is_host(named: &str, namespace: &str, host: &str) -> bool {
    named == host || (!named.contains('.') && host.starts_with(&format!("{named}.{namespace}.svc.")))
}

/// The one that there is; `None` where there are several.
pub(crate) fn only<T>(mut all: Vec<T>) -> Option<T> {
    if all.len() == 1 { all.pop() } else { None }
}
