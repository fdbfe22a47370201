//! What was asked, as a command, and of what: whoever reads an answer in a ticket can ask again.

use crate::verdict::{Command, Verdict};

/// The question as a command. Where the answer comes from is not in it: whoever asks again asks the cluster.
pub(super) fn command(verdict: &Verdict) -> Command {
    let request = &verdict.request;
    let mut words = vec!["kubectl".to_owned(), "mesh-why".to_owned()];
    words.extend((request.source_name != NOBODY).then(|| request.source_name.clone()));
    words.push(request.target.clone());
    let mut flag = |flag: &str, value: &str| words.extend([flag.to_owned(), value.to_owned()]);
    if let Some(path) = &request.path {
        flag("--path", path);
    }
    if let Some(method) = request.method.as_ref().filter(|method| *method != "GET") {
        flag("--method", method);
    }
    for (name, value) in &request.headers {
        flag("-H", &format!("{name}: {value}"));
    }
    Command::of(words)
}

/// A's name where nothing says whose proxy was read.
const NOBODY: &str = "the proxy";

/// When, of which cluster, by what.
pub(super) fn circumstances(verdict: &Verdict) -> String {
    let time = (!verdict.time.is_empty()).then(|| verdict.time.clone());
    let context = verdict.cluster.context.as_ref().map(|context| format!("context {context}"));
    let tool = Some(format!("mesh-why {}", env!("CARGO_PKG_VERSION")));
    [time, context, tool].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
