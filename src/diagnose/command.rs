//! The commands that a finding may name: each only reads, and can be pasted as it is printed.
//!
//! A name comes from a mesh, from an admin endpoint, or from a file that somebody sent. Where a tool would take it for
//! an option or for another thing, there is no command.

use crate::mesh::istio;
use crate::verdict::{Command, ObjectRef, SourcePod};
use Word::{Is, Kind, Labels, Name, Pod, Query, Typed, Url};

/// How a list of pods is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Columns {
    /// `-o wide`
    Wide,
    /// `--show-labels`
    WithLabels,
}

/// Shows an object.
pub(crate) fn show(object: &ObjectRef) -> Command {
    // Two groups have a kind of this name, and kubectl would choose one of them.
    let kind = match (object.kind.as_str(), object.api_version.split('/').next().unwrap_or_default()) {
        ("Gateway", "networking.istio.io") => Is("gateways.networking.istio.io"),
        ("Gateway", "gateway.networking.k8s.io") => Is("gateways.gateway.networking.k8s.io"),
        (kind, _) => Kind(kind),
    };
    let words = [Is("get"), kind, Name(&object.name), Is("-o"), Is("yaml")];
    if object.namespace.is_empty() {
        command(&[&[Is("kubectl")], &words[..]])
    } else {
        within(&object.namespace, &words)
    }
}

/// Lists the objects of one or more kinds.
pub(crate) fn list(namespace: &str, kinds: &'static str) -> Command {
    within(namespace, &[Is("get"), Is(kinds)])
}

/// Lists the objects of a kind in all namespaces.
pub(crate) fn list_all(kind: &'static str) -> Command {
    command(&[&[Is("kubectl"), Is("get"), Is(kind), Is("-A")]])
}

/// What a proxy's admin endpoint says: through Istio's agent in a pod of it, else where the proxy runs.
pub(crate) fn admin(pod: Option<&SourcePod>, query: &str) -> Command {
    match pod {
        Some(pod) => {
            let container = pod.proxy.as_deref().unwrap_or_default();
            let exec = [Is("exec"), Name(&pod.name), Is("-c"), Name(container), Is("--")];
            let agent = [Is("pilot-agent"), Is("request"), Is("GET"), Query(query.trim_start_matches('/'))];
            within(&pod.namespace, &[&exec[..], &agent[..]].concat())
        }
        None => command(&[&[Is("curl"), Is("-sg"), Url(query)]]),
    }
}

/// What the proxy of a pod's node knows of it: `istioctl ztunnel-config workload`, which finds the ztunnel by the pod.
pub(crate) fn node_proxy(pod: &SourcePod) -> Command {
    let pod = super::object_ref(crate::snapshot::Kind::Pod, &pod.namespace, &pod.name, "");
    command(&[&[Is("istioctl"), Is("ztunnel-config"), Is("workload"), Pod(&pod)]])
}

/// Lists the pods that carry labels.
pub(crate) fn list_pods(namespace: &str, labels: &[(String, String)], columns: Columns) -> Command {
    let shown: &[Word] = match columns {
        Columns::Wide => &[Is("-o"), Is("wide")],
        Columns::WithLabels => &[Is("--show-labels")],
    };
    within(namespace, &[&[Is("get"), Is("pods"), Is("-l"), Labels(labels)], shown].concat())
}

/// Lists the endpoint slices of a Service.
pub(crate) fn list_slices(service: &ObjectRef) -> Command {
    let label = [("kubernetes.io/service-name".to_owned(), service.name.clone())];
    within(&service.namespace, &[Is("get"), Is("endpointslices"), Is("-l"), Labels(&label)])
}

/// What a pod wrote of late.
pub(crate) fn logs(pod: &ObjectRef) -> Command {
    within(&pod.namespace, &[Is("logs"), Name(&pod.name), Is("--since=10m")])
}

/// What a pod's proxy, and Istio's agent beside it, wrote of late.
pub(crate) fn proxy_logs(pod: &ObjectRef) -> Command {
    within(&pod.namespace, &[Is("logs"), Name(&pod.name), Is("-c"), Is(istio::PROXY), Is("--since=10m")])
}

/// What one of a Service's pods wrote of late.
pub(crate) fn service_logs(namespace: &str, service: &str) -> Command {
    within(namespace, &[Is("logs"), Typed("service", service), Is("--since=10m")])
}

/// A pod with its events.
pub(crate) fn describe(pod: &ObjectRef) -> Command {
    within(&pod.namespace, &[Is("describe"), Is("pod"), Name(&pod.name)])
}

/// Whether a pod's proxy has what istiod sends.
pub(crate) fn proxy_status(pod: &ObjectRef) -> Command {
    command(&[&[Is("istioctl"), Is("proxy-status"), Pod(pod)]])
}

/// The certificates of a pod's proxy.
pub(crate) fn proxy_secret(pod: &ObjectRef) -> Command {
    command(&[&[Is("istioctl"), Is("proxy-config"), Is("secret"), Pod(pod)]])
}

fn within(namespace: &str, words: &[Word<'_>]) -> Command {
    command(&[&[Is("kubectl"), Is("-n"), Name(namespace)], words])
}

fn command(parts: &[&[Word<'_>]]) -> Command {
    let words: Option<Vec<String>> = parts.concat().iter().map(Word::spelled).collect();
    Command::of(words.unwrap_or_default())
}

/// A word of a command, by what it is to the tool.
#[derive(Clone, Copy)]
enum Word<'a> {
    /// One of the tool's own.
    Is(&'static str),
    /// A thing's name.
    Name(&'a str),
    /// The kind of a thing.
    Kind(&'a str),
    /// `service/NAME`
    Typed(&'static str, &'a str),
    /// `NAME.NAMESPACE`, as istioctl calls a pod.
    Pod(&'a ObjectRef),
    /// What an admin endpoint is asked.
    Query(&'a str),
    /// The same, where the proxy runs; the port is that of its `admin.address`.
    Url(&'a str),
    /// `key=value,…`
    Labels(&'a [(String, String)]),
}

impl Word<'_> {
    /// The word; `None` where the tool would take it for something else.
    fn spelled(&self) -> Option<String> {
        match *self {
            Is(word) => Some(word.to_owned()),
            Name(name) => is_name(name).then(|| name.to_owned()),
            Kind(kind) => is_kind(kind).then(|| kind.to_ascii_lowercase()),
            Typed(kind, name) => is_name(name).then(|| format!("{kind}/{name}")),
            Pod(pod) => (is_name(&pod.name) && is_name(&pod.namespace) && !pod.namespace.contains('.'))
                .then(|| format!("{}.{}", pod.name, pod.namespace)),
            Query(query) => is_query(query).then(|| query.to_owned()),
            Url(query) => is_query(query).then(|| format!("http://localhost:9901{query}")),
            Labels(labels) => selector(labels),
        }
    }
}

/// A `-` begins an option, and a `/` stands between a kind and a name.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && !name.contains('/')
}

/// A query is one line, and no option.
fn is_query(query: &str) -> bool {
    !query.is_empty() && !query.starts_with('-') && !query.contains(char::is_whitespace)
}

/// kubectl takes several kinds with commas between them.
fn is_kind(kind: &str) -> bool {
    !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What else a selector can say (sets, comparisons, several labels) is written with these characters:
/// `staging/src/k8s.io/apimachinery/pkg/labels/selector.go`.
fn selector(labels: &[(String, String)]) -> Option<String> {
    let is_plain = |text: &str| !text.contains(|c: char| c.is_whitespace() || ",=!()<>".contains(c));
    let is_label =
        |(key, value): &(String, String)| !key.is_empty() && !key.starts_with('-') && is_plain(key) && is_plain(value);
    (!labels.is_empty() && labels.iter().all(is_label)).then(|| super::label_text(labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::object_ref;
    use crate::snapshot::Kind as ObjectKind;

    fn pod(namespace: &str, name: &str) -> ObjectRef {
        object_ref(ObjectKind::Pod, namespace, name, "")
    }

    fn labels(key: &str, value: &str) -> Command {
        list_pods("shop", &[("app".to_owned(), "x".to_owned()), (key.to_owned(), value.to_owned())], Columns::Wide)
    }

    #[test]
    fn a_name_is_one_word_whatever_is_in_it() {
        let name = "$(touch pwned) ' \" \\ ;";
        assert_eq!(logs(&pod("shop", name)).words(), ["kubectl", "-n", "shop", "logs", name, "--since=10m"]);
        assert_eq!(show(&pod("", "x")).words(), ["kubectl", "get", "pod", "x", "-o", "yaml"]);
        assert_eq!(labels("a.b/c", "").words()[6], "app=x,a.b/c=");
    }

    #[test]
    fn what_a_tool_would_take_for_something_else_is_no_command() {
        for name in ["", "-rf", "--kubeconfig=x", "pod/x", "a\nb", "a\u{202e}b", "a\0b"] {
            let pods = [pod("shop", name), pod(name, "x")];
            for command in pods.iter().flat_map(|pod| [logs(pod), describe(pod), proxy_status(pod), proxy_secret(pod)])
            {
                assert!(command.words().is_empty(), "{command:?}");
            }
            assert!(show(&pod("shop", name)).words().is_empty(), "{name:?}");
            assert!(service_logs("shop", name).words().is_empty(), "{name:?}");
        }
        assert!(proxy_status(&pod("a.b", "x")).words().is_empty());
        assert!(show(&ObjectRef { kind: "Pod,Secret".to_owned(), ..pod("shop", "x") }).words().is_empty());
    }

    #[test]
    fn a_label_that_would_be_another_selector_is_no_command() {
        for part in ["a,b", "a=b", "a b", "a)", "(a", "!a", "a!", "a>1", "a<1", "a\tb", "a\u{a0}b"] {
            assert!(labels(part, "v").words().is_empty(), "{part:?}");
            assert!(labels("k", part).words().is_empty(), "{part:?}");
        }
        assert!(labels("", "v").words().is_empty());
        assert!(labels("-k", "v").words().is_empty());
        assert_eq!(labels("k", "-v").words()[6], "app=x,k=-v");
        assert!(list_pods("shop", &[], Columns::Wide).words().is_empty());
    }
}
