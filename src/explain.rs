//! What words mean: the ids of findings, Envoy's response flags and details, and the codes of analyzers.
//!
//! The text of a finding is that of its file; the rest are tables. Each table says which findings explain its words, so
//! that a finding knows what it explains.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod causes;
mod codes;
mod details;
mod flags;
mod inner;
mod topic;
mod words;

pub use topic::{Kind, Part, Topic, Within};
pub use words::Unknown;

use topic::Entry;

/// Everything that can be explained, by kind and name.
pub fn topics() -> Vec<Topic> {
    Kind::ALL.into_iter().flat_map(of_kind).collect()
}

/// Everything of a kind that can be explained.
pub fn of_kind(kind: Kind) -> Vec<Topic> {
    match kind {
        Kind::Finding => causes::all().map(cause).collect(),
        Kind::Flag | Kind::Details | Kind::Code => table(kind).map(|entry| topic(kind, entry, None)).collect(),
    }
}

/// What a word means, or several with commas between. Case does not count.
pub fn explain(text: &str) -> Result<Vec<Topic>, Unknown> {
    words::split(text).into_iter().map(one).collect()
}

fn one(word: &str) -> Result<Topic, Unknown> {
    let (name, inner) = inner::taken_apart(word);
    let is_named =
        |topic: &&Topic| words::are_one(topic.name, name) || topic.also.iter().any(|n| words::are_one(n, name));
    let all = topics();
    if let Some(found) = all.iter().find(is_named) {
        return Ok(match inner {
            Some(inner) if found.kind == Kind::Details => with_inner(found, inner),
            Some(_) | None => found.clone(),
        });
    }
    // What stands in braces is known by itself, too.
    let holder = all.iter().find(|topic| topic.parts.iter().any(|part| words::are_one(&part.text, name)));
    holder.map(|topic| with_inner(topic, name)).ok_or_else(|| Unknown::of(word, &all))
}

/// Details with what stands in their braces.
fn with_inner(found: &Topic, inner: &str) -> Topic {
    let entry = table(Kind::Details).find(|entry| entry.name == found.name);
    entry.map_or_else(|| found.clone(), |entry| topic(Kind::Details, entry, Some(inner)))
}

/// The rows of a kind; findings have none.
fn table(kind: Kind) -> Box<dyn Iterator<Item = &'static Entry>> {
    match kind {
        Kind::Finding => Box::new(std::iter::empty()),
        Kind::Flag => Box::new(flags::FLAGS.iter()),
        Kind::Details => Box::new(details::all()),
        Kind::Code => Box::new(codes::all()),
    }
}

/// The names of the rows of a kind that a finding explains.
fn explained(kind: Kind, id: &str) -> Vec<&'static str> {
    table(kind).filter(|entry| entry.findings.contains(&id)).map(|entry| entry.name).collect()
}

fn cause(cause: causes::Cause) -> Topic {
    Topic {
        kind: Kind::Finding,
        name: cause.id,
        also: &[],
        title: format!("{}.", cause.title),
        status: "",
        means: cause.means,
        arises: cause.arises,
        confirm: cause.confirm,
        fix: cause.fix,
        parts: Vec::new(),
        findings: Vec::new(),
        flags: explained(Kind::Flag, cause.id),
        details: explained(Kind::Details, cause.id),
        codes: explained(Kind::Code, cause.id),
    }
}

/// A row of a table; `inner` is what stands in the braces of the word that was asked for.
fn topic(kind: Kind, entry: &'static Entry, inner: Option<&str>) -> Topic {
    let found = inner.map(|inner| inner::parts(inner, entry.parts)).unwrap_or_default();
    let known: Vec<&Part> = found.iter().filter_map(|(_, part)| *part).collect();
    // What stands in the braces says more than the word before them.
    let flags: Vec<&'static str> = known.iter().map(|part| part.flag).filter(|flag| !flag.is_empty()).collect();
    let findings = known.last().map_or(entry.findings, |part| part.findings).to_vec();
    let parts = match inner {
        Some(_) => found.iter().map(|(text, part)| within(text, part.map_or("", |part| part.means))).collect(),
        None => entry.parts.iter().map(|part| within(part.word, part.means)).collect(),
    };
    let details = |flag: &str| table(Kind::Details).filter(|e| e.flags.contains(&flag)).map(|e| e.name).collect();
    Topic {
        kind,
        name: entry.name,
        also: entry.also,
        title: entry.title.to_owned(),
        status: entry.status,
        means: entry.means.to_owned(),
        arises: entry.arises.to_owned(),
        confirm: entry.confirm.to_owned(),
        fix: entry.fix.to_owned(),
        parts,
        findings,
        flags: if flags.is_empty() { entry.flags.to_vec() } else { without_repeats(flags) },
        details: if kind == Kind::Flag { details(entry.name) } else { Vec::new() },
        codes: Vec::new(),
    }
}

fn within(text: &str, means: &'static str) -> Within {
    Within { text: text.to_owned(), means }
}

fn without_repeats(mut names: Vec<&'static str>) -> Vec<&'static str> {
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn named(text: &str) -> Vec<&'static str> {
        explain(text).expect("a word").into_iter().map(|topic| topic.name).collect()
    }

    #[test]
    fn no_word_means_two_things() {
        let all = topics();
        let names = all.iter().flat_map(|topic| topic.also.iter().copied().chain([topic.name]));
        let lower: Vec<String> = names.map(|name| name.to_lowercase().replace('_', "-")).collect();
        let distinct: BTreeSet<&String> = lower.iter().collect();
        assert_eq!(distinct.len(), lower.len());
    }

    #[test]
    fn what_is_named_is_there() {
        let ids: BTreeSet<&str> = of_kind(Kind::Finding).iter().map(|topic| topic.name).collect();
        let flags: BTreeSet<&str> = of_kind(Kind::Flag).iter().map(|topic| topic.name).collect();
        for entry in Kind::ALL.into_iter().flat_map(table) {
            let parts = entry.parts.iter();
            let findings = parts.clone().flat_map(|part| part.findings).chain(entry.findings);
            findings.for_each(|id| assert!(ids.contains(id), "{}: there is no finding {id}", entry.name));
            let named = parts.map(|part| &part.flag).filter(|flag| !flag.is_empty()).chain(entry.flags);
            named.for_each(|flag| assert!(flags.contains(flag), "{}: there is no flag {flag}", entry.name));
        }
    }

    #[test]
    fn everything_is_said_of_every_word() {
        for topic in topics() {
            let name = topic.name;
            assert!(topic.title.ends_with('.'), "{name}: {}", topic.title);
            assert!(!topic.means.is_empty(), "{name}: what does it mean?");
            if topic.kind != Kind::Code {
                let told = [&topic.arises, &topic.confirm, &topic.fix].iter().all(|text| !text.is_empty());
                assert!(told, "{name}: how does it come about, how is it confirmed, how is it fixed?");
            }
        }
    }

    #[test]
    fn the_codes_of_a_finding_name_it() {
        for rule in crate::diagnose::roster() {
            let known = explained(Kind::Code, rule.id);
            rule.codes.iter().for_each(|code| assert!(known.contains(code), "{code} does not name {}", rule.id));
        }
    }

    #[test]
    fn words_are_found_however_they_are_written() {
        for text in ["UH", "uh", "NoHealthyUpstream", "nohealthyupstream"] {
            assert_eq!(named(text), ["UH"], "{text}");
        }
        assert_eq!(named("UF,URX"), ["UF", "URX"]);
        assert_eq!(named(" uf , urx,"), ["UF", "URX"]);
        assert_eq!(named("no-endpoints"), named("No_Endpoints"));
        assert_eq!(named("upstream_response_timeout"), ["response_timeout"]);
        assert_eq!(named("ist0101"), ["IST0101"]);
        assert_eq!(named("-"), ["-"]);
        assert_eq!(named("overflow"), ["upstream_reset_before_response_started"]);
    }

    #[test]
    fn braces_are_explained_piece_by_piece() {
        let of = |text: &str| {
            let topics = explain(text).expect("a word");
            assert_eq!(topics.len(), 1, "{text}");
            topics[0].clone()
        };
        let refused = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}";
        let told = of(refused);
        assert_eq!((told.parts.len(), told.flags), (2, vec!["UF"]));
        assert!(told.parts.iter().all(|part| !part.means.is_empty()));
        let old = of("upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111}");
        assert_eq!(old.parts.len(), 2);
        assert!(old.parts[1].means.contains("111"));
        let denied = of("rbac_access_denied_matched_policy[ns[shop]-policy[none]-rule[0]]");
        assert!(denied.parts[0].means.contains("AuthorizationPolicy"), "{denied:?}");
        assert!(of("rbac_access_denied_matched_policy[none]").parts[0].means.contains("ALLOW"));
        let token = of("jwt_authn_access_denied{Jwt_is_missing}");
        assert_eq!(token.parts[0].text, "Jwt_is_missing");
        let handshake = of("TLS_error:|268435648:SSL_routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE");
        assert_eq!((handshake.name, handshake.findings), ("TLS_error", vec!["certificate-missing"]));
        assert_eq!(of("downstream_local_disconnect(on_idle_timeout)").parts.len(), 1);
        assert_eq!(of("via_upstream{}").parts, []);
        assert_eq!(of("dns_resolution_failure{not_found}").parts[0].means, "");
    }

    #[test]
    fn an_unknown_word_has_near_ones() {
        let near = |word: &str| explain(word).expect_err("no word").near;
        assert_eq!(near("no_healty_upstream"), ["no_healthy_upstream"]);
        assert_eq!(near("subset-not-found"), ["subset-not-defined"]);
        assert_eq!(near("upstream_reset").len(), 2);
        assert_eq!(near("UX"), ["UC", "UF", "UH"]);
        assert!(near("qqqqqqqqqqqq").is_empty());
        assert_eq!(explain("").expect_err("no word").word, "");
    }
}
