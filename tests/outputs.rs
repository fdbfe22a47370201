//! The formats for tickets, pages, pictures and CI: eight answers to the byte, and of all others that somebody else's
//! parser reads in them what the verdict says, whatever names there are.
//!
//! `UPDATE_EXPECT=1 cargo test --test outputs` writes the goldens anew.

#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{against_golden, answer, none, print, scenarios, snapshot};
use html5ever::tendril::TendrilSink as _;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use mesh_why::render::{Failure, Format, Theme, Told, explain, failure, render_all};
use mesh_why::snapshot::AskRecord;
use mesh_why::verdict::{Guard, Verdict};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;

/// The answers that are held to the byte: their names, their scenarios, and whether the question says nothing of the
/// request.
const GOLDENS: &[(&str, &str, Asked)] = &[
    ("healthy", "reaches-a-service", Asked::AsSaved),
    ("subset", "subset-is-not-defined", Asked::AsSaved),
    ("mutual-tls", "wildcard-rule-turns-mutual-tls-off", Asked::AsSaved),
    ("ejected", "all-endpoints-are-ejected", Asked::AsSaved),
    ("policy", "destination-denies-the-request", Asked::AsSaved),
    ("conditional", "script-of-an-envoy-filter-answers", Asked::AsSaved),
    ("kinds", "specific-host-hides-the-wildcard", Asked::Openly),
    ("gateway", "gateway-routes-to-an-undefined-subset", Asked::Openly),
];

const FORMATS: &[(&str, Format)] = &[
    ("md", Format::Markdown),
    ("mmd", Format::Mermaid),
    ("html", Format::Html),
    ("junit.xml", Format::Junit),
    ("sarif", Format::Sarif),
];

#[derive(Clone, Copy, PartialEq)]
enum Asked {
    AsSaved,
    Openly,
}

#[test]
fn eight_answers_are_given_to_the_byte() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outputs");
    let mut complaints = Vec::new();
    for (name, scenario, asked) in GOLDENS {
        let scenario = scenarios().into_iter().find(|s| s.name == *scenario).unwrap();
        let ask = match asked {
            Asked::AsSaved => scenario.case.ask.clone(),
            Asked::Openly => AskRecord { path: None, method: None, headers: Vec::new(), ..scenario.case.ask.clone() },
        };
        let verdict = answer(&ask, &mut snapshot(scenario.files()));
        for (ending, format) in FORMATS {
            let text = print(&verdict, format).replace(env!("CARGO_PKG_VERSION"), "VERSION");
            complaints.extend(against_golden(&folder.join(format!("{name}.{ending}")), &text));
        }
    }
    none(&complaints);
}

/// What a name can hold, for whoever reads Markdown, Mermaid, HTML or XML.
const HOSTILE: &[&str] = &[
    "a\nb",
    "`",
    "a```b",
    "````",
    "|",
    "a\\|b",
    "\\",
    "a\\",
    "\\*",
    "</details>",
    "</summary>",
    "</code>",
    "</style>",
    "<script>alert(1)</script>",
    "<img src=x onerror=y>",
    "\" onmouseover=\"x",
    "'",
    "&amp;#124;",
    "#124;",
    "#quot;",
    "*a* **b** _c_ ~~d~~",
    "[x](http://e.example)",
    "![x](y)",
    "[^1]",
    "<!--",
    "-->",
    "]]>",
    "%%{init: {}}%%",
    "style:a#b;",
    "end",
    "$$x$$",
    ":tada:",
    "1. x",
    "2) x",
    "- x",
    "+ x",
    "# x",
    "> x",
    "=",
    "http://e.example/a*b_c",
    "www.e.example",
    "@user",
    "a@b.example",
    "#1",
    "!1",
    "{{x}}",
    "a  b",
    " a ",
    "\u{202e}x",
    "é東京",
];

/// Text as it is shown.
fn shown(text: &str) -> String {
    text.replace('\n', "\\u000a").replace('\u{202e}', "\\u202e")
}

/// The answer with names that somebody chose.
fn renamed(mut verdict: Verdict, hostile: &str) -> Verdict {
    let name = || hostile.to_owned();
    verdict.summary = name();
    (verdict.request.source_name, verdict.request.target) = (name(), name());
    verdict.unchecked = vec![name(), format!("{hostile}{hostile}")];
    verdict.cluster.context = Some(name());
    verdict.time = name();
    let branches = verdict.branches.iter_mut();
    for step in branches.flat_map(|branch| &mut branch.steps).chain(&mut verdict.steps) {
        (step.subject, step.note) = (name(), name());
    }
    for branch in &mut verdict.branches {
        branch.guards.push(Guard::Drawn { by: name(), share: branch.share });
        let clusters = branch.decision.iter_mut().flat_map(|decision| &mut decision.clusters);
        for endpoint in clusters.flat_map(|cluster| &mut cluster.endpoints) {
            (endpoint.address, endpoint.health) = (name(), vec![name()]);
        }
    }
    for finding in &mut verdict.findings {
        (finding.title, finding.why) = (name(), name());
        for fix in &mut finding.fix {
            (fix.text, fix.now) = (name(), Some(Value::String(name())));
        }
        let fixed = finding.fix.iter_mut().filter_map(|fix| fix.object.as_mut());
        for object in finding.objects.iter_mut().chain(fixed) {
            (object.kind, object.name, object.field) = (name(), name(), name());
        }
    }
    verdict
}

/// The answers of all scenarios; and of each some with names that somebody chose.
fn verdicts() -> Vec<Verdict> {
    let mut turn = 0;
    let of = |scenario: common::Scenario| {
        let verdict = answer(&scenario.case.ask, &mut snapshot(scenario.files()));
        turn += 5;
        let some = HOSTILE.iter().cycle().skip(turn % HOSTILE.len()).take(5);
        let renamed: Vec<Verdict> = some.map(|hostile| renamed(verdict.clone(), hostile)).collect();
        std::iter::once(verdict).chain(renamed)
    };
    scenarios().into_iter().flat_map(of).collect()
}

fn told(verdicts: &[Verdict]) -> Vec<Told> {
    let told = |verdict: &Verdict| Told { verdict: verdict.clone(), pods: vec!["a-1".to_owned()], of: 3 };
    verdicts.iter().map(told).collect()
}

#[test]
fn every_format_ends_with_a_newline_and_holds_all_pods() {
    let verdicts = verdicts();
    for (i, (_, format)) in FORMATS.iter().enumerate() {
        for verdict in verdicts.iter().skip(i).step_by(FORMATS.len()) {
            let text = print(verdict, format);
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{format:?}: {text}");
        }
        let all = render_all(&told(&verdicts[..2]), format, &Theme::default(), 80).unwrap();
        assert!(all.ends_with('\n') && all.matches("1 of 3 pods: a-1").count() >= 2, "{all}");
    }
}

// === Markdown ===

/// What a reader of Markdown sees: the title, cells, paragraphs and items as text, code blocks by language.
#[derive(Default, Debug)]
struct Seen {
    title: String,
    texts: BTreeSet<String>,
    fences: Vec<(String, String)>,
    tags: BTreeSet<String>,
}

fn read_markdown(text: &str) -> Seen {
    let mut seen = Seen::default();
    let (mut now, mut language) = (String::new(), String::new());
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    for event in Parser::new_ext(text, options | Options::ENABLE_MATH) {
        match event {
            Event::Text(text) | Event::Code(text) => now.push_str(&text),
            Event::InlineHtml(tag) => drop(seen.tags.insert(tag.to_string())),
            Event::Html(tag) => drop(seen.tags.insert(tag.trim().to_owned())),
            Event::Start(Tag::CodeBlock(kind)) => {
                now.clear();
                language = match kind {
                    pulldown_cmark::CodeBlockKind::Fenced(language) => language.to_string(),
                    pulldown_cmark::CodeBlockKind::Indented => panic!("indented code: {text}"),
                };
            }
            Event::End(TagEnd::CodeBlock) => {
                seen.fences.push((language.clone(), std::mem::take(&mut now)));
            }
            Event::Start(
                tag @ (Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::Emphasis
                | Tag::Strikethrough
                | Tag::BlockQuote(_)
                | Tag::FootnoteDefinition(_)),
            ) => panic!("{tag:?} in {text}"),
            Event::End(TagEnd::Heading(_)) => seen.title = std::mem::take(&mut now),
            Event::Start(Tag::Paragraph | Tag::Item | Tag::TableCell | Tag::Heading { .. }) => now.clear(),
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell) => {
                seen.texts.insert(std::mem::take(&mut now));
            }
            Event::Start(_) | Event::End(_) | Event::SoftBreak => {}
            Event::HardBreak
            | Event::Rule
            | Event::TaskListMarker(_)
            | Event::FootnoteReference(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => panic!("{event:?} in {text}"),
        }
    }
    seen
}

#[test]
fn a_ticket_shows_what_the_verdict_says() {
    for verdict in verdicts() {
        let text = print(&verdict, &Format::Markdown);
        let seen = read_markdown(&text);
        let mark = Theme::default();
        let line = mesh_why::render::render(&verdict, &Format::Quiet, &mark, 80).unwrap();
        assert_eq!(seen.title, line.trim_end_matches('\n'), "{text}");
        for tag in &seen.tags {
            let ours = ["<details>", "</details>", "<code>", "</code>", "<span>", "</span>"].contains(&tag.as_str());
            let summary = tag.starts_with("<summary>") && tag.ends_with("</summary>");
            assert!(ours || summary, "{tag} in {text}");
        }
        for line in &verdict.unchecked {
            assert!(seen.texts.contains(&shown(line)), "{line:?} of {:?}", seen.texts);
        }
        if let Some(finding) = verdict.findings.first() {
            assert!(seen.texts.contains(&format!("Why: {}", shown(&finding.why))), "{finding:?} of {seen:?}");
            let fix = finding.fix.iter().find_map(|fix| fix.object.as_ref());
            let field = fix.or(finding.objects.first()).map(|object| object.field.as_str()).unwrap_or_default();
            assert!(field.is_empty() || seen.texts.contains(&shown(field)), "{field:?} of {seen:?}");
        }
        let walk = &seen.fences[0];
        assert_eq!(walk.0, "text");
        assert!(verdict.steps.iter().all(|step| {
            walk.1.contains(step.stage.word()) || ["passed", "not-reached"].contains(&step.mark.word())
        }));
        assert!(seen.fences.iter().any(|(language, text)| language == "mermaid" && text.starts_with("flowchart")));
    }
}

#[test]
fn nobody_is_mentioned_in_a_ticket() {
    let verdict = verdicts().remove(0);
    for hostile in ["@user", "see @user", "#1", "a#1"] {
        let text = print(&renamed(verdict.clone(), hostile), &Format::Markdown);
        let outside: String = text.split("```").step_by(2).collect();
        let outside: String = outside.split('`').step_by(2).collect();
        assert!(!outside.contains("@user") && !outside.contains("#1"), "{outside}");
    }
}

// === Mermaid ===

/// Numbers of characters as the characters.
fn decoded(text: &str) -> String {
    let mut parts = text.split('#');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (number, rest) = part.split_once(';').unwrap();
        // What stands between two signs that mean something together has no width, and is none of the text.
        let sign = char::from_u32(number.parse().unwrap()).filter(|c| *c != '\u{200b}');
        text + &sign.map(String::from).unwrap_or_default() + rest
    })
}

#[test]
fn a_flowchart_is_well_formed_and_draws_what_was_met() {
    let id = r"n\d+";
    let label = "\"[^\"<>`&\\\\|{}\\[\\]]*(<br/>[^\"<>`&\\\\|{}\\[\\]]*)*\"";
    let line = format!(
        r"^ *(flowchart TD|{id}(\(\[{label}\]\)|\[{label}\]|\({label}\))|class {id} [a-z]+|{id} -->(\|{label}\|)? {id}|classDef [a-z]+ [-a-z0-9:#, ]+|subgraph g\d+\[{label}\]|end)$"
    );
    let line = regex::Regex::new(&line).unwrap();
    for verdict in verdicts() {
        let text = print(&verdict, &Format::Mermaid);
        assert!(text.len() <= 50_000);
        for one in text.lines() {
            assert!(line.is_match(one), "{one}");
        }
        let labels: Vec<String> = text
            .lines()
            .filter_map(|line| line.split_once('"')?.1.rsplit_once('"'))
            .flat_map(|(label, _)| label.split("<br/>"))
            .map(decoded)
            .collect();
        let drawn = |step: &&mesh_why::verdict::Step| ["warned", "stopped", "unknown"].contains(&step.mark.word());
        for step in verdict.branches.iter().flat_map(|branch| &branch.steps).filter(drawn) {
            let (subject, note) = (shown(&step.subject), shown(&step.note));
            assert!(subject.is_empty() || labels.contains(&subject), "{subject} of {labels:?}");
            assert!(note.is_empty() || note.len() > 160 || labels.contains(&note), "{note} of {labels:?}");
        }
    }
}

#[test]
fn a_flowchart_is_never_larger_than_what_is_drawn() {
    let mut verdict = verdicts().remove(0);
    let mut branch = verdict.branches[0].clone();
    branch.steps.iter_mut().for_each(|step| step.subject = "|".repeat(1000));
    verdict.branches = (0..200)
        .map(|i| {
            let mut branch = branch.clone();
            branch.steps[0].note = format!("{i}");
            branch
        })
        .collect();
    let text = print(&verdict, &Format::Mermaid);
    assert!(text.len() <= 50_000, "{}", text.len());
    assert!(text.contains("more"), "{text}");
}

// === HTML ===

fn parsed_html(text: &str) -> RcDom {
    let dom = parse_document(RcDom::default(), ParseOpts::default()).one(text);
    assert!(dom.errors.borrow().is_empty(), "{:?} in {text}", dom.errors);
    dom
}

fn each(node: &Handle, look: &mut dyn FnMut(&Handle)) {
    look(node);
    for child in node.children.borrow().iter() {
        each(child, look);
    }
}

fn text_of(node: &Handle) -> String {
    let mut text = String::new();
    each(node, &mut |node| {
        if let NodeData::Text { contents } = &node.data {
            text.push_str(&contents.borrow());
        }
    });
    text
}

fn elements(dom: &RcDom, tag: &str) -> Vec<Handle> {
    let mut found = Vec::new();
    each(&dom.document, &mut |node| {
        if matches!(&node.data, NodeData::Element { name, .. } if &*name.local == tag) {
            found.push(node.clone());
        }
    });
    found
}

fn texts(dom: &RcDom, tag: &str) -> Vec<String> {
    elements(dom, tag).iter().map(text_of).collect()
}

#[test]
fn a_page_is_well_formed_asks_nobody_and_shows_what_the_verdict_says() {
    const TAGS: &[&str] = &[
        "html", "head", "meta", "title", "style", "body", "a", "main", "article", "header", "section", "footer", "h1",
        "h2", "p", "span", "strong", "code", "pre", "dl", "dt", "dd", "div", "ol", "ul", "li", "table", "thead",
        "tbody", "tr", "th", "td", "details", "summary",
    ];
    for verdict in verdicts() {
        let text = print(&verdict, &Format::Html);
        let dom = parsed_html(&text);
        let (mut ids, mut links) = (Vec::new(), Vec::new());
        each(&dom.document, &mut |node| {
            let NodeData::Element { name, attrs, .. } = &node.data else { return };
            assert!(TAGS.contains(&&*name.local), "{} in {text}", name.local);
            for attribute in attrs.borrow().iter() {
                let value = attribute.value.to_string();
                match &*attribute.name.local {
                    "id" => ids.push(value),
                    "href" => links.push(value.strip_prefix('#').unwrap().to_owned()),
                    "class" | "lang" | "charset" | "name" | "content" | "http-equiv" | "aria-hidden" | "aria-label"
                    | "role" | "scope" => {}
                    other => panic!("{other} in {text}"),
                }
            }
        });
        let known: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(known.len(), ids.len(), "{text}");
        assert!(links.iter().all(|link| known.contains(link)), "{links:?} of {ids:?}");
        assert_eq!(texts(&dom, "h1"), [shown(&verdict.summary)]);
        let items = texts(&dom, "li");
        assert!(verdict.unchecked.iter().all(|line| items.contains(&shown(line))), "{text}");
        let codes = texts(&dom, "code");
        let drawn = |step: &&mesh_why::verdict::Step| ["warned", "stopped", "unknown"].contains(&step.mark.word());
        for step in verdict.branches.iter().flat_map(|branch| &branch.steps).filter(drawn) {
            assert!(step.subject.is_empty() || codes.contains(&shown(&step.subject)), "{step:?} of {text}");
        }
        if let Some(finding) = verdict.findings.first() {
            assert!(texts(&dom, "p").contains(&shown(&finding.why)), "{text}");
        }
        assert_eq!(texts(&dom, "style").concat().matches("url(").count(), 0);
    }
}

#[test]
fn a_page_of_several_answers_has_anchors_of_its_own_for_each() {
    let all: Vec<Verdict> = verdicts().into_iter().step_by(100).collect();
    let dom = parsed_html(&render_all(&told(&all), &Format::Html, &Theme::default(), 80).unwrap());
    let mut ids = Vec::new();
    each(&dom.document, &mut |node| {
        if let NodeData::Element { attrs, .. } = &node.data {
            let attrs = attrs.borrow();
            ids.extend(attrs.iter().filter(|a| &*a.name.local == "id").map(|a| a.value.to_string()));
        }
    });
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    assert_eq!(elements(&dom, "article").len(), all.len());
}

// === for CI ===

/// An element's name, and its attributes.
type Element = (String, Vec<(String, String)>);

/// The elements, and the texts.
fn read_xml(text: &str) -> (Vec<Element>, String) {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut elements, mut texts) = (Vec::new(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return (elements, texts),
            Event::Start(tag) | Event::Empty(tag) => {
                let of = |a: quick_xml::events::attributes::Attribute<'_>| {
                    let key = a.key.as_ref().to_owned();
                    (key, quick_xml::escape::unescape(&a.value).unwrap().into_owned())
                };
                let attributes = tag.attributes().map(|a| of(a.unwrap())).collect();
                elements.push((tag.name().as_ref().to_owned(), attributes));
            }
            Event::Text(text) => texts.push_str(&text),
            Event::GeneralRef(name) => {
                let code = format!("&{};", &*name);
                texts.push_str(&quick_xml::escape::unescape(&code).unwrap());
            }
            Event::End(_) | Event::Decl(_) => {}
            event @ (Event::CData(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_)) => {
                panic!("{event:?} in {text}")
            }
        }
    }
}

#[test]
fn a_test_case_passes_where_the_request_reaches_alone() {
    for verdict in verdicts() {
        let text = print(&verdict, &Format::Junit);
        let (elements, texts) = read_xml(&text);
        let of = |name: &str| elements.iter().find(|(element, _)| element == name).map(|(_, attributes)| attributes);
        let ends = [of("failure"), of("error")];
        let end = ends.iter().flatten().next();
        match verdict.outcome.word() {
            "reaches" => assert!(end.is_none() && of("system-out").is_some(), "{text}"),
            "unknown" => assert!(of("error").is_some(), "{text}"),
            _ => assert!(of("failure").is_some(), "{text}"),
        }
        if let Some(attributes) = end {
            assert!(attributes.contains(&("message".to_owned(), shown(&verdict.summary))), "{attributes:?}");
        }
        assert!(texts.contains(&print(&verdict, &Format::Text)), "{text}");
    }
}

#[test]
fn every_finding_is_a_result_with_its_rule_and_its_objects() {
    for verdict in verdicts() {
        let log: Value = serde_json::from_str(&print(&verdict, &Format::Sarif)).unwrap();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let results = run["results"].as_array().unwrap();
        let rules: BTreeSet<&str> = run["tool"]["driver"]["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["id"].as_str().unwrap())
            .collect();
        let named: BTreeSet<&str> = results.iter().filter_map(|result| result["ruleId"].as_str()).collect();
        assert_eq!(rules, named);
        assert_eq!(results.len(), (verdict.findings.len() + verdict.behind.findings.len()).max(1));
        for (finding, result) in verdict.findings.iter().zip(results) {
            assert_eq!(result["ruleId"], finding.id);
            assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
            let places = result["locations"][0]["logicalLocations"].as_array().cloned().unwrap_or_default();
            let names: Vec<&str> = places.iter().map(|place| place["name"].as_str().unwrap()).collect();
            let objects: Vec<&str> = finding.objects.iter().map(|object| object.name.as_str()).collect();
            assert_eq!(names, objects);
        }
        let is_pass = results.iter().all(|result| result["kind"] == "pass");
        assert_eq!(is_pass, verdict.findings.is_empty() && verdict.outcome.word() == "reaches");
    }
}

// === JSON ===

#[test]
fn all_that_is_printed_as_json_is_of_the_schema() {
    let schema = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mesh-why.v1.schema.json")).unwrap();
    let schema = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let is_of_it = |text: &str| {
        let document: Value = serde_json::from_str(text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {text}");
        document
    };
    let verdicts = verdicts();
    for scenario in scenarios() {
        is_of_it(&fs::read_to_string(scenario.folder.join("expect.json")).unwrap());
    }
    for verdict in &verdicts {
        is_of_it(&print(verdict, &Format::Json));
    }
    is_of_it(&render_all(&told(&verdicts[..3]), &Format::Json, &Theme::default(), 80).unwrap());
    let topics = mesh_why::explain::topics();
    is_of_it(&explain(&topics, &Format::Json, &Theme::default(), 80).unwrap());
    let error = Failure { message: "a".to_owned(), causes: vec!["b".to_owned()], hint: None, exit: 2 };
    is_of_it(&failure(&error, &Format::Json).unwrap().unwrap());
    let mut wrong = is_of_it(&print(&verdicts[0], &Format::Json));
    wrong["outcome"] = "works".into();
    assert!(!validator.is_valid(&wrong));
}
