//! What ends a run: nothing could be read. The words are for somebody who only sees the terminal.

use std::io;

use thiserror::Error;

use crate::near::near;

/// Why nothing could be read. [`causes`](Self::causes) go from the nearest to the root.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CollectError {
    /// A file or folder is not there, or may not be read.
    #[error("cannot read {path}")]
    File {
        /// As it was given.
        path: String,
        /// What the system says.
        cause: String,
    },
    /// A file or folder is there, and is not what it was given for.
    #[error("{path} is not {what}")]
    NotThis {
        /// As it was given.
        path: String,
        /// What it was taken for.
        what: &'static str,
        /// What is wrong with it.
        cause: String,
        /// What to try.
        hint: Option<String>,
    },
    /// A snapshot could not be written.
    #[error("cannot save the snapshot to {path}")]
    Save {
        /// As it was given.
        path: String,
        /// What stands in the way.
        cause: String,
        /// What to try.
        hint: Option<String>,
    },
    /// There is no kubeconfig, and this is no pod of a cluster.
    #[error("there is no kubeconfig")]
    NoKubeconfig,
    /// The kubeconfig has no current context, and none was given.
    #[error("no Kubernetes context is chosen")]
    NoCurrentContext {
        /// The contexts there are.
        known: Vec<String>,
    },
    /// A context, cluster or user of the kubeconfig that is not there.
    #[error("the kubeconfig has no {what} `{name}`")]
    NoEntry {
        /// `context`, `cluster` or `user`.
        what: &'static str,
        /// The one that was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A value of the kubeconfig, the environment or a flag that cannot be used.
    #[error("cannot use {what}")]
    Setting {
        /// Which value.
        what: String,
        /// What is wrong with it.
        cause: String,
        /// What to try.
        hint: Option<String>,
    },
    /// A credential plugin gave no credentials.
    #[error("cannot get credentials from `{command}`")]
    Credentials {
        /// The plugin.
        command: String,
        /// What went wrong.
        cause: String,
        /// The kubeconfig's `installHint`.
        hint: Option<String>,
    },
    /// The API server did not give what was asked for.
    #[error("cannot read {what}")]
    Api {
        /// What was asked for.
        what: String,
        /// In kubectl's words.
        cause: String,
        /// What to try.
        hint: Option<String>,
    },
    /// A was not found.
    #[error("{wanted} was not found in namespace {namespace}")]
    NotFound {
        /// What was looked for.
        wanted: String,
        /// Where.
        namespace: String,
        /// What could not be looked at.
        causes: Vec<String>,
        /// What may have been meant.
        near: Vec<String>,
    },
    /// The proxy is older than what can be read.
    #[error("the proxy is {what}, which is too old")]
    TooOld {
        /// Which Envoy it is.
        what: String,
    },
    /// What was read is another's proxy than A's.
    #[error("`{asked}` is not the proxy that was read")]
    OtherProxy {
        /// A, as it was typed.
        asked: String,
        /// Whose it is.
        whose: String,
    },
    /// A can be several things.
    #[error("`{name}` can be {}", candidates.join(" or "))]
    Ambiguous {
        /// As it was typed.
        name: String,
        /// Each as it may be typed instead.
        candidates: Vec<String>,
    },
    /// A is there and has no pod that could be asked.
    #[error("{owner} has no running pod")]
    NoPod {
        /// The workload, the service, the selector or the pod.
        owner: String,
        /// What there is instead.
        cause: String,
    },
    /// The admin endpoint of a proxy could not be read.
    #[error("cannot read {whom}")]
    Admin {
        /// Whose.
        whom: String,
        /// From the nearest to the root.
        causes: Vec<String>,
        /// What to try.
        hint: Option<String>,
    },
}

/// The most names that a hint has.
const MOST: usize = 8;

/// Names, as many as are read.
fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// The system's words without the number that Rust adds.
pub(super) fn without_os_error(words: &str) -> &str {
    words.split(" (os error").next().unwrap_or(words)
}

/// The system's words, as they go on in a sentence.
pub(crate) fn plain(error: &io::Error) -> String {
    without_os_error(&error.to_string()).to_lowercase()
}

impl CollectError {
    /// A value that cannot be used.
    pub(super) fn setting(what: &str, cause: &str) -> Self {
        Self::Setting { what: what.to_owned(), cause: cause.to_owned(), hint: None }
    }

    /// What lies behind it, from the nearest to the root.
    pub fn causes(&self) -> Vec<String> {
        match self {
            Self::File { cause, .. }
            | Self::NotThis { cause, .. }
            | Self::Save { cause, .. }
            | Self::Setting { cause, .. }
            | Self::Credentials { cause, .. }
            | Self::Api { cause, .. }
            | Self::NoPod { cause, .. } => vec![cause.clone()],
            Self::OtherProxy { whose, .. } => vec![format!("it is that of {whose}")],
            Self::TooOld { .. } => {
                vec!["Envoys before 1.18 speak API v2 of its configuration too, which is not read".to_owned()]
            }
            Self::NotFound { causes, .. } | Self::Admin { causes, .. } => causes.clone(),
            Self::NoKubeconfig | Self::NoCurrentContext { .. } | Self::NoEntry { .. } | Self::Ambiguous { .. } => {
                Vec::new()
            }
        }
    }

    /// What to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotThis { hint, .. }
            | Self::Setting { hint, .. }
            | Self::Save { hint, .. }
            | Self::Api { hint, .. }
            | Self::Admin { hint, .. }
            | Self::Credentials { hint, .. } => hint.clone(),
            Self::NoKubeconfig => Some(
                "name one with `--kubeconfig FILE` or KUBECONFIG; without a cluster, read a saved snapshot with \
                 `--snapshot PATH` or a proxy with `--admin URL`"
                    .to_owned(),
            ),
            Self::NoCurrentContext { known } if known.is_empty() => Some("the kubeconfig holds no context".to_owned()),
            Self::NoCurrentContext { known } => Some(format!("choose one with `--context`: {}", listed(known))),
            Self::NoEntry { known, .. } if known.is_empty() => None,
            Self::NoEntry { name, known, .. } => Some(match near(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.len() == 1 => format!("there is {}", listed(known)),
                None => format!("there are {}", listed(known)),
            }),
            Self::NotFound { near, .. } if near.is_empty() => Some("choose another namespace with `-n`".to_owned()),
            Self::NotFound { near, .. } => Some(format!("did you mean {}?", near.join(", or "))),
            Self::OtherProxy { .. } => {
                Some("leave A out, or read A's own proxy: in the cluster, or from a snapshot of it".to_owned())
            }
            Self::TooOld { .. } => Some("Envoy 1.18 and newer can be asked".to_owned()),
            Self::Ambiguous { .. } => Some("write one of them in place of the name".to_owned()),
            Self::File { .. } | Self::NoPod { .. } => None,
        }
    }
}
