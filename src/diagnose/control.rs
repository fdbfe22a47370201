//! Whether the proxy that ends a way has what its control plane sent: what the findings about that have in common.
//!
//! The control plane is asked only about ways that end for want of something: nothing else is explained by a configuration
//! that is older than what Kubernetes has.

use super::{Case, a_ready_endpoint, named, object_ref};
use crate::envoy::certificate::seconds;
use crate::mesh::istio::control_plane::{self, STREAMS, Sent, Type};
use crate::mesh::proxies::proxies;
use crate::snapshot::{Evidence, Kind, Lookup, Need, Node, Origin};
use crate::verdict::{ObjectRef, Side};
use crate::walk::Stop;

/// How many seconds an update may be on its way.
const ON_ITS_WAY: i64 = 2;

/// Whether a stream of xDS is there; Istio leaves it out of what its proxies count.
const CONNECTED: &str = "control_plane.connected_state";

/// The updates that a proxy refused since it started.
const REFUSALS: &[(&str, &str)] =
    &[("cluster_manager.cds.update_rejected", "clusters"), ("listener_manager.lds.update_rejected", "listeners")];

/// The proxy that ends a way.
pub(crate) struct ProxyOf {
    pub(crate) side: Side,
    origin: Origin,
    /// Its pod, where that is known.
    pub(crate) pod: Option<ObjectRef>,
}

impl ProxyOf {
    fn of(case: &Case) -> Self {
        match case.destination() {
            Some(there) => {
                let pod = Some(object_ref(Kind::Pod, &there.namespace, &there.name, ""));
                Self { side: Side::Destination, origin: there.origin, pod }
            }
            None => Self { side: Side::Source, origin: Origin::Source(0), pod: case.source_pod() },
        }
    }

    /// `the proxy of Pod shop/orders-x`
    pub(crate) fn named(&self) -> String {
        self.pod.as_ref().map_or_else(|| self.whose().to_owned(), |pod| format!("the proxy of {}", named(pod)))
    }

    /// `A's proxy`
    pub(crate) fn whose(&self) -> &'static str {
        match self.side {
            Side::Source => "A's proxy",
            Side::Destination => "B's proxy",
        }
    }
}

/// The updates that the proxy has not taken and that may explain why the way ends, where there are any.
pub(crate) fn open_updates(case: &Case) -> Option<(ProxyOf, Vec<Sent>)> {
    let types = concerned(case);
    if types.is_empty() {
        return None;
    }
    let proxy = ProxyOf::of(case);
    let Row::There(row) = row(case, &proxy) else { return None };
    let now = seconds(&case.snapshot().time);
    let is_late = |sent: &Sent| match (now, seconds(&sent.time())) {
        (Some(now), Some(then)) => now - then >= ON_ITS_WAY || sent.refused.is_some(),
        _ => true,
    };
    let open: Vec<Sent> =
        Sent::of_row(&row).into_iter().filter(|one| types.contains(&one.of) && one.is_open() && is_late(one)).collect();
    (!open.is_empty()).then_some((proxy, open))
}

/// The proof that the proxy has no connection to its control plane, where a way ends for want of something.
pub(crate) fn lost(case: &Case) -> Option<(ProxyOf, Vec<Evidence>, Option<ObjectRef>)> {
    if concerned(case).is_empty() {
        return None;
    }
    let proxy = ProxyOf::of(case);
    let gauge = |name: &&str| match case.look(case.snapshot().stat(proxy.origin, name)) {
        Lookup::Found(stat) => stat.get("value"),
        Lookup::Absent(_) | Lookup::Unread(_) => None,
    };
    let streams = std::iter::once(&CONNECTED).chain(STREAMS).find_map(gauge);
    let row = row(case, &proxy);
    let is_none = streams.as_ref().map(|streams| streams.value().as_u64() == Some(0));
    let proof: Vec<Evidence> = match (is_none, row) {
        (Some(true), Row::Missing(absence)) => streams.iter().map(Node::evidence).chain([absence]).collect(),
        (Some(true), Row::There(_) | Row::Unknown) => streams.iter().map(Node::evidence).collect(),
        // A proxy whose streams are not known; one that has some may be of another istiod.
        (None, Row::Missing(absence)) => vec![absence],
        (Some(false), _) | (None, Row::There(_) | Row::Unknown) => return None,
    };
    let istiod = istiod(case, proxy.origin).map(|istiod| istiod.service);
    Some((proxy, proof, istiod))
}

/// Whether the proxy is known to be behind its control plane, or to have lost it.
pub(crate) fn is_behind(case: &Case) -> bool {
    open_updates(case).is_some() || lost(case).is_some()
}

/// The types of resources of which one that is older than what was sent may explain why a way ends.
fn concerned(case: &Case) -> &'static [Type] {
    let Some(stop) = case.own_stop() else { return &[] };
    if matches!(stop, Stop::NoCluster(_)) {
        &[Type::Clusters, Type::Routes]
    } else if matches!(stop, Stop::NoRouteConfig | Stop::NoVirtualHost | Stop::NoRoute) {
        &[Type::Routes, Type::Listeners]
    } else if lacks_endpoints(case) {
        &[Type::Endpoints, Type::Clusters]
    } else {
        &[]
    }
}

/// Whether the cluster is empty, and Kubernetes has endpoints of its Service.
fn lacks_endpoints(case: &Case) -> bool {
    let service = case.empty_cluster().and_then(|_| case.service());
    service.is_some_and(|service| a_ready_endpoint(case, &service).is_some())
}

/// What istiod says of a proxy.
enum Row {
    There(Node),
    /// It is connected to none of istiod's pods.
    Missing(Evidence),
    Unknown,
}

fn row(case: &Case, proxy: &ProxyOf) -> Row {
    let Some(pod) = &proxy.pod else { return Row::Unknown };
    let istiod = istiod(case, proxy.origin);
    if let Some(istiod) = &istiod {
        note_skew(case, proxy, istiod);
    }
    let of = istiod.map(|istiod| istiod.names()).unwrap_or_default();
    let pod = (pod.namespace.as_str(), pod.name.as_str());
    match case.snapshot().sync(pod, &of) {
        Lookup::Found(row) => Row::There(row),
        Lookup::Absent(absence) => Row::Missing(absence),
        Lookup::Unread(need) => {
            if !of.is_empty() {
                let _ = case.look(Lookup::<Node>::Unread(need.clone()));
            }
            note_refusal(case, proxy, &need);
            Row::Unknown
        }
    }
}

/// istiod, as a proxy knows it.
struct Istiod {
    service: ObjectRef,
    pods: Vec<Node>,
}

impl Istiod {
    /// Namespace and name of each pod that runs.
    fn names(&self) -> Vec<(String, String)> {
        let runs = |pod: &&Node| pod.text("status.phase").as_deref() == Some("Running");
        let name = |pod: &Node| Some((pod.text("metadata.namespace")?, pod.text("metadata.name")?));
        self.pods.iter().filter(runs).filter_map(name).collect()
    }
}

/// The istiod that a proxy was told of; `None` where that is no Service, or was not read yet.
fn istiod(case: &Case, origin: Origin) -> Option<Istiod> {
    let metadata = match case.look(case.snapshot().metadata(origin)) {
        Lookup::Found(metadata) => metadata,
        Lookup::Absent(_) | Lookup::Unread(_) => return None,
    };
    let (namespace, name) = control_plane::service(&metadata.text("PROXY_CONFIG.discoveryAddress")?)?;
    let service = case.object(Kind::Service, &namespace, &name)?;
    let pods = case.objects(Kind::Pod, Some(&namespace), &selector(&service)?)?;
    Some(Istiod { service: object_ref(Kind::Service, &namespace, &name, ""), pods })
}

fn selector(service: &Node) -> Option<Vec<(String, String)>> {
    Some(service.labels("spec.selector")).filter(|labels| !labels.is_empty())
}

/// istiod was to be asked, and somebody would not have it. What its proxies say of themselves is told instead.
fn note_refusal(case: &Case, proxy: &ProxyOf, sync: &Need) {
    let snapshot = case.snapshot();
    let pods = istiod_pods(case, proxy.origin);
    let refused = pods.iter().chain([sync]).find_map(|need| snapshot.why_refused(need));
    let Some(why) = refused else { return };
    let counted = REFUSALS.iter().filter_map(|(name, what)| match snapshot.stat(proxy.origin, name) {
        Lookup::Found(stat) => {
            let count = stat.get("value")?.value().as_u64().filter(|count| *count > 0)?;
            Some(format!("; it refused {count} updates of {what} since it started"))
        }
        Lookup::Absent(_) | Lookup::Unread(_) => None,
    });
    let counted: String = counted.collect();
    case.note(format!("whether {} has what istiod sent it: {why}{counted}", proxy.whose()));
}

/// What has to be read before istiod can be asked.
fn istiod_pods(case: &Case, origin: Origin) -> Vec<Need> {
    let Lookup::Found(metadata) = case.snapshot().metadata(origin) else { return Vec::new() };
    let address = metadata.text("PROXY_CONFIG.discoveryAddress");
    let Some((namespace, name)) = address.and_then(|address| control_plane::service(&address)) else {
        return Vec::new();
    };
    let service = Need::Object(Kind::Service, namespace.clone(), name.clone());
    let pods = match case.snapshot().object(Kind::Service, &namespace, &name) {
        Lookup::Found(service) => selector(&service).map(|labels| Need::Objects(Kind::Pod, Some(namespace), labels)),
        Lookup::Absent(_) | Lookup::Unread(_) => None,
    };
    std::iter::once(service).chain(pods).collect()
}

/// Releases that differ are worth a line: which of their differences counts, nobody can tell from here.
fn note_skew(case: &Case, proxy: &ProxyOf, istiod: &Istiod) {
    let mut images = istiod.pods.iter().flat_map(|pod| pod.list("spec.containers"));
    let Some(theirs) = images.find_map(|container| control_plane::release(&container.text("image")?)) else {
        return;
    };
    let whose = |other: &&crate::verdict::Proxy| other.side == proxy.side;
    let read = proxies(case.snapshot());
    let own = read.iter().find(whose).and_then(|proxy| proxy.mesh.as_deref()?.strip_prefix("istio "));
    if let Some(own) = own.filter(|own| *own != theirs) {
        case.note(format!("whether it matters that {} is of Istio {own}, and istiod of {theirs}", proxy.whose()));
    }
}
