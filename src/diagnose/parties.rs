//! A and B by their names: our sentences are written with the letters of the question, and told with who they stand for.

use std::collections::BTreeSet;

use super::texts::sentences;
use crate::mesh::istio::ClusterName;
use crate::verdict::{Decision, Request, Verdict};

/// Who A and B are, in a word each.
pub(super) struct Parties {
    a: String,
    b: String,
}

/// A, where nothing says whose proxy was read.
const NOBODY: &str = "the client";

/// A thing may be called by a letter itself: behind these the letter is its name.
const THINGS: &[&str] =
    &["cluster", "filter", "header", "host", "listener", "named", "port", "route", "runtime", "secret", "subset"];

/// What follows A at the beginning of a sentence, where it is no article.
const VERBS: &[&str] = &["has", "is", "shows", "speaks", "takes"];

impl Parties {
    pub(super) fn of(request: &Request, decision: Option<&Decision>) -> Self {
        let namespace = request.source.as_ref().map(|pod| format!(".{}", pod.namespace)).unwrap_or_default();
        let a = request.source_name.strip_suffix(&namespace).unwrap_or(&request.source_name);
        let a = if request.source_name == Request::UNNAMED { NOBODY } else { a };
        Self { a: a.to_owned(), b: service(decision).unwrap_or_else(|| typed(request.asked_host()).to_owned()) }
    }

    /// Whether B is called so.
    pub(super) fn is_b(&self, name: &str) -> bool {
        self.b == name
    }

    /// Puts the names into every sentence.
    pub(super) fn name_all(&self, verdict: &mut Verdict) {
        sentences(verdict).for_each(|text| *text = self.name(text));
        let behind = verdict.behind.findings.iter_mut().map(|(finding, _)| finding);
        verdict.findings.iter_mut().chain(behind).for_each(|finding| finding.why = short_hosts(&finding.why));
    }

    /// A sentence with the names in place of the letters.
    pub(super) fn name(&self, text: &str) -> String {
        let text = &if self.a == NOBODY { text.replace("A's proxy", Request::UNNAMED) } else { text.to_owned() };
        let words: Vec<&str> = text.split(' ').collect();
        let named = words.iter().enumerate().map(|(i, word)| {
            let before = i.checked_sub(1).map_or("", |i| words[i]);
            let begins = before.is_empty() || before.ends_with('.');
            let is_article = *word == "A" && begins && words.get(i + 1).is_none_or(|next| !VERBS.contains(next));
            if is_article || THINGS.contains(&before) { (*word).to_owned() } else { self.word(word) }
        });
        named.collect::<Vec<_>>().join(" ")
    }

    /// A word, if it is a letter: alone, with `'s` behind it, or beside punctuation.
    fn word(&self, word: &str) -> String {
        let start = word.strip_prefix('(').map_or("", |_| "(");
        let (name, end) = match word[start.len()..].split_at_checked(1) {
            Some(("A", end)) => (&self.a, end),
            Some(("B", end)) => (&self.b, end),
            Some(_) | None => return word.to_owned(),
        };
        let closes = end.strip_prefix("'s").unwrap_or(end).chars().all(|c| ".,;:)".contains(c));
        if closes { format!("{start}{name}{end}") } else { word.to_owned() }
    }
}

/// A reason with Services by the names that kubectl has: `pay.billing`. What is quoted is somebody's, and stays.
fn short_hosts(text: &str) -> String {
    let mut is_quoted = false;
    let words = text.split(' ').map(|word| {
        let was_quoted = is_quoted;
        is_quoted ^= word.matches('"').count() % 2 == 1;
        if was_quoted || word.contains('"') { word.to_owned() } else { word.replace(".svc.cluster.local", "") }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The one Service that requests go to, by the clusters of A's proxy.
fn service(decision: Option<&Decision>) -> Option<String> {
    let names = decision?.clusters.iter().map(|cluster| Some(ClusterName::parse(&cluster.name)?.service()?.1));
    let names: BTreeSet<String> = names.collect::<Option<_>>()?;
    (names.len() == 1).then(|| names.into_iter().next())?
}

/// A host as it was typed, without the names that every Service has at its end.
fn typed(host: &str) -> &str {
    host.split_once(".svc.").map_or(host, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parties() -> Parties {
        Parties { a: "order".to_owned(), b: "pay".to_owned() }
    }

    #[test]
    fn letters_are_told_by_name() {
        let named = |text: &str| parties().name(text);
        assert_eq!(named("A's proxy speaks plaintext to B, and B's takes mutual TLS."), {
            "order's proxy speaks plaintext to pay, and pay's takes mutual TLS."
        });
        assert_eq!(named("it ends (on B's side): A."), "it ends (on pay's side): order.");
        assert_eq!(named("A is on node n1. A takes it"), "order is on node n1. order takes it");
    }

    #[test]
    fn an_article_and_what_is_called_by_a_letter_stay() {
        for text in ["A regex has to fit. A rule does not.", "cluster A is warming", "\"B\" is /A, B=1", "v1 AB Bs a b"]
        {
            assert_eq!(parties().name(text), text);
        }
    }

    #[test]
    fn services_are_called_as_kubectl_calls_them() {
        let text = "a.b.svc.cluster.local has it, \"a.b.svc.cluster.local\" not: x.y.svc.cluster.local.";
        assert_eq!(short_hosts(text), "a.b has it, \"a.b.svc.cluster.local\" not: x.y.");
    }

    #[test]
    fn b_is_called_as_it_was_typed_where_no_service_is_known() {
        let request = |target: &str| Request { target: target.to_owned(), ..Request::default() };
        let b = |target: &str| Parties::of(&request(target), None).b;
        assert_eq!(b("pay.billing:80"), "pay.billing");
        assert_eq!(b("pay.billing.svc.cluster.local:80"), "pay.billing");
        assert_eq!(b("[::1]:80"), "[::1]");
    }
}
