//! The proxy has not taken what istiod sent it.
//!
//! A proxy acknowledges each update of its configuration, and istiod keeps which one. Here the last one is not
//! acknowledged: the proxy goes by an older configuration than istiod has, so that what changed since has no effect.
//!
//! How it comes about: The proxy refused the update (a NACK): mostly a patch of an `EnvoyFilter` that its Envoy does not
//! take. Or nothing came back: Istio's agent or Envoy hangs, or has too little CPU or memory to go on.
//!
//! How to confirm it: `istioctl proxy-status POD` says STALE or ERROR of the type. The container istio-proxy's log says
//! what Envoy refused, and `kubectl top pod POD --containers` what it uses.
//!
//! How to fix it: Refused: correct what the reason names; istiod then sends the update again. Nothing came back: give the
//! container istio-proxy more CPU and memory, or restart the pod, which then gets the configuration anew.

use crate::diagnose::{
    Case, Found, Proved, ProxyOf, advice, certain, mends, open_updates, proxy_logs, ref_of, shortened, show,
};
use crate::mesh::istio::control_plane::Sent;
use crate::snapshot::{Evidence, Kind, Node};
use crate::verdict::{ObjectRef, Op};

pub(crate) const YIELDS_TO: &[&str] = &["control-plane-lost", "listener-rejected", "update-rejected"];

/// So many objects are blamed of those that patch what was refused.
const MOST_BLAMED: usize = 3;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let (proxy, open) = open_updates(case)?;
    let step = case.last_step()?;
    let refused: Vec<&Sent> = open.iter().filter(|sent| sent.refused.is_some()).collect();
    let of = match refused.first().and_then(|sent| Some((*sent, sent.refused.as_ref()?))) {
        Some((sent, reason)) => of_refusal(case, &proxy, sent, reason),
        None => of_silence(case, &proxy, &open),
    };
    let told: Vec<Evidence> = match refused.first() {
        Some(sent) => sent.evidence(),
        None => open.iter().flat_map(Sent::evidence).collect(),
    };
    Some(Found { stage: step.stage, evidence: step.evidence.into_iter().chain(told).collect(), ..of })
}

/// The proxy said no.
fn of_refusal(case: &Case, proxy: &ProxyOf, sent: &Sent, reason: &Node) -> Found {
    let patches = |filter: &Node| {
        let patches = filter.list("spec.configPatches");
        patches.iter().filter_map(|patch| patch.text("applyTo")).any(|to| sent.of.is_patched_by(&to))
    };
    let filters = case.objects_for_proxy_of(proxy.side, Kind::EnvoyFilter).into_iter().filter(patches);
    let filters: Vec<ObjectRef> =
        filters.map(|filter| ref_of(Kind::EnvoyFilter, &filter, "spec.configPatches")).take(MOST_BLAMED).collect();
    // That very thing was refused whose lack ends the way.
    let missing = case.cluster().filter(|_| case.lacks_cluster()).map(|cluster| cluster.name.as_str());
    let names_it = missing.is_some_and(|name| reason.value().as_str().is_some_and(|text| text.contains(name)));
    Found {
        certainty: certain(if names_it { Proved::Yes } else { Proved::No }),
        stage: crate::verdict::Stage::Cluster,
        title: format!("{} refused istiod's {}", proxy.whose(), sent.of.word()),
        why: format!(
            "istiod sent {} to {}, and Envoy refused them: {}. It goes on with those that it had. {}.",
            sent.of.word(),
            proxy.named(),
            shortened(reason),
            case.answers()
        ),
        next: filters.first().map(show).or_else(|| proxy.pod.as_ref().map(proxy_logs)).unwrap_or_default(),
        fix: mends(&filters),
        objects: filters.into_iter().chain(proxy.pod.clone()).collect(),
        codes: &[],
        evidence: Vec::new(),
    }
}

/// The proxy said nothing.
fn of_silence(case: &Case, proxy: &ProxyOf, open: &[Sent]) -> Found {
    let words: Vec<&str> = open.iter().map(|sent| sent.of.word()).collect();
    let words = words.join(" and ");
    let (sent, taken) = open.first().map(Sent::versions).unwrap_or_default();
    let goes_by = taken.map_or_else(|| "it has none".to_owned(), |taken| format!("it still goes by those of {taken}"));
    Found {
        certainty: certain(Proved::No),
        stage: crate::verdict::Stage::Cluster,
        title: format!("{} has not taken istiod's update", proxy.whose()),
        why: format!(
            "istiod sent {words} of {sent} to {}, which has not acknowledged them: {goes_by}. What changed since has no effect. {}.",
            proxy.named(),
            case.answers()
        ),
        next: proxy.pod.as_ref().map(proxy_logs).unwrap_or_default(),
        fix: vec![
            advice(
                Op::Replace,
                "let the proxy take its updates: CPU and memory of the container istio-proxy, and its log",
            ),
            advice(Op::Replace, "restart the pod: its proxy then gets all of the configuration anew"),
        ],
        objects: proxy.pod.clone().into_iter().collect(),
        codes: &[],
        evidence: Vec::new(),
    }
}
