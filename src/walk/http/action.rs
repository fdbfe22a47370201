//! What the route does: names a cluster, several, or answers by itself.

use std::sync::Arc;

use crate::envoy::codec::Spoken;
use crate::envoy::pb::envoy::config::route::v3::redirect_action::RedirectResponseCode;
use crate::envoy::pb::envoy::config::route::v3::route_action::{ClusterNotFoundResponseCode, ClusterSpecifier};
use crate::envoy::pb::envoy::config::route::v3::{RedirectAction, RouteAction, route};
use crate::snapshot::{Evidence, HostTable, Node};
use crate::verdict::{Power, Stage};

use crate::envoy::pb::envoy::config::core::v3::RoutingPriority;
use crate::envoy::re2::Charset;
use crate::envoy::redirect::{self, Asked};
use crate::envoy::retry::Retries;
use crate::envoy::version::Version;
use crate::envoy::{headers, redacted};

use crate::walk::http::added;
use crate::walk::http::chosen::{Chosen, Drawn, Hit};
use crate::walk::http::cluster_plugin::{self, Named};
use crate::walk::http::host::Host;
use crate::walk::http::request::Http;
use crate::walk::http::resolved_host;
use crate::walk::http::retries;
use crate::walk::http::weights;
use crate::walk::way::course::Told;
use crate::walk::way::criteria::{criteria, merged};
use crate::walk::way::forwarded::{Choice, Forwarded, Headers, Left, Over, Taken, Underscores, Wire};
use crate::walk::way::guard::{ANYTHING, Condition};
use crate::walk::way::log::{ChosenRoute, Fact, Row};
use crate::walk::way::stop::Stop;
use crate::walk::way::walker::Walker;

const ROUTE: &str = "envoy.config.route.v3.Route";

/// The router: what it does with requests of one virtual host.
pub(in crate::walk) struct Taking<'a> {
    pub(in crate::walk) walker: &'a Walker<'a>,
    pub(in crate::walk) host: &'a Host,
    /// The route configuration: its name, and where it stands.
    pub(in crate::walk) config: &'a str,
    pub(in crate::walk) config_node: Option<&'a Node>,
    pub(in crate::walk) http: &'a Http,
    /// What a filter of the mesh's offers B, by the upstream protocol.
    pub(in crate::walk) alpn_override: &'a [(Spoken, Vec<String>)],
    pub(in crate::walk) underscores: Underscores,
}

impl Taking<'_> {
    /// What is met of a route before the filters run: Envoy chooses it before, and logs it even when one of them
    /// answers.
    pub(in crate::walk) fn facts(&self, chosen: &Chosen) -> Vec<Fact> {
        let of = |hit: &Hit| ChosenRoute {
            name: hit.route.name.clone(),
            index: hit.index,
            node: hit.node.clone(),
            clusters: self.named_clusters(chosen, hit),
        };
        chosen.route.iter().map(|hit| Fact::Route(Arc::new(of(hit)))).collect()
    }

    /// The clusters that a route names, each with its share of the route's requests.
    fn named_clusters(&self, chosen: &Chosen, hit: &Hit) -> Vec<(String, f64)> {
        let Some(route::Action::Route(action)) = &hit.route.action else { return Vec::new() };
        let names: Vec<(String, f64)> = match &action.cluster_specifier {
            Some(ClusterSpecifier::Cluster(name)) => vec![(name.clone(), 1.0)],
            Some(ClusterSpecifier::WeightedClusters(weighted)) => {
                let choices = weights::drawn(self.walker, weighted, None, (self.http, chosen)).unwrap_or_default();
                choices.into_iter().map(|c| (c.name, c.share)).collect()
            }
            Some(ClusterSpecifier::ClusterHeader(header)) => {
                self.http.values(header).first().map(|name| ((*name).to_owned(), 1.0)).into_iter().collect()
            }
            Some(ClusterSpecifier::ClusterSpecifierPlugin(_) | ClusterSpecifier::InlineClusterSpecifierPlugin(_)) => {
                match self.by_plugin(hit) {
                    Named::Cluster(name, _) => vec![(name, 1.0)],
                    Named::Open { .. } => Vec::new(),
                }
            }
            None => Vec::new(),
        };
        // A header that is not there names none.
        names.into_iter().filter(|(name, _)| !name.is_empty()).collect()
    }

    /// Takes requests through the router.
    pub(in crate::walk) fn act(&self, chosen: &Chosen, left: &Left) -> Told<Forwarded> {
        let Some(hit) = chosen.route.as_deref() else { return self.missing() };
        let except = ["match", "metadata", "typed_per_filter_config"];
        let unmodeled = hit.unmodeled.get_or_init(|| Walker::unmodeled(&hit.node, ROUTE, &except)).clone();
        let condition = unmodeled.map(|why| Condition::of(Stage::Route, &self.subject(hit), ANYTHING, &why));
        let told = match &hit.route.action {
            Some(route::Action::Route(action)) => {
                self.forward((chosen, hit), action, left).under(self.unsendable((chosen, hit)))
            }
            Some(route::Action::Redirect(redirect)) => {
                let status = status_of(redirect);
                let to = self.location(redirect, hit);
                let note = format!("answers with a redirect, {status}{to}");
                self.answers(hit, ("redirect", &note), Stop::Redirect(status))
            }
            Some(route::Action::DirectResponse(direct)) => {
                let status = u16::try_from(direct.status).unwrap_or(0);
                self.answers(hit, ("direct_response", "replies itself"), Stop::DirectResponse(status))
            }
            Some(route::Action::NonForwardingAction(_)) => {
                let at = hit.node.get("non_forwarding_action");
                let choice = Choice::of(String::new(), at);
                let retries = Retries::default();
                let wire = Wire::Http { not_found: 503, priority: RoutingPriority::Default, retries };
                Told::goes(Forwarded {
                    choices: vec![choice],
                    wire,
                    over: self.over((chosen, hit), self.levels(hit), left.headers),
                })
            }
            None => self.open(hit, "the route's action is not modeled"),
        };
        told.under(condition)
    }

    /// A header is added whose name no header can have: `HeaderUtility::checkValidRequestHeaders`, by which Envoy 1.40
    /// answers 503. A weighted cluster's is added to what is sent there alone.
    fn unsendable(&self, (chosen, hit): (&Chosen, &Hit)) -> Option<Condition> {
        let bad = |levels: &[Node]| {
            added::to_requests(levels).into_iter().map(|(name, _)| name).find(|name| !headers::is_name(name))
        };
        let of_all = bad(&self.levels(hit)).map(|name| (name, String::new()));
        let of_one = || {
            let entries = weighted_entries((chosen, hit)).into_iter();
            let named = |entry: Node| Some((bad(std::slice::from_ref(&entry))?, entry.text("name")?));
            entries.filter_map(named).map(|(name, cluster)| (name, format!(" for cluster {cluster}"))).next()
        };
        let (name, to) = of_all.or_else(of_one)?;
        let why = format!("the header {name:?} that is added to requests{to} has a name that no header can have");
        Some(Condition::of(Stage::Route, &self.subject(hit), &[Power::Refuse], &why))
    }

    /// Nothing can be said of what the route does.
    fn open(&self, hit: &Hit, why: &str) -> Told<Forwarded> {
        let subject = self.subject(hit);
        Told::open(Condition::of(Stage::Route, &subject, ANYTHING, why)).row(Row::unknown(Stage::Route, &subject, why))
    }

    fn missing(&self) -> Told<Forwarded> {
        let (subject, note, stop, evidence) = match self.host {
            Host::Found(host, table) => {
                let http = self.http;
                let note = match table.len() {
                    _ if host.matcher.is_some() => {
                        format!("its matcher leads to no route that takes {} {}", http.method, http.path)
                    }
                    0 => "it has no routes".to_owned(),
                    1 => format!("its only route does not match {} {}", http.method, http.path),
                    count => format!("none of its {count} routes matches {} {}", http.method, http.path),
                };
                (host.name.clone(), note, Stop::NoRoute, vec![routes(table)])
            }
            Host::Missing(stop) => {
                let note = format!("none of its virtual hosts takes the host {}", self.http.authority);
                let evidence = self.config_node.map(|c| {
                    c.get("name").map_or_else(|| c.lacks_element("virtual_hosts", "domains"), |n| n.evidence())
                });
                let subject = format!("route configuration {}", self.config);
                (subject, note, stop.clone(), evidence.into_iter().collect())
            }
            Host::Secure(name, table) => {
                let (host, path) = (&self.http.authority, &self.http.path);
                let note = format!("the virtual host takes HTTPS only: 301 to https://{host}{path}");
                let evidence = table.node().get("require_tls").map(|n| n.evidence()).into_iter().collect();
                (name.clone(), note, Stop::RequireTls, evidence)
            }
            Host::Undelivered(evidence) => {
                let note = "the listener asks for it, and it was never delivered".to_owned();
                (self.config.to_owned(), note, Stop::NoRouteConfig, evidence.clone())
            }
        };
        Told::ends(stop).row(Row::stopped(Stage::Route, &subject, &note).citing(evidence))
    }

    /// ` to LOCATION`; nothing where it rests on what is not modeled.
    fn location(&self, redirect: &RedirectAction, hit: &Hit) -> String {
        let (walker, http) = (self.walker, self.http);
        let matched = hit.route.r#match.as_ref().and_then(|m| m.path_specifier.as_ref());
        let charset = Charset::of(walker.version);
        let checks_prefix = walker.version >= Version::new(1, 40, 0);
        let asked =
            Asked { scheme: &http.scheme, authority: &http.authority, path: &http.path, charset, checks_prefix };
        let to = redirect::location(redirect, matched, asked);
        to.map(|to| format!(" to {to}")).unwrap_or_default()
    }

    fn answers(&self, hit: &Hit, (field, note): (&str, &str), stop: Stop) -> Told<Forwarded> {
        let evidence = hit.node.get(field).map(|n| n.evidence());
        Told::ends(stop).row(Row::stopped(Stage::Route, &self.subject(hit), note).citing(evidence))
    }

    fn subject(&self, hit: &Hit) -> String {
        format!("{}, {}", self.host.name(), hit.words())
    }

    /// The request, as this route sends it on.
    fn over(&self, (chosen, hit): (&Chosen, &Hit), levels: Vec<Node>, headers: Headers) -> Over {
        Over::Http(Arc::new(Taken {
            authority: self.http.authority.clone(),
            path: self.http.path.clone(),
            upgrade: self.http.upgrade.clone(),
            underscores: self.underscores,
            headers,
            levels: levels.into_iter().chain(weighted_entries((chosen, hit))).collect(),
            action: hit.node.get("route"),
            matched: hit.node.get("match"),
            alpn_override: self.alpn_override.to_vec(),
        }))
    }

    /// The clusters that the route names, and the field that does; an error where that cannot be told at all.
    fn choices(&self, (chosen, hit): (&Chosen, &Hit), action: &RouteAction) -> Result<(Choices, Option<Node>), String> {
        let at = hit.node.get("route");
        let field = |name: &str| at.as_ref().and_then(|at| at.get(name));
        let criteria = criteria(action.metadata_match.as_ref());
        let one = |name: String, at: Option<Node>| vec![Choice { criteria: criteria.clone(), ..Choice::of(name, at) }];
        Ok(match &action.cluster_specifier {
            Some(ClusterSpecifier::Cluster(name)) => {
                let at = field("cluster");
                (Ok(one(name.clone(), at.clone())), at)
            }
            Some(ClusterSpecifier::ClusterHeader(header)) => {
                let value = self.http.values(header).first().copied().unwrap_or_default().to_owned();
                if redacted::is_in(&value) {
                    return Err(format!("the header {header} was left out"));
                }
                let at = field("cluster_header");
                (Ok(one(value, at.clone())), at)
            }
            Some(ClusterSpecifier::WeightedClusters(weighted)) => {
                let at = field("weighted_clusters");
                let own = |c: Choice| Choice { criteria: merged(&criteria, c.criteria), ..c };
                let drawn = weights::drawn(self.walker, weighted, at.as_ref(), (self.http, chosen));
                let all = || weights::all_choices(weighted, at.as_ref(), self.http).into_iter().map(own).collect();
                let open = |why| Undrawn { why, proviso: "that cluster is drawn", perhaps: all(), are_all: true };
                (drawn.map(|all| all.into_iter().map(own).collect()).map_err(open), at)
            }
            Some(ClusterSpecifier::ClusterSpecifierPlugin(_) | ClusterSpecifier::InlineClusterSpecifierPlugin(_)) => {
                let field = field("inline_cluster_specifier_plugin").or_else(|| field("cluster_specifier_plugin"));
                match self.by_plugin(hit) {
                    Named::Cluster(name, at) => (Ok(one(name, Some(at))), field),
                    Named::Open { why, perhaps, are_all } => {
                        let perhaps = perhaps.into_iter().flat_map(|(name, at)| one(name, Some(at))).collect();
                        (Err(Undrawn { why, proviso: "the plugin names that cluster", perhaps, are_all }), field)
                    }
                }
            }
            None => return Err("the route's cluster specifier is not modeled".to_owned()),
        })
    }

    fn forward(&self, (chosen, hit): (&Chosen, &Hit), action: &RouteAction, left: &Left) -> Told<Forwarded> {
        let (choices, cited) = match self.choices((chosen, hit), action) {
            Ok(found) => found,
            Err(why) => return self.open(hit, &why),
        };
        // Of clusters that were told apart each cites its own.
        let own = |drawn: &Drawn| cited.as_ref()?.get("clusters")?.index(drawn.entry);
        let citing = chosen.only.as_ref().and_then(own).or_else(|| cited.clone());
        let row = Row::passed(Stage::Route, &self.subject(hit), "").citing(citing.iter().map(Node::evidence));
        self.bounded(hit);
        let levels = self.levels(hit);
        let retries = retries::of(self.walker, self.http, action, &levels);
        let wire = Wire::Http { not_found: not_found(action), priority: action.priority(), retries };
        let (sets, host) = (added::to_requests(&levels), resolved_host::host(self.http, &levels));
        let over = self.over((chosen, hit), levels, left.headers);
        // What filters wrote goes before what the route asks for (`Router::Filter::metadataMatchCriteria`).
        let asked = |c: Choice| {
            let criteria = merged(&c.criteria, left.criteria.clone());
            let sets = c.sets.iter().chain(&sets).cloned().collect();
            Choice { criteria, unsure: left.unsure.clone(), sets, host: host.clone(), ..c }
        };
        let told = match choices {
            Ok(choices) => {
                let choices = choices.into_iter().map(asked).collect();
                Told::goes(Forwarded { choices, wire, over })
            }
            Err(undrawn) => {
                self.undrawn(hit, undrawn, &|c| Forwarded { choices: vec![asked(c)], wire, over: over.clone() })
            }
        };
        told.row(row)
    }

    /// How long the application takes no configuration tells. Where the route waits less than Envoy's own 15 s, that is
    /// worth a line.
    fn bounded(&self, hit: &Hit) {
        let Some(timeout) = hit.node.at("route.timeout").and_then(|at| at.value().as_str().map(str::to_owned)) else {
            return;
        };
        let seconds: Option<f64> = timeout.trim_end_matches('s').parse().ok();
        if seconds.is_some_and(|seconds| seconds > 0.0 && seconds < 15.0) {
            let which = hit.words();
            self.walker.unchecked(format!("whether an answer comes within {timeout}, the timeout of {which} (UT)"));
        }
    }

    /// The route, its virtual host and the route configuration.
    fn levels(&self, hit: &Hit) -> Vec<Node> {
        let host = self.host.table().map(|table| table.node().clone());
        [Some(hit.node.clone()), host, self.config_node.cloned()].into_iter().flatten().collect()
    }

    /// What the route's plugin names.
    fn by_plugin(&self, hit: &Hit) -> Named {
        cluster_plugin::named(self.walker, self.http, hit.node.get("route").as_ref(), self.config_node)
    }

    /// Which cluster is drawn cannot be told.
    fn undrawn(&self, hit: &Hit, undrawn: Undrawn, forwarded: &dyn Fn(Choice) -> Forwarded) -> Told<Forwarded> {
        let Undrawn { why, proviso, perhaps, are_all } = undrawn;
        if perhaps.is_empty() {
            return self.open(hit, &why);
        }
        let condition = Condition::withheld(Stage::Route, &self.subject(hit), &why).provided_that(proviso);
        let others = (!are_all).then(|| Told::and_others(&condition));
        let told = perhaps.into_iter().map(|c| (format!("cluster {}", c.name), Told::goes(forwarded(c))));
        let told = told.chain(others).collect();
        Told::alternatives(condition, told)
    }
}

/// The clusters of a route, where they can be told.
type Choices = Result<Vec<Choice>, Undrawn>;

/// The cluster of a route cannot be told.
struct Undrawn {
    why: String,
    /// What has to be for one of those that it may be.
    proviso: &'static str,
    perhaps: Vec<Choice>,
    /// Whether it can be no other.
    are_all: bool,
}

/// The entries of a route to weighted clusters: the one that was drawn, or all.
fn weighted_entries((chosen, hit): (&Chosen, &Hit)) -> Vec<Node> {
    let all = hit.node.at("route.weighted_clusters.clusters");
    match &chosen.only {
        Some(drawn) => all.and_then(|list| list.index(drawn.entry)).into_iter().collect(),
        None => all.map(|list| list.items().collect()).unwrap_or_default(),
    }
}

fn status_of(redirect: &RedirectAction) -> u16 {
    match redirect.response_code() {
        RedirectResponseCode::MovedPermanently => 301,
        RedirectResponseCode::Found => 302,
        RedirectResponseCode::SeeOther => 303,
        RedirectResponseCode::TemporaryRedirect => 307,
        RedirectResponseCode::PermanentRedirect => 308,
    }
}

fn not_found(action: &RouteAction) -> u16 {
    match action.cluster_not_found_response_code() {
        ClusterNotFoundResponseCode::ServiceUnavailable => 503,
        ClusterNotFoundResponseCode::NotFound => 404,
        ClusterNotFoundResponseCode::InternalServerError => 500,
    }
}

/// The routes of a virtual host where they are few; else its name says more.
fn routes(table: &HostTable) -> Evidence {
    let name = table.node().get("name");
    if let (Some(name), true) = (&name, table.len() > 100) {
        return name.evidence();
    }
    let whole = table.whole();
    let routes = whole.get("routes").unwrap_or(whole).evidence();
    match name {
        Some(name) if routes.value().is_some_and(|v| v.len() > 300) => name.evidence(),
        Some(_) | None => routes,
    }
}
