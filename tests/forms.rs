//! One question, typed in several forms, has one answer: by the names that DNS has for a Service, in capitals, as a URL or
//! with flags.

mod common;

use std::fmt::Write as _;

use common::{answer, none, scenarios, snapshot};
use mesh_why::snapshot::AskRecord;
use mesh_why::verdict::Verdict;

/// What is held equal of two answers: all but how the question is called in them.
fn told(verdict: &Verdict) -> String {
    let mut text = format!("{:?} {:?}", verdict.outcome, verdict.response);
    for finding in &verdict.findings {
        let _ = write!(text, " {}", finding.id);
    }
    for cluster in verdict.decision.iter().flat_map(|decision| &decision.clusters) {
        let _ = write!(text, " {:?} {:?}", cluster.name, cluster.outcome);
    }
    text
}

/// The destination in other forms: the names that lead to the same Service from A's namespace.
fn names(to: &str, namespace: &str, is_service: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let Some((host, port)) = to.rsplit_once(':').filter(|(host, _)| !host.contains([':', '[']) && !host.is_empty())
    else {
        return Vec::new();
    };
    let mut forms = vec![format!("{}:{port}", host.to_ascii_uppercase())];
    let (name, of) = host.split_once('.').unwrap_or((host, namespace));
    if is_service(of, name) {
        forms.extend([".svc", ".svc.cluster.local"].map(|end| format!("{name}.{of}{end}:{port}")));
        forms.push(format!("svc/{name}.{of}:{port}"));
    }
    forms
}

#[test]
fn forms_of_a_question_have_one_answer() {
    let mut complaints = Vec::new();
    let mut asked = 0;
    for scenario in scenarios() {
        let saved = scenario.case.ask.clone();
        if saved.to.contains("://") {
            continue;
        }
        let files = snapshot(scenario.files());
        let namespace = files.source.as_ref().map(|pod| pod.namespace.clone()).unwrap_or_default();
        let is_service = |of: &str, name: &str| {
            matches!(files.object(mesh_why::snapshot::Kind::Service, of, name), mesh_why::snapshot::Lookup::Found(_))
        };
        let open = AskRecord { path: None, method: None, headers: Vec::new(), ..saved.clone() };
        let mut pairs: Vec<(AskRecord, AskRecord)> = Vec::new();
        // The Host header is what is typed, so that it has to be the same in both.
        let host = saved.host.clone().unwrap_or_else(|| saved.to.clone());
        for to in names(&saved.to, &namespace, is_service) {
            let fixed = AskRecord { host: Some(host.clone()), ..saved.clone() };
            pairs.push((fixed.clone(), AskRecord { to, ..fixed }));
        }
        let path = Some("/items?page=2".to_owned());
        if saved.protocol.is_none() && !saved.tls {
            let url = AskRecord { to: format!("http://{}/items?page=2", saved.to), ..open.clone() };
            pairs.push((AskRecord { path: path.clone(), ..open.clone() }, url));
        }
        let of_header = AskRecord { headers: vec!["Host: shop.example.com".to_owned()], path, ..open };
        let of_flag = AskRecord { headers: Vec::new(), host: Some("shop.example.com".to_owned()), ..of_header.clone() };
        if saved.host.is_none() {
            pairs.push((of_flag, of_header));
        }
        for (one, other) in pairs {
            asked += 1;
            let answers = [&one, &other].map(|ask| told(&answer(ask, &mut snapshot(scenario.files()))));
            if answers[0] != answers[1] {
                complaints.push(format!("{}: {one:?}\n  {}\n  {other:?}\n  {}", scenario.name, answers[0], answers[1]));
            }
        }
    }
    assert!(asked > 500, "{asked} pairs");
    none(&complaints);
}
