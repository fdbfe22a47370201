//! An update has come, and the proxy does not use it yet.
//!
//! Envoy warms a cluster or a listener before it uses it: it waits for what belongs to it. Until then a new one is not there
//! for requests (503 NC, or a port that nobody listens on), and of one that is replaced the version before stays in use.
//!
//! How it comes about: A secret that nobody delivers, as the Secret that a Gateway's `credentialName` names is not there, or may
//! not be read; a route configuration
//! or endpoints that never come; a name that does not resolve; a first health check that has no answer.
//!
//! How to confirm it: The dump lists what waits under `dynamic_warming_clusters`, and under `warming_state` of a listener.
//! `/init_dump` of the proxy's admin endpoint names what is not ready.
//!
//! How to fix it: Deliver what it waits for, or take the reference to it out.

use crate::diagnose::{Case, Credential, Found, Proved, advice, certain};
use crate::snapshot::{Node, Origin};
use crate::verdict::{Op, Stage};
use crate::walk::{Stop, Trail};

/// What waits in a proxy.
struct Waiting {
    origin: Origin,
    stage: Stage,
    what: String,
    /// Its element, or what of the element waits.
    at: Node,
    /// The resource.
    config: Node,
}

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let at_b = case.destination().map(|there| there.origin);
    let origin = at_b.unwrap_or(Origin::Source(0));
    let Some(stop) = case.own_stop() else {
        note(case, Origin::Source(0), case.in_source());
        if let Some(origin) = at_b {
            note(case, origin, case.trail());
        }
        return None;
    };
    let absent = (*stop == Stop::NoListener).then(|| format!("0.0.0.0_{}", case.request().port));
    let waiting =
        cluster(case, origin, case.trail()).or_else(|| listener(case, origin, &taken(case.trail()).or(absent)?))?;
    let secret = missing_secret(case, &waiting);
    let for_what = waits_for(case, &waiting, secret.as_deref());
    let credential = secret.and_then(|name| Credential::of(case, &name));
    // Nothing else is the reason where the very thing is not there yet.
    let is_missing = case.lacks_cluster() || *stop == Stop::NoListener;
    let follows = if *stop == Stop::NoListener {
        "For requests it is not there, and the connection is refused.".to_owned()
    } else if is_missing {
        format!("For requests it is not there. {}.", case.answers())
    } else {
        "Until then the version before stays in use, and what changed since has no effect.".to_owned()
    };
    let what = &waiting.what;
    let came = waiting.at.text("last_updated").map_or_else(String::new, |at| format!(" came at {at} and"));
    let waits = for_what.as_ref().map_or_else(|| "something".to_owned(), |(shown, _)| shown.clone());
    let fix = for_what
        .map_or_else(|| "see in /init_dump of the proxy what is not ready, and deliver it".to_owned(), |(_, fix)| fix);
    let found = Found {
        certainty: certain(if is_missing { Proved::Yes } else { Proved::No }),
        stage: waiting.stage,
        title: if is_missing {
            format!("{what} is still warming")
        } else {
            format!("an update of {what} is still warming")
        },
        why: format!("The proxy's {what}{came} is still warming: it waits for {waits}. {follows}"),
        objects: Vec::new(),
        fix: vec![advice(Op::Add, fix)],
        next: crate::verdict::Command::default(),
        codes: &[],
        evidence: vec![waiting.at.get("last_updated").unwrap_or(waiting.at).evidence()],
    };
    Some(match credential {
        Some(credential) if is_missing => of_gateway(credential, found),
        Some(_) | None => found,
    })
}

/// The same, of the Gateway whose certificate is waited for.
fn of_gateway(credential: Credential, found: Found) -> Found {
    let mut evidence = vec![credential.at.evidence()];
    evidence.extend(found.evidence);
    Found {
        title: credential.title(),
        why: format!("{} {}", credential.why(), found.why),
        fix: credential.fix(),
        next: credential.next(),
        objects: vec![credential.object],
        evidence,
        ..found
    }
}

/// A secret that it waits for.
fn missing_secret(case: &Case, waiting: &Waiting) -> Option<String> {
    let fields = &["tls_certificate_sds_secret_configs", "validation_context_sds_secret_config"];
    let secrets = names_below(&waiting.config, fields, "name");
    secrets.into_iter().find(|name| case.lacks_secret(waiting.origin, name))
}

/// Nothing failed: that something newer waits is worth a line.
fn note(case: &Case, origin: Origin, trail: &Trail) {
    let listener = || listener(case, origin, &taken(trail)?);
    if let Some(waiting) = cluster(case, origin, trail).or_else(listener) {
        case.note(format!(
            "what becomes of requests once the newer {} is in use, which is still warming",
            waiting.what
        ));
    }
}

fn cluster(case: &Case, origin: Origin, trail: &Trail) -> Option<Waiting> {
    let name = &trail.cluster.as_ref()?.name;
    let at = case.warming_cluster(origin, name)?;
    let config = at.get("cluster")?;
    Some(Waiting { origin, stage: Stage::Cluster, what: format!("cluster {name}"), at, config })
}

/// The name of the listener that took the connection. Where none did, Istio would name it by its address and port.
fn taken(trail: &Trail) -> Option<String> {
    trail.listener.as_ref()?.text("name")
}

fn listener(case: &Case, origin: Origin, name: &str) -> Option<Waiting> {
    let at = case.listener_entry(origin, name)?.get("warming_state")?;
    let config = at.get("listener")?;
    Some(Waiting { origin, stage: Stage::Listener, what: format!("listener {name}"), at, config })
}

/// What is waited for, and what would end that; `None` where it cannot be told.
fn waits_for(case: &Case, waiting: &Waiting, secret: Option<&str>) -> Option<(String, String)> {
    let config = &waiting.config;
    if let Some(name) = secret {
        return Some((
            format!("secret {name}, which never came"),
            format!("deliver secret {name}: the Secret, and the right to read it"),
        ));
    }
    let routes = names_below(config, &["rds"], "route_config_name");
    if let Some(name) = routes.into_iter().find(|name| case.lacks_route_config(waiting.origin, name)) {
        return Some((
            format!("route configuration {name}"),
            format!("let the control plane send route configuration {name}"),
        ));
    }
    let kind = config.text("type").unwrap_or_default();
    if kind.ends_with("_DNS") {
        return Some(("its hosts' names to resolve".to_owned(), "names that the proxy's DNS resolves".to_owned()));
    }
    if !config.list("health_checks").is_empty() {
        let fix = "an endpoint that answers the health check";
        return Some(("the first health check of its hosts".to_owned(), fix.to_owned()));
    }
    (kind == "EDS").then(|| ("its endpoints".to_owned(), "let the control plane send its endpoints".to_owned()))
}

/// The texts under `key` of what lies under one of `fields`, however deep, each once.
fn names_below(node: &Node, fields: &[&str], key: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut left = vec![node.clone()];
    while let Some(node) = left.pop() {
        for (field, inner) in node.members() {
            if fields.contains(&field.as_str()) {
                names.extend(inner.items().chain([inner.clone()]).filter_map(|one| one.text(key)));
            }
            left.push(inner);
        }
        left.extend(node.items());
    }
    names.sort();
    names.dedup();
    names
}
