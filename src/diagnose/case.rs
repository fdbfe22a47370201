//! What a finding has at hand: the walk, one way through it, and look-ups that note what is missing.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::mesh::istio::{self, ClusterName};
use crate::mesh::kubernetes::has_labels;
use crate::snapshot::{Evidence, Kind, Lookup, Need, Node, Origin, Snapshot};
use crate::verdict::{Mark, ObjectRef, Request, Response, Side, Stage, Step};
use crate::walk::{Branch, ClusterTrail, Condition, RequestKind, Stop, Trail, Visit};

/// Where istiod keeps what is for the whole mesh (`meshConfig.rootNamespace`), unless it was told otherwise.
pub(crate) const ROOT_NAMESPACE: &str = "istio-system";

/// One way that requests go, to be explained, on the side where it ended.
pub(crate) struct Case<'a> {
    request: &'a Request,
    branch: &'a Branch,
    /// What was met on the side where the way ended.
    here: Trail,
    /// What was met in A's proxy.
    source: Trail,
    snapshot: &'a Snapshot,
    noted: &'a Noted,
}

/// What findings note for all of the answer.
#[derive(Default)]
pub(super) struct Noted {
    /// What they would like to know next.
    pub(super) needs: RefCell<BTreeSet<Need>>,
    /// What could not be checked, or is worth a line and is no finding.
    pub(super) lines: RefCell<BTreeSet<String>>,
}

impl<'a> Case<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, request: &'a Request, branch: &'a Branch, noted: &'a Noted) -> Self {
        let (here, source) = (branch.trail(branch.side()), branch.trail(Side::Source));
        Self { request, branch, here, source, snapshot, noted }
    }

    /// The request as it was understood.
    pub(crate) fn request(&self) -> &'a Request {
        self.request
    }

    /// Why this way ends, where it does, as A's client sees it.
    pub(crate) fn stop(&self) -> Option<&'a Stop> {
        self.branch.end.stop()
    }

    /// What this way rests on, and is open.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &'a Condition> {
        self.branch.conditions().map(|condition| &**condition)
    }

    /// What a client gets: `Envoy answers 404 by itself`.
    pub(crate) fn answers(&self) -> String {
        match self.branch.response() {
            Some(Response { status: 0, .. }) => "Envoy closes the connection".to_owned(),
            Some(Response { grpc_status: Some(status), .. }) => format!("Envoy replies gRPC status {status} itself"),
            Some(Response { status, .. }) => format!("Envoy replies {status} itself"),
            None => "Envoy replies itself".to_owned(),
        }
    }

    /// The row of the stage that ends this way.
    pub(crate) fn last_step(&self) -> Option<Step> {
        self.branch.steps().into_iter().rfind(|step| step.mark == Mark::Stopped)
    }

    /// The row of a stage of A's side.
    pub(crate) fn step_of(&self, stage: Stage) -> Option<Step> {
        self.branch.steps().into_iter().find(|step| step.stage == stage && step.side == Side::Source)
    }

    /// The same, in the words of the proxy that ends it.
    pub(crate) fn own_stop(&self) -> Option<&'a Stop> {
        self.branch.own_stop()
    }

    /// What was met on the way to where this way ends: in A's proxy, or in B's.
    pub(crate) fn trail(&self) -> &Trail {
        &self.here
    }

    /// What was met in A's proxy, wherever this way ends.
    pub(crate) fn in_source(&self) -> &Trail {
        &self.source
    }

    /// B's Service, as it was asked for.
    pub(crate) fn asked_service(&self) -> Option<&Node> {
        self.source.service.as_ref()
    }

    /// Whether A's proxy takes it for a request of HTTP.
    pub(crate) fn is_over_http(&self) -> bool {
        self.branch.is_over_http(Side::Source)
    }

    /// B's pod whose proxy ends this way.
    pub(crate) fn destination(&self) -> Option<&'a Visit> {
        self.branch.visit().map(|visit| &**visit)
    }

    /// What came of connecting to the application of B's pod, where that was done: its port, and whether it accepts.
    pub(crate) fn probed(&self) -> Option<(u16, Node)> {
        let there = self.destination()?;
        let port = there.application(self.cluster()?)?;
        match self.snapshot.probe(&there.namespace, &there.name, port) {
            Lookup::Found(probe) => Some((port, probe.get("connected")?)),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        }
    }

    /// Whether the application of a pod accepts connections on loopback, where it may be asked. What is missing is asked for.
    pub(crate) fn probe(&self, pod: &Node, port: u16) -> Option<Node> {
        let (namespace, name) = (pod.text("metadata.namespace")?, pod.text("metadata.name")?);
        match self.look(self.snapshot.probe(&namespace, &name, port)) {
            Lookup::Found(probe) => probe.get("connected"),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        }
    }

    /// The cluster of this way.
    pub(crate) fn cluster(&self) -> Option<&ClusterTrail> {
        self.here.cluster.as_deref()
    }

    /// Its name, taken apart.
    pub(crate) fn cluster_name(&self) -> Option<ClusterName> {
        ClusterName::parse(&self.cluster()?.name)
    }

    /// Whether the request ends because the cluster is not there.
    pub(crate) fn lacks_cluster(&self) -> bool {
        matches!(self.stop(), Some(Stop::NoCluster(_)))
    }

    /// Whether the request ends because no host can be chosen.
    pub(crate) fn lacks_host(&self) -> bool {
        matches!(self.stop(), Some(Stop::NoHealthyUpstream(_)))
    }

    /// A's namespace.
    pub(crate) fn namespace(&self) -> String {
        self.request.source.as_ref().map_or_else(|| "default".to_owned(), |s| s.namespace.clone())
    }

    /// An object; `None` when it is not there or was not read. What is missing is asked for.
    pub(crate) fn object(&self, kind: Kind, namespace: &str, name: &str) -> Option<Node> {
        match self.look(self.snapshot.object(kind, namespace, name)) {
            Lookup::Found(node) => Some(node),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        }
    }

    /// The object that a reference names; `None` when it is not there or was not read. What is missing is asked for.
    pub(crate) fn read(&self, object: &ObjectRef) -> Option<Node> {
        self.object(Kind::of(&object.kind, &object.api_version)?, &object.namespace, &object.name)
    }

    /// Whether an object is known not to be there, and the proof.
    pub(crate) fn no_object(&self, kind: Kind, namespace: &str, name: &str) -> Option<Evidence> {
        match self.look(self.snapshot.object(kind, namespace, name)) {
            Lookup::Absent(evidence) => Some(evidence),
            Lookup::Found(_) | Lookup::Unread(_) => None,
        }
    }

    /// The objects of a kind; `None` when they were not read.
    pub(crate) fn objects(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        labels: &[(String, String)],
    ) -> Option<Vec<Node>> {
        match self.look(self.snapshot.objects(kind, namespace, labels)) {
            Lookup::Found(nodes) => Some(nodes),
            Lookup::Absent(_) => Some(Vec::new()),
            Lookup::Unread(_) => None,
        }
    }

    /// The objects of a kind that are for the proxy which ends this way: those of its own namespace, then those of
    /// istiod's root namespace. What selects by labels does not count where the proxy's labels were not read, and what
    /// is attached to a Gateway or a Service (`targetRefs`) does not count at all.
    pub(crate) fn objects_for_the_proxy(&self, kind: Kind) -> Vec<Node> {
        let (namespace, pod) = self.last_proxy();
        self.objects_for(kind, &namespace, pod.as_ref())
    }

    /// As above, of A's proxy or of the one that ends this way.
    pub(crate) fn objects_for_proxy_of(&self, side: Side, kind: Kind) -> Vec<Node> {
        match side {
            Side::Source => self.objects_for(kind, &self.namespace(), self.own_pod().as_ref()),
            Side::Destination => self.objects_for_the_proxy(kind),
        }
    }

    /// As above, for kinds of which the nearest decides.
    pub(crate) fn nearest_for_the_proxy(&self, kind: Kind) -> Vec<Node> {
        let (namespace, pod) = self.last_proxy();
        nearest_first(self.objects_for(kind, &namespace, pod.as_ref()), &namespace)
    }

    /// The same, of the proxy of a pod.
    pub(crate) fn nearest_for_pod(&self, kind: Kind, pod: &Node) -> Vec<Node> {
        let namespace = pod.text("metadata.namespace").unwrap_or_default();
        nearest_first(self.objects_for(kind, &namespace, Some(pod)), &namespace)
    }

    /// The Sidecar that is for A's proxy. `pilot/pkg/model/push_context.go`, `getSidecarScope`.
    pub(crate) fn sidecar(&self) -> Option<Node> {
        let own = self.namespace();
        let sidecars = self.objects_for(Kind::Sidecar, &own, self.own_pod().as_ref());
        nearest_first(sidecars, &own).into_iter().next()
    }

    /// The pod of the proxy that ends this way.
    pub(crate) fn proxy_pod(&self) -> Option<Node> {
        self.last_proxy().1
    }

    /// The namespace and the pod of the proxy that ends this way.
    fn last_proxy(&self) -> (String, Option<Node>) {
        match self.destination() {
            Some(there) => (there.namespace.clone(), Some(there.pod.clone())),
            None => (self.namespace(), self.own_pod()),
        }
    }

    /// The cluster of this way that has not one host, and the proof; of a subset only where the service as a whole has
    /// none either.
    pub(crate) fn empty_cluster(&self) -> Option<(&ClusterTrail, Evidence)> {
        let cluster =
            self.cluster().filter(|c| self.lacks_host() && c.hosts.is_empty() && c.name != "BlackHoleCluster")?;
        let empty = cluster.no_hosts()?;
        if let Some(name) = self.cluster_name().filter(|name| !name.subset.is_empty()) {
            let others = self.hosts_of(&name.of_whole_host());
            if others.is_none_or(|hosts| !hosts.is_empty()) {
                return None;
            }
        }
        Some((cluster, empty))
    }

    /// A's own pod, as an object.
    pub(crate) fn own_pod(&self) -> Option<Node> {
        let pod = self.source_pod()?;
        self.object(Kind::Pod, &pod.namespace, &pod.name)
    }

    fn objects_for(&self, kind: Kind, namespace: &str, pod: Option<&Node>) -> Vec<Node> {
        let labels = pod.map(|pod| pod.labels("metadata.labels")).unwrap_or_default();
        let is_for_it = |object: &Node| {
            ["spec.targetRef", "spec.targetRefs"].iter().all(|path| object.at(path).is_none())
                && has_labels(&labels, selector(object).as_ref())
        };
        let mut namespaces = vec![namespace, ROOT_NAMESPACE];
        namespaces.dedup();
        let all = namespaces.into_iter().filter_map(|namespace| self.objects(kind, Some(namespace), &[]));
        all.flatten().filter(is_for_it).collect()
    }

    /// Proof that no object of a namespace carries these labels.
    pub(crate) fn none_of(&self, kind: Kind, namespace: &str, labels: &[(String, String)]) -> Option<Evidence> {
        match self.look(self.snapshot.objects(kind, Some(namespace), labels)) {
            Lookup::Absent(evidence) => Some(evidence),
            Lookup::Found(_) | Lookup::Unread(_) => None,
        }
    }

    /// The clusters that A's proxy has of a host; `None` when they were not read.
    pub(crate) fn clusters_of(&self, host: &str) -> Option<Vec<Node>> {
        match self.look(self.snapshot.clusters_of_host(Origin::Source(0), host)) {
            Lookup::Found(nodes) => Some(nodes),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        }
    }

    /// Whether A's proxy is known to have no cluster of this name, and the proof.
    pub(crate) fn lacks_cluster_of_name(&self, name: &str) -> Option<Evidence> {
        match self.look(self.snapshot.cluster(Origin::Source(0), name)) {
            Lookup::Absent(evidence) => Some(evidence),
            Lookup::Found(_) | Lookup::Unread(_) => None,
        }
    }

    /// A listener of a proxy with what became of its updates; `None` when it is not there or was not read.
    pub(crate) fn listener_entry(&self, origin: Origin, name: &str) -> Option<Node> {
        match self.look(self.snapshot.listener(origin, name)) {
            Lookup::Found(node) => Some(node),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        }
    }

    /// A cluster of a proxy that is not in use yet, or of which a newer one is not; looked for with the one in use.
    pub(crate) fn warming_cluster(&self, origin: Origin, name: &str) -> Option<Node> {
        match self.snapshot.warming_cluster(origin, name) {
            Lookup::Found(node) => Some(node),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        }
    }

    /// Whether a proxy is known not to have a secret.
    pub(crate) fn lacks_secret(&self, origin: Origin, name: &str) -> bool {
        self.snapshot.lacks_secret(&self.look(self.snapshot.secret(origin, name)), origin, name)
    }

    /// Whether a proxy is known not to have a route configuration.
    pub(crate) fn lacks_route_config(&self, origin: Origin, name: &str) -> bool {
        matches!(self.look(self.snapshot.route_config(origin, name)), Lookup::Absent(_))
    }

    /// The hosts of another cluster of A's proxy, by `/clusters`; `None` where it has no such cluster, or that was not
    /// read. Envoy leaves out the list of a cluster without hosts.
    pub(crate) fn hosts_of(&self, cluster: &str) -> Option<Vec<Node>> {
        match self.look(self.snapshot.hosts(Origin::Source(0), cluster)) {
            Lookup::Found(node) => Some(node.list("host_statuses")),
            Lookup::Absent(_) | Lookup::Unread(_) => None,
        }
    }

    /// A host, as a title says it: `this host` where B was asked for by that name.
    pub(crate) fn this_host<'h>(&self, host: &'h str) -> &'h str {
        let request = self.request();
        if host == request.asked_host() || host == request.target { "this host" } else { host }
    }

    /// The Service behind this way's cluster, where it was read.
    pub(crate) fn service(&self) -> Option<Node> {
        let (namespace, name) = self.cluster_name()?.service()?;
        self.object(Kind::Service, &namespace, &name)
    }

    /// The same, of A's proxy, wherever this way ends.
    pub(crate) fn service_of_source(&self) -> Option<Node> {
        let (namespace, name) = ClusterName::parse(&self.source.cluster.as_ref()?.name)?.service()?;
        self.object(Kind::Service, &namespace, &name)
    }

    /// The annotation of A's pod that keeps the connection from its proxy.
    pub(crate) fn keeping_annotation(&self) -> Option<Node> {
        let steps = self.branch.steps();
        let cited = steps.iter().flat_map(|step| &step.evidence).find_map(|evidence| {
            let rest = evidence.path().strip_prefix("$.metadata.annotations['")?;
            rest.strip_suffix("']").map(str::to_owned)
        });
        self.own_pod()?.at("metadata.annotations")?.get(&cited?)
    }

    /// Whether the route configuration of A's proxy has a virtual host of a name that begins so: it knows the Service.
    pub(crate) fn has_virtual_host_of(&self, host: &str) -> bool {
        let names = self.source.route_config.as_ref().map(|config| config.names()).unwrap_or_default();
        names.iter().any(|name| name.starts_with(host))
    }

    /// Three at most of the pods of the Service's namespace that have these addresses, each `ip:port`.
    pub(crate) fn pods_at(&self, addresses: &[String]) -> Vec<Node> {
        let Some((namespace, _)) = self.cluster_name().and_then(|n| n.service()) else {
            return Vec::new();
        };
        let pods = self.objects(Kind::Pod, Some(&namespace), &[]).unwrap_or_default();
        let hosts: BTreeSet<&str> = addresses.iter().filter_map(|a| Some(a.rsplit_once(':')?.0)).collect();
        let has = |pod: &Node| {
            let ip = pod.text("status.podIP").unwrap_or_default();
            !ip.is_empty() && hosts.contains(ip.as_str())
        };
        pods.into_iter().filter(has).take(3).collect()
    }

    /// The object that the route came of, from Envoy's own metadata, with the node that says so. Routes of TCP and TLS
    /// are filter chains.
    pub(crate) fn route_object(&self) -> Option<(ObjectRef, Evidence)> {
        let trail = self.trail();
        match &trail.route {
            Some(route) => self.object_of_route(route),
            None if trail.route_config.is_some() => None,
            None => self.object_of_route(trail.filter_chain.as_ref()?),
        }
    }

    /// The object that a route came of: a `VirtualService`, or the `HTTPRoute` behind a made-up one.
    pub(crate) fn object_of_route(&self, route: &Node) -> Option<(ObjectRef, Evidence)> {
        if let Some((namespace, name, rule)) = istio::http_route_of(route) {
            let evidence = route.get("name")?.evidence();
            // Envoy's own configuration does not say of which kind it is.
            let is_other = self.no_object(Kind::HttpRoute, &namespace, &name).is_some()
                && self.object(Kind::GrpcRoute, &namespace, &name).is_some();
            let kind = if is_other { Kind::GrpcRoute } else { Kind::HttpRoute };
            return Some((object_ref(kind, &namespace, &name, &format!("spec.rules[{rule}]")), evidence));
        }
        let (object, node) = istio::config_of(route)?;
        let of_gateway_api = istio::tcp_route_of(route);
        let object = of_gateway_api.map_or(object, |(kind, namespace, name)| object_ref(kind, &namespace, &name, ""));
        Some((object, node.evidence()))
    }

    /// The object that this way's cluster was shaped by: a `DestinationRule`.
    pub(crate) fn cluster_object(&self) -> Option<(ObjectRef, Evidence)> {
        Self::object_of_cluster(self.cluster()?)
    }

    /// The same, of another cluster.
    pub(crate) fn object_of_cluster(cluster: &ClusterTrail) -> Option<(ObjectRef, Evidence)> {
        let (object, node) = istio::config_of(cluster.cluster.as_ref()?)?;
        Some((object, node.evidence()))
    }

    /// Whether it is a request of gRPC.
    pub(crate) fn kind(&self) -> RequestKind {
        self.branch.kind()
    }

    /// A's own pod.
    pub(crate) fn source_pod(&self) -> Option<ObjectRef> {
        let pod = self.request.source.as_ref()?;
        Some(object_ref(Kind::Pod, &pod.namespace, &pod.name, ""))
    }

    /// All that was read.
    pub(super) fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// Says a line once, below what was not checked.
    pub(super) fn note(&self, line: String) {
        self.noted.lines.borrow_mut().insert(line);
    }

    /// Asks for what was not read.
    pub(super) fn look<T>(&self, lookup: Lookup<T>) -> Lookup<T> {
        if let Lookup::Unread(need) = &lookup {
            self.noted.needs.borrow_mut().insert(need.clone());
        }
        lookup
    }
}

/// The labels that an object of Istio's selects proxies by; policies and others have different words for it.
fn selector(object: &Node) -> Option<Node> {
    ["spec.selector.matchLabels", "spec.workloadSelector.labels"].iter().find_map(|path| object.at(path))
}

/// Those of the proxy's namespace that select it, those that select nothing, those of the root namespace: one there
/// that selects is for the pods there alone. `ComposePeerAuthentication` in `pilot/pkg/security/authn` is the same.
fn nearest_first(mut objects: Vec<Node>, namespace: &str) -> Vec<Node> {
    let is_near = |object: &Node| object.text("metadata.namespace").as_deref() == Some(namespace);
    objects.retain(|object| is_near(object) || selector(object).is_none());
    objects.sort_by_key(|object| (!is_near(object), selector(object).is_none()));
    objects
}

/// An object's name, with the field to look at.
pub(crate) fn object_ref(kind: Kind, namespace: &str, name: &str, field: &str) -> ObjectRef {
    ObjectRef {
        api_version: kind.api_version(),
        kind: kind.name().to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        field: field.to_owned(),
    }
}

/// An object that was read, by its own words.
pub(crate) fn ref_of(kind: Kind, object: &Node, field: &str) -> ObjectRef {
    let text = |path: &str| object.text(path).unwrap_or_default();
    object_ref(kind, &text("metadata.namespace"), &text("metadata.name"), field)
}

/// `DestinationRule shop/product`.
pub(crate) fn named(object: &ObjectRef) -> String {
    if object.namespace.is_empty() {
        return format!("{} {}", object.kind, object.name);
    }
    format!("{} {}/{}", object.kind, object.namespace, object.name)
}

/// `all 3 endpoints are`, `the only endpoint is`: the beginning of a title.
pub(crate) fn all_endpoints(cluster: &ClusterTrail) -> String {
    match cluster.hosts.len() {
        1 => "the only endpoint is".to_owned(),
        2 => "both endpoints are".to_owned(),
        total => format!("all {total} endpoints are"),
    }
}

/// Whether outlier detection ejected every host of the cluster.
pub(crate) fn all_ejected(cluster: &ClusterTrail) -> bool {
    cluster.hosts.iter().all(|trail| trail.host.flags.iter().any(|flag| flag == "failed_outlier_check"))
}

/// What `/clusters` says of the first three hosts' health.
pub(crate) fn health_of(cluster: &ClusterTrail) -> Vec<Evidence> {
    let statuses = cluster.hosts.iter().take(3).filter_map(|trail| trail.at.as_ref()?.get("health_status"));
    statuses.map(|status| status.evidence()).collect()
}

/// `version=v3,app=x`.
pub(crate) fn label_text(labels: &[(String, String)]) -> String {
    labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}

/// `"a", "b" and "c"`.
pub(crate) fn quoted_list(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
    match &quoted[..] {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
