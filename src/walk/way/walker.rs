//! What every stage has at hand: the snapshot, the question, and the list of what is still wanted.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use crate::envoy::fields;
use crate::envoy::version::Version;
use crate::mesh::conventions::{Mesh, Redirected};
use crate::mesh::kubernetes::service_of_host;
use crate::mesh::meshes;
use crate::mesh::node_id::NodeId;
use crate::mesh::proxies::envoy_version;
use crate::snapshot::{Evidence, Kind, Lookup, Need, Node, Origin, Snapshot};
use crate::verdict::Side;

use super::dial::Dial;
use super::memo::Memo;
use super::question::Question;
use super::repair::{PLAINTEXT, Repair, TLS};
use super::stop::Stop;
use crate::walk::way::open_headers::OpenHeaders;

/// The state of one walk through one proxy.
pub(in crate::walk) struct Walker<'a> {
    pub(in crate::walk) snapshot: &'a Snapshot,
    pub(in crate::walk) question: &'a Question,
    pub(in crate::walk) origin: Origin,
    pub(in crate::walk) version: Version,
    /// What names, ports and annotations mean in the proxy's mesh.
    pub(in crate::walk) mesh: &'static Mesh,
    pub(in crate::walk) node: Option<NodeId>,
    /// On A's side: plaintext from A itself; its addresses are filled in once they are known.
    pub(in crate::walk) downstream: Downstream,
    /// On B's side: what A's proxy may have made of the headers.
    pub(in crate::walk) sent: Option<OpenHeaders>,
    /// What the walk takes as repaired; nothing of an answer.
    pub(in crate::walk) repairs: Rc<[Repair]>,
    /// What other walks for the same question found out.
    pub(in crate::walk) memo: Rc<Memo>,
    needs: RefCell<BTreeSet<Need>>,
    unchecked: RefCell<Lines>,
    remarks: RefCell<Lines>,
}

/// Sentences, each once, in the order in which they were said.
#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    known: BTreeSet<String>,
}

/// The connection that a request arrives on, as the proxy's filters see it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(in crate::walk) struct Downstream {
    /// The connection is TLS, which this proxy terminates.
    pub(in crate::walk) tls: bool,
    /// The URI names of the peer's certificate (`spiffe://…`), where it presented one that was validated; none without.
    pub(in crate::walk) peer_uris: Vec<String>,
    /// The DNS names of the same certificate.
    pub(in crate::walk) peer_dns: Vec<String>,
    /// The TLS server name; empty without one.
    pub(in crate::walk) server_name: String,
    /// The protocols that the peer offered in its handshake, in its order.
    pub(in crate::walk) alpn: Vec<String>,
    /// The peer's address, where it is known.
    pub(in crate::walk) source: Option<IpAddr>,
    /// The address that was dialed, where it is known.
    pub(in crate::walk) destination: Option<IpAddr>,
    /// The port that was dialed.
    pub(in crate::walk) port: u16,
}

/// What a look-up gave, once what is missing was noted.
pub(in crate::walk) enum Got<T> {
    /// It is there.
    Found(T),
    /// It was read and is not there.
    Absent(Evidence),
    /// It was not read. It is wanted now, or it was noted as unchecked.
    Gap(Gap),
}

/// Something that was not read.
pub(in crate::walk) struct Gap {
    /// What would have to be read.
    pub(in crate::walk) need: Need,
    /// Why it was not, where it was tried.
    why: Option<String>,
}

impl Gap {
    /// Whether it was asked for, in vain.
    pub(in crate::walk) fn was_tried(&self) -> bool {
        self.why.is_some()
    }

    /// What is missing and why, in a sentence; `otherwise` where it was not tried yet.
    pub(in crate::walk) fn words(&self, otherwise: &str) -> String {
        let Self { need, why } = self;
        why.as_ref().map_or_else(|| otherwise.to_owned(), |why| format!("{need} ({}): {why}", need.reason()))
    }
}

impl Downstream {
    /// What kind of connection it is, in a word.
    pub(in crate::walk) fn kind(&self) -> &'static str {
        if self.tls { TLS } else { PLAINTEXT }
    }
}

impl<'a> Walker<'a> {
    pub(in crate::walk) fn new(snapshot: &'a Snapshot, question: &'a Question, origin: Origin) -> Self {
        let mut walker = Self {
            snapshot,
            question,
            origin,
            version: Version::NEWEST,
            mesh: meshes::of(snapshot, origin),
            node: None,
            downstream: Downstream::default(),
            sent: None,
            repairs: Rc::default(),
            memo: Rc::default(),
            needs: RefCell::default(),
            unchecked: RefCell::default(),
            remarks: RefCell::default(),
        };
        walker.meet_the_proxy();
        walker
    }

    /// The same, of another question in the place of this one or of another proxy: what was found out stays known.
    pub(in crate::walk) fn beside<'b>(&self, question: &'b Question, origin: Origin) -> Walker<'b>
    where
        'a: 'b,
    {
        let (memo, repairs) = (Rc::clone(&self.memo), Rc::clone(&self.repairs));
        Walker { repairs, memo, ..Walker::new(self.snapshot, question, origin) }
    }

    /// The same, where the walk takes these stops as repaired.
    pub(in crate::walk) fn repairing(self, repairs: Rc<[Repair]>) -> Self {
        Self { repairs, ..self }
    }

    /// Whether the walk takes what ends the request at a place as repaired.
    pub(in crate::walk) fn is_repaired(&self, stop: &Stop, at: &str) -> bool {
        let side = match self.origin {
            Origin::Destination(_) => Side::Destination,
            Origin::Source(_) | Origin::Kubernetes | Origin::ControlPlane => Side::Source,
        };
        self.is_repaired_on(side, stop, at)
    }

    /// The same, of one side's proxy.
    pub(in crate::walk) fn is_repaired_on(&self, side: Side, stop: &Stop, at: &str) -> bool {
        self.repairs.iter().any(|repair| repair.side == side && repair.stop == *stop && repair.at == at)
    }

    /// Notes what is missing; a gap that was tried before is said once.
    pub(in crate::walk) fn ask<T>(&self, lookup: Lookup<T>) -> Got<T> {
        match lookup {
            Lookup::Found(found) => Got::Found(found),
            Lookup::Absent(evidence) => Got::Absent(evidence),
            Lookup::Unread(need) => {
                let why = self.snapshot.why_unread(&need).map(str::to_owned);
                self.want(need.clone());
                let gap = Gap { need, why };
                if gap.was_tried() {
                    self.unchecked(gap.words(""));
                }
                Got::Gap(gap)
            }
        }
    }

    /// As [`Self::ask`], where the answer only adds to the picture: what is missing is wanted, not said.
    pub(in crate::walk) fn glance<T>(&self, lookup: Lookup<T>) -> Option<T> {
        match lookup {
            Lookup::Found(found) => Some(found),
            Lookup::Absent(_) => None,
            Lookup::Unread(need) => {
                self.want(need);
                None
            }
        }
    }

    /// Whether a need was tried before, in vain.
    pub(in crate::walk) fn is_refused(&self, need: &Need) -> bool {
        self.snapshot.why_unread(need).is_some()
    }

    pub(in crate::walk) fn want(&self, need: Need) {
        self.needs.borrow_mut().insert(need);
    }

    pub(in crate::walk) fn unchecked(&self, line: String) {
        self.unchecked.borrow_mut().add(line);
    }

    /// As above, of what bears on the whole answer and never ends a walk: it is said last, and the first that is said
    /// is why an answer is unknown.
    pub(in crate::walk) fn remark(&self, line: String) {
        self.remarks.borrow_mut().add(line);
    }

    /// The address that a connection comes from: A's pod's, unless it was said; who dials loopback is there itself.
    pub(in crate::walk) fn peer(&self, dial: &Dial) -> Option<IpAddr> {
        if !matches!(self.origin, Origin::Source(_)) {
            return self.downstream.source;
        }
        // A load balancer that announces its client stands between.
        let of_client = self.question.from_address.filter(|_| self.question.proxy_protocol.is_none());
        let is_client = self.node.as_ref().is_some_and(|node| !node.is_gateway);
        let is_client = is_client && self.redirected() == Redirected::Outbound;
        let own = || self.node.as_ref().filter(|_| is_client).and_then(|node| node.ip.parse().ok());
        let loopback = || match dial.ip? {
            IpAddr::V4(ip) if ip.is_loopback() => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            IpAddr::V6(ip) if ip.is_loopback() => Some(IpAddr::V6(ip)),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        };
        of_client.or_else(own).or_else(loopback)
    }

    /// Which of a pod's connections these are: those to others, or those of others to it. Who asks A's proxy about A's own
    /// address asks about what comes to it.
    pub(in crate::walk) fn redirected(&self) -> Redirected {
        let is_own = || self.node.as_ref()?.ip.parse().ok().filter(|ip| self.question.ip() == Some(*ip));
        match self.origin {
            Origin::Destination(_) => Redirected::Inbound,
            _ if is_own().is_some() => Redirected::Inbound,
            Origin::Source(_) | Origin::Kubernetes | Origin::ControlPlane => Redirected::Outbound,
        }
    }

    /// The client's address as the connection has it: what a PROXY header says goes before all else.
    pub(in crate::walk) fn remote(&self, dial: &Dial) -> Option<IpAddr> {
        dial.announced.or_else(|| self.peer(dial))
    }

    /// Whether A is a gateway, which only passes on what its clients send.
    pub(in crate::walk) fn is_gateway(&self) -> bool {
        self.node.as_ref().is_some_and(|node| node.is_gateway)
    }

    /// What reads A's own pod, where it is known which that is.
    pub(in crate::walk) fn need_of_source_pod(&self) -> Option<Need> {
        let pod = self.snapshot.source.as_ref()?;
        Some(Need::Object(Kind::Pod, pod.namespace.clone(), pod.name.clone()))
    }

    /// A's own pod, where it was read.
    pub(in crate::walk) fn source_pod(&self) -> Option<Node> {
        let pod = self.snapshot.source.as_ref()?;
        self.glance(self.snapshot.object(Kind::Pod, &pod.namespace, &pod.name))
    }

    /// A's namespace.
    pub(in crate::walk) fn namespace(&self) -> String {
        let of_pod = self.snapshot.source.as_ref().map(|p| p.namespace.clone());
        of_pod.or_else(|| self.node.as_ref().map(|n| n.namespace.clone())).unwrap_or_else(|| "default".to_owned())
    }

    /// Whether a mesh host is the one that B names, as a pod of A's namespace would say it.
    pub(in crate::walk) fn names(&self, host: &str) -> bool {
        let asked = self.question.host.trim_end_matches('.');
        if host == asked {
            return true;
        }
        let Some((namespace, name)) = service_of_host(host) else {
            return false;
        };
        asked == format!("{name}.{namespace}")
            || asked == format!("{name}.{namespace}.svc")
            || (asked == name && namespace == self.namespace())
    }

    /// The deciding fields of a message that nobody here interprets, in words.
    pub(in crate::walk) fn unmodeled(node: &Node, message: &str, except: &[&str]) -> Option<String> {
        let found = fields::deciding(node.value(), message, except);
        let short = message.rsplit('.').next().unwrap_or(message);
        let named: Vec<String> = found.iter().map(|path| format!("`{path}`")).collect();
        (!named.is_empty()).then(|| format!("{} of {short} is not modeled", named.join(", ")))
    }

    /// The value with which runtime overrides `key`, where it does. Not read is taken for not overridden, and said.
    pub(in crate::walk) fn runtime_value(&self, key: &str) -> Option<String> {
        if key.is_empty() {
            return None;
        }
        let runtime = match self.snapshot.runtime(self.origin) {
            Lookup::Found(runtime) => runtime,
            Lookup::Absent(_) => return None,
            Lookup::Unread(need) => {
                self.remark("runtime values, which can override the configuration".to_owned());
                self.want(need);
                return None;
            }
        };
        // A proxy can have thousands of keys, and they are asked for by name, as they are.
        let entries = runtime.get("entries").filter(|entries| entries.value().get(key).is_some())?;
        let entry = entries.get(key)?;
        entry.text("final_value")
    }

    /// The same where the value is a percentage, as a share; an error where it is none.
    pub(in crate::walk) fn runtime_percent(&self, key: &str) -> Option<Result<f64, String>> {
        let value = self.runtime_value(key)?;
        let share = value.parse::<u32>().map(|percent| f64::from(percent.min(100)) / 100.0);
        Some(share.map_err(|_| format!("the runtime key {key} is {value}, which is not modeled")))
    }

    /// Takes over what a walk through another proxy wants and could not check.
    pub(in crate::walk) fn absorb(&self, other: Self) {
        self.needs.borrow_mut().extend(other.needs.into_inner());
        other.unchecked.into_inner().lines.into_iter().for_each(|line| self.unchecked(line));
        other.remarks.into_inner().lines.into_iter().for_each(|line| self.remark(line));
    }

    pub(in crate::walk) fn into_parts(self) -> (BTreeSet<Need>, Vec<String>) {
        self.remarks.take().lines.into_iter().for_each(|line| self.unchecked(line));
        (self.needs.into_inner(), self.unchecked.into_inner().lines)
    }

    fn meet_the_proxy(&mut self) {
        let Some(info) = self.glance(self.snapshot.server_info(self.origin)) else {
            return;
        };
        let version = envoy_version(&info);
        if let Some(caveat) = Version::caveat(version) {
            self.remark(caveat);
        }
        self.version = version.unwrap_or(Version::NEWEST);
        self.node = info.text("node.id").and_then(|id| self.mesh.node_id(&id));
    }
}

impl Lines {
    /// Adds what is not said yet.
    fn add(&mut self, line: String) {
        if self.known.insert(line.clone()) {
            self.lines.push(line);
        }
    }
}
