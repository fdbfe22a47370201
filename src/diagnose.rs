//! Why it came about, in the user's vocabulary: an open set, one file each.
//!
//! A finding is a file in `findings/`: its name is the id, its first `//!` line the title, the rest of the `//!` block
//! the explanation, and `examine` the work. `YIELDS_TO`, where a file has it, names the findings beside which it is
//! silent; `CODES` are those of analyzers. build.rs turns the folder into the roster, so there is no list to keep.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod behind;
mod branches;
mod called_http;
mod case;
mod command;
mod connections;
mod control;
mod credential;
mod delegates;
mod envoy_filters;
mod fix;
mod gateways;
mod hidden;
mod own_answer;
mod parties;
mod peer_authentication;
mod plaintext;
mod rejected;
mod rules;
mod settle;
mod slices;
mod summary;
mod texts;
mod then;

use std::collections::{BTreeMap, BTreeSet};

use crate::mesh::proxies::proxies;
use crate::snapshot::{Evidence, Need, Origin, Snapshot};
use crate::verdict::{
    self, Certainty, Cluster, Command, Finding, Fix, Mark, ObjectRef, Outcome, Response, Side, Stage, Step, Verdict,
};
use crate::walk::{Branch, End, Walk};

use branches::Conditions;
use case::Noted;
use hidden::Secrets;
use parties::Parties;

pub(crate) use called_http::CalledHttp;
pub(crate) use case::{
    Case, ROOT_NAMESPACE, all_ejected, all_endpoints, health_of, label_text, named, object_ref, quoted_list, ref_of,
};
pub(crate) use command::{
    Columns, describe, list, list_all, list_pods, list_slices, logs, proxy_logs, proxy_secret, proxy_status,
    service_logs, show,
};
pub(crate) use connections::{
    entry_of, failures_of, other_endpoints, other_target_port, pods_of, takes_mutual_tls, workload,
};
pub(crate) use control::{ProxyOf, is_behind, lost, open_updates};
pub(crate) use credential::Credential;
pub(crate) use delegates::{Delegating, path_of, virtual_services_of};
pub(crate) use envoy_filters::Added;
pub(crate) use fix::{
    add_item, add_to, advice, create, create_entry, egress_host, in_field, remove, replace, set, target_port,
};
pub(crate) use gateways::{Unbound, Unrouted, has_port, servers_of};
pub(crate) use own_answer::OwnAnswer;
pub(crate) use peer_authentication::mtls_mode;
pub(crate) use plaintext::{Hides, Sender, hidden};
pub(crate) use rejected::{Rejected, mends, shortened};
pub(crate) use rules::{
    destination_field, destination_of, destinations, is_host, is_of_gateway_api, mirror_of, no_upgrade, only,
    policy_of, policy_part, route_object, rule_for_all, rules, rules_field, set_policy,
};
pub(crate) use slices::{a_ready_endpoint, port_entry, protocol_field, ready, ready_pods, slices};

/// How often a configuration that moves is read before there is no verdict.
pub const TRIES: usize = 3;

include!(concat!(env!("OUT_DIR"), "/roster.rs"));

/// One finding of the roster.
#[derive(Debug)]
pub struct Rule {
    /// The file's name, with dashes.
    pub id: &'static str,
    /// What it says, in one line.
    pub title: &'static str,
    /// What it means, how it comes about, how to confirm it and how to fix it: paragraphs.
    pub explain: &'static str,
    /// The codes with which analyzers report the same, or may.
    pub codes: &'static [&'static str],
    /// The findings that say more of the same, beside which this one is silent; `*` is every other.
    pub yields_to: &'static [&'static str],
    examine: fn(&Case) -> Option<Found>,
}

/// What a rule yields to that only says how a way ends.
pub(crate) const EVERY: &[&str] = &["*"];

/// What a rule found: a finding but for its id.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) certainty: Certainty,
    pub(crate) stage: Stage,
    pub(crate) title: String,
    pub(crate) why: String,
    pub(crate) objects: Vec<ObjectRef>,
    pub(crate) fix: Vec<Fix>,
    pub(crate) next: Command,
    pub(crate) codes: &'static [&'static str],
    pub(crate) evidence: Vec<Evidence>,
}

impl Found {
    /// How a way ends by its proxy's own configuration: it rests on what the last stage does, and names no object.
    pub(crate) fn of_end(step: &Step, title: impl Into<String>, why: impl Into<String>, fix: Vec<Fix>) -> Self {
        Self {
            certainty: Certainty::Likely,
            stage: step.stage,
            title: title.into(),
            why: why.into(),
            objects: Vec::new(),
            fix,
            next: Command::default(),
            codes: &[],
            evidence: step.evidence.clone(),
        }
    }
}

impl Rule {
    fn find(&'static self, case: &Case) -> Option<Finding> {
        let Found { certainty, stage, title, why, mut objects, fix, next, codes, evidence } = (self.examine)(case)?;
        for object in &mut objects {
            point(object, &fix);
        }
        Some(Finding { id: self.id, certainty, stage, title, why, objects, fix, next, codes, evidence })
    }

    fn yields_to(&self, other: &Self) -> bool {
        self.id != other.id && (self.yields_to == EVERY || self.yields_to.contains(&other.id))
    }
}

/// An object points to what of it the first fix changes, where that lies in what it points to.
fn point(object: &mut ObjectRef, fixes: &[Fix]) {
    let is_same = |of: &&ObjectRef| {
        (&of.kind, &of.namespace, &of.name) == (&object.kind, &object.namespace, &object.name) && !of.field.is_empty()
    };
    let first = fixes.iter().filter_map(|fix| fix.object.as_ref()).find(is_same);
    if let Some(first) = first.filter(|first| first.field.starts_with(&object.field)) {
        object.field.clone_from(&first.field);
    }
}

/// Every finding that there is, by id.
pub fn roster() -> &'static [Rule] {
    ROSTER
}

/// Explains a walk. Besides the verdict: what the findings would like to know next.
pub fn diagnose(snapshot: &Snapshot, walk: &Walk) -> (Verdict, BTreeSet<Need>) {
    let noted = Noted::default();
    let examined = examined(walk);
    let explained: Vec<Explained> = examined.iter().map(|branch| explain(snapshot, walk, branch, &noted)).collect();
    let answer = walk.response();
    let mut findings: Vec<Finding> = Vec::new();
    // What explains the answer that is named, by id and title: ways may fail of different causes.
    let (mut main, mut known) = (BTreeSet::new(), BTreeSet::new());
    for Explained { branch, findings: own } in &explained {
        for finding in own {
            let title = (finding.id, finding.title.clone());
            if ends_so(branch, answer.as_ref()) {
                main.insert(title.clone());
            }
            if known.insert(title) {
                findings.push(finding.clone());
            }
        }
    }
    // What only casts doubt on requests that are handed over says nothing beside what surely ends others.
    let ends = explained.iter().any(|one| one.branch.end.stop().is_some() && !one.findings.is_empty());
    let doubts = |branch: &Branch| branch.end.stop().is_none();
    if ends {
        let doubting = explained.iter().filter(|one| doubts(one.branch)).flat_map(|one| &one.findings);
        let ids: BTreeSet<&str> = doubting.map(|finding| finding.id).collect();
        findings.retain(|finding| !ids.contains(finding.id));
    }
    let is_main = |f: &Finding| main.contains(&(f.id, f.title.clone()));
    findings.sort_by_key(|f| (f.certainty, !is_main(f), f.stage, f.id));
    let cause = findings.iter().find(|f| is_main(f)).cloned();
    let next = |branch: &Branch| explain(snapshot, walk, branch, &noted).findings;
    let mut verdict = verdict(snapshot, walk, &explained, (findings, cause.as_ref()), &next);
    verdict.unchecked.extend(noted.lines.into_inner());
    put_in_words(walk, &mut verdict, cause.as_ref());
    let mut needs = noted.needs.into_inner();
    needs.extend(walk.needs.iter().cloned());
    (verdict, needs)
}

/// A way, and what explains it.
struct Explained<'a> {
    branch: &'a Branch,
    findings: Vec<Finding>,
}

fn explain<'a>(snapshot: &Snapshot, walk: &Walk, branch: &'a Branch, noted: &Noted) -> Explained<'a> {
    let request = request_of(walk, branch);
    let case = Case::new(snapshot, &request, branch, noted);
    let found: Vec<(&Rule, Finding)> = ROSTER.iter().filter_map(|rule| Some((rule, rule.find(&case)?))).collect();
    let speaking: Vec<&Rule> = found.iter().map(|(rule, _)| *rule).collect();
    let is_first = |(rule, _): &(&Rule, Finding)| !speaking.iter().any(|other| rule.yields_to(other));
    let findings = found.into_iter().filter(is_first).map(|(_, finding)| with_next(walk, branch, finding)).collect();
    let is_open = branch.sure_outcome() == Outcome::Unknown;
    Explained { branch, findings: if is_open { branches::doubted(findings) } else { findings } }
}

/// No finding is without a next step: where it has no command of its own, what it rests on is looked at.
fn with_next(walk: &Walk, branch: &Branch, finding: Finding) -> Finding {
    if !finding.next.words().is_empty() {
        return finding;
    }
    let next = match finding.evidence.first() {
        Some(evidence) => settle::look(walk, evidence),
        None => settle::look_at(walk, branch.side(), finding.stage),
    };
    Finding { next, ..finding }
}

/// The request of a way: where the question leaves it open, one that goes this way.
fn request_of(walk: &Walk, branch: &Branch) -> verdict::Request {
    let witness = branch.asked_for().and_then(|asked| asked.witness());
    witness.map_or_else(
        || walk.request.clone(),
        |witness| verdict::Request {
            path: Some(witness.path.clone()),
            method: Some(witness.method.clone()),
            headers: witness.headers.clone(),
            ..walk.request.clone()
        },
    )
}

/// How many ways are explained: more causes than anybody reads. Each may look at every object that was read.
const MOST: usize = 100;

/// The ways that are examined, each by itself: those that end differently. Where they are too many, those go first that
/// end as the answer says, then others that end.
fn examined(walk: &Walk) -> Vec<&Branch> {
    let mut branches = distinct(walk);
    if branches.len() > MOST {
        let answer = walk.response();
        branches.sort_by_key(|branch| (!ends_so(branch, answer.as_ref()), branch.end.stop().is_none()));
        branches.truncate(MOST);
    }
    branches
}

/// Whether a way ends as the answer says, in what a client sees.
fn ends_so(branch: &Branch, answer: Option<&Response>) -> bool {
    branch.end.stop().is_some() && branch.response().as_ref() == answer
}

/// The ways that end differently.
fn distinct(walk: &Walk) -> Vec<&Branch> {
    let mut distinct: Vec<&Branch> = Vec::new();
    // Of one cluster and one pod few are different.
    let mut ends: BTreeMap<(Option<String>, Option<String>), Vec<&End>> = BTreeMap::new();
    // What is meant to end, and is only listed, needs no cause.
    for branch in walk.branches.iter().filter(|branch| branch.end != End::Unknown && branch.counts()) {
        let key = (branch.cluster_name(), branch.visit().map(|visit| visit.pod_name()));
        let known = ends.entry(key).or_default();
        if !known.contains(&&branch.end) {
            known.push(&branch.end);
            distinct.push(branch);
        }
    }
    distinct
}

fn verdict(
    snapshot: &Snapshot,
    walk: &Walk,
    explained: &[Explained],
    (findings, cause): (Vec<Finding>, Option<&Finding>),
    next: &dyn Fn(&Branch) -> Vec<Finding>,
) -> Verdict {
    let outcome = walk.outcome;
    let mut unchecked = walk.unchecked.clone();
    let ended = distinct(walk).into_iter().filter(|branch| branch.end.stop().is_some()).count();
    if ended > MOST {
        unchecked.push(format!("what causes {} of the {ended} ways that do not get to B", ended - MOST));
    }
    if matches!(outcome, Outcome::Reaches | Outcome::Partial) {
        unchecked.push(if walk.leaves_open() {
            format!("the proxy at {} and the application behind it were not read", walk.request.target)
        } else {
            "what the application itself answers".to_owned()
        });
    }
    let response = if outcome == Outcome::Reaches { None } else { walk.response() };
    let conditions = Conditions::of(walk);
    // What the answer rests on is said there.
    unchecked.retain(|line| !conditions.say(line));
    let ids = |branch: &Branch| -> Vec<&'static str> {
        let own = explained.iter().find(|explained| std::ptr::eq(explained.branch, branch));
        own.into_iter().flat_map(|own| own.findings.iter().map(|finding| finding.id)).collect()
    };
    let (branches, left_out) = branches::listed(walk, &walk.branches, &conditions, &ids);
    if left_out > 0 {
        unchecked.push(format!("{left_out} more ways that requests go"));
    }
    let mut verdict = Verdict {
        outcome,
        summary: String::new(),
        response,
        conditions: conditions.shown(walk),
        behind: behind::behind(walk, &conditions, (cause, branches.len()), next),
        branches,
        request: walk.request.clone(),
        decision: walk.decision(),
        steps: walk.steps(),
        findings,
        unchecked,
        log: None,
        time: snapshot.time.clone(),
        cluster: cluster(snapshot),
        proxies: proxies(snapshot),
    };
    verdict.log = snapshot.log.as_ref().map(|record| then::then(record, &verdict, walk));
    verdict
}

/// Line 1, the names of A and B, and no secret of the request, wherever anything is said.
fn put_in_words(walk: &Walk, verdict: &mut Verdict, cause: Option<&Finding>) {
    let parties = Parties::of(&verdict.request, verdict.decision.as_ref());
    let facts = summary::Facts {
        response: verdict.response.as_ref(),
        found: if verdict.outcome == Outcome::Reaches { verdict.findings.first() } else { cause },
        unchecked: &verdict.unchecked,
        parties: &parties,
    };
    let lines = summary::lines(walk, &facts);
    parties.name_all(verdict);
    let secrets = Secrets::take(&mut verdict.request);
    secrets.hide_all(verdict);
    // A part of a secret is one, too: what is shortened has none.
    verdict.summary = summary::fitted(lines.into_iter().map(|mut line| {
        secrets.hide(&mut line);
        line
    }));
}

fn cluster(snapshot: &Snapshot) -> Cluster {
    let read = snapshot.cluster.without_secrets();
    Cluster { context: read.context, namespace: read.namespace }
}

/// The verdict where the configuration was another at each read: what was found is true of none of its versions.
pub fn unsettled(found: Verdict, moved: &[Need]) -> Verdict {
    let what = moved.iter().map(|need| {
        let part = if let Need::LastUpdated(part) = need { part } else { need };
        format!("{part} of {}", whose(need))
    });
    let what = what.collect::<Vec<_>>().join(", ");
    let note = format!("the configuration was another at each of {TRIES} reads ({what} changed); ask again");
    let (a, b) = (&found.request.source_name, &found.request.target);
    let mut steps: Vec<Step> = found.steps.into_iter().filter(|step| step.stage == Stage::Request).collect();
    steps.push(Step {
        side: Side::Source,
        stage: Stage::Listener,
        mark: Mark::Unknown,
        subject: String::new(),
        note: note.clone(),
        evidence: Vec::new(),
    });
    let branch = verdict::Branch {
        guards: vec![verdict::Guard::Provided { condition: 1, alternative: None }],
        share: 1.0,
        outcome: Outcome::Unknown,
        response: None,
        decision: None,
        steps: steps.clone(),
        findings: Vec::new(),
    };
    Verdict {
        outcome: Outcome::Unknown,
        summary: format!("cannot tell whether {a} reaches {b}: {note}"),
        response: None,
        request: found.request,
        decision: None,
        conditions: vec![moving(note)],
        branches: vec![branch],
        steps,
        findings: Vec::new(),
        behind: verdict::Behind::default(),
        unchecked: Vec::new(),
        log: found.log.map(then::unsettled),
        time: found.time,
        cluster: found.cluster,
        proxies: found.proxies,
    }
}

/// The condition of an answer about a configuration that moves.
fn moving(why: String) -> verdict::Condition {
    verdict::Condition {
        id: 1,
        side: Side::Source,
        stage: Stage::Listener,
        subject: String::new(),
        powers: vec![verdict::Power::Withhold],
        why,
        proviso: "the configuration stands still".to_owned(),
        settle: verdict::Command::default(),
        evidence: Vec::new(),
    }
}

fn whose(need: &Need) -> &'static str {
    match need.origin() {
        Origin::Source(_) => "A's proxy",
        Origin::Destination(_) => "B's proxy",
        Origin::Kubernetes | Origin::ControlPlane => "the cluster",
    }
}

/// Whether a finding is beyond doubt.
pub(crate) fn certain(proved: Proved) -> Certainty {
    match proved {
        Proved::Yes => Certainty::Certain,
        Proved::No => Certainty::Likely,
    }
}

/// Whether the evidence alone proves a cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proved {
    /// Nothing else could look the same.
    Yes,
    /// Something else could.
    No,
}
