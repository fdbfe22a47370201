//! What a sidecar of Istio's is likely to be asked, by the names that istiod gives things.
//!
//! `pilot/pkg/networking/core/listener.go` (`getListenerName`), `pilot/pkg/model/service.go` (`BuildSubsetKey`).

use crate::mesh::service_port::ServicePort;
use crate::snapshot::{Kind, Lookup, Need, Node, Origin, Snapshot};

use super::{INBOUND, MESH, OUTBOUND, declared_protocol, is_http};

/// Where istiod is, unless somebody put it elsewhere: namespace, and name of its Service, which is its pods' label `app`, too.
const USUAL: (&str, &str) = ("istio-system", "istiod");

/// The domain of a cluster, unless somebody chose another.
const DOMAIN: &str = "svc.cluster.local";

/// What is asked of a sidecar whose listeners are asked for.
pub fn of_sidecar(seen: &[&Snapshot], target: Option<&ServicePort>, origin: Origin, wanted: &[Need]) -> Vec<Need> {
    let mut needs = Vec::new();
    if matches!(origin, Origin::Destination(_)) {
        needs.push(Need::Listener(origin, INBOUND.name.to_owned()));
        if let Some(port) = target.and_then(ServicePort::of_pods) {
            needs.extend(of_cluster(origin, &format!("inbound|{port}||")));
        }
    } else {
        needs.push(Need::Listener(origin, OUTBOUND.name.to_owned()));
        needs.extend(target.map(|target| outbound(target, origin)).unwrap_or_default());
        needs.extend(wanted.iter().filter_map(|need| {
            let Need::Cluster(of, name) = need else { return None };
            (*of == origin).then(|| Need::Endpoints(origin, name.clone()))
        }));
    }
    if target.is_some_and(|target| is_mutual(seen, target, origin)) {
        needs.extend(["ROOTCA", "default"].map(|name| Need::Secret(origin, name.to_owned())));
    }
    needs
}

/// The listener, the route configuration and the cluster of a Service's port.
fn outbound(target: &ServicePort, origin: Origin) -> Vec<Need> {
    let host = format!("{}.{}.{DOMAIN}", target.name, target.namespace);
    let number = target.number;
    let ip = target.service.text("spec.clusterIP").filter(|ip| ip != "None");
    let declared = declared_protocol(&target.port);
    let own = |ip: String| format!("{ip}_{number}");
    let any = format!("0.0.0.0_{number}");
    let (listener, routes) = match declared.as_deref() {
        Some(declared) if is_http(declared) => (Some(any), Some(number.to_string())),
        Some(_) => (Some(ip.map_or(any, own)), None),
        // What is spoken is found out: the Service's address has a listener of its own.
        None => (ip.map(own), Some(format!("{host}:{number}"))),
    };
    let listener = listener.map(|name| Need::Listener(origin, name));
    let routes = routes.map(|name| Need::RouteConfig(origin, name));
    let cluster = whole_host(target);
    let mut needs: Vec<Need> = listener.into_iter().chain(routes).collect();
    needs.extend(of_cluster(origin, &cluster));
    needs.push(Need::Endpoints(origin, cluster));
    needs
}

fn of_cluster(origin: Origin, name: &str) -> [Need; 2] {
    [Need::Cluster(origin, name.to_owned()), Need::Hosts(origin, name.to_owned())]
}

fn whole_host(target: &ServicePort) -> String {
    format!("outbound|{}||{}.{}.{DOMAIN}", target.number, target.name, target.namespace)
}

/// Whether certificates are likely to be compared: A's cluster speaks mutual TLS to those that take it.
fn is_mutual(seen: &[&Snapshot], target: &ServicePort, origin: Origin) -> bool {
    let name = whole_host(target);
    let cluster = seen.iter().find_map(|snapshot| match snapshot.cluster(Origin::Source(0), &name) {
        Lookup::Found(cluster) => Some(cluster),
        Lookup::Absent(_) | Lookup::Unread(_) => None,
    });
    let speaks = |cluster: &Node| {
        let matches = cluster.list("cluster.transport_socket_matches");
        matches.iter().any(|one| one.text("name").as_deref() == Some("tlsMode-istio"))
    };
    // Where another cluster takes the request, B's proxies are known to be read, and A's certificates with them.
    cluster.map_or(matches!(origin, Origin::Destination(_)), |cluster| speaks(&cluster)) && MESH.mutual().is_some()
}

/// istiod: where it is, once a part of a host was wanted or what a proxy knows of it; and what it sent, once that is.
pub fn of_control_plane(seen: &[&Snapshot], wanted: &[Need]) -> Vec<Need> {
    let (namespace, name) = USUAL;
    let label = |key: &str| vec![(key.to_owned(), name.to_owned())];
    let namespace = || namespace.to_owned();
    let slices = Need::Objects(Kind::EndpointSlice, Some(namespace()), label("kubernetes.io/service-name"));
    let wants_part =
        |need: &Need| matches!(need, Need::Cluster(Origin::Source(_), name) if MESH.whole_host(name).is_some());
    let mut needs: Vec<Need> = wanted.iter().filter(|need| wants_part(need)).map(|_| slices.clone()).take(1).collect();
    if wanted.iter().any(|need| matches!(need, Need::Metadata(Origin::Source(_)))) {
        needs.push(slices);
        needs.push(Need::Object(Kind::Service, namespace(), name.to_owned()));
        needs.push(Need::Objects(Kind::Pod, Some(namespace()), label("app")));
    }
    let known = seen.iter().flat_map(|snapshot| snapshot.known(Kind::EndpointSlice, USUAL.0));
    let endpoints =
        known.filter(|slice| slice.labels("metadata.labels").contains(&label("kubernetes.io/service-name")[0]));
    let mut pods: Vec<(String, String)> = endpoints
        .flat_map(|slice| slice.list("endpoints"))
        .filter_map(|endpoint| Some((namespace(), endpoint.text("targetRef.name")?)))
        .collect();
    pods.sort();
    pods.dedup();
    let own = seen.iter().find_map(|snapshot| snapshot.source.as_ref().map(|pod| pod.namespace.clone()));
    let is_due = !pods.is_empty() && needs.len() > 1;
    needs.extend(own.filter(|_| is_due).map(|own| Need::Sync(own, pods)));
    needs
}
