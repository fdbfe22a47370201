//! What tells requests apart at a connection manager: its routes, and what its filters ask of path, method and headers.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::envoy::classes::{Frame, Parameters, Rule, Takes};
use crate::envoy::pb::envoy::config::route::v3::RouteConfiguration;
use crate::snapshot::{HostTable, Origin, RouteWay};
use crate::walk::http::chosen::Chosen;
use crate::walk::http::client::is_edge;
use crate::walk::http::filters::{self, Chain};
use crate::walk::http::host::Host;
use crate::walk::http::request::{Http, normalization};
use crate::walk::http::route;
use crate::walk::way::apart::{Apart, Entry, Known, List, Route};
use crate::walk::way::protocol::Protocol;
use crate::walk::way::question::Asks;
use crate::walk::way::walker::Walker;

/// What tells requests apart, where the question is about more than one.
pub(in crate::walk) fn apart(walker: &Walker, chain: &Chain, http: &Http) -> Option<Apart> {
    let is_source = matches!(walker.origin, Origin::Source(_));
    match walker.question.asks {
        Asks::Open => {}
        Asks::Class if !is_source => {}
        Asks::One | Asks::Class | Asks::Kind => return None,
    }
    let (Host::Found(host, table), Some((config, _))) = (chain.host, chain.config) else { return None };
    if host.matcher.is_some() {
        walker.unchecked(format!(
            "which requests the matcher of virtual host {} tells apart: it was asked about GET / alone",
            host.name
        ));
        return None;
    }
    let telling = Telling { walker, chain, http, frame: &frame(walker, chain, config, table, http) };
    Some(telling.all(table))
}

/// What is the same for all requests.
fn frame(walker: &Walker, chain: &Chain, config: &RouteConfiguration, table: &HostTable, http: &Http) -> Frame {
    let mut frame = Frame::new(walker.version, &http.authority);
    frame.parameters = Parameters::of(config, walker.version);
    frame.normalization = normalization(walker, chain.manager);
    frame.edge = is_edge(chain.manager);
    for name in [":scheme", "x-forwarded-proto"] {
        frame.fixed.insert(name.to_owned(), vec![http.scheme.clone()]);
    }
    if chain.dial.protocol == Protocol::Grpc {
        let of_grpc = http.values("content-type").into_iter().map(str::to_owned).collect();
        frame.fixed.insert("content-type".to_owned(), of_grpc);
    }
    frame.open.extend(http.open.names().map(str::to_owned));
    let wanted = (0..table.len()).filter_map(|i| table.wanted(i).ok().flatten());
    for key in wanted.filter_map(|wanted| wanted.runtime_fraction.as_ref()).map(|fraction| &fraction.runtime_key) {
        if let Some(share) = walker.runtime_percent(key) {
            frame.runtime.insert(key.clone(), share.ok());
        }
    }
    frame
}

struct Telling<'a> {
    walker: &'a Walker<'a>,
    chain: &'a Chain<'a>,
    http: &'a Http,
    frame: &'a Frame,
}

impl Telling<'_> {
    fn all(&self, table: &Arc<HostTable>) -> Apart {
        let known = Known { frame: self.frame, headers: &self.http.open };
        // What is asked of routes that say nothing to the filters themselves, by whether they forward.
        let mut of_most: BTreeMap<bool, Arc<Vec<List>>> = BTreeMap::new();
        let mut drawing = 0;
        let (mut routes, mut of_all): (Vec<Route>, Vec<List>) = (Vec::new(), Vec::new());
        for index in 0..table.len() {
            let rule = Rule::of(table.wanted(index).ok().flatten(), self.frame);
            let Ok(way) = table.way(index) else { continue };
            let own = || Arc::new(self.lists(&chosen(table, index), &known));
            let lists = if way.configures_filters {
                own()
            } else {
                Arc::clone(of_most.entry(way.ends.is_none()).or_insert_with(own))
            };
            match rule.takes {
                Takes::Never(_) => {}
                Takes::All => routes.push(Route { index, rule, way, drawing, lists }),
                // It takes nothing for sure: those that meet its conditions are told apart, whoever takes them.
                Takes::Share(_) | Takes::Open(_) => {
                    drawing += 1;
                    let more = known
                        .lists(&vec![Entry::sure(rule.conditions, 1)].into())
                        .into_iter()
                        .chain(lists.iter().cloned());
                    of_all.extend(more.filter(|list| !of_all.contains(list)).collect::<Vec<_>>());
                }
            }
        }
        let of_routes =
            if matches!(self.walker.origin, Origin::Source(_)) { Vec::new() } else { of_routes(&routes, &known) };
        let of_rest = Arc::new(self.lists(&Chosen::none(), &known));
        let at = format!("{:?} {} {}", self.walker.origin, self.chain.node.address(), table.node().address());
        Apart { at, frame: self.frame.clone(), table: Arc::clone(table), routes, of_routes, of_all, of_rest }
    }

    fn lists(&self, chosen: &Chosen, known: &Known) -> Vec<List> {
        filters::lists(self.walker, self.chain, chosen, self.http, known)
    }
}

fn chosen(table: &Arc<HostTable>, index: usize) -> Chosen {
    let hit = route::hit(table, index).ok().map(Rc::new);
    Chosen { route: hit, ..Chosen::none() }
}

/// What routes ask of requests, as a list: those that do the same come to the same.
fn of_routes(routes: &[Route], known: &Known) -> Vec<List> {
    let mut ways: Vec<&RouteWay> = Vec::new();
    let mut entries = Vec::new();
    for route in routes {
        let at = ways.iter().position(|way| **way == route.way).unwrap_or(ways.len());
        if at == ways.len() {
            ways.push(&route.way);
        }
        entries.push(Entry::sure(route.rule.conditions.clone(), at + 1));
    }
    known.lists(&entries.into())
}
