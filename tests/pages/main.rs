//! The pages that people read: every link leads somewhere, every command can be typed, and what a page shows as printed is
//! printed.
//!
//! `UPDATE_EXPECT=1 cargo test --test pages` writes anew what commands print, and the picture.

#![expect(clippy::unwrap_used, reason = "a test")]

mod commands;
#[path = "../common/mod.rs"]
mod common;
mod data;
mod links;
mod picture;

use std::fs;
use std::path::{Path, PathBuf};

/// A page of Markdown.
struct Page {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All pages: those at the root, those of `docs/`, and those beside tests.
fn pages() -> Vec<Page> {
    let mut found: Vec<String> = Vec::new();
    for folder in ["", "docs", "tests/mesh", "tests/reported"] {
        let names = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        let names = names.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "md"));
        found.extend(names.map(|name| if folder.is_empty() { name } else { format!("{folder}/{name}") }));
    }
    found.sort();
    found.into_iter().map(|path| Page { text: fs::read_to_string(root().join(&path)).unwrap(), path }).collect()
}

/// Those of users: at the root and in `docs/`.
fn for_users() -> impl Iterator<Item = Page> {
    pages().into_iter().filter(|page| page.path == "README.md" || page.path.starts_with("docs/"))
}

/// A fenced block: what stands behind the fence, and its text.
struct Block {
    info: String,
    text: String,
}

fn blocks(page: &Page) -> Vec<Block> {
    use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for event in Parser::new(&page.text) {
        if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) = event {
            open = Some(Block { info: info.into_string(), text: String::new() });
        } else if let Event::Text(text) = event {
            open = open.map(|block| Block { text: block.text + &text, ..block });
        } else if let Event::End(TagEnd::CodeBlock) = event {
            found.extend(open.take());
        }
    }
    found
}
