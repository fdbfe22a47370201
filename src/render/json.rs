//! Schema `mesh-why/v1`: an answer, with nothing but the contract's fields in its order.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::numbered::Numbered;
#[cfg(test)]
use super::schema;
use super::{RenderError, command, yaml};
use crate::snapshot::Evidence;
use crate::text::is_seen;
use crate::verdict as v;
use crate::verdict::Verdict;

/// The schema of all that is printed for programs.
pub(super) const SCHEMA: &str = "mesh-why/v1";

/// The verdict as pretty-printed JSON.
pub(super) fn json(verdict: &Verdict) -> Result<String, RenderError> {
    let numbered = Numbered::of(verdict);
    pretty(&document(verdict, &numbered))
}

/// A document as pretty-printed JSON, with its final newline.
pub(super) fn pretty(document: &impl Serialize) -> Result<String, RenderError> {
    let text = serde_json::to_string_pretty(document);
    text.map(|text| escaped(&text) + "\n").map_err(|e| RenderError::Json(e.to_string()))
}

/// The same as YAML, its fields in the same order.
pub(super) fn yaml(verdict: &Verdict) -> Result<String, RenderError> {
    let numbered = Numbered::of(verdict);
    yaml::yaml(&document(verdict, &numbered)).map_err(RenderError::Yaml)
}

/// What cannot be seen stands only in strings, where `\u202e` is the same.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_seen(c) || c == '\n' {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Answer"))]
pub(super) struct Document<'a> {
    #[cfg_attr(test, schemars(extend("const" = SCHEMA)))]
    schema: &'static str,
    #[cfg_attr(test, schemars(extend("enum" = schema::outcomes())))]
    outcome: &'static str,
    summary: &'a str,
    response: Option<Response<'a>>,
    request: Request<'a>,
    decision: Option<Decision<'a>>,
    conditions: Vec<Condition<'a>>,
    branches: Vec<Branch<'a>>,
    walk: Vec<Step<'a>>,
    findings: Vec<Finding<'a>>,
    evidence: Vec<Proof<'a>>,
    time: Option<&'a str>,
    tool: &'static str,
    cluster: Cluster<'a>,
    proxies: Vec<Proxy<'a>>,
    unchecked: &'a [String],
    /// Of a question that came from a log alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<Log<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Response<'a> {
    status: u16,
    grpc_status: Option<u8>,
    flags: &'a [&'static str],
    details: &'a str,
    from: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Request<'a> {
    source: Option<Source<'a>>,
    host: &'a str,
    port: u16,
    address: Option<&'a str>,
    protocol: &'a str,
    path: Option<&'a str>,
    method: Option<&'a str>,
    headers: Vec<Header<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Source<'a> {
    kind: &'static str,
    namespace: &'a str,
    name: &'a str,
    proxy: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Header<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Decision<'a> {
    listener: Option<&'a str>,
    filter_chain: Option<&'a str>,
    route_config: Option<&'a str>,
    virtual_host: Option<&'a str>,
    route: Option<&'a str>,
    route_index: Option<usize>,
    clusters: Vec<Choice<'a>>,
    destinations: Vec<Destination<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Choice<'a> {
    name: &'a str,
    share: f64,
    #[cfg_attr(test, schemars(extend("enum" = schema::outcomes())))]
    outcome: &'static str,
    response: Option<Response<'a>>,
    endpoints: Vec<Endpoint<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Endpoint<'a> {
    address: &'a str,
    priority: u32,
    eligible: bool,
    health: &'a [String],
    tls: Option<&'static str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Destination<'a> {
    pod: &'a str,
    decision: Decision<'a>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Branch<'a> {
    guards: Vec<Guard<'a>>,
    share: f64,
    #[cfg_attr(test, schemars(extend("enum" = schema::outcomes())))]
    outcome: &'static str,
    response: Option<Response<'a>>,
    decision: Option<Decision<'a>>,
    walk: Vec<Step<'a>>,
    findings: &'a [&'static str],
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Guard<'a> {
    Drawn { share: f64, by: &'a str },
    Asked(Asked<'a>),
    Address { address: &'a str },
    Pod { side: &'static str, pod: &'a str },
    Provided { condition: usize, alternative: Option<&'a str> },
    Repaired { stop: &'static str, finding: Option<&'a str> },
}

/// One kind of requests with one of them, or several with ten at most.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Asked<'a> {
    One { predicate: &'a str, witness: Witness<'a> },
    Several { predicates: Vec<&'a str>, witnesses: Vec<Witness<'a>> },
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Witness<'a> {
    method: &'a str,
    path: &'a str,
    headers: Vec<Header<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Condition<'a> {
    id: usize,
    #[cfg_attr(test, schemars(extend("enum" = schema::sides())))]
    side: &'static str,
    #[cfg_attr(test, schemars(extend("enum" = schema::stages())))]
    stage: &'static str,
    subject: &'a str,
    power: Vec<&'static str>,
    why: &'a str,
    settle: String,
    evidence: Vec<usize>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Step<'a> {
    #[cfg_attr(test, schemars(extend("enum" = schema::sides())))]
    side: &'static str,
    #[cfg_attr(test, schemars(extend("enum" = schema::stages())))]
    stage: &'static str,
    #[cfg_attr(test, schemars(extend("enum" = schema::marks())))]
    mark: &'static str,
    subject: &'a str,
    note: &'a str,
    evidence: Vec<usize>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Finding<'a> {
    id: &'static str,
    #[cfg_attr(test, schemars(extend("enum" = schema::certainties())))]
    certainty: &'static str,
    title: &'a str,
    why: &'a str,
    objects: Vec<Object<'a>>,
    fix: Vec<Fix<'a>>,
    next: String,
    codes: &'static [&'static str],
    evidence: Vec<usize>,
    /// Of what stops the request only once another finding is repaired.
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Object<'a> {
    #[serde(rename = "apiVersion")]
    api_version: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    field: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Fix<'a> {
    object: Option<Named<'a>>,
    #[cfg_attr(test, schemars(extend("enum" = schema::ops())))]
    op: &'static str,
    field: Option<&'a str>,
    now: Option<&'a Value>,
    want: Option<&'a Value>,
    text: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Named<'a> {
    #[serde(rename = "apiVersion")]
    api_version: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Proof<'a> {
    id: usize,
    from: &'static str,
    query: &'a str,
    path: &'a str,
    value: Option<Value>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Log<'a> {
    side: Option<&'static str>,
    time: Option<&'a str>,
    status: Option<u16>,
    flags: &'a [String],
    details: Option<&'a str>,
    termination: Option<&'a str>,
    transport_failure: Option<&'a str>,
    cluster: Option<&'a str>,
    upstream_host: Option<&'a str>,
    route: Option<&'a str>,
    meanings: Vec<Meaning<'a>>,
    compared: &'static str,
    now: &'a str,
    changes: Vec<Change<'a>>,
    notes: &'a [String],
    next: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Meaning<'a> {
    of: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Change<'a> {
    what: &'static str,
    then: &'a str,
    now: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Cluster<'a> {
    context: Option<&'a str>,
    namespace: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Proxy<'a> {
    #[cfg_attr(test, schemars(extend("enum" = schema::sides())))]
    side: &'static str,
    pod: Option<&'a str>,
    id: Option<&'a str>,
    envoy: Option<&'a str>,
    mesh: Option<&'a str>,
}

pub(super) fn document<'a>(verdict: &'a Verdict, numbered: &Numbered<'a>) -> Document<'a> {
    let behind = &verdict.behind;
    let own = verdict.findings.iter().map(|f| finding(f, None, numbered));
    let next = behind.findings.iter().map(|(f, before)| finding(f, Some(before), numbered));
    Document {
        schema: SCHEMA,
        outcome: verdict.outcome.word(),
        summary: &verdict.summary,
        response: response(verdict.outcome, verdict.response.as_ref()),
        request: request(&verdict.request),
        decision: verdict.decision.as_ref().map(decision),
        conditions: verdict.conditions.iter().chain(&behind.conditions).map(|c| condition(c, numbered)).collect(),
        branches: verdict.branches.iter().chain(&behind.branches).map(|b| branch(b, numbered)).collect(),
        walk: verdict.steps.iter().map(|s| step(s, numbered)).collect(),
        findings: own.chain(next).collect(),
        evidence: numbered.all().map(|(id, evidence)| proof(id, evidence)).collect(),
        time: Some(verdict.time.as_str()).filter(|time| !time.is_empty()),
        tool: env!("CARGO_PKG_VERSION"),
        cluster: cluster(&verdict.cluster),
        proxies: verdict.proxies.iter().map(proxy).collect(),
        unchecked: &verdict.unchecked,
        log: verdict.log.as_ref().map(log),
    }
}

fn log(log: &v::Log) -> Log<'_> {
    Log {
        side: log.writer.map(v::Side::word),
        time: log.time.as_deref(),
        status: log.status,
        flags: &log.flags,
        details: log.details.as_deref(),
        termination: log.termination.as_deref(),
        transport_failure: log.transport_failure.as_deref(),
        cluster: log.cluster.as_deref(),
        upstream_host: log.upstream_host.as_deref(),
        route: log.route.as_deref(),
        meanings: log.meanings.iter().map(|v::Meaning { of, text }| Meaning { of, text }).collect(),
        compared: log.compared.word(),
        now: &log.now,
        changes: log.changes.iter().map(|v::Change { what, then, now }| Change { what, then, now }).collect(),
        notes: &log.notes,
        next: command::line(&log.next),
    }
}

/// A request that reaches B has no response of a proxy's own.
fn response(outcome: v::Outcome, response: Option<&v::Response>) -> Option<Response<'_>> {
    let sent = response.filter(|_| outcome != v::Outcome::Reaches);
    sent.map(|r| Response {
        status: r.status,
        grpc_status: r.grpc_status,
        flags: &r.flags,
        details: &r.details,
        from: r.from.words(),
    })
}

fn request(request: &v::Request) -> Request<'_> {
    Request {
        source: request.source.as_ref().map(source),
        host: &request.host,
        port: request.port,
        address: request.address.as_deref(),
        protocol: request.protocol,
        path: request.path.as_deref(),
        method: request.method.as_deref(),
        headers: request.headers.iter().map(|(name, value)| Header { name, value }).collect(),
    }
}

fn source(pod: &v::SourcePod) -> Source<'_> {
    Source { kind: "Pod", namespace: &pod.namespace, name: &pod.name, proxy: pod.proxy.as_deref() }
}

fn decision(decision: &v::Decision) -> Decision<'_> {
    Decision {
        listener: decision.listener.as_deref(),
        filter_chain: decision.filter_chain.as_deref(),
        route_config: decision.route_config.as_deref(),
        virtual_host: decision.virtual_host.as_deref(),
        route: decision.route.as_deref(),
        route_index: decision.route_index,
        clusters: decision.clusters.iter().map(choice).collect(),
        destinations: decision.destinations.iter().map(destination).collect(),
    }
}

fn choice(choice: &v::ClusterChoice) -> Choice<'_> {
    Choice {
        name: &choice.name,
        share: choice.share,
        outcome: choice.outcome.word(),
        response: response(choice.outcome, choice.response.as_ref()),
        endpoints: choice.endpoints.iter().map(endpoint).collect(),
    }
}

fn endpoint(host: &v::Endpoint) -> Endpoint<'_> {
    Endpoint {
        address: &host.address,
        priority: host.priority,
        eligible: host.eligible,
        health: &host.health,
        tls: host.tls,
    }
}

fn destination(destination: &v::Destination) -> Destination<'_> {
    Destination { pod: &destination.pod, decision: decision(&destination.decision) }
}

fn branch<'a>(branch: &'a v::Branch, numbered: &Numbered<'_>) -> Branch<'a> {
    Branch {
        guards: branch.guards.iter().map(guard).collect(),
        share: branch.share,
        outcome: branch.outcome.word(),
        response: response(branch.outcome, branch.response.as_ref()),
        decision: branch.decision.as_ref().map(decision),
        walk: branch.steps.iter().map(|s| step(s, numbered)).collect(),
        findings: &branch.findings,
    }
}

fn guard(guard: &v::Guard) -> Guard<'_> {
    match guard {
        v::Guard::Drawn { by, share } => Guard::Drawn { share: *share, by },
        v::Guard::Asked(kinds) => Guard::Asked(asked(kinds)),
        v::Guard::Address(address) => Guard::Address { address },
        v::Guard::Pod(side, pod) => Guard::Pod { side: side.word(), pod },
        v::Guard::Provided { condition, alternative } => {
            Guard::Provided { condition: *condition, alternative: alternative.as_deref() }
        }
        v::Guard::Repaired { stop, finding } => Guard::Repaired { stop, finding: *finding },
    }
}

fn asked(kinds: &[v::AskedKind]) -> Asked<'_> {
    if let [kind] = kinds {
        return Asked::One { predicate: &kind.predicate, witness: witness(kind) };
    }
    let predicates = kinds.iter().map(|kind| kind.predicate.as_str()).collect();
    Asked::Several { predicates, witnesses: kinds.iter().take(v::WITNESSES).map(witness).collect() }
}

fn witness(kind: &v::AskedKind) -> Witness<'_> {
    let (method, path, headers) = &kind.witness;
    Witness { method, path, headers: headers.iter().map(|(name, value)| Header { name, value }).collect() }
}

fn condition<'a>(condition: &'a v::Condition, numbered: &Numbered<'_>) -> Condition<'a> {
    Condition {
        id: condition.id,
        side: condition.side.word(),
        stage: condition.stage.word(),
        subject: &condition.subject,
        power: condition.powers.iter().map(|power| power.word()).collect(),
        why: &condition.why,
        settle: command::line(&condition.settle),
        evidence: numbered.numbers(&condition.evidence),
    }
}

fn step<'a>(step: &'a v::Step, numbered: &Numbered<'_>) -> Step<'a> {
    Step {
        side: step.side.word(),
        stage: step.stage.word(),
        mark: step.mark.word(),
        subject: &step.subject,
        note: &step.note,
        evidence: numbered.numbers(&step.evidence),
    }
}

/// A finding; `behind` the one that would have to be repaired first, where it is no part of the answer.
fn finding<'a>(finding: &'a v::Finding, behind: Option<&'a str>, numbered: &Numbered<'_>) -> Finding<'a> {
    Finding {
        id: finding.id,
        certainty: finding.certainty.word(),
        title: &finding.title,
        why: &finding.why,
        objects: finding.objects.iter().map(object).collect(),
        fix: finding.fix.iter().map(fix).collect(),
        next: command::line(&finding.next),
        codes: finding.codes,
        evidence: numbered.numbers(&finding.evidence),
        behind,
    }
}

fn object(object: &v::ObjectRef) -> Object<'_> {
    Object {
        api_version: &object.api_version,
        kind: &object.kind,
        namespace: &object.namespace,
        name: &object.name,
        field: &object.field,
    }
}

fn fix(fix: &v::Fix) -> Fix<'_> {
    Fix {
        object: fix.object.as_ref().map(named),
        op: fix.op.word(),
        field: fix.object.as_ref().map(|object| object.field.as_str()),
        now: fix.now.as_ref(),
        want: fix.want.as_ref(),
        text: &fix.text,
    }
}

fn named(object: &v::ObjectRef) -> Named<'_> {
    Named { api_version: &object.api_version, kind: &object.kind, namespace: &object.namespace, name: &object.name }
}

fn proof(id: usize, evidence: &Evidence) -> Proof<'_> {
    Proof {
        id,
        from: evidence.origin().word(),
        query: evidence.query(),
        path: evidence.path(),
        value: evidence.value().map(read),
    }
}

/// A value that is kept as text. Text that is no JSON is shown as it is.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn cluster(cluster: &v::Cluster) -> Cluster<'_> {
    Cluster { context: cluster.context.as_deref(), namespace: cluster.namespace.as_deref() }
}

fn proxy(proxy: &v::Proxy) -> Proxy<'_> {
    Proxy {
        side: proxy.side.word(),
        pod: proxy.pod.as_deref(),
        id: proxy.id.as_deref(),
        envoy: proxy.envoy.as_deref(),
        mesh: proxy.mesh.as_deref(),
    }
}
