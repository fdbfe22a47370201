//! `-o junit`: the question as a test case, which CI systems list.
//!
//! A request that reaches B is a case that passes; one that does not, a failure; one of which it cannot be told is an
//! error, so that no pipeline takes it for well. Elements and attributes are those of
//! <https://github.com/testmoapp/junitxml>.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::theme::Theme;
use super::{again, text};
use crate::text::shown;
use crate::verdict::{Outcome, Verdict};

/// One answer.
pub(super) fn suite(verdict: &Verdict) -> Result<String, String> {
    suites(&[(String::new(), verdict)])
}

/// Several answers, a case each.
pub(super) fn suites(answers: &[(String, &Verdict)]) -> Result<String, String> {
    let mut xml = Xml(Writer::new_with_indent(Vec::new(), b' ', 2));
    xml.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let count = |end: End| answers.iter().filter(|(_, verdict)| End::of(verdict) == end).count().to_string();
    let (tests, failures, errors) = (answers.len().to_string(), count(End::Failure), count(End::Error));
    let counts =
        [("name", "mesh-why"), ("tests", &tests), ("failures", &failures), ("errors", &errors), ("skipped", "0")];
    xml.open("testsuites", &counts)?;
    let time = answers.first().map_or("", |(_, verdict)| verdict.time.as_str());
    let timed = counts.into_iter().chain((!time.is_empty()).then_some(("timestamp", time)));
    xml.open("testsuite", &timed.collect::<Vec<_>>())?;
    for (whose, verdict) in answers {
        xml.case(whose, verdict)?;
    }
    xml.close("testsuite")?;
    xml.close("testsuites")?;
    let text = String::from_utf8(xml.0.into_inner()).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

/// What a case comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Pass,
    Failure,
    Error,
}

impl End {
    fn of(verdict: &Verdict) -> Self {
        match verdict.outcome {
            Outcome::Reaches => Self::Pass,
            Outcome::Answered | Outcome::Fails | Outcome::Partial => Self::Failure,
            Outcome::Unknown => Self::Error,
        }
    }

    fn element(self) -> &'static str {
        match self {
            Self::Pass => "system-out",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}

/// A document that is being written. Values of attributes are escaped by the writer, and come as they can be shown.
struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn case(&mut self, whose: &str, verdict: &Verdict) -> Result<(), String> {
        let request = &verdict.request;
        let whose = if whose.is_empty() { String::new() } else { format!(" ({whose})") };
        let name = format!("{} to {}{whose}", request.line(), request.target);
        self.open("testcase", &[("classname", &request.source_name), ("name", &name)])?;
        self.properties(verdict)?;
        let end = End::of(verdict);
        if end == End::Pass {
            self.open(end.element(), &[])?;
        } else {
            let cause = verdict.findings.first().map_or(verdict.outcome.word(), |finding| finding.id);
            self.open(end.element(), &[("message", &verdict.summary), ("type", cause)])?;
        }
        let screen = text::screen(verdict, text::Detail::Brief, &Theme::default(), 80);
        self.write(Event::Text(BytesText::new(&screen)))?;
        self.close(end.element())?;
        self.close("testcase")
    }

    fn properties(&mut self, verdict: &Verdict) -> Result<(), String> {
        let question = again::question(verdict);
        let named = [
            ("outcome", Some(verdict.outcome.word())),
            ("tool", Some(again::TOOL)),
            ("context", verdict.cluster.context.as_deref()),
            ("namespace", verdict.cluster.namespace.as_deref()),
            ("command", question.as_deref()),
        ];
        self.open("properties", &[])?;
        for (name, value) in named.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            self.write(Event::Empty(element("property", &[("name", name), ("value", value)])))?;
        }
        self.close("properties")
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> Result<(), String> {
        self.write(Event::Start(element(name, attributes)))
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        self.write(Event::End(BytesEnd::new(name)))
    }

    fn write(&mut self, event: Event<'_>) -> Result<(), String> {
        self.0.write_event(event).map_err(|error| error.to_string())
    }
}

fn element<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut element = BytesStart::new(name);
    for (name, value) in attributes {
        element.push_attribute((*name, shown(value).as_ref()));
    }
    element
}
