//! What B's side makes of the requests that A's side hands over: each chosen endpoint that is a pod has a proxy of its
//! own, and the request is walked through that one too.
//!
//! Of pods that are alike (of one workload) one is walked. B's proxy sees what A's really sends: plaintext or mutual
//! TLS with A's identity, and the path and Host as A's route rewrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use crate::envoy::certificate::Names;
use crate::envoy::domains;
use crate::mesh::injected;
use crate::mesh::istio::ClusterName;
use crate::snapshot::{Kind, Lookup, Need, Node, Origin};
use crate::verdict::{Decision, Mark, Side, Stage, Step};

use crate::walk::Protocol;
use crate::walk::Question;
use crate::walk::dial::resolve::{Dial, is_ready, source_pod};
use crate::walk::tls::handshake::{self, Meeting, Met};
use crate::walk::tls::peer;
use crate::walk::way::open_headers::OpenHeaders;
use crate::walk::way::path::{End, Leg, Path, Socket, Trail};
use crate::walk::way::question::Beyond;
use crate::walk::way::stop::{Handshake, Stop};
use crate::walk::way::walker::{Downstream, Got, Walker};

/// One of B's pods, and what its proxy makes of the request.
#[derive(Clone, Debug)]
pub struct DestinationWalk {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub name: String,
    /// The pod itself.
    pub pod: Node,
    /// As whom its proxy was read.
    pub origin: Origin,
    /// The port of it that is dialed.
    pub port: u16,
    /// How A's side speaks to it: `plaintext`, `simple` or `mutual`.
    pub socket: &'static str,
    /// What its proxy decides.
    pub decision: Decision,
    /// What was met on the way.
    pub trail: Trail,
    steps: Vec<Step>,
    legs: Vec<Leg>,
}

impl DestinationWalk {
    /// Why the pod's proxy does not hand the request over, where it does not.
    pub fn stop(&self) -> Option<&Stop> {
        self.legs.iter().find_map(|leg| leg.end.stop())
    }
}

/// An address that requests are handed to.
#[derive(Clone)]
struct Target {
    at: SocketAddr,
    socket: Option<Socket>,
}

/// Pods that are alike, by one of them.
struct Group {
    pod: Node,
    target: Target,
    count: usize,
}

/// Follows every request that is handed over; the rows and ends of B's side come to `path`.
pub(in crate::walk) fn follow(walker: &Walker, path: &mut Path, dial: &Dial) {
    if walker.question.beyond == Beyond::Proxy {
        return;
    }
    let legs = std::mem::take(&mut path.legs);
    for leg in legs {
        let leaves = path.bare && leg.stage == Stage::Capture;
        if leg.end != End::HandedOver && !leaves {
            let end = why_connections_fail(walker, path, &leg, dial).unwrap_or_else(|| leg.end.clone());
            path.legs.push(Leg { end, ..leg });
            continue;
        }
        let groups = groups(walker, path, &leg, dial);
        let total: usize = groups.iter().map(|g| g.count).sum();
        if let Some(why) = refused_pods(walker, path, &leg, dial).filter(|_| total == 0) {
            leave_open(path, &leg, &why);
            walker.unchecked(why);
            continue;
        }
        if total == 0 {
            if leaves {
                walker.unchecked("the request leaves A without a proxy, and no pod of B's was read".to_owned());
            }
            path.legs.push(leg);
            continue;
        }
        let began = path.legs.len();
        for group in groups {
            #[expect(clippy::cast_precision_loss, reason = "a share of a handful of endpoints")]
            let share = leg.share * group.count as f64 / total as f64;
            hand_over(walker, path, &Leg { share, ..leg.clone() }, &group, dial);
        }
        doubt(&mut path.legs[began..]);
    }
    if let Some(why) = path.certificates_unread.take() {
        walker.unchecked(why);
    }
    show(path);
}

/// Where TLS to every endpoint fails, certificates may be the reason: then that is how it ends.
fn why_connections_fail(walker: &Walker, path: &mut Path, leg: &Leg, dial: &Dial) -> Option<End> {
    leg.end.stop().filter(|stop| matches!(stop, Stop::ConnectFailure | Stop::TcpConnectFailure))?;
    let speaks_tls = |group: &Group| group.target.socket.as_ref().is_some_and(Socket::is_tls);
    let group = groups(walker, path, leg, dial).into_iter().find(speaks_tls)?;
    let (namespace, name) = (group.pod.text("metadata.namespace")?, group.pod.text("metadata.name")?);
    let (_, record) = walker.glance(walker.snapshot.destination(&namespace, &name))?;
    if record.without_proxy {
        return None;
    }
    let known = path.destinations.len();
    let place = visit(walker, path, &group, dial)?;
    let met = handshake(walker, path, (leg, dial), &group, place);
    path.destinations.truncate(known);
    let Met::Refused(handshake) = met else { return None };
    Some(refused(path, handshake))
}

/// The row of a handshake that fails, and how it ends.
fn refused(path: &mut Path, handshake: Box<Handshake>) -> End {
    path.amend(Stage::Endpoints, Mark::Stopped, &handshake.words(), handshake.evidence.clone());
    End::Stopped(Stop::Handshake(handshake))
}

/// Where one pod's proxy does not hand the request over, nothing is said of a pod of the same kind that was not read.
fn doubt(legs: &mut [Leg]) {
    let refused = |leg: &Leg| matches!(leg.end.stop(), Some(Stop::Handshake(_)));
    if legs.iter().any(|leg| refused(leg) || (leg.destination.is_some() && leg.end != End::HandedOver)) {
        let unread = |leg: &&mut Leg| leg.destination.is_none() && !refused(leg);
        legs.iter_mut().filter(unread).for_each(|leg| leg.end = End::Unknown);
    }
}

/// One group's share of a leg, through the pod's proxy where it can be read.
fn hand_over(walker: &Walker, path: &mut Path, leg: &Leg, group: &Group, dial: &Dial) {
    let known = path.destinations.len();
    let Some(place) = visit(walker, path, group, dial) else {
        match refused_proxy(walker, &group.pod) {
            Some(why) => leave_open(path, leg, &why),
            None => path.legs.push(leg.clone()),
        }
        return;
    };
    match handshake(walker, path, (leg, dial), group, place) {
        Met::Fine => {}
        Met::Unread(why) => path.certificates_unread = path.certificates_unread.take().or(why),
        Met::Refused(handshake) => {
            // What its proxy would make of a request is of no interest when none comes to it.
            path.destinations.truncate(known);
            let end = refused(path, handshake);
            path.legs.push(Leg { end, stage: Stage::Endpoints, ..leg.clone() });
            return;
        }
        Met::Unknown(why) => {
            path.amend(Stage::Endpoints, Mark::Unknown, &why, Vec::new());
            walker.unchecked(why);
            path.legs.push(Leg { end: End::Unknown, stage: Stage::Endpoints, ..leg.clone() });
            return;
        }
    }
    let visited = path.destinations[place].legs.clone();
    let name = format!("pod {}", path.destinations[place].name);
    let over_http = path.decision.route_config.is_some();
    for inner in visited {
        let end = translate(inner.end, over_http, group.target.socket.as_ref());
        let by = if end == End::HandedOver || !leg.by.is_empty() { leg.by.clone() } else { name.clone() };
        path.legs.push(Leg {
            share: leg.share * inner.share,
            by,
            end,
            stage: inner.stage,
            destination: Some(place),
            ..leg.clone()
        });
    }
}

/// Requests that come to a proxy of B's which may not be read: what it makes of them is open.
fn leave_open(path: &mut Path, leg: &Leg, why: &str) {
    path.amend(Stage::Endpoints, Mark::Unknown, why, Vec::new());
    path.legs.push(Leg { end: End::Unknown, stage: Stage::Endpoints, ..leg.clone() });
}

/// Why the pod's proxy could not be read, where it has one and somebody was asked for it.
fn refused_proxy(walker: &Walker, pod: &Node) -> Option<String> {
    let (namespace, name) = (pod.text("metadata.namespace")?, pod.text("metadata.name")?);
    let why = walker.snapshot.why_refused(&Need::Destination(namespace.clone(), name.clone()))?;
    injected::has_proxy(pod)
        .then(|| format!("the proxy of pod {namespace}/{name} may deny the request, and it could not be read: {why}"))
}

/// Why B's pods could not be read, where their proxies take mutual TLS and somebody was asked for them.
fn refused_pods(walker: &Walker, path: &Path, leg: &Leg, dial: &Dial) -> Option<String> {
    let at = leg.cluster?;
    let (namespace, name) = ClusterName::parse(&path.trail.clusters.get(at)?.name)?.service()?;
    let is_mutual = |target: &Target| target.socket.as_ref().is_some_and(|socket| socket.kind == "mutual");
    if !targets(walker, path, leg, dial).iter().any(is_mutual) {
        return None;
    }
    let service = Need::Object(Kind::Service, namespace.clone(), name.clone());
    let labels = match walker.snapshot.object(Kind::Service, &namespace, &name) {
        Lookup::Found(service) => service.labels("spec.selector"),
        Lookup::Absent(_) | Lookup::Unread(_) => Vec::new(),
    };
    let pods = Need::Objects(Kind::Pod, Some(namespace.clone()), labels);
    let why = [service, pods].into_iter().find_map(|need| walker.snapshot.why_refused(&need).map(str::to_owned))?;
    Some(format!("the proxies of {name}.{namespace} may deny the request, and they could not be read: {why}"))
}

/// Whether A's proxy and the pod's come to terms.
fn handshake(walker: &Walker, path: &Path, (leg, dial): (&Leg, &Dial), group: &Group, place: usize) -> Met {
    let Some(socket) = group.target.socket.as_ref().filter(|socket| socket.is_tls()) else {
        return Met::Fine;
    };
    let there = &path.destinations[place];
    let over_http = path.decision.route_config.is_some();
    let by_host = over_http && has_option(path, &format!("{NAMES_BY_HOST}.auto_san_validation"));
    let meeting = Meeting {
        walker,
        cluster: leg.cluster.and_then(|at| path.trail.clusters.get(at)),
        address: group.target.at.to_string(),
        socket,
        pod: &group.pod,
        origin: there.origin,
        chain: there.trail.filter_chain.clone(),
        over_http,
        host: if by_host { as_sent(walker, path).map(|sent| name_of_host(&sent, dial)) } else { None },
    };
    meeting.hold()
}

/// What A's client sees of it: where A's proxy speaks HTTP to B and B closes the connection, A's proxy answers. Without
/// a filter chain nobody takes part in a handshake, and to A's proxy there never was a connection.
fn translate(end: End, over_http: bool, socket: Option<&Socket>) -> End {
    let End::Stopped(stop) = end else { return end };
    let cut_off = stop == Stop::NoFilterChain && socket.is_some_and(Socket::is_tls);
    End::Stopped(match (cut_off, over_http) {
        (true, true) => Stop::UpstreamCutOff,
        (true, false) => Stop::TcpUpstreamCutOff,
        (false, true) if stop.closes() => Stop::UpstreamClosed,
        (false, _) => stop,
    })
}

/// Rows of B's side: those of a pod that does not hand the request over, else of the first.
fn show(path: &mut Path) {
    let ends_there = |d: &&DestinationWalk| d.legs.iter().any(|leg| leg.end != End::HandedOver);
    let shown = path.destinations.iter().find(ends_there).or(path.destinations.first());
    if let Some(shown) = shown {
        path.steps.extend(shown.steps.clone());
    }
    path.decision.destinations = path
        .destinations
        .iter()
        .map(|d| crate::verdict::Destination {
            pod: format!("{}/{}", d.namespace, d.name),
            decision: d.decision.clone(),
        })
        .collect();
}

/// Walks a pod's proxy; `None` where it has none, or it cannot be read.
fn visit(walker: &Walker, path: &mut Path, group: &Group, dial: &Dial) -> Option<usize> {
    let namespace = group.pod.text("metadata.namespace")?;
    let name = group.pod.text("metadata.name")?;
    let socket = group.target.socket.clone()?;
    let known = |d: &DestinationWalk| {
        d.namespace == namespace && d.name == name && d.port == group.target.at.port() && d.socket == socket.kind
    };
    if let Some(place) = path.destinations.iter().position(known) {
        return Some(place);
    }
    let Got::Found((origin, record)) = walker.ask(walker.snapshot.destination(&namespace, &name)) else { return None };
    if record.without_proxy || !walker.snapshot.has_proxy(origin) {
        walker.unchecked(format!("pod {namespace}/{name} has no proxy: what its application does is not known"));
        return None;
    }
    if is_excluded(&group.pod, group.target.at.port()) {
        walker.unchecked(format!("annotations of pod {namespace}/{name} keep the connection from its proxy"));
        return None;
    }
    let question = as_sent(walker, path)?;
    let mut inner = Walker::new(walker.snapshot, &question, origin);
    inner.sent = Some(OpenHeaders::after(path));
    let over_http = path.decision.route_config.is_some();
    let by_host = |field: &str| over_http && socket.is_tls() && has_option(path, &format!("{NAMES_BY_HOST}.{field}"));
    if by_host("override_auto_sni_header") {
        let what = "the TLS server name that A's proxy takes from a header (`override_auto_sni_header`) is not modeled";
        walker.unchecked(format!("B's side was not walked: {what}"));
        return None;
    }
    // An address is no server name.
    let named = || Some(name_of_host(&question, dial)).filter(|name| name.parse::<IpAddr>().is_err());
    let server_name = if by_host("auto_sni") { named() } else { None };
    let server_name = server_name.unwrap_or_else(|| socket.server_name.clone());
    let socket = Socket { server_name, ..socket };
    inner.downstream = downstream(walker, path, &group.target, &socket);
    let Some(protocol) = (if over_http { upstream_protocol(path, dial) } else { Some(dial.protocol) }) else {
        let what = "which HTTP it is spoken to (`auto_config`) is not modeled";
        walker.unchecked(format!("B's side was not walked: {what}"));
        return None;
    };
    let host = question.authority.clone().unwrap_or_else(|| dial.host.clone());
    let there = Dial { ip: Some(group.target.at.ip()), port: group.target.at.port(), host, protocol };
    let mut through = Path::default();
    crate::walk::from_listener(&inner, &mut through, &there);
    walker.absorb(inner);
    let of_b = |step: Step| Step { side: Side::Destination, ..step };
    path.destinations.push(DestinationWalk {
        namespace,
        name,
        pod: group.pod.clone(),
        origin,
        port: group.target.at.port(),
        socket: socket.kind,
        decision: through.decision,
        trail: through.trail,
        steps: through.steps.into_iter().map(of_b).collect(),
        legs: through.legs,
    });
    Some(path.destinations.len() - 1)
}

/// `excludeInboundPorts` of B's pod.
fn is_excluded(pod: &Node, port: u16) -> bool {
    let listed = pod.at("metadata.annotations").and_then(|a| a.get("traffic.sidecar.istio.io/excludeInboundPorts"));
    listed.is_some_and(|l| l.value().as_str().unwrap_or_default().split(',').any(|p| p.trim().parse() == Ok(port)))
}

/// The request as A's proxy sends it on; `None` where a rewrite cannot be told.
fn as_sent(walker: &Walker, path: &Path) -> Option<Question> {
    let mut question = Question { tls: false, ..walker.question.clone() };
    if let Some(seen) = &path.seen {
        question.authority = Some(seen.authority.clone());
        question.path = seen.path.clone();
        question.headers.retain(|(name, _)| !(seen.drops_underscores && name.contains('_')));
    }
    let Some(action) = path.trail.route.as_ref().and_then(|r| r.get("route")) else { return Some(question) };
    let opaque = [
        "regex_rewrite",
        "path_rewrite",
        "path_rewrite_policy",
        "host_rewrite_header",
        "host_rewrite_path_regex",
        "auto_host_rewrite",
    ];
    let own = |field: &&&str| action.get(field).is_some_and(|value| value.value().as_bool() != Some(false));
    let weighted = action.get("weighted_clusters").map(|w| w.list("clusters")).unwrap_or_default();
    let of_cluster =
        weighted.iter().any(|c| c.get("host_rewrite_literal").is_some()).then_some(&"host_rewrite_literal");
    if let Some(field) = opaque.iter().find(own).or(of_cluster) {
        walker.unchecked(format!("B's side was not walked: what `{field}` makes of the request is not modeled"));
        return None;
    }
    if let Some(host) = action.text("host_rewrite_literal") {
        question.authority = Some(host);
    }
    if let Some(rewrite) = action.text("prefix_rewrite") {
        let wanted = path.trail.route.as_ref()?.get("match")?;
        let matched = ["prefix", "path", "path_separated_prefix"].iter().find_map(|f| wanted.text(f))?;
        let (own, query) = question.path.split_at(question.path.find('?').unwrap_or(question.path.len()));
        question.path = format!("{rewrite}{}{query}", own.get(matched.len()..)?);
    }
    Some(question)
}

/// What A's proxy speaks to B over HTTP: as the cluster says, else HTTP/1.1; `None` where the handshake decides.
fn upstream_protocol(path: &Path, dial: &Dial) -> Option<Protocol> {
    let has = |field: &str| has_option(path, field);
    let http2 = if dial.protocol == Protocol::Grpc { Protocol::Grpc } else { Protocol::Http2 };
    if has("auto_config") {
        None
    } else if has("explicit_http_config.http2_protocol_options") {
        Some(http2)
    } else if has("use_downstream_protocol_config") {
        Some(dial.protocol)
    } else {
        Some(Protocol::Http1)
    }
}

/// Where a cluster says that the names in TLS follow the Host.
const NAMES_BY_HOST: &str = "upstream_http_protocol_options";

/// The name in the Host that is sent to B, without its port.
fn name_of_host(sent: &Question, dial: &Dial) -> String {
    let host = sent.authority.as_deref().unwrap_or(&dial.host);
    domains::without_port(host).trim_matches(['[', ']']).to_owned()
}

/// Whether the cluster's HTTP options have this field.
fn has_option(path: &Path, field: &str) -> bool {
    let cluster = path.trail.clusters.first().and_then(|c| c.cluster.clone());
    let options = cluster.and_then(|c| {
        c.get("typed_extension_protocol_options")?.get("envoy.extensions.upstreams.http.v3.HttpProtocolOptions")
    });
    options.is_some_and(|options| options.at(field).is_some())
}

/// The connection as B's proxy sees it.
fn downstream(walker: &Walker, path: &Path, target: &Target, socket: &Socket) -> Downstream {
    let over_http = path.decision.route_config.is_some();
    let overridden = path.trail.alpn_override.iter().find(|(protocol, _)| over_http && protocol == "HTTP11");
    let alpn = overridden.map_or_else(|| socket.alpn.clone(), |(_, words)| words.clone());
    let ip = |node: &Node| node.text("status.podIP")?.parse().ok();
    let source = walker.node.as_ref().and_then(|n| n.ip.parse().ok());
    let names = if socket.kind == "mutual" { own_names(walker, socket) } else { Names::default() };
    Downstream {
        tls: socket.is_tls(),
        peer_uris: names.uris,
        peer_dns: names.dns,
        server_name: if socket.is_tls() { socket.server_name.clone() } else { String::new() },
        alpn: if socket.is_tls() { alpn } else { Vec::new() },
        source: source.or_else(|| source_pod(walker).as_ref().and_then(ip)),
        destination: Some(target.at.ip()),
        port: target.at.port(),
    }
}

/// The names in A's certificate; that of its service account, where the certificate cannot be read.
fn own_names(walker: &Walker, socket: &Socket) -> Names {
    let by_pod = || {
        let uris = source_pod(walker).iter().map(|pod| peer::identity(walker, pod, socket)).collect();
        Names { uris, ..Names::default() }
    };
    handshake::own_names(walker, socket).unwrap_or_else(by_pod)
}

/// The pods behind the addresses of a leg, those that are alike together.
fn groups(walker: &Walker, path: &Path, leg: &Leg, dial: &Dial) -> Vec<Group> {
    let targets = targets(walker, path, leg, dial);
    if targets.is_empty() {
        return Vec::new();
    }
    let Some(pods) = pods(walker, path, leg, &targets) else { return Vec::new() };
    let mut groups: Vec<Group> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    // Of several pods at one address the first.
    let by_ip = pods.iter().rev().filter_map(|pod| Some((pod.text("status.podIP")?.parse::<IpAddr>().ok()?, pod)));
    let by_ip: BTreeMap<IpAddr, &Node> = by_ip.collect();
    for target in targets {
        let Some(pod) = by_ip.get(&target.at.ip()).copied() else { continue };
        let owner = pod.at("metadata.ownerReferences").and_then(|o| o.index(0)?.text("uid"));
        let kind = target.socket.as_ref().map_or("", |s| s.kind);
        let key = format!("{}/{kind}", owner.or_else(|| pod.text("metadata.name")).unwrap_or_default());
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.count += 1,
            None => groups.push(Group { pod: pod.clone(), target, count: 1 }),
        }
    }
    groups
}

/// The addresses that a leg's requests are handed to. A Service's own address stands for its endpoints.
fn targets(walker: &Walker, path: &Path, leg: &Leg, dial: &Dial) -> Vec<Target> {
    let direct: Vec<Target> =
        match leg.cluster.and_then(|i| Some((path.decision.clusters.get(i)?, path.trail.clusters.get(i)?))) {
            Some((choice, trail)) => {
                let socket = |i: usize| trail.sockets.get(i).cloned().flatten();
                let eligible = choice.endpoints.iter().enumerate().filter(|(_, e)| e.eligible);
                eligible.filter_map(|(i, e)| Some(Target { at: e.address.parse().ok()?, socket: socket(i) })).collect()
            }
            None => dial
                .ip
                .map(|ip| Target { at: SocketAddr::new(ip, dial.port), socket: Some(Socket::plaintext()) })
                .into_iter()
                .collect(),
        };
    let mut targets = Vec::new();
    // An address that is listed again stands for the same endpoints.
    let mut services = BTreeSet::new();
    for target in direct {
        if services.contains(&target.at) {
            continue;
        }
        match behind(walker, path, &target) {
            Some(endpoints) => {
                services.insert(target.at);
                targets.extend(endpoints);
            }
            None => targets.push(target),
        }
    }
    targets
}

/// The endpoints behind an address of B's Service; `None` where it is none of them.
fn behind(walker: &Walker, path: &Path, target: &Target) -> Option<Vec<Target>> {
    let service = path.trail.service.as_ref()?;
    let ips = service.at("spec.clusterIPs")?;
    ips.items().find(|ip| ip.value().as_str().is_some_and(|ip| ip.parse() == Ok(target.at.ip())))?;
    let ports = service.at("spec.ports")?;
    let number = |p: &Node| p.get("port").and_then(|n| n.value().as_u64()) == Some(u64::from(target.at.port()));
    let name = ports.items().find(number)?.text("name").unwrap_or_default();
    let namespace = service.text("metadata.namespace")?;
    let labels = [("kubernetes.io/service-name".to_owned(), service.text("metadata.name")?)];
    let slices =
        walker.glance(walker.snapshot.objects(Kind::EndpointSlice, Some(&namespace), &labels)).unwrap_or_default();
    let mut found = Vec::new();
    for slice in slices {
        let ports = slice.list("ports");
        let port = ports.iter().find(|p| p.text("name").unwrap_or_default() == name);
        let Some(port) = port.and_then(|p| u16::try_from(p.get("port")?.value().as_u64()?).ok()) else { continue };
        let endpoints = slice.list("endpoints");
        for address in endpoints.iter().filter(|e| is_ready(e)).filter_map(|e| e.get("addresses")?.index(0)) {
            let ip: Option<IpAddr> = address.value().as_str().and_then(|ip| ip.parse().ok());
            found.extend(ip.map(|ip| Target { at: SocketAddr::new(ip, port), socket: target.socket.clone() }));
        }
    }
    Some(found)
}

/// The pods that the Service behind a leg selects; where there is no Service, those at the addresses.
fn pods(walker: &Walker, path: &Path, leg: &Leg, targets: &[Target]) -> Option<Vec<Node>> {
    let of_cluster = leg.cluster.and_then(|i| ClusterName::parse(&path.trail.clusters.get(i)?.name)?.service());
    let service = match of_cluster {
        Some((namespace, name)) => walker.glance(walker.snapshot.object(Kind::Service, &namespace, &name))?,
        None => match &path.trail.service {
            Some(service) => service.clone(),
            None => return Some(pods_at(walker, targets)),
        },
    };
    let namespace = service.text("metadata.namespace")?;
    service.at("spec.selector")?;
    let labels = service.labels("spec.selector");
    walker.glance(walker.snapshot.objects(Kind::Pod, Some(&namespace), &labels))
}

/// The pods at addresses that no Service stands for: one that was asked for, or a few that can be a pod's.
fn pods_at(walker: &Walker, targets: &[Target]) -> Vec<Node> {
    const FEW: usize = 4;
    let is_asked = |ip: &IpAddr| walker.question.ip() == Some(*ip);
    let ips = targets.iter().map(|t| t.at.ip()).filter(|ip| is_asked(ip) || is_private(*ip));
    let pods = ips.take(FEW).filter_map(|ip| walker.glance(walker.snapshot.pods_at(ip))).flatten();
    pods.filter(has_it_alone).collect()
}

/// Whether a pod's address is its own, and still is: not its node's, and not of one that has ended.
fn has_it_alone(pod: &Node) -> bool {
    let of_node = pod.at("spec.hostNetwork").is_some_and(|n| n.value().as_bool() == Some(true));
    !of_node && !matches!(pod.text("status.phase").as_deref(), Some("Succeeded" | "Failed"))
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

/// Whether any request is handed to a pod whose own proxy, if it has one, was not walked.
pub(in crate::walk) fn leaves_open(legs: &[Leg]) -> bool {
    legs.iter().any(|leg| leg.end == End::HandedOver && leg.destination.is_none())
}
