//! Which of the listener's filter chains takes the connection, and what ends the chain.

use crate::envoy::any::JsonAny;
use crate::envoy::filter_chain::{self, Chosen, Connection};
use crate::envoy::pb::envoy::config::listener::v3::FilterChain;
use crate::envoy::re2::Charset;
use crate::envoy::xds_matcher::{Asked, Led};
use crate::snapshot::{Evidence, Node, Origin};
use crate::verdict::Stage;
use crate::walk::listen::inspect::{self, Closed, Inspected};
use crate::walk::listen::listener::Active;
use crate::walk::listen::network_filters::{self, Passage};
use crate::walk::listen::termination::{self, Terminated};
use crate::walk::way::accepted::{Accepted, Denial, Sight, Terminal};
use crate::walk::way::course::Told;
use crate::walk::way::dial::{Dial, Layer};
use crate::walk::way::guard::{ANYTHING, Condition};
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::stop::Stop;
use crate::walk::way::unfit::Unfit;
use crate::walk::way::walker::Walker;

const LISTENER: &str = "envoy.config.listener.v3.Listener";
const CHAIN: &str = "envoy.config.listener.v3.FilterChain";

/// Chooses the chain and finds its terminal filter.
pub(in crate::walk) fn choose(walker: &Walker, active: &Active, dial: &Dial) -> Told<Accepted> {
    let except = ["filter_chains", "default_filter_chain", "filter_chain_matcher", "listener_filters"];
    let unmodeled = Walker::unmodeled(&active.node, LISTENER, &except);
    let Inspected { connection, dial, odd, closed } = inspect::inspect(walker, active, dial);
    let of_listener = |why: String| Condition::of(Stage::FilterChain, &active.name, ANYTHING, &why);
    let conditions: Vec<Condition> = unmodeled.into_iter().chain(odd).map(of_listener).collect();
    if let Some(Closed { filter, note, at }) = closed {
        let row = Row::stopped(Stage::FilterChain, &filter, &note).citing(at.map(|at| at.evidence()));
        return Told::ends(Stop::Unfit(Unfit::NoProxyHeader)).row(row).under(conditions);
    }
    let chain = |chosen: &Chosen| of_chosen(walker, active, chosen, &dial, &connection);
    let told = match chosen(walker, active, &connection) {
        Which::Sure(chosen) => chain(&chosen),
        Which::Open(what, alternatives) => {
            let why = format!("the filter chains of {} differ in {what}", active.name);
            let condition = Condition::withheld(Stage::FilterChain, &active.name, &why);
            one_of(active, condition.provided_that(&format!("{what} leads there")), &alternatives, &chain)
        }
        Which::Odd(why, alternatives) => {
            let condition = Condition::withheld(Stage::FilterChain, &active.name, &why);
            let condition = condition.provided_that("its filter chain is the one that is taken");
            one_of(active, condition, &alternatives, &chain)
        }
    };
    told.under(conditions)
}

/// Which chain takes the connection.
enum Which {
    /// This one.
    Sure(Chosen),
    /// One of these, by something that is not known of the connection.
    Open(&'static str, Vec<Chosen>),
    /// One of these, by something that is not modeled.
    Odd(String, Vec<Chosen>),
}

fn chosen(walker: &Walker, active: &Active, connection: &Connection) -> Which {
    if active.listener.filter_chain_matcher.is_some() {
        return match by_matcher(walker, active, connection) {
            Ok(chosen) => Which::Sure(chosen),
            Err(why) => Which::Odd(why, every_chain(active)),
        };
    }
    let matches: Vec<_> = active.listener.filter_chains.iter().map(|c| c.filter_chain_match.clone()).collect();
    match (unmodeled_matches(active), filter_chain::choose(&matches, connection)) {
        (Some(what), _) => Which::Odd(what, every_chain(active)),
        (None, Chosen::Unknown(what)) => match filter_chain::possible(&matches, connection) {
            possible if possible.is_empty() => Which::Open(what, every_chain(active)),
            possible => match &by_name(walker, active, possible)[..] {
                [only] => Which::Sure(only.clone()),
                several => Which::Open(what, several.to_vec()),
            },
        },
        (None, chosen) => Which::Sure(chosen),
    }
}

/// Where chains go by the hosts that they take connections to, that of B, or those of no other host: an address is one
/// host's.
fn by_name(walker: &Walker, active: &Active, possible: Vec<Chosen>) -> Vec<Chosen> {
    let host = |chosen: &Chosen| match chosen {
        Chosen::Chain(i) => walker.mesh.host_of_chain(&active.listener.filter_chains.get(*i)?.name),
        Chosen::Default | Chosen::Missing | Chosen::Unknown(_) => None,
    };
    if walker.question.ip().is_some() {
        return possible;
    }
    match possible.iter().find(|chosen| host(chosen).is_some_and(|host| walker.names(&host))) {
        Some(own) => vec![own.clone()],
        None => possible.into_iter().filter(|chosen| host(chosen).is_none()).collect(),
    }
}

/// A screen has room for a few.
const MOST: usize = 16;

/// All that could take a connection; that none does is one of them.
fn every_chain(active: &Active) -> Vec<Chosen> {
    (0..active.listener.filter_chains.len()).map(Chosen::Chain).chain([Chosen::Default]).collect()
}

/// One of these chains takes the connection, and it is open which.
fn one_of(
    active: &Active,
    condition: Condition,
    chosen: &[Chosen],
    chain: &impl Fn(&Chosen) -> Told<Accepted>,
) -> Told<Accepted> {
    let told = chosen.iter().take(MOST).map(|chosen| (words(active, chosen), chain(chosen)));
    let others = (chosen.len() > MOST).then(|| Told::and_others(&condition));
    let told = told.chain(others).collect();
    Told::alternatives(condition, told)
}

/// A choice, as a branch names it.
fn words(active: &Active, chosen: &Chosen) -> String {
    let name = |name: &str, other: String| if name.is_empty() { other } else { format!("filter chain {name}") };
    match chosen {
        Chosen::Chain(i) => {
            let own = active.listener.filter_chains.get(*i).map_or("", |chain| chain.name.as_str());
            name(own, format!("filter chain {i}"))
        }
        Chosen::Default if active.listener.default_filter_chain.is_some() => "the default filter chain".to_owned(),
        Chosen::Default | Chosen::Missing | Chosen::Unknown(_) => "no filter chain".to_owned(),
    }
}

/// What becomes of a connection that this chain takes.
fn of_chosen(
    walker: &Walker,
    active: &Active,
    chosen: &Chosen,
    dial: &Dial,
    connection: &Connection,
) -> Told<Accepted> {
    let found = match chosen {
        Chosen::Chain(i) => {
            active.listener.filter_chains.get(*i).zip(active.node.get("filter_chains").and_then(|c| c.index(*i)))
        }
        Chosen::Default => active.listener.default_filter_chain.as_ref().zip(active.node.get("default_filter_chain")),
        Chosen::Missing => {
            let evidence = active.node.get("filter_chain_matcher").map(|n| n.evidence());
            let note = "its matcher names a filter chain that is not there";
            return no_chain(walker, active, note, evidence);
        }
        Chosen::Unknown(_) => None,
    };
    let Some((chain, node)) = found else {
        return no_chain(
            walker,
            active,
            &format!("no filter chain matches {}", comes(connection, dial)),
            near_matches(active, dial),
        );
    };
    let evidence = node.get("filter_chain_match").map(|n| n.evidence());
    let fact = Fact::FilterChain(chain.name.clone(), node.clone());
    let row = Row::passed(Stage::FilterChain, &chain.name, "").citing(evidence);
    within(walker, (chain, &node), dial, connection).row(row).met(fact)
}

/// What chains tell connections apart by, most of all.
fn comes(connection: &Connection, dial: &Dial) -> String {
    match connection.server_name.as_str() {
        "" if connection.transport_protocol == "tls" => "TLS without a server name".to_owned(),
        "" if dial.layer == Layer::Sealed => "TLS, into which no listener filter looks".to_owned(),
        "" => "plaintext".to_owned(),
        name => format!("TLS for {name}"),
    }
}

fn no_chain<T>(walker: &Walker, active: &Active, note: &str, evidence: impl IntoIterator<Item = Evidence>) -> Told<T> {
    let row = Row::stopped(Stage::FilterChain, &active.name, note).citing(evidence);
    closed(walker, Stop::NoFilterChain).row(row)
}

/// The connection ends. Where A's proxy made it, it could make one of the other kind.
fn closed<T>(walker: &Walker, stop: Stop) -> Told<T> {
    match walker.origin {
        Origin::Destination(_) => Told::ends_at(stop, walker.downstream.kind()),
        Origin::Source(_) | Origin::Kubernetes | Origin::ControlPlane => Told::ends(stop),
    }
}

/// What a chain does with the connection.
fn within(
    walker: &Walker,
    (chain, node): (&FilterChain, &Node),
    dial: &Dial,
    connection: &Connection,
) -> Told<Accepted> {
    let unmodeled = Walker::unmodeled(node, CHAIN, &["filters", "filter_chain_match"]);
    let mut conditions: Vec<Condition> =
        unmodeled.map(|why| Condition::of(Stage::FilterChain, &chain.name, ANYTHING, &why)).into_iter().collect();
    let (dial, sight) = match termination::terminate(walker, (chain, node), dial) {
        Terminated::Clear(dial) => (dial, Sight::Clear),
        Terminated::Passed(dial) => (dial, Sight::Ciphertext),
        Terminated::Open(dial, condition) => {
            conditions.push(condition);
            (dial, Sight::Clear)
        }
        Terminated::Asks(dial, stop, row) => {
            let why = "the proxy takes clients with a certificate only, and whether this one has one is not known";
            let condition = Condition::withheld(Stage::FilterChain, &chain.name, why);
            let shows = terminal(walker, (chain, node), &dial, (connection, Sight::Clear));
            let told = vec![
                ("the client shows a certificate that the proxy trusts".to_owned(), shows),
                ("the client shows no certificate".to_owned(), Told::ends(stop).row(row)),
            ];
            return Told::alternatives(condition, told).under(conditions);
        }
        Terminated::Closed(stop, row) => return closed(walker, stop).row(row).under(conditions),
    };
    terminal(walker, (chain, node), &dial, (connection, sight)).under(conditions)
}

/// By the listener's own matcher, which leads to the name of a chain.
fn by_matcher(walker: &Walker, active: &Active, connection: &Connection) -> Result<Chosen, String> {
    let matcher = active.listener.filter_chain_matcher.as_ref().ok_or("a matcher that is not there")?;
    let input = |any: &JsonAny| filter_chain::input(any, connection);
    let asked = Asked { input: &input, charset: Charset::of(walker.version) };
    match asked.follow(matcher) {
        Led::Nowhere => Ok(Chosen::Default),
        Led::Unknown(why) => Err(why),
        Led::To(any, _) if any.type_name == "google.protobuf.StringValue" => {
            let value: serde_json::Value = serde_json::from_slice(&any.json).unwrap_or_default();
            let name = value.get("value").and_then(serde_json::Value::as_str).unwrap_or_default();
            let at = active.listener.filter_chains.iter().position(|chain| chain.name == name);
            Ok(at.map_or(Chosen::Missing, Chosen::Chain))
        }
        Led::To(any, _) => Err(format!("the action {} of a matcher is not modeled", any.type_name)),
    }
}

/// What the chains of the port that was dialed ask for; the listener's name where there is none.
fn near_matches(active: &Active, dial: &Dial) -> Vec<Evidence> {
    let chains = active.node.list("filter_chains");
    let of_port = |m: &Node| {
        let port = m.get("destination_port").and_then(|p| p.value().as_u64());
        port.is_none_or(|p| p == u64::from(dial.port))
    };
    let matches = chains.iter().filter_map(|c| c.get("filter_chain_match")).filter(of_port);
    let mut evidence: Vec<Evidence> = matches.map(|m| m.evidence()).collect();
    evidence.truncate(4);
    if evidence.is_empty() {
        evidence.extend(active.node.get("name").map(|n| n.evidence()));
    }
    evidence
}

/// Follows the network filters up to the one that ends the chain.
fn terminal(
    walker: &Walker,
    (chain, node): (&FilterChain, &Node),
    dial: &Dial,
    (connection, sight): (&Connection, Sight),
) -> Told<Accepted> {
    let mut conditions = Vec::new();
    let (mut denial, mut cluster) = (None, None);
    let mut repaired: Vec<Denial> = Vec::new();
    let mended = |told, repaired: &[Denial]| repaired.iter().rev().fold(told, network_filters::passed);
    for (i, filter) in chain.filters.iter().enumerate() {
        let at = node.get("filters").and_then(|filters| filters.index(i)?.get("typed_config"));
        match network_filters::part(walker, (dial, sight), filter, at.as_ref()) {
            Passage::Passes => {}
            // The server name names the cluster.
            Passage::NamesCluster => {
                cluster = Some(connection.server_name.clone()).filter(|name| !name.is_empty()).or(cluster);
            }
            Passage::Closes(closes) if walker.is_repaired(&closes.stop(), &closes.filter) => repaired.push(closes),
            Passage::Closes(closes) => denial = denial.or(Some(closes)),
            Passage::Open(condition) => conditions.push(condition),
            Passage::Ends(Terminal::Http(..)) if denial.is_some() => {
                let closed = denial.map_or_else(|| open_end(chain), |denial: Denial| network_filters::closed(&denial));
                return mended(closed, &repaired).under(conditions);
            }
            Passage::Ends(terminal) => {
                let dial = dial.clone();
                let told = Told::goes(Accepted { terminal, dial, sight, denial, cluster });
                return mended(told, &repaired).under(conditions);
            }
        }
    }
    let end = if chain.filters.is_empty() { no_filters(chain, node) } else { open_end(chain) };
    end.under(conditions)
}

/// `ActiveTcpListener::newConnection` closes what comes to a chain without filters.
fn no_filters<T>(chain: &FilterChain, node: &Node) -> Told<T> {
    let row = Row::stopped(Stage::FilterChain, &chain.name, "it has no filters, so the proxy closes the connection");
    Told::ends(Stop::Unfit(Unfit::NoFilters)).row(row.citing([node.lacks("filters")]))
}

fn open_end<T>(chain: &FilterChain) -> Told<T> {
    let why = "the chain has no filter that ends it";
    Told::open(Condition::withheld(Stage::FilterChain, &chain.name, why)).row(Row::unknown(
        Stage::FilterChain,
        &chain.name,
        why,
    ))
}

fn unmodeled_matches(active: &Active) -> Option<String> {
    let chains = active.node.get("filter_chains")?;
    let matches = chains.items().filter_map(|c| c.get("filter_chain_match"));
    let mut found = matches.filter_map(|m| Walker::unmodeled(&m, "envoy.config.listener.v3.FilterChainMatch", &[]));
    found.next()
}
