//! Whether and how it is shown what is being waited for.

use std::env;
use std::io::{self, IsTerminal as _};

use super::args::Cli;
use super::tell;
use crate::collect::{self, Look};

/// Shows it where somebody looks: on a terminal that can rewrite a line, unless line 1 is all that is wanted.
pub(super) fn begin(cli: &Cli) {
    let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    if io::stderr().is_terminal() && !is_dumb && !cli.is_quiet() {
        collect::show(Look { columns, ellipsis: if is_unicode() { "…" } else { "..." } });
    }
}

/// Whether standard error can show more than ASCII.
pub(super) fn is_unicode() -> bool {
    let set = |name: &str| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    !io::stderr().is_terminal() || tell::shows_unicode(set)
}

/// Text in lines that a terminal need not break; elsewhere it stays one line.
pub(super) fn lines(text: &str) -> Vec<String> {
    if !io::stderr().is_terminal() {
        return vec![text.to_owned()];
    }
    let options = textwrap::Options::new(columns()).subsequent_indent("  ").break_words(false);
    let options = options.word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(String::from).collect()
}

/// How many columns standard error has.
pub(super) fn columns() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0))
}
