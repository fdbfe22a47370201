//! The route configuration, and the virtual host in it that takes the request.

use std::sync::Arc;

use crate::envoy::domains;
use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::config::route::v3::{RouteConfiguration, VirtualHost, virtual_host::TlsRequirementType};
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::envoy::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use crate::snapshot::{Evidence, HostTable, Node, RouteTable};
use crate::verdict::Stage;
use crate::walk::http::request::Http;
use crate::walk::http::scopes::{self, Scope};
use crate::walk::way::course::Told;
use crate::walk::way::dial::Dial;
use crate::walk::way::guard::{ANYTHING, Condition};
use crate::walk::way::log::{Fact, Row};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::{Gap, Got, Walker};

const ROUTE_CONFIG: &str = "envoy.config.route.v3.RouteConfiguration";
const VIRTUAL_HOST: &str = "envoy.config.route.v3.VirtualHost";

/// The virtual host, or what to say when there is none.
#[derive(Clone)]
pub(in crate::walk) enum Host {
    /// It takes the Host. Its routes are not among what is decoded.
    Found(Arc<VirtualHost>, Arc<HostTable>),
    /// None does, and the stop that the router will make of it.
    Missing(Stop),
    /// It takes HTTPS only, so that its redirect is the route, of which nothing else is configured.
    Secure(String, Arc<HostTable>),
    /// There is no route configuration: the proof.
    Undelivered(Vec<Evidence>),
}

/// A route configuration: its name, and what of it there is.
pub(in crate::walk) struct Delivered {
    pub(in crate::walk) name: String,
    pub(in crate::walk) content: Content,
}

/// What of a route configuration there is.
pub(in crate::walk) enum Content {
    /// It is there; its virtual hosts are not among what is decoded. And what of it is not modeled.
    There(Arc<RouteConfiguration>, Arc<RouteTable>, Option<Condition>),
    /// The proxy asks for one and has none: the proof.
    Undelivered(Evidence),
    /// It was not read, or cannot be interpreted.
    Open(Condition),
}

impl Host {
    /// Where it stands, if its routes count.
    pub(in crate::walk) fn table(&self) -> Option<&HostTable> {
        match self {
            Self::Found(_, table) => Some(table),
            Self::Missing(_) | Self::Secure(..) | Self::Undelivered(_) => None,
        }
    }

    /// Its name; empty where there is none.
    pub(in crate::walk) fn name(&self) -> &str {
        match self {
            Self::Found(host, _) => &host.name,
            Self::Secure(name, _) => name,
            Self::Missing(_) | Self::Undelivered(_) => "",
        }
    }
}

impl Delivered {
    /// The manager's route configuration, inline or the one that RDS delivered.
    pub(in crate::walk) fn of(
        walker: &Walker,
        manager: &HttpConnectionManager,
        node: &Node,
        request: Option<(&Http, &Dial)>,
    ) -> Self {
        let (name, table) = match &manager.route_specifier {
            Some(RouteSpecifier::RouteConfig(config)) => {
                let inline = node.get("route_config").ok_or("the route configuration was not read".to_owned());
                (config.name.clone(), inline.and_then(|inline| walker.memo.inline(&inline)))
            }
            Some(RouteSpecifier::Rds(rds)) => match delivered(walker, &rds.route_config_name) {
                Ok(found) => found,
                Err(without) => return *without,
            },
            None => match scoped(walker, node, request) {
                Ok(found) => found,
                Err(without) => return *without,
            },
        };
        Self::decoded(&name, table)
    }

    /// What was found, as far as it can be read.
    fn decoded(name: &str, table: Result<Arc<RouteTable>, String>) -> Self {
        let decoded = table.and_then(|table| Ok((table.decode()?, table)));
        match decoded {
            Ok((config, table)) => {
                let unmodeled = Walker::unmodeled(table.node(), ROUTE_CONFIG, &["typed_per_filter_config"]);
                let condition = unmodeled.map(|why| Condition::of(Stage::Route, &config.name, ANYTHING, &why));
                Self { name: config.name.clone(), content: Content::There(Arc::new(config), table, condition) }
            }
            Err(why) => Self::open(name, &format!("it could not be read: {why}")),
        }
    }

    fn unread(name: String, gap: &Gap) -> Self {
        let why = gap.words("the route configuration was not read");
        let condition = Condition::withheld(Stage::Route, &name, &why);
        let condition = condition.provided_that(&format!("route configuration {name} leads to it"));
        let condition = condition.settled_by(gap.need.clone());
        Self { name, content: Content::Open(condition) }
    }

    fn open(name: &str, why: &str) -> Self {
        let condition = Condition::withheld(Stage::Route, name, why);
        let condition = condition.provided_that("its route configuration leads to it");
        Self { name: name.to_owned(), content: Content::Open(condition) }
    }

    /// What is met of it before anything is asked of it: refused requests are logged with its name.
    pub(in crate::walk) fn facts(&self) -> Vec<Fact> {
        let named = (!self.name.is_empty()).then(|| Fact::RouteConfigName(self.name.clone()));
        let table = match &self.content {
            Content::There(_, table, _) => Some(Fact::RouteConfig(Arc::clone(table))),
            Content::Undelivered(_) | Content::Open(_) => None,
        };
        named.into_iter().chain(table).collect()
    }
}

/// A route configuration's name, and what it is.
type Found = (String, Result<Arc<RouteTable>, String>);

/// The one that RDS delivered under this name; or what to say without.
fn delivered(walker: &Walker, name: &str) -> Result<Found, Box<Delivered>> {
    let name = name.to_owned();
    match walker.ask(walker.snapshot.route_config(walker.origin, &name)) {
        Got::Found(table) => Ok((name, table)),
        Got::Absent(evidence) => Err(Box::new(Delivered { name, content: Content::Undelivered(evidence) })),
        Got::Gap(gap) => Err(Box::new(Delivered::unread(name, &gap))),
    }
}

/// That of the request's scope; or what to say without.
fn scoped(walker: &Walker, node: &Node, request: Option<(&Http, &Dial)>) -> Result<Found, Box<Delivered>> {
    let open = |why: &str| Box::new(Delivered::open("", why));
    let scoped =
        node.get("scoped_routes").ok_or_else(|| open("the source of the route configuration is not modeled"))?;
    let (http, dial) = request.ok_or_else(|| open("which scope counts where there is no request"))?;
    let of = scoped.text("name").unwrap_or_default();
    match scopes::scope(walker, &scoped, http, dial) {
        Scope::Inline(inline) => Ok((inline.text("name").unwrap_or(of), walker.memo.inline(&inline))),
        Scope::Named(name) => delivered(walker, &name),
        Scope::Missing(evidence) => Err(Box::new(Delivered { name: of, content: Content::Undelivered(evidence) })),
        Scope::Unread(gap) => Err(Box::new(Delivered::unread(of, &gap))),
        Scope::Open(why) => Err(open(&why)),
    }
}

/// No virtual host, as the route configuration that the manager, `node`, asks for was never delivered.
pub(in crate::walk) fn undelivered(node: &Node, absence: &Evidence) -> Told<Host> {
    let named = node.at("rds.route_config_name").map(|n| n.evidence());
    let proof = named.into_iter().chain([absence.clone()]).collect();
    Told::goes(Host::Undelivered(proof)).met(Fact::Absence(vec![absence.clone()]))
}

/// The virtual host of a route configuration that takes the request.
pub(in crate::walk) fn virtual_host(config: &RouteConfiguration, table: &RouteTable, http: &Http) -> Told<Host> {
    let mut asked = http.authority.clone();
    if !config.vhost_header.is_empty() {
        let only_any = table.len() == 1 && table.domains().is_any_alone();
        match http.values(&config.vhost_header).first() {
            Some(value) => (*value).clone_into(&mut asked),
            None if only_any => {}
            None => return Told::goes(Host::Missing(Stop::NoVirtualHost)),
        }
    }
    if config.ignore_port_in_host_matching {
        asked = domains::without_port(&asked).to_owned();
    }
    let Some(i) = table.domains().select(&asked) else {
        return Told::goes(Host::Missing(Stop::NoVirtualHost)).met(Fact::Near(table.names()));
    };
    match table.host(i).and_then(|host| Ok((host.decode()?, host))) {
        Ok((host, table)) => found(host, &table, http),
        Err(why) => {
            let why = format!("it could not be read: {why}");
            Told::open(Condition::withheld(Stage::Route, &config.name, &why)).row(Row::unknown(
                Stage::Route,
                &config.name,
                &why,
            ))
        }
    }
}

fn found(host: VirtualHost, table: &Arc<HostTable>, http: &Http) -> Told<Host> {
    let name = host.name.clone();
    let unmodeled = Walker::unmodeled(table.node(), VIRTUAL_HOST, &["matcher", "typed_per_filter_config"]);
    let condition = unmodeled.map(|why| Condition::of(Stage::Route, &name, ANYTHING, &why));
    let requires = host.require_tls();
    let secure = || Told::goes(Host::Secure(name.clone(), Arc::clone(table)));
    let clear = || Told::goes(Host::Found(Arc::new(host), Arc::clone(table)));
    let told = match &http.internal {
        _ if requires == TlsRequirementType::None || http.scheme == "https" => clear(),
        Match::Yes if requires == TlsRequirementType::ExternalOnly => clear(),
        Match::Unknown(why) if requires == TlsRequirementType::ExternalOnly => {
            let why = format!("whether the request is internal (`internal_address_config`): {why}");
            let condition = Condition::withheld(Stage::Route, &name, &why).provided_that("it is taken so");
            let alternatives =
                vec![("an external request".to_owned(), secure()), ("an internal one".to_owned(), clear())];
            Told::alternatives(condition, alternatives)
        }
        Match::Yes | Match::No | Match::Share(_) | Match::Unknown(_) => secure(),
    };
    told.under(condition).met(Fact::VirtualHost(name, table.node().clone()))
}
