//! Links of pages: the file is there, and the heading in it.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::common::none;
use crate::{Page, for_users, pages, root};

/// What a page links to, pictures too.
fn targets(text: &str) -> Vec<String> {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES);
    let target = |event| {
        let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event else { return None };
        Some(dest_url.into_string())
    };
    events.filter_map(target).collect()
}

/// What GitHub calls the headings of a page: letters, digits, `-` and `_` in lower case, blanks as `-`, and a number behind
/// what was there before.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        if let Event::Start(Tag::Heading { .. }) = event {
            heading = Some(String::new());
        } else if let Event::Text(text) | Event::Code(text) = event {
            heading = heading.map(|heading| heading + &text);
        } else if let Event::End(TagEnd::Heading(_)) = event {
            let plain: String = heading.take().unwrap_or_default().to_lowercase();
            let kept = plain.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
            let name: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
            let numbered = (1..).map(|n| format!("{name}-{n}"));
            let free = std::iter::once(name.clone()).chain(numbered).find(|name| !found.contains(name));
            found.extend(free);
        }
    }
    found
}

/// A path beside a page, from the root.
fn beside(page: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => drop(parts.pop()?),
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// What is wrong with a link of a page.
fn broken(page: &Page, target: &str, all: &[Page]) -> Option<String> {
    if target.starts_with("https://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let file = if path.is_empty() { page.path.clone() } else { beside(&page.path, path)? };
    if !root().join(&file).exists() {
        return Some(format!("{}: {target}: there is no {file}", page.path));
    }
    let anchor = anchor?;
    let there = all.iter().find(|other| other.path == file).is_some_and(|other| anchors(&other.text).contains(anchor));
    (!there).then(|| format!("{}: {target}: {file} has no such heading", page.path))
}

#[test]
fn links_lead_somewhere() {
    let all = pages();
    let complaints: Vec<String> = all
        .iter()
        .flat_map(|page| targets(&page.text).into_iter().map(move |target| (page, target)))
        .filter_map(|(page, target)| broken(page, &target, &all))
        .collect();
    none(&complaints);
}

/// Nobody has to know that a page is there.
#[test]
fn the_index_links_to_every_page() {
    let index = for_users().find(|page| page.path == "docs/README.md").unwrap();
    let linked: BTreeSet<String> =
        targets(&index.text).iter().filter_map(|target| beside(&index.path, target)).collect();
    let missing = for_users().map(|page| page.path).filter(|path| *path != index.path && !linked.contains(path));
    none(&missing.collect::<Vec<_>>());
}

#[test]
fn a_broken_link_is_found() {
    let page = |text: &str| Page { path: "docs/faq.md".to_owned(), text: text.to_owned() };
    let one = page("# A `b` c!\n\n## Twice\n\n## Twice\n\n[x](#twice-1)");
    let all = [page(&one.text)];
    let wrong = |target: &str| broken(&one, target, &all).is_some();
    assert_eq!(targets(&one.text), ["#twice-1"]);
    for target in ["#a-b-c", "#twice", "#twice-1", "../README.md", "causes.md", "https://localhost/"] {
        assert!(!wrong(target), "{target}");
    }
    for target in ["#twice-2", "#A-b-c", "other.md", "../docs/other.md", "causes.md#no-such-heading"] {
        assert!(wrong(target), "{target}");
    }
}
