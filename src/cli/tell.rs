//! What is printed: the answer on standard output, errors on standard error.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};

use super::args::ColorWhen;
use crate::collect::{said, wipe};
use crate::render::{self, Failure, Format, Theme};

/// Prints an error: as data where the answer would be data, else in uv's form. Returns the exit code. Standard error may
/// be closed: then there is nobody to tell.
pub(super) fn fail(format: &Format, failure: &Failure) -> u8 {
    let fit = Failure {
        message: said(&failure.message),
        causes: failure.causes.iter().map(|cause| said(cause)).collect(),
        hint: failure.hint.as_deref().map(said),
        exit: failure.exit,
    };
    let text = render::failure(&fit, format).and_then(Result::ok).unwrap_or_else(|| error_text(&fit));
    wipe();
    let _ = io::stderr().write_all(text.as_bytes());
    fit.exit
}

fn error_text(fit: &Failure) -> String {
    let mut lines = vec![format!("error: {}", fit.message)];
    for cause in &fit.causes {
        lines.push(format!("  caused by: {cause}"));
    }
    if let Some(hint) = &fit.hint {
        let options = textwrap::Options::new(80).initial_indent("hint: ").subsequent_indent("      ");
        let options = options.break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation);
        lines.push(String::new());
        lines.extend(textwrap::wrap(hint, options).into_iter().map(String::from));
    }
    lines.join("\n") + "\n"
}

/// Prints the answer, or says why not all of it. Whoever closes the pipe has read enough.
pub(super) fn print(text: &str) -> io::Result<()> {
    wipe();
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_else(unless_closed)
}

/// A pipe that was closed is no failure.
pub(super) fn unless_closed(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// How many columns an explanation takes: those of the terminal, as far as lines are still easy to read; 80 elsewhere.
pub(super) fn width() -> usize {
    columns().clamp(40, 100)
}

/// How many columns an answer takes: those of the terminal; 80 elsewhere.
pub(super) fn screen_width() -> usize {
    columns().clamp(40, 200)
}

fn columns() -> usize {
    terminal_size::terminal_size_of(io::stdout()).map_or(80, |(width, _)| usize::from(width.0))
}

/// The look of standard output.
pub(super) fn theme(when: ColorWhen) -> Theme {
    let set = |name: &str| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let is_terminal = io::stdout().is_terminal();
    let theme = if is_terminal { Theme::default().on_terminal() } else { Theme::default() };
    let theme = if is_terminal && !shows_unicode(set) { theme.ascii() } else { theme };
    if is_colored(when, set, is_terminal) { theme.colored() } else { theme }
}

/// `--color`, then `NO_COLOR` (set at all), `CLICOLOR_FORCE`, `CLICOLOR=0`, `TERM=dumb`, and the terminal.
fn is_colored(when: ColorWhen, set: impl Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    match when {
        ColorWhen::Always => return true,
        ColorWhen::Never => return false,
        ColorWhen::Auto => {}
    }
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0") {
        return true;
    }
    let off = set("CLICOLOR").is_some_and(|value| value == "0") || set("TERM").is_some_and(|value| value == "dumb");
    is_terminal && !off
}

/// Whether the locale has the marks: `LC_ALL`, `LC_CTYPE` or `LANG`, the first that says anything. Where none does, the
/// terminal is taken to be one of today's.
pub(super) fn shows_unicode(set: impl Fn(&str) -> Option<String>) -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(set).find(|locale| !locale.is_empty());
    said.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_goes_before_the_environment_and_that_before_the_terminal() {
        let colored = |when, set: &[(&str, &str)], is_terminal| {
            let of = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            is_colored(when, of, is_terminal)
        };
        assert!(colored(ColorWhen::Always, &[("NO_COLOR", "1")], false));
        assert!(!colored(ColorWhen::Never, &[("CLICOLOR_FORCE", "1")], true));
        assert!(!colored(ColorWhen::Auto, &[("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")], true));
        assert!(colored(ColorWhen::Auto, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], false));
        assert!(!colored(ColorWhen::Auto, &[("CLICOLOR_FORCE", "0")], false));
        assert!(!colored(ColorWhen::Auto, &[("CLICOLOR", "0")], true));
        assert!(!colored(ColorWhen::Auto, &[("TERM", "dumb")], true));
        assert!(colored(ColorWhen::Auto, &[("TERM", "xterm")], true));
        assert!(!colored(ColorWhen::Auto, &[], false));
    }

    #[test]
    fn marks_are_of_the_locale() {
        let shown = |set: &[(&str, &str)]| {
            shows_unicode(|name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(shown(&[]) && shown(&[("LANG", "de_DE.UTF-8")]) && shown(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")]));
        assert!(!shown(&[("LANG", "C")]) && !shown(&[("LC_ALL", "POSIX"), ("LANG", "en_US.UTF-8")]));
        assert!(!shown(&[("LC_CTYPE", "de_DE.ISO-8859-1")]));
    }

    #[test]
    fn an_error_has_its_causes_and_a_hint() {
        let causes = vec!["one".to_owned(), "root".to_owned()];
        let failure = Failure { message: "it failed".to_owned(), causes, hint: Some("try `a-b`".to_owned()), exit: 3 };
        let expected = "error: it failed\n  caused by: one\n  caused by: root\n\nhint: try `a-b`\n";
        assert_eq!(error_text(&failure), expected);
        let alone = Failure { causes: Vec::new(), hint: None, ..failure };
        assert_eq!(error_text(&alone), "error: it failed\n");
    }
}
