//! What is printed: the answer on standard output, errors on standard error.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};

use super::UNREAD;
use super::args::ColorWhen;
use crate::collect::{plain, said};
use crate::explain::Unknown;
use crate::render::{self, Failure, Format, Theme};
use crate::verdict::Side;
use crate::walk::QuestionError;

/// The protocols that a request may have.
const PROTOCOLS: &[&str] = &["auto", "http1.0", "http1", "http2", "grpc", "tcp", "tls"];

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
        let hint = if ports.is_empty() {
            format!("write `{host}:PORT`")
        } else {
            let choices = ports.iter().map(|port| format!("`{host}:{port}`")).collect::<Vec<_>>();
            format!("the service has {}", choices.join(", "))
        };
        Self::of(format!("`{host}` has no port")).with_hint(hint)
    }

    /// A cannot be understood. Where it looks like B, the two may have been swapped.
    pub(super) fn of_source(why: String, a: &str) -> Self {
        let usage = Self::of(why);
        if a.contains(':') { usage.with_hint("the source goes first: kubectl mesh-why A B:PORT") } else { usage }
    }

    pub(super) fn of_question(error: &QuestionError) -> Self {
        let usage = Self::of(error.to_string());
        match error {
            QuestionError::BadProtocol(word) => usage.with_near(word, PROTOCOLS),
            QuestionError::NoPort(_)
            | QuestionError::BadPort(_)
            | QuestionError::BadTarget(_)
            | QuestionError::BadHeader(_)
            | QuestionError::BadPath(_)
            | QuestionError::BadMethod(_)
            | QuestionError::BadAddress(_)
            | QuestionError::BadProxyProtocol(_) => usage,
        }
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
    pub(super) fn no_format(name: &str, there_are: &str) -> Self {
        let usage = Self::of(format!("`{name}` is not an output format")).with_hint(format!("there are {there_are}"));
        usage.with_near(
            name,
            &["text", "wide", "markdown", "json", "yaml", "jsonpath=EXPR", "mermaid", "html", "junit", "sarif"],
        )
    }

    /// With the value that may have been meant, if there is one.
    fn with_near(self, typed: &str, values: &[&str]) -> Self {
        let apart = |value: &&&str| strsim::damerau_levenshtein(typed, value);
        // Half of the letters may be wrong, and not more than two.
        let most = (typed.chars().count() / 2).min(2);
        let near = values.iter().min_by_key(apart).filter(|value| apart(value) <= most);
        match near {
            Some(value) => self.with_hint(format!("did you mean `{value}`?")),
            None => self,
        }
    }
}

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
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_else(unless_closed)
}

/// A pipe that was closed is no failure.
pub(super) fn unless_closed(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// What was to be printed was not, or not whole.
pub(super) fn unwritten(error: &io::Error) -> Failure {
    let (message, causes) = ("cannot write the answer".to_owned(), vec![plain(error)]);
    Failure { message, causes, hint: None, exit: UNREAD }
}

/// Prints text of clap's that could not be taken apart: its lines as they are, each made fit for a terminal.
pub(super) fn lines(text: &str) {
    let lines = text.lines().map(|line| said(line) + "\n").collect::<String>();
    let _ = io::stderr().write_all(lines.as_bytes());
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
fn shows_unicode(set: impl Fn(&str) -> Option<String>) -> bool {
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

    #[test]
    fn a_lone_name_tells_which_one_is_missing() {
        assert_eq!(Usage::one_name("products:8080").error, "A is missing");
        assert_eq!(Usage::one_name("orders").error, "B:PORT is missing");
    }
}
