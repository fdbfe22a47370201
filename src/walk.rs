//! What becomes of the request: listener, filter chain, filters, route, cluster, hosts, as Envoy decides them.
//!
//! [`walk`] is a pure function of the snapshot and the question: no IO, no clock, no panic. Besides what it found it
//! returns what it would like to know next.
//!
//! A walk is a tree. Each stage returns a value (`Told`): what it met, and what becomes of the request.
//! This file, the driver, names the stages in the order of a request, and strings their values together; no stage names
//! another.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod behind;
mod beyond;
mod dial;
mod follow;
mod http;
mod kinds;
mod listen;
mod tls;
mod upstream;
mod way;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

pub use behind::Behind;
pub use way::asked_for::{AskedFor, Kind, Weight};
pub use way::branch::Branch;
pub use way::end::End;
pub use way::guard::{Alternative, Condition, Guard, TLS_IN_TLS};
pub use way::met::{ClusterTrail, HostTrail, Missed, Socket, SocketKind, Visit};
pub use way::protocol::Protocol;
pub use way::question::{Asks, Beyond, ProxyProtocol, Question};
pub use way::question_error::QuestionError;
pub use way::repair::Repair;
pub use way::stop::{Abort, Form, Handshake, Refused, RequestKind, Stop};
pub use way::target::Port;
pub use way::trail::Trail;
pub use way::unfit::Unfit;

pub(crate) use dial::service::ports_of;
pub(crate) use way::service::is_ready as is_ready_endpoint;

use crate::envoy::subset::Criteria;
use crate::snapshot::{Need, Node, Origin, Snapshot};
use crate::verdict::{Decision, Endpoint, Outcome, Request, Response, Side, Step};

use self::http::filters::Reached;
use self::http::manager::{self, Manager};
use dial::capture::{Capture, capture};
use listen::{filter_chain, listener, network_filters, tcp_proxy};
use upstream::cluster;
use upstream::evaluated::Evaluated;
use way::accepted::{Accepted, Terminal};
use way::course::Told;
use way::dial::Dial;
use way::followed::Followed;
use way::forwarded::{Choice, Forwarded, Handed, Over, Wire};
use way::log::Fact;
use way::walker::Walker;
use way::ways::{branches, first_told};

/// What becomes of a request, as far as it can be told from what was read.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The request as it was understood.
    pub request: Request,
    /// What becomes of all requests together.
    pub outcome: Outcome,
    /// Every way that requests go.
    pub branches: Vec<Branch>,
    /// The same through other addresses of B that lead to the same decisions.
    pub alike: Vec<Vec<Branch>>,
    /// What was not read or is not modeled, and bears on no branch by itself.
    pub unchecked: Vec<String>,
    /// What would have to be read to get further.
    pub needs: BTreeSet<Need>,
    /// Whether local replies are wrapped for gRPC.
    pub kind: RequestKind,
    /// What follows where the stop that is told first is taken as repaired, and then where the one after it is, too.
    pub behind: Vec<Behind>,
}

/// Walks the question through A's proxy.
pub fn walk(snapshot: &Snapshot, question: &Question) -> Walk {
    let walker = Walker::new(snapshot, question, Origin::Source(0));
    let plain = follow(&walker);
    let all = if question.asks == Asks::Open { kinds::every(&walker, plain, &follow) } else { plain };
    let Followed { told, alike, dial, kind } = all;
    let request = way::asked::shown(&walker, dial.as_ref());
    let outcome = told.outcome(kind);
    let alike = alike.into_iter().map(|told| branches(told, kind)).collect();
    let branches = branches(told, kind);
    branches.iter().flat_map(Branch::unsettled).for_each(|why| walker.unchecked(why.clone()));
    let (needs, unchecked) = walker.into_parts();
    let mut walk = Walk { request, outcome, branches, alike, unchecked, needs, kind, behind: Vec::new() };
    // What reaches has nothing behind a stop, and what is not yet read may reach.
    let is_read = walk.outcome != Outcome::Reaches && walk.needs.iter().all(|need| snapshot.is_tried(need));
    if let Some(told) = walk.told().filter(|_| is_read) {
        let (behind, needs) = behind::behind(snapshot, question, told, &follow);
        walk.behind = behind;
        walk.needs.extend(needs);
    }
    walk
}

/// Follows the one request that a question says.
fn follow(walker: &Walker) -> Followed {
    let driver = Driver::new(walker);
    let resolved = dial::resolve::resolve(walker);
    let service =
        resolved.last_met(&|fact| if let Fact::Service(service) = fact { Some(service.clone()) } else { None });
    let dial = resolved.first().and_then(|dials| dials.first()).cloned();
    let kind = dial.as_ref().map_or(RequestKind::Plain, |dial| dial.request_kind(&walker.question.headers));
    let told = resolved.then(&|dials: Vec<Dial>| driver.addresses(&dials, service.as_ref())).settled(kind);
    let alike = driver.alike.take().into_iter().map(|told| told.settled(kind)).collect();
    Followed { told, alike, dial, kind }
}

impl Walk {
    /// The way that is told first (`first_told`).
    pub fn told(&self) -> Option<&Branch> {
        first_told(self.branches.iter(), self.outcome)
    }

    /// The share of requests that surely come to this, 0 to 1; of kinds that the question leaves open, among those of the
    /// kind that is told first.
    pub fn share(&self, outcome: Outcome) -> f64 {
        let told = self.told();
        let of_kind = self.branches.iter().filter(|branch| told.is_none_or(|told| branch.is_asked_with(told)));
        of_kind.filter(|branch| branch.sure_outcome() == outcome).map(Branch::share).sum()
    }

    /// Whether requests are handed to a pod whose own proxy, if it has one, was not walked.
    pub fn leaves_open(&self) -> bool {
        self.branches.iter().any(|branch| branch.end == End::HandedOver && branch.visit().is_none())
    }

    /// Whether requests leave A past any proxy.
    pub fn has_no_source_proxy(&self) -> bool {
        self.branches.iter().any(Branch::leaves)
    }

    /// What is sent when it is not handed over, of the way that is told first.
    pub fn response(&self) -> Option<Response> {
        self.told()?.response()
    }

    /// What A's proxy decides of the requests that chance alone parts from those that are told first; `None` where A has
    /// no proxy, or the walk ended before it.
    pub fn decision(&self) -> Option<Decision> {
        let told = self.told().filter(|branch| !branch.leaves())?;
        let united = |branches: &[Branch]| {
            let own: Vec<&Branch> = branches.iter().filter(|branch| branch.is_drawn_apart_from(told)).collect();
            way::branch::decision(&own, Side::Source)
        };
        let mut decision = united(&self.branches);
        for other in self.alike.iter().map(|branches| united(branches)) {
            extend(&mut decision, other);
        }
        (decision != Decision::default()).then_some(decision)
    }

    /// The same, of some ways that end alike.
    pub fn decision_of(&self, branches: &[&Branch]) -> Option<Decision> {
        let own: Vec<&Branch> = branches.iter().copied().filter(|branch| !branch.leaves()).collect();
        let decision = way::branch::decision(&own, Side::Source);
        (decision != Decision::default()).then_some(decision)
    }

    /// The rows of the way that is told first.
    pub fn steps(&self) -> Vec<Step> {
        self.told().map(Branch::steps).unwrap_or_default()
    }
}

/// The hosts and the pods behind another address are added to those behind the first.
fn extend(decision: &mut Decision, other: Decision) {
    for (mine, theirs) in decision.clusters.iter_mut().zip(other.clusters) {
        let known: BTreeSet<Endpoint> = mine.endpoints.iter().cloned().collect();
        mine.endpoints.extend(theirs.endpoints.into_iter().filter(|e| !known.contains(e)));
    }
    let known: BTreeSet<String> = decision.destinations.iter().map(|mine| mine.pod.clone()).collect();
    decision.destinations.extend(other.destinations.into_iter().filter(|d| !known.contains(&d.pod)));
}

/// Takes a request from stage to stage through one proxy, and through those that come after it.
struct Driver<'a> {
    walker: &'a Walker<'a>,
    /// What became of requests that chose a cluster, by its name and what was asked of its hosts: a cluster that is named
    /// again is not looked at again.
    clusters: RefCell<BTreeMap<String, Vec<(Criteria, Evaluated)>>>,
    /// What B's proxies made of what came to them.
    visits: RefCell<BTreeMap<String, Told<Handed>>>,
    /// Other addresses of B, which lead to the same decisions.
    alike: RefCell<Vec<Told<()>>>,
    /// Why certificates were not read, where they were not.
    certificates: Cell<Option<String>>,
}

impl<'a> Driver<'a> {
    fn new(walker: &'a Walker<'a>) -> Self {
        Self {
            walker,
            clusters: RefCell::default(),
            visits: RefCell::default(),
            alike: RefCell::default(),
            certificates: Cell::default(),
        }
    }

    /// Several addresses: one answer where they agree, else each its share.
    fn addresses(&self, dials: &[Dial], service: Option<&Node>) -> Told<()> {
        let told = dials.iter().map(|dial| self.follow(self.source(dial), service));
        let mut told: Vec<Told<()>> = told.collect();
        let alike = told.windows(2).all(|pair| pair[0].signature() == pair[1].signature());
        if alike && !told.is_empty() {
            let first = told.remove(0);
            self.alike.borrow_mut().extend(told);
            return first;
        }
        #[expect(clippy::cast_precision_loss, reason = "a handful of addresses")]
        let share = 1.0 / told.len() as f64;
        let part = |(dial, told): (&Dial, Told<()>)| (Guard::Address { address: dial.address(), share }, told);
        Told::parts(dials.iter().zip(told).map(part).collect())
    }

    /// One address through A's proxy, where the connection gets to it.
    fn source(&self, dial: &Dial) -> Told<Handed> {
        capture(self.walker, dial).then(&|captured| match captured {
            Capture::Taken => self.proxy(dial),
            Capture::Leaves => Told::goes(Handed { dial: dial.clone(), over: Over::Bare, cluster: None }),
        })
    }

    /// A connection through the proxy: listener, filter chain, and what ends the chain.
    fn proxy(&self, dial: &Dial) -> Told<Handed> {
        let walker = self.walker;
        let find = || listener::find(walker, dial).then(&|active| filter_chain::choose(walker, &active, dial));
        let key = format!("{:?} {dial:?} {:?}", walker.origin, walker.downstream);
        walker.memo.accepted(key, &find).then(&|accepted: Accepted| {
            let (dial, sight) = (&accepted.dial, accepted.sight);
            match &accepted.terminal {
                Terminal::Http(config, node) => {
                    let manager = Manager { config, node, sight };
                    let reach = |name: &str| self.reach(name, dial);
                    manager::forward(walker, manager, dial, &reach).then(&|forwarded| self.forward(&forwarded, dial))
                }
                Terminal::Tcp(proxy, node) => {
                    let named = accepted.cluster.as_deref();
                    let told = tcp_proxy::forward(proxy, node, named).then(&|forwarded| {
                        let again = tcp_proxy::draws_again(proxy, &forwarded);
                        tcp_proxy::drawn_again(self.forward(&forwarded, dial), again)
                    });
                    // A host is chosen and connected to before access control looks.
                    told.then(&|handed| match &accepted.denial {
                        Some(denial) => network_filters::closed(denial),
                        None => Told::goes(handed),
                    })
                }
            }
        })
    }

    /// What is forwarded, to the clusters that were chosen.
    fn forward(&self, forwarded: &Forwarded, dial: &Dial) -> Told<Handed> {
        let several = forwarded.choices.len() > 1;
        let part = |choice: &Choice| {
            let by = if several { format!("weighted cluster {}", choice.name) } else { String::new() };
            let evaluated = self.evaluate(choice, forwarded.wire, dial);
            (Guard::drawn(&by, choice.share), evaluated.told(dial, &forwarded.over))
        };
        Told::parts(forwarded.choices.iter().map(part).collect())
    }

    fn evaluate(&self, choice: &Choice, wire: Wire, dial: &Dial) -> Evaluated {
        let known = |(criteria, _): &&(Criteria, Evaluated)| *criteria == choice.criteria;
        let Choice { name, unsure, sets, host, .. } = choice;
        let key = format!("{name} {wire:?} {:?} {unsure:?} {sets:?} {host:?}", dial.ip);
        if let Some((_, evaluated)) = self.clusters.borrow().get(&key).and_then(|all| all.iter().find(known)) {
            return evaluated.clone();
        }
        let evaluated = cluster::evaluate(self.walker, choice, wire, dial);
        // Without a name it is the place that is shown.
        if !choice.name.is_empty() {
            let mut clusters = self.clusters.borrow_mut();
            clusters.entry(key).or_default().push((choice.criteria.clone(), evaluated.clone()));
        }
        evaluated
    }

    /// What comes of asking the service behind a cluster that a filter names.
    fn reach(&self, name: &str, dial: &Dial) -> Reached {
        cluster::reach(self.walker, name, dial).map_or(Reached::Perhaps, Reached::Never)
    }
}
