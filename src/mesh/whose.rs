//! Whose proxy was read: the names that its pod, its workload and its services go by.

use std::collections::BTreeSet;

use crate::snapshot::{Kind, Lookup, Node, Origin, Snapshot};

use super::meshes::node_id;

/// What is known of the one that a proxy belongs to.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Owner {
    /// Its pod, where that is known: namespace and name.
    pod: Option<(String, String)>,
    /// Its namespace, where that is known.
    namespace: Option<String>,
    /// Its names, each with the kind of what it names, where that is known.
    names: BTreeSet<(Option<Kind>, String)>,
}

/// Whether somebody's proxy was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Belongs {
    /// It is theirs.
    Yes,
    /// It is another's: `pod shop/order-service-x`.
    No(String),
    /// Nothing that was read tells.
    Unknown,
}

/// Labels that name a workload.
const LABELS: &[&str] =
    &["app", "app.kubernetes.io/name", "app.kubernetes.io/instance", "service.istio.io/canonical-name", "k8s-app"];

/// The characters of the hashes in pods' names (`k8s.io/apimachinery/pkg/util/rand`).
const OF_HASHES: &str = "bcdfghjklmnpqrstvwxz2456789";

impl Owner {
    /// Of A's proxy.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut owner = Self::default();
        if let Some(pod) = &snapshot.source {
            owner.take_pod(&pod.namespace, &pod.name);
        }
        if let Lookup::Found(info) = snapshot.server_info(Origin::Source(0)) {
            owner.take_node(&info);
        }
        if let Some((namespace, name)) = owner.pod.clone()
            && let Lookup::Found(pod) = snapshot.object(Kind::Pod, &namespace, &name)
        {
            owner.take_object(snapshot, &pod, &namespace);
        }
        owner
    }

    /// Whether A is the owner: `readings` are the names that A may be meant by, each with its namespace, which is
    /// `None` where none was given.
    pub fn is(&self, kind: Option<Kind>, readings: &[(&str, Option<&str>)]) -> Belongs {
        // Of a name whose kind is not known it may be any, but for a pod: those are known.
        let is_kind = |of: Option<Kind>| kind.is_none() || of == kind || (of.is_none() && kind != Some(Kind::Pod));
        let fits = |(name, namespace): &(&str, Option<&str>)| {
            let own = self.namespace.as_deref();
            let is_here = namespace.is_none() || own.is_none() || *namespace == own;
            is_here && self.names.iter().any(|(of, known)| known == name && is_kind(*of))
        };
        match &self.pod {
            _ if readings.iter().any(fits) => Belongs::Yes,
            Some((namespace, name)) => Belongs::No(format!("pod {namespace}/{name}")),
            None => Belongs::Unknown,
        }
    }

    fn take_pod(&mut self, namespace: &str, name: &str) {
        self.pod = Some((namespace.to_owned(), name.to_owned()));
        self.namespace = Some(namespace.to_owned());
        self.names.insert((Some(Kind::Pod), name.to_owned()));
        self.names.extend(workloads(name).map(|name| (None, name.to_owned())));
    }

    /// The node that the proxy calls itself: Istio's tell the pod, others a name or two.
    fn take_node(&mut self, info: &Node) {
        let id = info.text("node.id").unwrap_or_default();
        if let Some(node) = node_id(&id).filter(|node| !node.pod.is_empty() && self.pod.is_none()) {
            self.take_pod(&node.namespace, &node.pod);
        }
        let cluster = info.text("node.cluster").unwrap_or_default();
        for word in [id, cluster].iter().flat_map(|text| text.split(['~', '.', '/', ':', '@', '|'])) {
            let bare = word.strip_suffix("-sidecar-proxy").unwrap_or(word);
            let names = [word, bare].into_iter().chain(workloads(bare)).filter(|name| !name.is_empty());
            self.names.extend(names.map(|name| (None, name.to_owned())));
        }
        for field in ["WORKLOAD_NAME", "NAME"] {
            self.names.extend(info.at("node.metadata").and_then(|m| m.text(field)).map(|name| (None, name)));
        }
    }

    /// The pod's labels, what made it, and the services that select it.
    fn take_object(&mut self, snapshot: &Snapshot, pod: &Node, namespace: &str) {
        let labels = pod.labels("metadata.labels");
        let named = labels.iter().filter(|(key, _)| LABELS.contains(&key.as_str()));
        self.names.extend(named.map(|(_, value)| (None, value.clone())));
        let mut owners = pod.list("metadata.ownerReferences");
        let replica_set = owners.iter().find(|owner| owner.text("kind").as_deref() == Some("ReplicaSet"));
        let replica_set = replica_set.and_then(|owner| owner.text("name"));
        if let Some(name) = replica_set
            && let Lookup::Found(set) = snapshot.object(Kind::ReplicaSet, namespace, &name)
        {
            owners.extend(set.list("metadata.ownerReferences"));
        }
        self.names.extend(owners.iter().filter_map(|owner| Some((None, owner.text("name")?))));
        let services = snapshot.known(Kind::Service, namespace);
        let selects = |service: &&Node| {
            let wanted = service.labels("spec.selector");
            !wanted.is_empty() && wanted.iter().all(|pair| labels.contains(pair))
        };
        let names = services.iter().filter(selects).filter_map(|service| service.text("metadata.name"));
        self.names.extend(names.map(|name| (Some(Kind::Service), name)));
    }
}

/// What a pod's name says of what made it: `orders` of `orders-7d9f8b6c5d-x2x9k`, `orders-0` and `orders-x2x9k`.
fn workloads(pod: &str) -> impl Iterator<Item = &str> {
    let is_hash = |text: &str, sizes: std::ops::RangeInclusive<usize>| {
        sizes.contains(&text.len()) && text.chars().all(|c| OF_HASHES.contains(c) || c.is_ascii_digit())
    };
    let by_one = pod
        .rsplit_once('-')
        .filter(|(_, last)| is_hash(last, 5..=5) || (!last.is_empty() && last.chars().all(|c| c.is_ascii_digit())));
    let by_two = by_one.and_then(|(rest, _)| rest.rsplit_once('-')).filter(|(_, hash)| is_hash(hash, 6..=10));
    by_one.into_iter().chain(by_two).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pods_name_tells_its_workload() {
        let of = |pod| workloads(pod).collect::<Vec<_>>();
        assert_eq!(of("order-service-69f68487c7-c2bsd"), ["order-service-69f68487c7", "order-service"]);
        assert_eq!(of("db-0"), ["db"]);
        assert!(of("order-service").is_empty());
    }

    #[test]
    fn a_name_counts_in_its_namespace_and_as_its_kind() {
        let mut owner = Owner::default();
        assert_eq!(owner.is(None, &[("a", None)]), Belongs::Unknown);
        owner.take_pod("shop", "a-69f68487c7-c2bsd");
        owner.names.insert((Some(Kind::Service), "front".to_owned()));
        let other = Belongs::No("pod shop/a-69f68487c7-c2bsd".to_owned());
        assert_eq!(owner.is(None, &[("a", Some("shop"))]), Belongs::Yes);
        assert_eq!(owner.is(Some(Kind::Deployment), &[("a", None)]), Belongs::Yes);
        assert_eq!(owner.is(Some(Kind::Service), &[("front", None)]), Belongs::Yes);
        assert_eq!(owner.is(Some(Kind::Deployment), &[("front", None)]), other);
        assert_eq!(owner.is(Some(Kind::Pod), &[("a", None)]), other);
        assert_eq!(owner.is(None, &[("a", Some("billing"))]), other);
        assert_eq!(owner.is(None, &[("banana", None)]), other);
    }
}
