//! What is to change, as data: the object, the field, what the field holds, and what it should hold.
//!
//! Where the object was read, the field is one that the object has, and what it holds comes from there. Where the object
//! was not read, the field is the one that the reference names.

use serde_json::{Value, json};

use super::{named, object_ref, port_entry, ref_of};
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, ObjectRef, Op, Request};

/// A change of something else than an object, or of an object that is not known.
pub(crate) fn advice(op: Op, text: impl Into<String>) -> Fix {
    Fix { object: None, op, now: None, want: None, text: text.into() }
}

/// What lies at `at` should be something else: `want`, where that is known.
pub(crate) fn replace(object: &ObjectRef, at: Option<&Node>, want: Option<Value>, text: String) -> Fix {
    Fix { want, ..change(object, Op::Replace, at, text) }
}

/// The object should not be there.
pub(crate) fn delete(object: &ObjectRef, text: String) -> Fix {
    remove(&in_field(object, ""), None, text)
}

/// What lies at `at` should not be there.
pub(crate) fn remove(object: &ObjectRef, at: Option<&Node>, text: String) -> Fix {
    change(object, Op::Remove, at, text)
}

/// The member at the end of a dotted path below `from` should be `want`, whether it is there or not.
pub(crate) fn set(object: &ObjectRef, from: Option<&Node>, path: &str, want: Option<Value>, text: String) -> Fix {
    match from.map(|from| (from, from.at(path))) {
        None => replace(object, None, want, text),
        Some((_, Some(at))) => replace(object, Some(&at), want, text),
        Some((from, None)) => add(object, from, path, want, text),
    }
}

/// The list at the end of a dotted path below `from` should have one more item.
pub(crate) fn add_item(object: &ObjectRef, from: Option<&Node>, path: &str, item: Option<Value>, text: String) -> Fix {
    match from.map(|from| (from, from.at(path))) {
        None => Fix { want: item, ..change(object, Op::Add, None, text) },
        Some((_, Some(list))) => Fix { want: item, ..change(object, Op::Add, Some(&list), text) },
        Some((from, None)) => add(object, from, path, item.map(|item| json!([item])), text),
    }
}

/// A list should have one more item.
pub(crate) fn add_to(object: &ObjectRef, list: &Node, item: Value, text: String) -> Fix {
    Fix { want: Some(item), ..change(object, Op::Add, Some(list), text) }
}

/// There should be such an object. Its name is empty where it can have any.
pub(crate) fn create(kind: Kind, namespace: &str, name: &str, want: Option<Value>, text: String) -> Fix {
    let object = Some(object_ref(kind, namespace, name, ""));
    Fix { object, op: Op::Add, now: None, want, text }
}

/// There should be a `ServiceEntry` of the host, which may be an address, and the port of a request. It sends requests where
/// the client dials.
pub(crate) fn create_entry(namespace: &str, host: &str, request: &Request, text: String) -> Fix {
    let protocol = match request.protocol {
        "tcp" => "TCP",
        "tls" => "TLS",
        "grpc" => "GRPC",
        "http2" => "HTTP2",
        _ => "HTTP",
    };
    let port = json!({
        "number": request.port,
        "name": format!("{}-{}", protocol.to_lowercase(), request.port),
        "protocol": protocol,
    });
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    // An entry has a name; that of an address says nothing else.
    let name = if is_address { format!("address-{}.external", host.replace(['.', ':'], "-")) } else { host.to_owned() };
    let mut spec = json!({
        "hosts": [name],
        "ports": [port],
        "location": "MESH_EXTERNAL",
        "resolution": "NONE",
    });
    if is_address {
        spec["addresses"] = json!([host]);
    }
    create(Kind::ServiceEntry, namespace, "", Some(json!({ "spec": spec })), text)
}

/// A Service should send `port` on to another port of its pods.
pub(crate) fn target_port(service: &Node, port: u16, wanted: &str) -> Fix {
    let entry = port_entry(service, port);
    let entry = entry.as_ref();
    let field = entry.map_or_else(|| "spec.ports".to_owned(), |entry| format!("{}.targetPort", entry.place()));
    let object = ref_of(Kind::Service, service, &field);
    set(&object, entry, "targetPort", None, format!("{}, {field}: {wanted}", named(&object)))
}

/// A Sidecar should let its proxies see one more host, written as `namespace/host`.
pub(crate) fn egress_host(sidecar: &Node, host: &str, text: String) -> Fix {
    let listeners = sidecar.list("spec.egress");
    if let [one] = &listeners[..] {
        let object = ref_of(Kind::Sidecar, sidecar, &format!("{}.hosts", one.place()));
        return add_item(&object, Some(one), "hosts", Some(json!(host)), text);
    }
    let object = ref_of(Kind::Sidecar, sidecar, "spec.egress");
    add_item(&object, Some(sidecar), "spec.egress", Some(json!({ "hosts": [host] })), text)
}

/// A Service as a Sidecar names it.
pub(crate) fn as_egress(service: &Node) -> String {
    let part = |path| service.text(path).unwrap_or_default();
    let (namespace, name) = (part("metadata.namespace"), part("metadata.name"));
    format!("{namespace}/{name}.{namespace}.svc.cluster.local")
}

/// The same object, with another field to look at.
pub(crate) fn in_field(object: &ObjectRef, field: impl Into<String>) -> ObjectRef {
    ObjectRef { field: field.into(), ..object.clone() }
}

fn change(object: &ObjectRef, op: Op, at: Option<&Node>, text: String) -> Fix {
    let object = at.map_or_else(|| object.clone(), |at| in_field(object, at.place()));
    let gives_way = |_: &&Node| op != Op::Add;
    Fix { object: Some(object), op, now: at.filter(gives_way).map(Node::kept), want: None, text }
}

/// Adds what is at the end of a path, where the path is not there as a whole: to the nearest field that is.
fn add(object: &ObjectRef, from: &Node, path: &str, want: Option<Value>, text: String) -> Fix {
    let (mut nearest, mut missing) = (from.clone(), Vec::new());
    for key in path.split('.') {
        match nearest.get(key).filter(|_| missing.is_empty()) {
            Some(inner) => nearest = inner,
            None => missing.push(key),
        }
    }
    let nested = |want: Value| missing.iter().rev().fold(want, |inner, key| json!({ *key: inner }));
    Fix { want: want.map(nested), ..change(object, Op::Add, Some(&nearest), text) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use crate::snapshot::{Answer, Lookup, Need, Snapshot};

    fn rule() -> Node {
        let object = json!({
            "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
            "metadata": {"namespace": "shop", "name": "product"},
            "spec": {"host": "product", "exportTo": ["."], "subsets": [{"name": "v2"}]},
        });
        let mut snapshot = Snapshot::default();
        let need = Need::Object(Kind::DestinationRule, "shop".to_owned(), "product".to_owned());
        snapshot.answer(&need, Answer::Object(object)).unwrap();
        match snapshot.object(Kind::DestinationRule, "shop", "product") {
            Lookup::Found(rule) => rule,
            Lookup::Absent(_) | Lookup::Unread(_) => panic!("it was read"),
        }
    }

    /// Operation, field, what is there and what is wanted.
    fn shape(fix: Fix) -> (Op, String, Option<Value>, Option<Value>) {
        (fix.op, fix.object.unwrap().field, fix.now, fix.want)
    }

    #[test]
    fn what_is_there_is_replaced_and_what_is_missing_added_to_the_nearest_field() {
        let rule = rule();
        let object = ref_of(Kind::DestinationRule, &rule, "spec.host");
        let want = || Some(json!("x"));
        let set = |from, path| shape(set(&object, from, path, want(), String::new()));
        assert_eq!(
            set(Some(&rule), "spec.host"),
            (Op::Replace, "spec.host".to_owned(), Some(json!("product")), want())
        );
        let nested = Some(json!({"tls": {"mode": "x"}}));
        assert_eq!(set(Some(&rule), "spec.tls.mode"), (Op::Add, "spec".to_owned(), None, nested));
        let subset = rule.list("spec.subsets").remove(0);
        let labels = Some(json!({"labels": "x"}));
        assert_eq!(set(Some(&subset), "labels"), (Op::Add, "spec.subsets[0]".to_owned(), None, labels));
        assert_eq!(set(None, "spec.host"), (Op::Replace, "spec.host".to_owned(), None, want()));
    }

    #[test]
    fn an_item_is_added_to_the_list_or_with_it() {
        let rule = rule();
        let object = ref_of(Kind::DestinationRule, &rule, "spec.exportTo");
        let add = |from, path| shape(add_item(&object, from, path, Some(json!("shop")), String::new()));
        let item = Some(json!("shop"));
        assert_eq!(add(Some(&rule), "spec.exportTo"), (Op::Add, "spec.exportTo".to_owned(), None, item.clone()));
        assert_eq!(add(Some(&rule), "spec.x"), (Op::Add, "spec".to_owned(), None, Some(json!({"x": ["shop"]}))));
        assert_eq!(add(None, "spec.exportTo"), (Op::Add, "spec.exportTo".to_owned(), None, item));
    }
}
