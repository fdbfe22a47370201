//! Words as they are typed: several at a time, in any case, misspelled.

use super::topic::Topic;

/// The most near words that are offered.
const NEAR: usize = 3;

/// A word that nothing is known of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unknown {
    /// As it was typed.
    pub word: String,
    /// Words that are near, the nearest first.
    pub near: Vec<&'static str>,
}

impl Unknown {
    pub(super) fn of(word: &str, topics: &[Topic]) -> Self {
        let typed = plain(word);
        let of = |topic: &Topic| {
            let names = topic.also.iter().chain([&topic.name]);
            Some((names.filter_map(|name| apart(&typed, name)).min()?, topic.name))
        };
        let mut near: Vec<(usize, &str)> = topics.iter().filter_map(of).collect();
        near.sort_unstable();
        let nearest = near.first().map_or(0, |(count, _)| *count);
        near.retain(|(count, _)| *count == nearest);
        near.truncate(NEAR);
        Self { word: word.to_owned(), near: near.into_iter().map(|(_, name)| name).collect() }
    }
}

/// The words of a list. A comma in braces belongs to the word.
pub(super) fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let parts = text.split(|c| {
        match c {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth <= 0
    });
    let words: Vec<&str> = parts.map(str::trim).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { vec![text.trim()] } else { words }
}

/// Whether a name is meant. Case does not count, nor whether `-` or `_` is written.
pub(super) fn are_one(name: &str, typed: &str) -> bool {
    plain(name) == plain(typed)
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace('_', "-")
}

/// How far a name is from what was typed, where it may have been meant: a third of the letters may be wrong. Words that
/// begin alike are nearer.
fn apart(typed: &str, name: &str) -> Option<usize> {
    // More than any name has; a longer one costs time and is near nothing.
    const LONGEST: usize = 200;
    let (name, length) = (plain(name), typed.chars().count());
    if !(2..=LONGEST).contains(&length) {
        return None;
    }
    if length > 3 && (name.starts_with(typed) || typed.starts_with(&name) && name.len() > 5) {
        return Some(0);
    }
    let count = strsim::damerau_levenshtein(typed, &name);
    let alike = typed.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
    (count <= (length / 3).max(1)).then_some(count.saturating_sub(alike))
}
