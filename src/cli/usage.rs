//! Arguments that cannot be understood: what is wrong with them, and what to write.

use super::completion::SHELLS;
use super::typed;
use crate::collect::Place;
use crate::explain::Unknown;
use crate::near::near;
use crate::snapshot::AskRecord;
use crate::verdict::Side;
use crate::walk::QuestionError;

/// Arguments that cannot be understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Usage {
    pub(super) error: String,
    pub(super) hint: Option<String>,
}

impl Usage {
    pub(super) fn of(error: impl Into<String>) -> Self {
        Self { error: error.into(), hint: None }
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Nothing is asked.
    pub(super) fn no_question() -> Self {
        Self::of("B:PORT is missing").with_hint("kubectl mesh-why A B:PORT, and `--help` for the rest")
    }

    /// What was read says nothing of B, and nobody else does.
    pub(super) fn no_question_of(place: &Place) -> Self {
        match place {
            Place::Snapshot(path) => Self::of("B:PORT is missing: the snapshot holds no question")
                .with_hint(format!("kubectl mesh-why B:PORT --snapshot {}", path.display())),
            Place::Files(..) => {
                Self::of("B:PORT is missing: a dump holds no question").with_hint("kubectl mesh-why B:PORT -f FILE")
            }
            Place::Admin(url) => Self::of("B:PORT is missing: a proxy holds no question")
                .with_hint(format!("kubectl mesh-why B:PORT --admin {url}")),
            Place::Demo | Place::Named(_) | Place::Selector(_) => Self::no_question(),
        }
    }

    /// `--all-pods` of what has none.
    pub(super) fn no_replicas() -> Self {
        Self::of("--all-pods needs an A with pods in a cluster")
            .with_hint("kubectl mesh-why deploy/A B:PORT --all-pods")
    }

    /// A or B is missing, and which is plain from the one that is there.
    pub(super) fn one_name(one: &str) -> Self {
        if one.contains(':') {
            let hint = format!("who sends the request? kubectl mesh-why A {one}");
            return Self::of("A is missing").with_hint(hint);
        }
        Self::of("B:PORT is missing").with_hint(format!("where does the request go? kubectl mesh-why {one} B:PORT"))
    }

    /// A is missing, and a line of an access log does not name it.
    pub(super) fn no_source(writer: Option<Side>) -> Self {
        let why = match writer {
            Some(Side::Destination) => "B's proxy wrote the line, which does not say who sent the request",
            Some(Side::Source) | None => "a line of a log does not say which pod wrote it",
        };
        Self::of(format!("A is missing: {why}"))
            .with_hint("who sent the request? kubectl mesh-why A --from-log LINE, or `--selector`, or `--snapshot`")
    }

    /// The line does not say where the request went.
    pub(super) fn no_destination() -> Self {
        Self::of("B:PORT is missing: the line has no Host, no cluster with a host, and no address that was dialed")
            .with_hint("kubectl mesh-why A B:PORT --from-log LINE")
    }

    /// B has no port; `ports` are those of the Service of that name, where it was found.
    pub(super) fn no_port(host: &str, ports: &[String]) -> Self {
        let choices = ports.iter().map(|port| format!("`{host}:{port}`")).collect::<Vec<_>>();
        let hint = match (choices.as_slice(), typed::destination(host)) {
            ([], Some(guess)) => guess,
            ([], None) => format!("write `{host}:PORT`"),
            _ => format!("the service has {}", choices.join(", ")),
        };
        Self::of(format!("`{host}` has no port")).with_hint(hint)
    }

    /// A cannot be understood.
    pub(super) fn of_source(why: String, a: &str) -> Self {
        Self { error: why, hint: typed::source(a) }
    }

    /// Part of the question cannot be understood; `ask` is all of it.
    pub(super) fn of_question(error: &QuestionError, ask: &AskRecord) -> Self {
        let hint = match error {
            QuestionError::NoPort(_) | QuestionError::BadPort(_) | QuestionError::BadTarget(_) => {
                typed::destination(&ask.to)
            }
            QuestionError::BadProtocol(word) => typed::protocol(word),
            QuestionError::BadHeader(line) => typed::header(line),
            QuestionError::BadPath(path) => typed::path(path),
            QuestionError::BadMethod(method) => typed::method(method),
            QuestionError::BadAddress(_) => {
                Some("an address has no port, no name and no prefix: `10.0.0.7`, `fd00::7`".to_owned())
            }
            QuestionError::BadProxyProtocol(_) => None,
        };
        Self { error: error.to_string(), hint }
    }

    /// Nothing is known of a word that is to be explained.
    pub(super) fn of_word(unknown: &Unknown) -> Self {
        let near = unknown.near.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let hint = if unknown.word.parse::<u16>().is_ok() {
            "many things end with one status; the flag and the details beside it in the access log say more, as `UF` or \
             `no_healthy_upstream`"
                .to_owned()
        } else if near.is_empty() {
            "`kubectl mesh-why explain` lists all words; a request from a pod `explain` is \
             `kubectl mesh-why explain B:PORT`"
                .to_owned()
        } else {
            format!("did you mean {near}? `kubectl mesh-why explain` lists all words")
        };
        Self::of(format!("`{}` is not a finding, response flag, details or analyzer code", unknown.word))
            .with_hint(hint)
    }

    /// `-o` has no such format; `there_are` names those that it has.
    pub(super) fn no_format(name: &str, there_are: &[&str]) -> Self {
        let word = name.split('=').next().unwrap_or(name);
        let hint = match (word, near(name, there_are)) {
            ("jsonpath" | "jsonpath-as-json" | "jsonpath-file" | "go-template" | "custom-columns" | "name", _) => {
                "parts of the answer are `-o jsonpath=EXPR`, as `-o 'jsonpath={.outcome}'`".to_owned()
            }
            ("md", _) => "did you mean `markdown`?".to_owned(),
            ("xml", _) => "did you mean `junit`?".to_owned(),
            (_, Some(near)) => format!("did you mean `{near}`?"),
            (_, None) => format!("there are {}", there_are.join(", ")),
        };
        Self::of(format!("`{name}` is not an output format")).with_hint(hint)
    }

    /// `completion` without a shell, or with one that there is nothing for.
    pub(super) fn no_shell(shell: &str) -> Self {
        let shells: Vec<&str> = SHELLS.iter().map(|(shell, _)| *shell).collect();
        let usage = if shell.is_empty() {
            Self::of("`completion` needs a shell")
        } else {
            Self::of(format!("there is no completion for `{shell}`"))
        };
        usage.with_hint(match near(shell, &shells) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", shells.join(", ")),
        })
    }

    /// A flag's value is there and empty, as a variable leaves it that is not set.
    pub(super) fn empty(flag: &str, what: &str) -> Self {
        Self::of(format!("{what} of `{flag}` is empty"))
            .with_hint(format!("is a variable not set? leave `{flag}` out, or give it a value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_name_tells_which_one_is_missing() {
        assert_eq!(Usage::one_name("products:8080").error, "A is missing");
        assert_eq!(Usage::one_name("orders").error, "B:PORT is missing");
    }
}
