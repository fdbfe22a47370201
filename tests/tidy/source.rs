//! The files of the repository, and a Rust file as its tokens.

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A file of the repository.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|ending| ending == "rs")
    }

    /// The tokens, comments left out.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        let stream: TokenStream = self.text.parse().unwrap_or_else(|error| panic!("{}: {error}", self.path));
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        without_doc_comments(&tokens)
    }

    /// The tokens that are not compiled for tests alone.
    pub(crate) fn code(&self) -> Vec<Token> {
        without_tests(&self.tokens())
    }

    /// The place of a token, as an editor takes it.
    pub(crate) fn at(&self, token: &Token) -> String {
        format!("{}:{}", self.path, token.line)
    }
}

/// A token and the line that it is on. A delimiter is a token of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A name, or a keyword.
    Word,
    /// Punctuation; `::` is one token.
    Mark,
    /// Text, a number.
    Literal,
}

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        self.kind != Kind::Literal && self.text == text
    }

    pub(crate) fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }
}

/// Whether the tokens from `at` on read so.
pub(crate) fn reads(tokens: &[Token], at: usize, texts: &[&str]) -> bool {
    tokens.get(at..at + texts.len()).is_some_and(|slice| slice.iter().zip(texts).all(|(token, text)| token.is(text)))
}

/// The index of the delimiter that closes the one at `at`; the last token where there is none.
pub(crate) fn closing(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(at) {
        if ["(", "[", "{"].iter().any(|open| token.is(open)) {
            depth += 1;
        } else if [")", "]", "}"].iter().any(|close| token.is(close)) {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return i;
            }
        }
    }
    tokens.len().saturating_sub(1)
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let token = |kind, text: String, line| Token { kind, text, line };
    let mut joined = false;
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                tokens.push(token(Kind::Mark, open.to_owned(), group.span_open().start().line));
                flatten(group.stream(), tokens);
                tokens.push(token(Kind::Mark, close.to_owned(), group.span_close().start().line));
                joined = false;
            }
            TokenTree::Ident(ident) => {
                tokens.push(token(Kind::Word, ident.to_string(), ident.span().start().line));
                joined = false;
            }
            TokenTree::Punct(punct) => {
                let text = punct.as_char().to_string();
                match tokens.last_mut() {
                    Some(last) if joined && last.text == ":" && text == ":" => last.text.push(':'),
                    _ => tokens.push(token(Kind::Mark, text, punct.span().start().line)),
                }
                joined = punct.spacing() == Spacing::Joint;
            }
            TokenTree::Literal(literal) => {
                tokens.push(token(Kind::Literal, literal.to_string(), literal.span().start().line));
                joined = false;
            }
        }
    }
}

/// A doc comment is an attribute to the lexer.
fn without_doc_comments(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let bang = usize::from(reads(tokens, at + 1, &["!"]));
        if token.is("#") && reads(tokens, at + 1 + bang, &["[", "doc", "="]) {
            at = closing(tokens, at + 1 + bang) + 1;
        } else {
            kept.push(token.clone());
            at += 1;
        }
    }
    kept
}

/// Leaves out each item under `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if reads(tokens, at, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            at = end_of_item(tokens, at + 7) + 1;
        } else {
            kept.push(token.clone());
            at += 1;
        }
    }
    kept
}

fn end_of_item(tokens: &[Token], from: usize) -> usize {
    let mut at = from;
    while let Some(token) = tokens.get(at) {
        if token.is(";") {
            return at;
        }
        if token.is("{") {
            return closing(tokens, at);
        }
        at = if token.is("(") || token.is("[") { closing(tokens, at) + 1 } else { at + 1 };
    }
    tokens.len()
}

/// Every file of the repository that is text, but what Git and Cargo keep in it.
pub(crate) fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(root, root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry of the repository").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let hidden = name.starts_with('.') && ![".ci", ".github", ".gitignore"].contains(&name.as_str());
        if hidden || name == "target" || name == "__pycache__" {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let relative = path.strip_prefix(root).expect("below the root");
            files.push(File::new(&relative.to_string_lossy().replace('\\', "/"), &text));
        }
    }
}

#[test]
fn tests_and_comments_are_no_code() {
    let text = "//! Head: `fs::read`.\n/// Doc.\n#[cfg(test)]\nuse std::fs;\nfn a() { b(\"panic!\"); } // c\n#[cfg(test)]\n#[expect(x)]\nmod tests { fn t() { {} } }\nfn z() {}";
    let file = File::new("src/a.rs", text);
    let words: Vec<String> = file.code().into_iter().filter(Token::is_word).map(|t| t.text).collect();
    assert_eq!(words, ["fn", "a", "b", "fn", "z"]);
    assert_eq!(file.code().last().map(|t| t.line), Some(9));
}
