//! Health checks that the proxy answers itself (`source/extensions/filters/http/health_check/health_check.cc`).

use crate::envoy::health::{Class, Host};
use crate::envoy::matcher::Match;
use crate::envoy::pb::envoy::extensions::filters::http::health_check::v3::HealthCheck;
use crate::verdict::Power;
use crate::walk::way::apart::{Asking, Entry};
use crate::walk::way::stop::Stop;
use crate::walk::way::unfit::Unfit;
use crate::walk::way::walker::{Gap, Got, Walker};

use super::ask::{Answer, Applied, Ask, Effect};

const HEALTH_CHECK: &str = "envoy.extensions.filters.http.health_check.v3.HealthCheck";

/// The requests that are health checks.
pub(super) fn lists(applied: &Applied) -> Result<Vec<Asking>, String> {
    let check: HealthCheck = applied.any.unpack()?;
    let entry = Entry::of_headers(&check.headers);
    let passes = passes(&check) || Walker::unmodeled(&applied.node, HEALTH_CHECK, &[]).is_some();
    Ok(vec![vec![if passes { entry } else { entry.ending() }].into()])
}

pub(super) fn effects(ask: &Ask, applied: &Applied) -> Vec<Effect> {
    let check: HealthCheck = match applied.any.unpack() {
        Ok(check) => check,
        Err(why) => return vec![Effect::Unknown(format!("HTTP filter {}: {why}", ask.filter.name))],
    };
    match check.headers.iter().fold(Match::Yes, |all, h| all.and(ask.header(h))) {
        Match::No | Match::Share(_) => return Vec::new(),
        Match::Unknown(why) => return vec![Effect::Unknown(format!("whether it is a health check: {why}"))],
        Match::Yes => {}
    }
    if let Some(what) = Walker::unmodeled(&applied.node, HEALTH_CHECK, &[]) {
        return vec![Effect::Unknown(what)];
    }
    ask.walker.unchecked("whether the proxy was told to fail its health checks".to_owned());
    if passes(&check) {
        // Envoy takes a cache only beside pass-through mode.
        let why = "whether it answers what B answered the last health check (`cache_time`)";
        return check.cache_time.iter().map(|_| Effect::Open(vec![Power::Answer], why.to_owned())).collect();
    }
    let (stop, note) = match health(ask, &check) {
        Ok(None) => (Stop::HealthCheck(check_details(&check)), "answers the health check itself".to_owned()),
        Ok(Some((details, note))) => (Stop::Unfit(Unfit::HealthCheckFails(details)), note),
        Err(why) => return vec![Effect::Unknown(why)],
    };
    vec![Answer::to_all(stop, "health check filter", note, applied.node.clone())]
}

fn passes(check: &HealthCheck) -> bool {
    check.pass_through_mode.as_ref().is_none_or(|b| b.value)
}

/// What is logged of a health check that goes well.
fn check_details(check: &HealthCheck) -> &'static str {
    if check.cluster_min_healthy_percentages.is_empty() { "health_check_ok" } else { "health_check_ok_cluster_healthy" }
}

/// What is logged of a check that fails, and why it does: each cluster has to be there, and to have as many healthy hosts as
/// is asked for (`HealthCheckFilter::onComplete`).
fn health(ask: &Ask, check: &HealthCheck) -> Result<Option<(&'static str, String)>, String> {
    let mut failing: Vec<(&'static str, String)> = Vec::new();
    for (name, least) in &check.cluster_min_healthy_percentages {
        failing.extend(lacking(ask, name, least.value)?);
    }
    // Envoy ends at the first that fails, in an order that nobody knows.
    match &failing[..] {
        [] => Ok(None),
        [(details, _), others @ ..] if others.iter().all(|(other, _)| other == details) => {
            Ok(failing.into_iter().next())
        }
        _ => Err("which cluster's health fails the health check first".to_owned()),
    }
}

/// Why a cluster fails the check.
fn lacking(ask: &Ask, name: &str, least: f64) -> Result<Option<(&'static str, String)>, String> {
    let (snapshot, origin) = (ask.walker.snapshot, ask.walker.origin);
    let unread = |gap: Gap| gap.words(&format!("cluster {name} was not read"));
    let node = match ask.walker.ask(snapshot.cluster(origin, name)) {
        Got::Found(entry) => entry.get("cluster").unwrap_or(entry),
        Got::Absent(_) => {
            return Ok(Some(("health_check_failed_no_cluster_found", format!("there is no cluster {name}"))));
        }
        Got::Gap(gap) => return Err(unread(gap)),
    };
    if node.get("cluster_type").is_some() {
        return Err(format!("which hosts cluster {name} counts"));
    }
    let hosts: Vec<Host> = match ask.walker.ask(snapshot.hosts(origin, name)) {
        Got::Found(status) => {
            let all = status.list("host_statuses").into_iter();
            all.filter_map(|at| Some(Host::of(&at.decode().ok()?))).collect()
        }
        Got::Absent(_) => Vec::new(),
        Got::Gap(gap) => return Err(unread(gap)),
    };
    let healthy = hosts.iter().filter(|host| host.class != Class::Unhealthy && !host.excluded).count();
    let total = hosts.len();
    // Degraded hosts count, and Envoy cuts the percentage to a whole number.
    let wanted = f64::from(u32::try_from(total).unwrap_or(u32::MAX)) * least.trunc();
    Ok(match total {
        0 if least > 0.0 => Some(("health_check_failed_cluster_empty", format!("cluster {name} has no host"))),
        0 => None,
        _ if f64::from(u32::try_from(healthy).unwrap_or(u32::MAX)) * 100.0 < wanted => Some((
            "health_check_failed_cluster_unhealthy",
            format!("{healthy} of {total} hosts of cluster {name} are healthy, and it asks for {least} %"),
        )),
        _ => None,
    })
}
