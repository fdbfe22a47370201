//! The driver on B's side: each pod that gets the request has a proxy of its own, and the request goes through that too.
//!
//! Of pods that are alike (of one workload) one is walked.

use std::sync::Arc;

use crate::envoy::tls::{Context, Material};
use crate::mesh::injected::node_proxy;
use crate::snapshot::{Evidence, Need, Node};
use crate::verdict::{Mark, Power, Side, Stage};

use super::Driver;
use super::beyond::destination::{self, Arrival, Arrived};
use super::beyond::probe;
use super::beyond::sent::{as_sent, name_of_host, names_by_host, tls_inside_tls, upgrade_over_http2};
use super::beyond::targets::{Group, Recipients};
use super::tls::handshake::{self, Meeting, Met};
use super::upstream::evaluated::withheld;
use super::way::branch::pod;
use super::way::course::Told;
use super::way::forwarded::{Handed, Over};
use super::way::guard::{Condition, Guard};
use super::way::log::{Fact, Row};
use super::way::met::{Socket, SocketKind};
use super::way::question::Beyond;
use super::way::repair::{PLAINTEXT, TLS};
use super::way::stop::{Form, Handshake, Stop};
use super::way::unfit::Unfit;
use super::way::walker::Walker;

/// What comes of handing the request to pods that are alike.
struct Share {
    pod: String,
    count: usize,
    what: Landed,
}

/// What becomes of the request at a pod.
enum Landed {
    /// Its proxy got it, or would not come to terms with A's.
    Known(Told<()>),
    /// Nothing is known of a proxy of the pod's.
    Past,
    /// It is open what takes it there.
    Open(Told<()>),
    /// The pod's proxy was not read: what would have to be.
    Unread(Need),
}

/// The connection leaves A without a proxy, and nothing is behind the address that it goes to.
fn refused(proof: Vec<Evidence>) -> Told<()> {
    let note = "nothing is behind it: the Service has no ready endpoint";
    let row = Row::stopped(Stage::Endpoints, "the Service's address", note).citing(proof);
    Told::ends(Stop::NoEndpoints).row(row)
}

impl Driver<'_> {
    /// Follows every request that is handed over.
    pub(super) fn follow(&self, told: Told<Handed>, service: Option<&Node>) -> Told<()> {
        if self.walker.question.beyond == Beyond::Proxy {
            return told.then(&|_| Told::goes(()));
        }
        let told = told.or_else(&|stop, handed| self.why_connections_fail(stop, handed, service));
        let told = told.then(&|handed| self.hand_over(&handed, service));
        if let Some(why) = self.certificates.take() {
            self.walker.unchecked(why);
        }
        told
    }

    /// Where TLS to every endpoint fails, certificates may be the reason: then that is how it ends.
    fn why_connections_fail(&self, stop: Stop, handed: Option<Handed>, service: Option<&Node>) -> Told<Handed> {
        let refused = handed.filter(|_| matches!(stop, Stop::ConnectFailure(_)));
        let refused = refused.and_then(|handed| Some((self.refused_of(&handed, service)?, handed)));
        match refused {
            Some((handshake, handed)) if self.is_mended(&handshake) => Told::goes(handed),
            Some((handshake, _)) => refused_by(handshake),
            None => Told::ends(stop),
        }
    }

    fn refused_of(&self, handed: &Handed, service: Option<&Node>) -> Option<Box<Handshake>> {
        let walker = self.walker;
        let recipients = Recipients { walker, handed, service };
        let speaks_tls = |group: &Group| group.target.socket.as_ref().is_some_and(|socket| socket.is_tls());
        let group = recipients.groups().into_iter().find(speaks_tls)?;
        let (namespace, name) = (group.pod.text("metadata.namespace")?, group.pod.text("metadata.name")?);
        let (_, record) = walker.glance(walker.snapshot.destination(&namespace, &name))?;
        if record.without_proxy {
            return None;
        }
        let Arrival::Proxy(arrived) = destination::arrive(walker, handed, &group) else { return None };
        let inner = self.beyond(handed, &arrived);
        match self.meet(handed, &group, &arrived, &inner) {
            Met::Refused(handshake) => Some(handshake),
            Met::Fine | Met::Unread(_) | Met::Unknown(_) => None,
        }
    }

    /// Requests that are handed to hosts, through the proxies of the pods that they are.
    fn hand_over(&self, handed: &Handed, service: Option<&Node>) -> Told<()> {
        let leaves = matches!(handed.over, Over::Bare);
        let recipients = Recipients { walker: self.walker, handed, service };
        let shares: Vec<Share> = recipients.groups().iter().map(|group| self.share(handed, group)).collect();
        let nobody_walked = shares.iter().all(|share| matches!(share.what, Landed::Past));
        let doubt = upgrade_over_http2(handed).or_else(|| tls_inside_tls(handed)).filter(|_| nobody_walked);
        let told = if shares.is_empty() {
            match recipients.why_refused() {
                Some((need, why)) => unread_proxy(&why).settled_by(need).open_row(),
                None if leaves && let Some(proof) = recipients.nothing_behind() => refused(proof),
                None if leaves => {
                    let why = "the request leaves A without a proxy, and no pod of B's was read";
                    self.walker.unchecked(why.to_owned());
                    nobody_knows(why)
                }
                None => Told::goes(()),
            }
        } else {
            parted(shares)
        };
        let differ = told.first().is_some() && told.ends_with(&|_| true);
        let unsettled = handed.cluster.as_ref().filter(|_| differ);
        let unsettled = unsettled.and_then(|cluster| Some(withheld(&cluster.name, cluster.unsettled.as_ref()?)));
        let told = told.under(unsettled).under(doubt);
        if leaves { told } else { told.met(Fact::HandedOver) }
    }

    /// One group's requests, through the pod's proxy where it can be read.
    fn share(&self, handed: &Handed, group: &Group) -> Share {
        let name = group.pod.text("metadata.name").unwrap_or_default();
        if let Some(carrier) = node_proxy(&group.pod) {
            self.walker.unchecked(format!("{}, the proxy of pod {name}'s node (its policies)", carrier.name));
        }
        let what = match destination::arrive(self.walker, handed, group) {
            Arrival::Proxy(arrived) => Landed::Known(self.through(handed, group, &arrived)),
            Arrival::Refused(need, why) => Landed::Open(unread_proxy(&why).settled_by(need).open_row()),
            Arrival::Unread(need) if matches!(handed.over, Over::Bare) => {
                let why = format!("the proxy of pod {name} was not read");
                Landed::Open(Told::provided(unread_proxy(&why).settled_by(need), Told::goes(())))
            }
            Arrival::Unread(need) => Landed::Unread(need),
            Arrival::Past if matches!(handed.over, Over::Bare) => {
                Landed::Open(nobody_knows("what the application of a pod without a proxy does is not known"))
            }
            Arrival::Past => Landed::Past,
        };
        Share { pod: name, count: group.count, what }
    }

    /// Requests that come to a pod's proxy.
    fn through(&self, handed: &Handed, group: &Group, arrived: &Arrived) -> Told<()> {
        let inner = self.beyond(handed, arrived);
        let other = self.of_other_kind(handed, arrived, &inner);
        let (arrived, inner) = other.as_ref().map_or((arrived, inner), |(other, inner)| (other, inner.clone()));
        let inner = self.probed(inner, arrived);
        let met = self.meet(handed, group, arrived, &inner);
        let over_http = handed.over.http().is_some();
        let socket = group.target.socket.as_deref();
        let inner = inner.or_else(&|stop, _| {
            let seen = translate(stop.clone(), over_http, socket);
            Told::ends(seen).met(Fact::Ended(stop))
        });
        let inner = inner.then(&|_| Told::goes(())).beyond().after(vec![pod(&arrived.visit)]);
        match met {
            Met::Fine => inner,
            Met::Unread(why) => {
                let known = self.certificates.take();
                self.certificates.set(known.or(why));
                inner
            }
            Met::Refused(handshake) if self.is_mended(&handshake) => {
                let (at, row) = (at_pod(&handshake), refusal(&handshake));
                inner.repaired(&Stop::Handshake(handshake), &at, row)
            }
            Met::Refused(handshake) => refused_by(handshake),
            Met::Unknown(why) => {
                let condition = Condition::of(Stage::Endpoints, "TLS", &[Power::Refuse], &why);
                let condition = condition.provided_that("TLS between the two proxies succeeds");
                Told::provided(condition, inner).more(Row::unknown(Stage::Endpoints, "", &why))
            }
        }
    }

    /// Where the pod's proxy does not take the kind of connection that A's makes, and that is taken as repaired: what comes
    /// of the other kind.
    fn of_other_kind(
        &self,
        handed: &Handed,
        arrived: &Arrived,
        inner: &Told<Handed>,
    ) -> Option<(Arrived, Told<Handed>)> {
        let walker = self.walker;
        let at = if arrived.socket.is_tls() { TLS } else { PLAINTEXT };
        let stops = [Stop::NoFilterChain, Stop::PlaintextOnTls].into_iter();
        let mut stops = stops.filter(|stop| walker.is_repaired_on(Side::Destination, stop, at));
        let stop = stops.find(|stop| inner.ends_with(&|other| other == stop))?;
        let socket = if arrived.socket.is_tls() { Socket::plaintext() } else { mutual(walker, handed)? };
        let other = arrived.spoken_to(socket);
        let row = Row::stopped(Stage::FilterChain, "", &stop.words());
        let told = self.beyond(handed, &other);
        // Where neither kind is taken, it is not the kind.
        let is_closed = |stop: &Stop| matches!(stop, Stop::NoFilterChain | Stop::PlaintextOnTls);
        (!told.ends_with(&is_closed)).then(|| (other, told.repaired(&stop, at, row)))
    }

    /// Whether the walk takes it as repaired that the two proxies do not come to terms.
    fn is_mended(&self, handshake: &Handshake) -> bool {
        self.walker.is_repaired(&Stop::Handshake(Box::new(handshake.clone())), &at_pod(handshake))
    }

    /// The same, with what is known of the pod's application: it says more of B's endpoints, and changes no end.
    fn probed(&self, inner: Told<Handed>, arrived: &Arrived) -> Told<Handed> {
        let cluster = |fact: &Fact| if let Fact::Cluster(cluster) = fact { Some(Arc::clone(cluster)) } else { None };
        let cluster = inner.first_met(&cluster);
        let Some(row) = cluster.and_then(|cluster| probe::said(self.walker, &arrived.visit, &cluster)) else {
            return inner;
        };
        let ended = |stop: Stop, handed: Option<Handed>| {
            let is_refused = matches!(stop, Stop::ConnectFailure(_));
            let told =
                handed.map_or_else(|| Told::ends(stop.clone()), |handed| Told::ends_before(stop.clone(), handed));
            // It stays what ends the request.
            if is_refused { told.more(Row { mark: Mark::Stopped, ..row.clone() }) } else { told }
        };
        inner.or_else(&ended).then(&|handed| Told::goes(handed).more(row.clone()))
    }

    /// The request through the pod's proxy.
    fn beyond(&self, handed: &Handed, arrived: &Arrived) -> Told<Handed> {
        let names = handshake::own_names(self.walker, &arrived.socket);
        let downstream = destination::downstream(self.walker, handed, arrived, names);
        let key = format!(
            "{} {} {downstream:?} {:?} {:?} {:?}",
            arrived.visit.pod_name(),
            arrived.visit.port,
            arrived.question,
            arrived.dial,
            arrived.headers
        );
        if let Some(known) = self.visits.borrow().get(&key) {
            return known.clone();
        }
        let mut inner = self.walker.beside(&arrived.question, arrived.visit.origin);
        inner.sent = Some(arrived.headers.clone());
        inner.downstream = downstream;
        let told = Driver::new(&inner).proxy(&arrived.dial);
        self.walker.absorb(inner);
        self.visits.borrow_mut().insert(key, told.clone());
        told
    }

    /// Whether A's proxy and the pod's come to terms.
    fn meet(&self, handed: &Handed, group: &Group, arrived: &Arrived, inner: &Told<Handed>) -> Met {
        let Some(socket) = group.target.socket.as_deref().filter(|socket| socket.is_tls()) else {
            return Met::Fine;
        };
        let by_host = names_by_host(handed, "auto_san_validation");
        let sent = as_sent(self.walker.question, &handed.over).ok().filter(|_| by_host);
        let chain = |fact: &Fact| if let Fact::FilterChain(_, node) = fact { Some(node.clone()) } else { None };
        let meeting = Meeting {
            walker: self.walker,
            cluster: handed.cluster.as_deref(),
            address: group.target.at.to_string(),
            socket,
            pod: &group.pod,
            origin: arrived.visit.origin,
            chain: inner.first_met(&chain),
            over_http: handed.over.http().is_some(),
            host: sent.map(|sent| name_of_host(&sent, &handed.dial)),
        };
        meeting.hold()
    }
}

/// Each group with its share. Where one pod's proxy does not hand the request over, nothing is said of a pod that was
/// not read.
fn parted(shares: Vec<Share>) -> Told<()> {
    let total: usize = shares.iter().map(|share| share.count).sum();
    let doubts = shares.iter().any(|share| match &share.what {
        Landed::Known(told) => told.ends_with(&|_| true),
        Landed::Past | Landed::Open(_) | Landed::Unread(_) => false,
    });
    let part = |Share { pod, count, what }: Share| {
        #[expect(clippy::cast_precision_loss, reason = "a share of a handful of endpoints")]
        let guard = Guard::Pod { pod: pod.clone(), share: count as f64 / total as f64 };
        let told = match what {
            Landed::Known(told) | Landed::Open(told) => told,
            Landed::Unread(need) if doubts => {
                let why = format!("the proxy of pod {pod} was not read, and that of another pod does not let it pass");
                Told::provided(unread_proxy(&why).settled_by(need), Told::goes(()))
            }
            Landed::Past if doubts => {
                let why = format!("nothing is known of a proxy of pod {pod}, and that of another does not let it pass");
                Told::provided(unread_proxy(&why), Told::goes(()))
            }
            Landed::Past | Landed::Unread(_) => Told::goes(()),
        };
        (guard, told)
    };
    Told::parts(shares.into_iter().map(part).collect())
}

/// B's proxy was not read.
fn unread_proxy(why: &str) -> Condition {
    Condition::withheld(Stage::Endpoints, "the proxy of B", why).provided_that("B's own proxy lets it pass")
}

/// Nothing is known of what takes the request.
fn nobody_knows(why: &str) -> Told<()> {
    let condition = Condition::withheld(Stage::Endpoints, "B", why).provided_that("its application takes it as it is");
    Told::provided(condition, Told::goes(()))
}

/// The row of a handshake that fails, and how it ends.
fn refused_by<T>(handshake: Box<Handshake>) -> Told<T> {
    let (at, row) = (at_pod(&handshake), refusal(&handshake));
    Told::ends_at(Stop::Handshake(handshake), &at).more(row)
}

fn refusal(handshake: &Handshake) -> Row {
    Row::stopped(Stage::Endpoints, "", &handshake.words()).citing(handshake.evidence.clone())
}

/// The pod with whose proxy A's does not come to terms.
fn at_pod(handshake: &Handshake) -> String {
    let (namespace, name) = &handshake.pod;
    format!("{namespace}/{name}")
}

/// The mesh's own mutual TLS, as A's proxy would speak it to a Service's pod. Without a proxy of A's, and to an address
/// that it does not know, it is another request that would have to be sent.
fn mutual(walker: &Walker, handed: &Handed) -> Option<Socket> {
    let mutual = walker.mesh.mutual()?;
    let cluster = handed.cluster.as_ref().filter(|_| !matches!(handed.over, Over::Bare))?;
    walker.mesh.service_of_cluster(&cluster.name)?;
    // Who A is has to be known: B's policies ask for it.
    walker.source_pod()?;
    let alpn = mutual.offers.iter().map(|offer| (*offer).to_owned()).collect();
    let shows = vec![Material::Secret(mutual.certificate.to_owned())];
    let tls = Context { shows, ..Context::default() };
    Some(Socket { kind: SocketKind::Mutual, alpn, tls, ..Socket::plaintext() })
}

impl Condition {
    /// The request goes on under it; the row of the endpoints says so.
    fn open_row(self) -> Told<()> {
        let row = Row::unknown(Stage::Endpoints, "", &self.why);
        Told::provided(self, Told::goes(())).more(row)
    }
}

/// What A's client sees of it: where A's proxy speaks HTTP to B and B closes the connection, A's proxy answers. Without
/// a filter chain nobody takes part in a handshake, and to A's proxy there never was a connection.
fn translate(stop: Stop, over_http: bool, socket: Option<&Socket>) -> Stop {
    let is_tls = socket.is_some_and(Socket::is_tls);
    if is_tls && stop == Stop::Unfit(Unfit::TlsOnPlaintext) {
        return Stop::UpstreamCutOff(if over_http { Form::Http } else { Form::Tcp });
    }
    match (is_tls && stop == Stop::NoFilterChain, over_http) {
        (true, true) => Stop::UpstreamCutOff(Form::Http),
        (true, false) => Stop::UpstreamCutOff(Form::Tcp),
        (false, true) if stop.closes() => Stop::UpstreamClosed,
        (false, _) => stop,
    }
}
