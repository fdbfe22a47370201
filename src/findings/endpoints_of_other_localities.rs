//! Every endpoint is where A's zone does not go.
//!
//! The endpoint slices are full, and A's cluster is empty: 503 UH.
//!
//! How it comes about: `localityLbSetting.distribute` of a `DestinationRule`, often one for the whole mesh, names
//! where requests of a locality go. Endpoints of a locality that it does not name get nothing, so istiod leaves them
//! out. An endpoint that no pod is behind has no locality at all.
//!
//! How to confirm it: `istioctl proxy-config endpoints POD` has no row for the cluster, while `kubectl get
//! endpointslices` has addresses. Compare the labels `topology.kubernetes.io/zone` of the nodes with `distribute`.
//!
//! How to fix it: Name the other localities in `distribute`, or drop it. `failover` sends requests elsewhere only when
//! the near endpoints fail.

use crate::diagnose::{
    Case, Found, Proved, certain, named, policy_part, ready, ready_pods, ref_of, remove, set, show, slices,
};
use crate::snapshot::{Evidence, Kind};
use crate::verdict::Stage;

pub(crate) fn examine(case: &Case) -> Option<Found> {
    let (_, empty) = case.empty_cluster()?;
    let (rule, at) = case.cluster_object()?;
    let read = case.read(&rule)?;
    let policy = policy_part(&read, &case.cluster_name()?, "loadBalancer")?;
    let distribute = policy.at("localityLbSetting.distribute").filter(|list| list.items().next().is_some())?;
    let service = case.service();
    let slices = service.as_ref().and_then(|service| slices(case, service));
    let proved = if slices.is_some() { Proved::Yes } else { Proved::No };
    let has_endpoints = match (&slices, &service) {
        (Some(slices), _) => !ready(slices).is_empty(),
        (None, Some(service)) => ready_pods(case, service).is_none_or(|pods| !pods.is_empty()),
        (None, None) => true,
    };
    if !has_endpoints {
        return None;
    }
    let object = ref_of(Kind::DestinationRule, &read, &distribute.place());
    let evidence: Vec<Evidence> = vec![empty, at, distribute.evidence()];
    let to = format!("{}[0].to", distribute.place());
    Some(Found {
        certainty: certain(proved),
        stage: Stage::Endpoints,
        title: "a rule leaves out every locality that has endpoints".to_owned(),
        why: format!(
            "{} distributes the requests of a locality among those that it names, and no endpoint of {} is in one of them; an endpoint without a pod has no locality. {}.",
            named(&object),
            case.request().target,
            case.answers()
        ),
        next: show(&object),
        fix: vec![
            remove(
                &object,
                Some(&distribute),
                format!("{}, {}: take it away for this host", named(&object), object.field),
            ),
            set(
                &object,
                distribute.index(0).as_ref(),
                "to",
                None,
                format!("{}, {to}: the locality of the endpoints, too", named(&object)),
            ),
        ],
        objects: vec![object],
        codes: &[],
        evidence,
    })
}
