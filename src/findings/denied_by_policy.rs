//! A policy of the mesh denies the request.
//!
//! `AuthorizationPolicy` objects become access control in B's proxy. It turns the request away: over HTTP the answer
//! is 403 `RBAC: access denied`, a TCP connection is closed. A's log has 403 `via_upstream`.
//!
//! How it comes about: A DENY rule matches, or there is an ALLOW policy for the workload and no ALLOW rule matches.
//! Rules on principals and namespaces need mutual TLS. Ports are those of the pod, not of the Service. On a port that
//! is TCP to the mesh, rules on paths, methods or headers allow nothing.
//!
//! How to confirm it: The details in B's log name the policy and the rule, or `none`. `istioctl x authz check POD`
//! lists what B's proxy has.
//!
//! How to fix it: Add a rule that allows the request, or narrow the one that denies it. Where a rule asks for a
//! principal, let A speak mutual TLS.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::diagnose::{
    Case, Found, Proved, Sender, add_item, add_to, advice, certain, in_field, mtls_mode, named, object_ref, port_entry,
    protocol_field, ref_of, remove, replace, set, show,
};
use crate::mesh::istio;
use crate::mesh::istio::authorization::{self, Asked, Client, Field, Miss, Speaks, Way};
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Stage};
use crate::walk::{SocketKind, Stop};

pub(crate) const YIELDS_TO: &[&str] = &["preflight-not-answered"];

pub(crate) fn examine(case: &Case) -> Option<Found> {
    // Where A's proxy speaks HTTP and B closes the connection, B's own stop says why.
    let stop = case.own_stop()?;
    let (stage, policy) = if let Stop::RbacDenied(policy) = stop {
        (Stage::HttpFilters, policy)
    } else if let Stop::ConnectionDenied(policy) = stop {
        (Stage::FilterChain, policy)
    } else {
        return None;
    };
    Some(match policy {
        Some(policy) => denied(case, stage, policy),
        None => not_allowed(case, stage),
    })
}

/// What is turned away, and what the proxy does.
fn words(stage: Stage) -> (&'static str, &'static str) {
    if stage == Stage::HttpFilters { ("request", "answers 403") } else { ("connection", "closes the connection") }
}

fn found(case: &Case, stage: Stage, title: &str, why: String, objects: Vec<ObjectRef>, fix: Vec<Fix>) -> Found {
    Found {
        certainty: certain(if objects.is_empty() { Proved::No } else { Proved::Yes }),
        stage,
        title: title.to_owned(),
        why,
        fix,
        next: objects.first().map(show).unwrap_or_default(),
        objects,
        codes: &[],
        evidence: case.trail().denial.iter().map(Node::evidence).collect(),
    }
}

/// A rule denies it.
fn denied(case: &Case, stage: Stage, policy: &str) -> Found {
    let (what, answers) = words(stage);
    let title = "a policy denies it";
    let Some((namespace, name, i)) = istio::authorization_rule(policy) else {
        let by = format!("policy {policy}");
        let why = format!("{by} denies it. The proxy {answers}, and the application never sees the {what}.");
        let fix = advice(Op::Replace, format!("{by}: leave this {what} out, if it is meant to pass"));
        return found(case, stage, title, why, Vec::new(), vec![fix]);
    };
    let object = object_ref(Kind::AuthorizationPolicy, &namespace, &name, &format!("spec.rules[{i}]"));
    let read = case.object(Kind::AuthorizationPolicy, &namespace, &name);
    let rule = read.as_ref().and_then(|policy| policy.at("spec.rules")?.index(i));
    let by = named(&object);
    let fields = rule.as_ref().map(authorization::fields).unwrap_or_default();
    if let Some(read) = read.as_ref().filter(|_| policy.contains(BAD_CUSTOM)) {
        return without_provider(case, stage, (&object, read), rule.as_ref());
    }
    let mut says = vec![format!("{by} denies it{}.", goes_by(&fields).unwrap_or_default())];
    let of_http = fields.iter().filter(|field| field.is_about_http() && stage == Stage::FilterChain);
    let names: Vec<String> = of_http.map(Field::name).collect();
    let undeclared = if names.is_empty() { None } else { Undeclared::of(case) };
    if !names.is_empty() {
        says.push(format!(
            "To B's proxy the port is TCP, where {} count for nothing, so that the rule denies every connection.",
            names.join(" and ")
        ));
    }
    says.extend(undeclared.as_ref().map(|undeclared| format!("{}.", undeclared.says())));
    says.push(format!("The proxy {answers}, and the application never sees the {what}."));
    let leave_out = leave_out(case, stage, &object, rule.as_ref(), &fields);
    let object = if let [one] = &fields[..] { in_field(&object, one.at.place()) } else { object };
    let objects = undeclared.iter().map(|undeclared| undeclared.object.clone()).chain([object]).collect();
    let of_all = read.as_ref().filter(|policy| is_of_all(policy)).map(|policy| select(policy, &by));
    let fix = undeclared.iter().map(Undeclared::fix).chain([leave_out]).chain(of_all).collect();
    let why = says.join(" ");
    let found = found(case, stage, title, why, objects, fix);
    Found { evidence: found.evidence.into_iter().chain(rule.iter().map(Node::evidence)).collect(), ..found }
}

/// The rule that denies should leave the request out: where it has exceptions, as one more of these.
fn leave_out(case: &Case, stage: Stage, object: &ObjectRef, rule: Option<&Node>, fields: &[Field]) -> Fix {
    let (what, by) = (words(stage).0, named(object));
    let excepted =
        fields.iter().find(|field| field.leaves_out() && !(field.is_about_http() && stage != Stage::HttpFilters));
    if let Some((field, is)) =
        excepted.zip(asked(case, stage)).and_then(|(field, asked)| Some((field, field.is_of(&asked)?)))
    {
        let text = format!("{by}, {}: add {is}, if it is meant to pass", field.at.place());
        return add_to(object, &field.at, json!(is), text);
    }
    let text = format!("{by}, {}: take it away, or leave this {what} out of it, if it is meant to pass", object.field);
    remove(object, rule, text)
}

/// What istiod adds to the names of rules that it lets nobody through, for want of the provider that decides
/// (`pilot/pkg/security/authz/builder/builder.go`).
const BAD_CUSTOM: &str = "bad-CUSTOM-action";

/// A policy leaves it to a provider that istiod does not know.
fn without_provider(case: &Case, stage: Stage, (object, read): (&ObjectRef, &Node), rule: Option<&Node>) -> Found {
    let (what, answers) = words(stage);
    let at = read.at("spec.provider.name");
    let by = named(object);
    let object = in_field(object, at.as_ref().map_or_else(|| "spec.provider.name".to_owned(), Node::place));
    let provider = at.as_ref().map_or_else(|| "its provider".to_owned(), Node::shown);
    let why = format!(
        "{by} leaves the {what} to {provider} ({}), which is not a usable entry of meshConfig.extensionProviders: istiod then denies all that the rule is for. The proxy {answers}.",
        object.field
    );
    let fix = vec![
        replace(&object, at.as_ref(), None, format!("{by}, {}: a provider that meshConfig has", object.field)),
        advice(Op::Add, format!("{provider} in meshConfig.extensionProviders, with a service that is there")),
    ];
    let found = found(case, stage, "istiod cannot use its provider", why, vec![object], fix);
    let evidence = at.iter().chain(rule).map(Node::evidence);
    Found { evidence: found.evidence.iter().cloned().chain(evidence).collect(), ..found }
}

/// There are policies that allow, and none of their rules allows it.
fn not_allowed(case: &Case, stage: Stage) -> Found {
    let (_, answers) = words(stage);
    let policies = that_allow(case);
    let blamed = |policy: &Node| ref_of(Kind::AuthorizationPolicy, policy, "spec.rules");
    let nearest = nearest(case, &policies, stage);
    let all: Vec<ObjectRef> = policies.iter().map(blamed).collect();
    let ground = |policy: &Node| policy.at("spec.rules").or_else(|| policy.at("metadata.name"));
    let mut evidence: Vec<Evidence> = policies.iter().filter_map(ground).map(|at| at.evidence()).collect();
    evidence.extend(nearest.iter().flat_map(Nearest::evidence));
    let (why, fix, objects) = nearest.map_or_else(
        || {
            (
                none_applies(case, &all, answers),
                vec![allow(case, all.first().zip(policies.first()), stage)],
                all.clone(),
            )
        },
        |nearest| (format!("{} The proxy {answers}.", nearest.says()), nearest.fix(), nearest.objects(&all)),
    );
    let found = found(case, stage, "no policy allows it", why, objects, fix);
    Found { evidence: found.evidence.into_iter().chain(evidence).collect(), ..found }
}

/// No rule is nearer than another, or they were not read.
fn none_applies(case: &Case, policies: &[ObjectRef], answers: &str) -> String {
    let names: Vec<String> = policies.iter().map(named).collect();
    let there_are = if names.is_empty() { "Policies that allow".to_owned() } else { names.join(", ") };
    let apply = if names.len() == 1 { "applies, and none of its" } else { "apply, and none of their" };
    let identity = identity(case);
    format!("{there_are} {apply} rules allows it{identity}. The proxy {answers}.")
}

/// The rule that is nearest to allowing it.
struct Nearest {
    object: ObjectRef,
    miss: Miss,
    /// How many more of its fields do not take the request.
    more: usize,
    /// Why the request is not what the rule is about.
    because: Option<Because>,
    /// The policy, where it selects no workload: it is for all of its namespace.
    of_all: Option<Node>,
    /// It says of no action, which is ALLOW then.
    names_no_action: bool,
}

/// What lies behind a field that does not take the request.
enum Because {
    /// The name of the Service's port does not say that it is HTTP.
    Undeclared(Undeclared),
    /// Mutual TLS is turned off at B, and with it A's identity.
    Disabled(ObjectRef, Node),
    /// A's side sends plaintext. Who it would be else, where the rule does not take that either.
    Plaintext(ObjectRef, Box<Sender>, Option<String>),
}

impl Nearest {
    fn says(&self) -> String {
        let Self { object, miss, more, because, of_all, names_no_action } = self;
        let (field, listed) = (miss.field.name(), miss.field.values());
        let more = match more {
            0 => String::new(),
            1 => ", and 1 more of its fields does not fit".to_owned(),
            more => format!(", and {more} more of its fields do not fit"),
        };
        let hint = miss.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        let fails = match miss.way {
            Way::NotListed => format!("its {field} are {listed} only, and this is {}", miss.is),
            Way::LeftOut => format!("its {field} leave out {listed}, and this is {}", miss.is),
            Way::OfHttp => format!("its {field} are about HTTP, and this is {}", miss.is),
        };
        let because = match because {
            None => String::new(),
            Some(Because::Undeclared(undeclared)) => format!(" {}.", undeclared.says()),
            Some(Because::Disabled(by, mode)) => {
                format!(" {} turns mutual TLS off for B ({}: {}).", named(by), by.field, mode.shown())
            }
            Some(Because::Plaintext(by, sender, _)) => {
                format!(" Mutual TLS says who A is, and {} (see {}).", sender.words, named(by))
            }
        };
        let of_all = match (of_all, names_no_action) {
            (Some(_), false) => ", which is for every workload of its namespace",
            (Some(_), true) => ", which is for every workload of its namespace and allows, as it names no action",
            (None, true) => ", which allows, as it names no action",
            (None, false) => "",
        };
        format!("No policy allows it. The nearest rule is of {}{of_all}: {fails}{hint}{more}.{because}", named(object))
    }

    fn evidence(&self) -> Vec<Evidence> {
        let because = match &self.because {
            Some(Because::Disabled(_, mode)) => Some(mode.evidence()),
            Some(Because::Plaintext(_, sender, _)) => sender.evidence.clone(),
            Some(Because::Undeclared(_)) | None => None,
        };
        std::iter::once(self.miss.field.at.evidence()).chain(because).collect()
    }

    /// The objects to look at: of those behind the rule, the rule's, and the other policies.
    fn objects(&self, policies: &[ObjectRef]) -> Vec<ObjectRef> {
        let first = match &self.because {
            None => None,
            Some(Because::Undeclared(undeclared)) => Some(undeclared.object.clone()),
            Some(Because::Disabled(by, _) | Because::Plaintext(by, ..)) => Some(by.clone()),
        };
        let others = policies.iter().filter(|other| other.name != self.object.name);
        first.into_iter().chain([self.object.clone()]).chain(others.cloned()).collect()
    }

    fn fix(&self) -> Vec<Fix> {
        let Self { object, miss, because, .. } = self;
        let at = format!("{}, {}", named(object), object.field);
        let first = because.as_ref().and_then(|because| match because {
            Because::Undeclared(undeclared) => Some(undeclared.fix()),
            Because::Disabled(by, mode) => {
                let text = format!("{}, {}: \"STRICT\", or PERMISSIVE, so that A shows who it is", named(by), by.field);
                Some(replace(by, Some(mode), Some(json!("STRICT")), text))
            }
            Because::Plaintext(_, sender, None) => sender.fix.clone(),
            Because::Plaintext(_, sender, Some(principal)) => sender.fix.clone().map(|fix| {
                let text = format!("{}; and {at}: add {principal}, which it is then", fix.text);
                Fix { text, ..fix }
            }),
        });
        let of_rule = match (miss.way, miss.hint) {
            (_, Some(hint)) if miss.field.is_about_the_peer() || !miss.is.bytes().all(|b| b.is_ascii_digit()) => {
                let want = without_scheme(&miss.field.at);
                replace(object, Some(&miss.field.at), want, format!("{at}: {hint}"))
            }
            (_, Some(hint)) => add_to(object, &miss.field.at, json!(miss.is), format!("{at}: add {}; {hint}", miss.is)),
            // No single value: what it is stands in words.
            (Way::NotListed, None) if miss.is.contains(' ') => {
                let text = format!("{at}: one that takes this, if it is meant to pass");
                replace(object, Some(&miss.field.at), None, text)
            }
            (Way::NotListed, None) => {
                let text = format!("{at}: add {}, if it is meant to pass", miss.is);
                add_to(object, &miss.field.at, json!(miss.is), text)
            }
            (Way::LeftOut, None) => {
                let text = format!("{at}: do not leave out {}, if it is meant to pass", miss.is);
                replace(object, Some(&miss.field.at), None, text)
            }
            (Way::OfHttp, None) => {
                let text = format!("{at}: a rule for TCP, with ports and principals alone, if the port is TCP");
                replace(object, Some(&miss.field.at), None, text)
            }
        };
        let selector = self.of_all.as_ref().map(|policy| select(policy, &named(object)));
        first.into_iter().chain([of_rule]).chain(selector).collect()
    }
}

/// The principals as they are to be written, where they begin with `spiffe://`.
fn without_scheme(list: &Node) -> Option<Value> {
    let items: Vec<String> = list.items().filter_map(|item| item.value().as_str().map(str::to_owned)).collect();
    let bare: Vec<&str> = items.iter().map(|item| item.strip_prefix("spiffe://").unwrap_or(item)).collect();
    items.iter().any(|item| item.starts_with("spiffe://")).then(|| json!(bare))
}

/// Of the ALLOW policies of the workload the rule that lacks least, where their objects were read.
fn nearest(case: &Case, policies: &[Node], stage: Stage) -> Option<Nearest> {
    let (policy, misses) = authorization::nearest(policies, &asked(case, stage)?)?;
    let more = misses.len() - 1;
    let miss = misses.into_iter().next()?;
    let is_of_a_gateway = miss.field.is_about_the_address() && comes_from_a_gateway(case);
    let is_forwarded = miss.field.is_about_the_client() && !forwarded_for(case).is_empty();
    let hint = miss.hint.or(is_of_a_gateway.then_some(OF_A_GATEWAY)).or(is_forwarded.then_some(OF_A_HEADER));
    let miss = Miss { hint, ..miss };
    let object = ref_of(Kind::AuthorizationPolicy, &policy, &miss.field.at.place());
    let because = match miss.way {
        Way::OfHttp => Undeclared::of(case).map(Because::Undeclared),
        Way::NotListed if miss.field.is_about_the_peer() => {
            disabled(case).map(|(by, mode)| Because::Disabled(by, mode)).or_else(|| plaintext(case, &miss.field))
        }
        Way::NotListed | Way::LeftOut => None,
    };
    let names_no_action = policy.at("spec.action").is_none();
    let of_all = is_of_all(&policy).then_some(policy);
    Some(Nearest { object, miss, more, because, of_all, names_no_action })
}

/// Connections come from whom B's proxy is connected with.
/// <https://istio.io/latest/docs/tasks/security/authorization/authz-ingress/>.
const OF_A_GATEWAY: &str = "the gateway's own address, whoever its client is: remoteIpBlocks go by the client's";

/// A sidecar trusts nobody, unless `numTrustedProxies` says otherwise.
const OF_A_HEADER: &str = "the last address of X-Forwarded-For; with numTrustedProxies N it is the one N before that";

/// What the client sends as `X-Forwarded-For`.
fn forwarded_for<'a>(case: &Case<'a>) -> Vec<&'a str> {
    let given = case.request().headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-for"));
    given.map(|(_, value)| value.as_str()).collect()
}

/// What a manager that trusts no proxy takes for the client's address; `None` where it does trust some.
fn remote(case: &Case, address: Option<IpAddr>) -> Option<IpAddr> {
    let filters = case.trail().filter_chain.as_ref()?.list("filters");
    let trusts = ["xff_num_trusted_hops", "use_remote_address", "original_ip_detection_extensions"];
    let is_set = |field: &&str| {
        let at = |filter: &Node| filter.at(&format!("typed_config.{field}"));
        filters.iter().filter_map(at).any(|at| !matches!(at.value(), Value::Bool(false)) && at.value() != 0)
    };
    if trusts.iter().any(is_set) {
        return None;
    }
    let last = forwarded_for(case).last().and_then(|value| value.rsplit(',').next());
    last.map_or(address, |last| last.trim().parse().ok())
}

/// Whether it is a gateway that sends the request.
fn comes_from_a_gateway(case: &Case) -> bool {
    let config = case.in_source().route_config.as_ref().and_then(|config| config.node().text("name"));
    config.is_some_and(|name| istio::port_of_route_config(&name).is_some())
}

/// The policy that turns mutual TLS off at B, where A comes in plaintext.
fn disabled(case: &Case) -> Option<(ObjectRef, Node)> {
    let there = case.destination().filter(|there| there.socket == SocketKind::Plaintext)?;
    mtls_mode(case, there).filter(|(_, mode)| mode.value().as_str() == Some("DISABLE"))
}

/// What makes A's side send plaintext, so that nothing says who it is.
fn plaintext(case: &Case, field: &Field) -> Option<Because> {
    case.destination().filter(|there| there.socket == SocketKind::Plaintext)?;
    let sender = Sender::of(case);
    let account = case.own_pod().map(|pod| pod.text("spec.serviceAccountName").unwrap_or_else(|| "default".to_owned()));
    let client = account.map(|account| Client::Known { namespace: case.namespace(), account });
    let then = client.and_then(|client| field.lacks_client(client));
    Some(Because::Plaintext(sender.object.clone()?, Box::new(sender), then))
}

/// The request as B's policies see it.
fn asked(case: &Case, stage: Stage) -> Option<Asked> {
    let there = case.destination()?;
    let request = case.request();
    let pod = case.own_pod();
    let account = pod.as_ref().map(|pod| pod.text("spec.serviceAccountName").unwrap_or_else(|| "default".to_owned()));
    let client = match account {
        _ if there.socket == SocketKind::Plaintext => Client::Nobody,
        Some(account) => Client::Known { namespace: case.namespace(), account },
        None => Client::Unknown,
    };
    let kept = |fields: &[&str]| !changes(case, fields);
    let path = request.path.as_ref().and_then(|path| path.split(['?', '#']).next()).map(str::to_owned);
    let speaks = match stage {
        Stage::HttpFilters => Speaks::Http {
            method: request.method.clone(),
            path: path.filter(|_| kept(OF_PATH)),
            host: Some(request.host.clone()).filter(|_| kept(OF_HOST)),
            headers: Some(request.headers.clone()).filter(|_| kept(OF_HEADERS) && request.method.is_some()),
        },
        Stage::Request
        | Stage::Capture
        | Stage::Listener
        | Stage::FilterChain
        | Stage::Route
        | Stage::Cluster
        | Stage::Endpoints => Speaks::Tcp,
    };
    // What a pod sends comes from its own address, but for a client that a gateway speaks for.
    let address = pod.as_ref().and_then(|pod| pod.text("status.podIP")?.parse().ok());
    Some(Asked { speaks, port: there.port, client, address, remote: remote(case, address) })
}

/// B's Service, where A's request is HTTP and the name of the port does not say so.
struct Undeclared {
    object: ObjectRef,
    /// The port's entry in the Service.
    entry: Node,
    port: u16,
    /// What it says: a protocol, or a name.
    protocol: Option<String>,
    at: Option<Node>,
}

impl Undeclared {
    fn of(case: &Case) -> Option<Self> {
        let is_http = !["tcp", "tls"].contains(&case.request().protocol);
        let service = case.service_of_source().filter(|_| is_http)?;
        let port = istio::ClusterName::parse(&case.in_source().cluster.as_ref()?.name)?.port;
        let entry = port_entry(&service, port)?;
        let protocol = istio::declared_protocol(&entry);
        if protocol.as_deref().is_some_and(istio::is_http) {
            return None;
        }
        let at = protocol_field(&entry);
        let object = ref_of(Kind::Service, &service, &at.as_ref().map_or_else(|| entry.place(), Node::place));
        Some(Self { object, entry, port, protocol, at })
    }

    fn says(&self) -> String {
        let Self { object, port, protocol, at, .. } = self;
        match (protocol, at) {
            (Some(protocol), _) => format!("{} says that port {port} is {protocol}", named(object)),
            (None, Some(name)) => {
                format!("{} calls port {port} {}, which is not a protocol's name", named(object), name.shown())
            }
            (None, None) => format!("{} does not say what port {port} speaks", named(object)),
        }
    }

    fn fix(&self) -> Fix {
        let Self { object, entry, at, .. } = self;
        let part = at.as_ref().map_or_else(|| format!("{}.name", entry.place()), Node::place);
        let text = format!("{}, {part}: a name that says HTTP, such as \"http-web\"", named(object));
        match at {
            Some(at) => replace(object, Some(at), Some(json!("http")), text),
            None => set(object, Some(entry), "name", Some(json!("http-web")), text),
        }
    }
}

const OF_PATH: &[&str] = &["prefix_rewrite", "regex_rewrite", "path_rewrite", "path_rewrite_policy"];
const OF_HOST: &[&str] =
    &["host_rewrite_literal", "auto_host_rewrite", "host_rewrite_header", "host_rewrite_path_regex", "host_rewrite"];
const OF_HEADERS: &[&str] = &["request_headers_to_add", "request_headers_to_remove"];

/// Whether A's proxy changes what these fields of its routes are about.
fn changes(case: &Case, fields: &[&str]) -> bool {
    let route = case.in_source().route.as_ref();
    let action = route.and_then(|route| route.get("route"));
    let places = [route.cloned(), action, case.in_source().virtual_host.clone()];
    places.into_iter().flatten().any(|place| fields.iter().any(|field| place.get(field).is_some()))
}

/// Whether a policy selects no workload: it is for all of its namespace.
fn is_of_all(policy: &Node) -> bool {
    let labels = policy.labels("spec.selector.matchLabels");
    labels.is_empty() && policy.at("spec.targetRef").is_none() && policy.list("spec.targetRefs").is_empty()
}

/// A policy of all workloads should be one of some.
fn select(policy: &Node, by: &str) -> Fix {
    let object = ref_of(Kind::AuthorizationPolicy, policy, "spec.selector");
    let text = format!("{by}, spec.selector: the labels of the pods that it is meant for");
    set(&object, Some(policy), "spec.selector", None, text)
}

/// What a rule that denies goes by: `: its rule is for methods GET and paths /admin*`.
fn goes_by(fields: &[Field]) -> Option<String> {
    let all: Vec<String> = fields.iter().map(|field| format!("{} {}", field.name(), field.values())).collect();
    let (last, before) = all.split_last()?;
    Some(match before {
        [] => format!(": its rule is for {last}"),
        before => format!(": its rule is for {} and {last}", before.join(", ")),
    })
}

fn allow(case: &Case, policy: Option<(&ObjectRef, &Node)>, stage: Stage) -> Fix {
    let (what, _) = words(stage);
    match policy {
        Some((object, policy)) => {
            let rule = asked(case, stage).map(|asked| rule_for(&asked));
            let text =
                format!("{}, spec.rules: add one that allows this {what}, if it is meant to pass", named(object));
            add_item(object, Some(policy), &object.field, rule, text)
        }
        None => advice(Op::Add, format!("a rule that allows this {what}, in an AuthorizationPolicy with action ALLOW")),
    }
}

/// A rule that allows it: by who asks, where B's proxy knows that, else by what is asked.
fn rule_for(asked: &Asked) -> Value {
    if let Client::Known { namespace, account } = &asked.client {
        let principal = format!("cluster.local/ns/{namespace}/sa/{account}");
        return json!({"from": [{"source": {"principals": [principal]}}]});
    }
    let port = asked.port.to_string();
    let operation = match &asked.speaks {
        Speaks::Http { method: Some(method), path: Some(path), .. } => json!({"methods": [method], "paths": [path]}),
        Speaks::Http { .. } | Speaks::Tcp => json!({"ports": [port]}),
    };
    json!({"to": [{"operation": operation}]})
}

/// The ALLOW policies of the workload.
fn that_allow(case: &Case) -> Vec<Node> {
    let allows = |policy: &Node| policy.text("spec.action").is_none_or(|action| action == "ALLOW");
    case.objects_for_the_proxy(Kind::AuthorizationPolicy).into_iter().filter(allows).collect()
}

/// Whom B takes A for, where it matters.
fn identity(case: &Case) -> &'static str {
    match case.destination() {
        Some(there) if there.socket == SocketKind::Plaintext => {
            "; the request comes in plaintext, so rules on principals or namespaces match nothing"
        }
        Some(_) | None => "",
    }
}
