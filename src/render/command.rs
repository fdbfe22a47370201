//! A command as a shell takes it: every word in the quotes that it needs.

use textwrap::core::display_width;

use crate::verdict::Command;

/// The command on one line; empty where there is none.
pub(super) fn line(command: &Command) -> String {
    quoted(command).join(" ")
}

/// The command in lines that a shell reads as one, if it is too wide for one: broken between words alone.
pub(super) fn lines(command: &Command, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut taken = 0;
    for word in quoted(command) {
        let wide = display_width(&word);
        match lines.last_mut() {
            Some(line) if taken + wide + 3 <= width => {
                line.push(' ');
                line.push_str(&word);
                taken += 1 + wide;
            }
            Some(line) => {
                line.push_str(" \\");
                lines.push(format!("  {word}"));
                taken = 2 + wide;
            }
            None => {
                lines.push(word);
                taken = wide;
            }
        }
    }
    lines
}

/// The words in their quotes. None where one cannot be quoted.
fn quoted(command: &Command) -> Vec<String> {
    let words: Option<Vec<String>> = command.words().iter().map(|word| quote(word)).collect();
    words.unwrap_or_default()
}

/// A selector (`app=x,tier=y`) means itself to every shell too, and is read more easily without quotes. In zsh a word
/// that begins with `=` is the path of a program.
fn quote(word: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,".contains(c);
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(is_plain) {
        return Some(word.to_owned());
    }
    if is_literal(word) {
        return Some(format!("'{word}'"));
    }
    Some(shlex::try_quote(word).ok()?.into_owned())
}

/// Whether single quotes alone make it one word, and itself, to every shell: in fish a backslash stands for the backslash
/// or the quote behind it, and an interactive bash looks for `!` in any line.
fn is_literal(word: &str) -> bool {
    let is_shown = |c: char| c == ' ' || c.is_ascii_graphic() && !"'!".contains(c);
    !word.is_empty() && word.chars().all(is_shown) && !word.contains(r"\\") && !word.ends_with('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Command {
        Command::of(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn plain_words_have_no_quotes() {
        let words = ["kubectl", "-n", "shop", "get", "pods", "-l", "app.kubernetes.io/name=x,b=c", "--since=10m"];
        assert_eq!(line(&command(&words)), "kubectl -n shop get pods -l app.kubernetes.io/name=x,b=c --since=10m");
    }

    #[test]
    fn a_query_is_one_word_in_single_quotes() {
        let words = ["curl", r"http://localhost:9901/clusters?filter=^a\.b\|80$"];
        assert_eq!(line(&command(&words)), r"curl 'http://localhost:9901/clusters?filter=^a\.b\|80$'");
    }

    #[test]
    fn a_shell_sees_the_words_that_were_meant() {
        let words = ["echo", "$(x)", "`x`", "a b", "it's", "\"", "\\", "*", "~", "!x", "a^b", "{a,b}", "=x", "#", "é"];
        for width in 1..80 {
            let joined = lines(&command(&words), width).join("\n").replace(" \\\n  ", " ");
            assert_eq!(joined, line(&command(&words)), "{width}");
        }
        assert_eq!(shlex::split(&line(&command(&words))).unwrap_or_default(), words);
    }
}
