//! What of an answer is another than it was: for whoever asks again until it changes.
//!
//! What moves without anything being another does not count: counters and times, the evidence's values, what was not
//! checked, and which of several pods of A was asked.

use std::collections::BTreeMap;

use super::hosts::health;
use super::line::{Line, hanging};
use super::theme::{Role, Theme};
use super::words::{object, outcome, percent};
use crate::verdict::{
    Branch, Certainty, Decision, Endpoint, Finding, Guard, Mark, Outcome, Response, Side, Stage, Step, Verdict,
};

/// Where the text behind a label begins.
const COLUMN: usize = 13;
/// Where it goes that has no room there.
const NARROW: usize = 4;

/// Something that is another now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What: `outcome`, `line 1`, `response`, `way`, `finding`, `endpoint`, `condition`, or a stage.
    pub what: &'static str,
    /// Which of them; empty where there is one only.
    pub which: String,
    /// As it was; `None` where it was not there.
    pub was: Option<String>,
    /// As it is; `None` where it is gone.
    pub is: Option<String>,
}

/// What is another in `after` than in `before`; nothing where the answer is the same.
pub fn differences(before: &Verdict, after: &Verdict) -> Vec<Difference> {
    let of = |what: &'static str, each: fn(&Verdict) -> Things| between(what, each(before), each(after));
    let mut found = Vec::new();
    found.extend(of("outcome", |verdict| one(outcome(verdict.outcome))));
    found.extend(of("line 1", |verdict| {
        Things::from([(
            String::new(),
            Thing { which: String::new(), shown: verdict.summary.clone(), same_as: masked(&verdict.summary) },
        )])
    }));
    found.extend(of("response", |verdict| one(&verdict.response.as_ref().map_or("none".to_owned(), response))));
    if before.branches.len() > 1 || after.branches.len() > 1 {
        found.extend(of("way", ways));
    }
    found.extend(of("finding", findings));
    found.extend(of("endpoint", |verdict| endpoints(verdict, state)));
    let tls = of("endpoint", |verdict| endpoints(verdict, tls));
    found.extend(tls.into_iter().filter(|difference| difference.was.is_some() && difference.is.is_some()));
    for side in [Side::Source, Side::Destination] {
        found.extend(rows(side, before, after));
    }
    found.extend(of("condition", conditions));
    found.dedup();
    found
}

/// The differences as a block of text, headed by when the answer was another.
pub fn report(differences: &[Difference], heading: &str, theme: &Theme, width: usize) -> String {
    let mut lines = vec![Line::of(Role::Heading, heading)];
    for difference in differences {
        let Difference { what, which, was, is } = difference;
        let label = || Line::indented(2).with(Role::Plain, what).with(Role::Plain, " ").filled_to(COLUMN);
        let row = |role, text: &str| hanging(label(), role, &theme.shortened(text), NARROW, width);
        let which = if which.is_empty() { String::new() } else { format!("{which}: ") };
        let arrow = theme.arrow();
        match (was, is) {
            (Some(was), Some(is)) if *what == "line 1" => {
                lines.extend(row(Role::Plain, was));
                let label = Line::indented((COLUMN - 1).saturating_sub(arrow.chars().count())).with(Role::Plain, arrow);
                lines.extend(hanging(label.filled_to(COLUMN), Role::Plain, &theme.shortened(is), NARROW, width));
            }
            (Some(was), Some(is)) => lines.extend(row(Role::Plain, &format!("{which}{was} {arrow} {is}"))),
            (None, Some(_)) if *what == "finding" => lines.extend(row(Role::Plain, &format!("{which}new"))),
            (None, Some(is)) => lines.extend(row(Role::Plain, &format!("{which}new, {is}"))),
            (Some(_), None) if *what == "finding" => lines.extend(row(Role::Plain, &format!("{which}gone"))),
            (Some(was), None) => lines.extend(row(Role::Plain, &format!("{which}gone, was {was}"))),
            (None, None) => {}
        }
    }
    lines.iter().map(|line| line.paint(theme) + "\n").collect()
}

/// What is compared, by what makes it the same thing.
type Things = BTreeMap<String, Thing>;

/// One of them.
struct Thing {
    /// What it is called.
    which: String,
    /// How it is, as it is shown.
    shown: String,
    /// How it is, as it is compared.
    same_as: String,
}

impl Thing {
    fn of(which: String, shown: String) -> Self {
        Self { which, same_as: shown.clone(), shown }
    }
}

fn one(shown: &str) -> Things {
    Things::from([(String::new(), Thing::of(String::new(), shown.to_owned()))])
}

/// What differs between two lots: what changed in its place first, then what is new, then what is gone.
fn between(what: &'static str, before: Things, mut after: Things) -> Vec<Difference> {
    let (mut changed, mut gone) = (Vec::new(), Vec::new());
    for (key, was) in before {
        match after.remove(&key) {
            Some(is) if is.same_as == was.same_as => {}
            Some(is) => changed.push(Difference { what, which: is.which, was: Some(was.shown), is: Some(is.shown) }),
            None => gone.push(Difference { what, which: was.which, was: Some(was.shown), is: None }),
        }
    }
    let new = after.into_values().map(|is| Difference { what, which: is.which, was: None, is: Some(is.shown) });
    changed.extend(new);
    changed.extend(gone);
    changed
}

fn response(response: &Response) -> String {
    let details = if response.details.is_empty() { String::new() } else { format!(" {}", response.details) };
    response.short() + &details
}

/// The ways, by what sends requests there.
fn ways(verdict: &Verdict) -> Things {
    let mut things = Things::new();
    for branch in &verdict.branches {
        let which = by(branch);
        let ends = branch.response.as_ref().filter(|_| branch.outcome != Outcome::Reaches);
        let ends = ends.map(|response| format!(" ({})", response.short())).unwrap_or_default();
        let shown = format!("{} {}{ends}", percent(branch.share), outcome(branch.outcome));
        let clusters = branch.decision.iter().flat_map(|decision| &decision.clusters);
        let same_as = clusters.fold(shown.clone(), |text, cluster| format!("{text} {}", cluster.name));
        let number = things.keys().filter(|key| key.starts_with(&which)).count();
        things.insert(format!("{which}\n{number}"), Thing { which, shown, same_as });
    }
    things
}

fn by(branch: &Branch) -> String {
    let asked = branch.guards.iter().filter_map(|guard| match guard {
        Guard::Asked(kinds) => Some(kinds.iter().map(|kind| kind.predicate.as_str()).collect::<Vec<_>>().join(" or ")),
        Guard::Drawn { .. } | Guard::Address(_) | Guard::Pod(..) | Guard::Provided { .. } | Guard::Repaired { .. } => {
            None
        }
    });
    let words = asked.chain([branch.by()]).filter(|words| !words.is_empty()).collect::<Vec<_>>();
    if words.is_empty() { "all requests".to_owned() } else { words.join(", ") }
}

/// The findings, by what they say of which object.
fn findings(verdict: &Verdict) -> Things {
    let thing = |finding: &Finding| {
        let objects = finding.objects.first().map(object).unwrap_or_default();
        let certainty = match finding.certainty {
            Certainty::Certain => "certain",
            Certainty::Likely => "likely",
        };
        let which = format!("{}: {}", finding.id, finding.title);
        (format!("{} {objects} {}", finding.id, masked(&finding.title)), Thing::of(which, certainty.to_owned()))
    };
    verdict.findings.iter().map(thing).collect()
}

/// The endpoints of every cluster that a request can go to, A's and those of B's proxies.
fn endpoints(verdict: &Verdict, of: fn(&Endpoint) -> String) -> Things {
    let mut things = Things::new();
    let branches = verdict.branches.iter().filter_map(|branch| branch.decision.as_ref());
    for decision in verdict.decision.iter().chain(branches) {
        add_endpoints(&mut things, "", decision, of);
    }
    things
}

fn add_endpoints(things: &mut Things, pod: &str, decision: &Decision, of: fn(&Endpoint) -> String) {
    for cluster in &decision.clusters {
        for endpoint in &cluster.endpoints {
            let key = format!("{pod}\n{}\n{}\n{}", cluster.name, endpoint.priority, endpoint.address);
            let which =
                if pod.is_empty() { endpoint.address.clone() } else { format!("{} of pod {pod}", endpoint.address) };
            things.insert(key, Thing::of(which, of(endpoint)));
        }
    }
    for destination in &decision.destinations {
        add_endpoints(things, &destination.pod, &destination.decision, of);
    }
}

fn state(endpoint: &Endpoint) -> String {
    let mut words: Vec<String> = endpoint.health.iter().map(|flag| health(flag)).collect();
    match (words.is_empty(), endpoint.eligible) {
        (true, true) => words.push("healthy".to_owned()),
        (true, false) => words.push("healthy, not used".to_owned()),
        (false, true) => words.push("used all the same".to_owned()),
        (false, false) => {}
    }
    words.join(", ")
}

/// How the proxy speaks to it.
fn tls(endpoint: &Endpoint) -> String {
    match endpoint.tls {
        Some("plaintext") => "plaintext".to_owned(),
        Some(tls) => format!("{tls} TLS"),
        None => "TLS not known".to_owned(),
    }
}

/// The rows of one side. That of the request names which of A's pods was asked.
fn rows(side: Side, before: &Verdict, after: &Verdict) -> Vec<Difference> {
    let mut stages: Vec<Stage> = Vec::new();
    for step in before.steps.iter().chain(&after.steps).filter(|step| step.side == side) {
        if step.stage != Stage::Request && !stages.contains(&step.stage) {
            stages.push(step.stage);
        }
    }
    stages.sort_unstable();
    let of = |verdict: &Verdict, stage: Stage| -> Things {
        let steps = verdict.steps.iter().filter(|step| step.side == side && step.stage == stage);
        steps.enumerate().map(|(place, step)| (place.to_string(), row(step))).collect()
    };
    let difference = |stage: Stage| between(stage.word(), of(before, stage), of(after, stage));
    stages.into_iter().flat_map(difference).collect()
}

fn row(step: &Step) -> Thing {
    let state = match step.mark {
        Mark::Passed => "passed",
        Mark::Warned => "passed, with a warning",
        Mark::Stopped => "stopped",
        Mark::NotReached => "not reached",
        Mark::Unknown => "could not be told",
    };
    let subject = match step.stage {
        Stage::Listener | Stage::FilterChain | Stage::Route | Stage::Cluster => step.subject.clone(),
        // Endpoints are compared one by one.
        Stage::Endpoints => String::new(),
        Stage::Request | Stage::Capture | Stage::HttpFilters => masked(&step.subject),
    };
    let which = match step.side {
        Side::Source => String::new(),
        Side::Destination => "at B".to_owned(),
    };
    let shown = match (&*subject, step.stage) {
        ("", _) => state.to_owned(),
        (_, Stage::Listener | Stage::FilterChain | Stage::Route | Stage::Cluster) => format!("{state}, {subject}"),
        _ => format!("{state}, {}", step.subject),
    };
    Thing { which, shown, same_as: format!("{state} {subject}") }
}

/// What the answer rests on, and is open.
fn conditions(verdict: &Verdict) -> Things {
    let thing = |condition: &crate::verdict::Condition| {
        let which = condition.subject.clone();
        let key = format!("{:?} {:?} {}", condition.side, condition.stage, masked(&condition.subject));
        (key, Thing { which, shown: condition.why.clone(), same_as: format!("{:?}", condition.powers) })
    };
    verdict.conditions.iter().map(thing).collect()
}

/// Text without its figures: counters and times move without the answer being another one. Where a figure is more than
/// that, it is also that of an endpoint, a cluster, a share or a response, which are compared as they are.
fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii_digit() {
            masked.push(c);
        } else if !masked.ends_with('#') {
            masked.push('#');
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Behind, Cluster, ClusterChoice, Command, Request};

    fn endpoint(address: &str, health: &[&str]) -> Endpoint {
        let health: Vec<String> = health.iter().map(|flag| (*flag).to_owned()).collect();
        Endpoint { address: address.to_owned(), priority: 0, eligible: health.is_empty(), health, tls: None }
    }

    fn step(stage: Stage, mark: Mark, subject: &str) -> Step {
        let (subject, note) = (subject.to_owned(), String::new());
        Step { side: Side::Source, stage, mark, subject, note, evidence: Vec::new() }
    }

    fn finding(id: &'static str, title: &str) -> Finding {
        Finding {
            id,
            certainty: Certainty::Certain,
            stage: Stage::Endpoints,
            title: title.to_owned(),
            why: String::new(),
            objects: Vec::new(),
            fix: Vec::new(),
            next: Command::default(),
            codes: &[],
            evidence: Vec::new(),
        }
    }

    fn verdict(outcome: Outcome, summary: &str, endpoints: Vec<Endpoint>) -> Verdict {
        let cluster = ClusterChoice { name: "c".to_owned(), share: 1.0, outcome, response: None, endpoints };
        let (guards, share, response, steps, findings) = (Vec::new(), 1.0, None, Vec::new(), Vec::new());
        let branch = Branch { guards, share, outcome, response, decision: None, steps, findings };
        Verdict {
            outcome,
            summary: summary.to_owned(),
            response: None,
            request: Request::default(),
            decision: Some(Decision { clusters: vec![cluster], ..Decision::default() }),
            conditions: Vec::new(),
            branches: vec![branch],
            steps: Vec::new(),
            findings: Vec::new(),
            behind: Behind::default(),
            unchecked: Vec::new(),
            log: None,
            time: String::new(),
            cluster: Cluster::default(),
            proxies: Vec::new(),
        }
    }

    fn text(before: &Verdict, after: &Verdict) -> String {
        report(&differences(before, after), "changed", &Theme::default(), 60)
    }

    #[test]
    fn what_moves_without_a_reason_does_not_count() {
        let before =
            verdict(Outcome::Fails, "b:80: 8 of 8 connections failed (503 UF)", vec![endpoint("10.0.0.1:80", &[])]);
        let mut after = Verdict {
            summary: "b:80: 12 of 12 connections failed (503 UF)".to_owned(),
            time: "2026-11-30T03:12:07Z".to_owned(),
            unchecked: vec!["B's proxy".to_owned()],
            steps: vec![step(Stage::Request, Mark::Passed, "GET / from pod a-2")],
            ..before.clone()
        };
        assert_eq!(differences(&before, &after), []);
        after.findings = vec![finding("f", "8 of 8 failed")];
        let later = Verdict { findings: vec![finding("f", "9 of 9 failed")], ..after.clone() };
        assert_eq!(differences(&after, &later), []);
        assert_eq!(differences(&before, &before), []);
    }

    #[test]
    fn what_changed_is_said_in_words() {
        let mut before = verdict(
            Outcome::Fails,
            "b:80: all endpoints are ejected (503 UH)",
            vec![endpoint("10.0.0.1:80", &["failed_outlier_check"]), endpoint("10.0.0.2:80", &[])],
        );
        before.findings = vec![finding("all-endpoints-ejected", "all endpoints are ejected")];
        before.steps =
            vec![step(Stage::Cluster, Mark::Passed, "c"), step(Stage::Endpoints, Mark::Stopped, "none of 2")];
        let flags = vec!["UH"];
        let details = "no_healthy_upstream".to_owned();
        let from = crate::verdict::Answerer::SourceProxy;
        before.response = Some(Response { status: 503, grpc_status: None, flags, details, from });
        let mut after = verdict(
            Outcome::Reaches,
            "b:80: both endpoints can take the request",
            vec![endpoint("10.0.0.1:80", &[]), endpoint("10.0.0.3:80", &[])],
        );
        after.steps = vec![step(Stage::Cluster, Mark::Passed, "c"), step(Stage::Endpoints, Mark::Passed, "both")];
        let expected = "\
changed
  outcome    fails → reaches
  line 1     b:80: all endpoints are ejected (503 UH)
           → b:80: both endpoints can take the request
  response   503 UH no_healthy_upstream → none
  finding    all-endpoints-ejected: all endpoints are
             ejected: gone
  endpoint   10.0.0.1:80: ejected (failed_outlier_check) →
             healthy
  endpoint   10.0.0.3:80: new, healthy
  endpoint   10.0.0.2:80: gone, was healthy
  endpoints  stopped → passed
";
        assert_eq!(text(&before, &after), expected);
    }

    #[test]
    fn tls_of_an_endpoint_is_told_where_it_changes() {
        let of = |tls| {
            let endpoint = Endpoint { tls: Some(tls), ..endpoint("a:1", &[]) };
            verdict(Outcome::Reaches, "b:80", vec![endpoint])
        };
        assert_eq!(text(&of("mutual"), &of("plaintext")), "changed\n  endpoint   a:1: mutual TLS → plaintext\n");
        let none = verdict(Outcome::Reaches, "b:80", Vec::new());
        assert_eq!(text(&of("mutual"), &none), "changed\n  endpoint   a:1: gone, was healthy\n");
    }

    #[test]
    fn an_endpoint_alone_is_a_change() {
        let of =
            |health: &[&str]| verdict(Outcome::Reaches, "b:80", vec![endpoint("a:1", &[]), endpoint("b:1", health)]);
        let found = differences(&of(&["pending_active_hc"]), &of(&[]));
        let (was, is) = (Some("not health-checked yet (pending_active_hc)".to_owned()), Some("healthy".to_owned()));
        assert_eq!(found, [Difference { what: "endpoint", which: "b:1".to_owned(), was, is }]);
    }

    #[test]
    fn names_with_figures_are_names() {
        let of = |cluster: &str| {
            let mut verdict = verdict(Outcome::Reaches, "b:80", Vec::new());
            verdict.steps = vec![step(Stage::Cluster, Mark::Passed, cluster)];
            verdict
        };
        assert_eq!(text(&of("v1"), &of("v2")), "changed\n  cluster    passed, v1 → passed, v2\n");
    }
}
