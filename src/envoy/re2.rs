//! Envoy's regular expressions are RE2 full matches; this translates them to the `regex` crate, or says it cannot.
//!
//! Where the two differ (27 of 71 probed patterns), the translation keeps RE2's meaning: a `{` that begins no
//! repetition is literal, `\d \w \s \b` are ASCII, `\Q…\E` quotes, `[[a]` and `&&` in a class are plain characters.
//! Since Envoy 1.39.1 pattern and text are bytes, each a character of Latin-1 (`re2_use_latin1_mode`); before that they
//! are UTF-8. Both agree on ASCII.

pub mod language;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex::bytes::{Regex, RegexBuilder};

use super::version::Version;

/// Why a pattern cannot be evaluated here.
pub type Untranslatable = String;

/// What a character is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Charset {
    /// A byte.
    Latin1,
    /// What UTF-8 encodes.
    Utf8,
    /// One of the two: the asker does not know the proxy's version, or it is one that may have been patched.
    Either,
}

impl Charset {
    /// The one that this Envoy uses.
    pub fn of(version: Version) -> Self {
        if version.is_patched(&Version::PARAMETERS) {
            Self::Either
        } else if version.has(&Version::PARAMETERS) {
            Self::Latin1
        } else {
            Self::Utf8
        }
    }
}

/// Whether RE2 would match all of `text`.
pub fn full_match(pattern: &str, text: &str, charset: Charset) -> Result<bool, Untranslatable> {
    let matches = |charset| match &*compiled(pattern, charset) {
        Ok(regex) => Ok(regex.is_match(text.as_bytes())),
        Err(why) => Err(why.clone()),
    };
    match charset {
        _ if pattern.is_ascii() && text.is_ascii() && !names_characters(pattern) => matches(Charset::Latin1),
        Charset::Latin1 | Charset::Utf8 => matches(charset),
        Charset::Either => match (matches(Charset::Latin1), matches(Charset::Utf8)) {
            (Ok(a), Ok(b)) if a == b => Ok(a),
            _ => Err(format!("the regex `{pattern}` meets text that is not ASCII, which Envoys read differently")),
        },
    }
}

/// `RE2::GlobalReplace`: all matches, each by the substitution, where `\1` is a group and `\0` the match.
pub fn replace_all(pattern: &str, substitution: &str, text: &str, charset: Charset) -> Option<String> {
    if !pattern.is_ascii() || !text.is_ascii() || !substitution.is_ascii() {
        return None;
    }
    let regex = build(pattern, charset, |translated| translated).ok()?;
    let mut replacement = String::new();
    let mut rest = substitution.chars();
    while let Some(c) = rest.next() {
        match (c, c == '\\') {
            (_, true) => match rest.next()? {
                '\\' => replacement.push('\\'),
                digit if digit.is_ascii_digit() => replacement.extend(["${", digit.encode_utf8(&mut [0; 4]), "}"]),
                _ => return None,
            },
            ('$', _) => replacement.push_str("$$"),
            (c, _) => replacement.push(c),
        }
    }
    String::from_utf8(regex.replace_all(text.as_bytes(), replacement.as_bytes()).into_owned()).ok()
}

/// Whether the pattern has escapes that can stand for more than ASCII.
fn names_characters(pattern: &str) -> bool {
    ["\\p", "\\P", "\\x"].iter().any(|escape| pattern.contains(escape))
}

/// What a pattern compiles to.
type Compiled = Rc<Result<Regex, Untranslatable>>;

/// The most patterns that are remembered; more than any proxy has on one request's path.
const REMEMBERED: usize = 1 << 14;

thread_local! {
    /// To compile a pattern takes a thousand times what it takes to match it, and every walk meets the same again.
    static COMPILED: RefCell<HashMap<bool, HashMap<String, Compiled>>> = RefCell::default();
}

/// [`compile`], once for a pattern.
fn compiled(pattern: &str, charset: Charset) -> Compiled {
    COMPILED.with_borrow_mut(|all| {
        let known = all.entry(charset == Charset::Latin1).or_default();
        if let Some(known) = known.get(pattern) {
            return Rc::clone(known);
        }
        if known.len() == REMEMBERED {
            known.clear();
        }
        let new = Rc::new(compile(pattern, charset));
        known.insert(pattern.to_owned(), Rc::clone(&new));
        new
    })
}

/// The pattern as an anchored expression of the `regex` crate.
fn compile(pattern: &str, charset: Charset) -> Result<Regex, Untranslatable> {
    build(pattern, charset, |translated| format!(r"\A(?:{translated})\z"))
}

/// The pattern as an expression of the `regex` crate, with what is put around it.
fn build(pattern: &str, charset: Charset, around: impl FnOnce(String) -> String) -> Result<Regex, Untranslatable> {
    let cannot = |why: &str| format!("the regex `{pattern}` cannot be evaluated: {why}");
    let latin1 = charset == Charset::Latin1;
    // In Latin-1 the pattern itself is read byte by byte.
    let chars: Vec<char> = if latin1 { pattern.bytes().map(char::from).collect() } else { pattern.chars().collect() };
    let translated = Translator { chars: &chars, latin1 }.translate().map_err(|why| cannot(&why))?;
    RegexBuilder::new(&around(translated))
        .unicode(!latin1)
        .octal(true)
        .size_limit(1 << 24)
        .build()
        .map_err(|e| cannot(e.to_string().lines().last().unwrap_or_default().trim()))
}

/// A pattern, and what its characters are.
struct Translator<'a> {
    chars: &'a [char],
    latin1: bool,
}

impl Translator<'_> {
    /// Rewrites what the two syntaxes disagree on.
    fn translate(&self) -> Result<String, String> {
        let chars = self.chars;
        let mut out = String::with_capacity(chars.len() + 8);
        let mut i = 0;
        let mut repeated = false;
        while let Some(&c) = chars.get(i) {
            let was_repeated = std::mem::take(&mut repeated);
            match c {
                '\\' => i = self.escape(i, &mut out)?,
                '[' => i = self.class(i, &mut out)?,
                '{' => match repetition(chars, i)? {
                    Some(end) if was_repeated => return Err(format!("a repetition of a repetition at {end}")),
                    Some(end) => {
                        out.extend(&chars[i..=end]);
                        repeated = true;
                        i = lazy(chars, end + 1, &mut out);
                    }
                    None => {
                        out.push_str(r"\{");
                        i += 1;
                    }
                },
                '*' | '+' | '?' if was_repeated => return Err("a repetition of a repetition".to_owned()),
                '*' | '+' | '?' => {
                    out.push(c);
                    i = lazy(chars, i + 1, &mut out);
                    repeated = true;
                }
                '(' if chars.get(i + 1) == Some(&'?') => {
                    self.flags(i)?;
                    out.push(c);
                    i += 1;
                }
                // Without the flag `m`, `$` is the end of the text in both.
                '(' | ')' | '|' | '.' | '^' | '$' => {
                    out.push(c);
                    i += 1;
                }
                // Flags, names of groups and their ends are among these.
                c if c.is_ascii_alphanumeric() || "<>:-,=!_ ".contains(c) => {
                    out.push(c);
                    i += 1;
                }
                c => {
                    self.push_literal(c, &mut out);
                    i += 1;
                }
            }
        }
        Ok(out)
    }

    /// Looks at the flags of a group that begins at `i`.
    fn flags(&self, i: usize) -> Result<(), String> {
        let flags: String = self.chars[i + 2..].iter().take_while(|c| !")>:".contains(**c)).collect();
        if flags.starts_with("P<") || flags.starts_with('<') {
            return Ok(());
        }
        if !flags.chars().all(|c| "imsU-".contains(c)) {
            return Err(format!("the group `(?{flags}`"));
        }
        let folds = flags.split('-').next().is_some_and(|on| on.contains('i'));
        let beyond = self.chars.iter().any(|c| !c.is_ascii())
            || self.chars.windows(2).any(|pair| pair[0] == '\\' && "pPx".contains(pair[1]));
        if folds && beyond {
            return Err("it ignores the case of characters that are not ASCII".to_owned());
        }
        Ok(())
    }

    /// An escape outside a class; returns the index behind it.
    fn escape(&self, i: usize, out: &mut String) -> Result<usize, String> {
        let chars = self.chars;
        let Some(&c) = chars.get(i + 1) else {
            return Err("it ends in a backslash".to_owned());
        };
        match c {
            'Q' => {
                let mut j = i + 2;
                while j < chars.len() && !(chars[j] == '\\' && chars.get(j + 1) == Some(&'E')) {
                    self.push_literal(chars[j], out);
                    j += 1;
                }
                return Ok((j + 2).min(chars.len()));
            }
            'E' => {}
            'C' if self.latin1 => out.push_str("(?s:.)"),
            'C' => return Err(r"`\C` over UTF-8".to_owned()),
            'd' | 'w' | 's' => *out += &["[", perl(c), "]"].concat(),
            'D' | 'W' | 'S' => *out += &["[^", perl(c), "]"].concat(),
            'b' => out.push_str(if self.latin1 { r"\b" } else { r"(?-u:\b)" }),
            'B' => out.push_str(if self.latin1 { r"\B" } else { r"(?-u:\B)" }),
            'Z' | 'k' | 'g' => return Err(format!("the escape `\\{c}`")),
            'p' | 'P' => {
                let (class, end) = self.unicode_class(i)?;
                *out += &["[", &class, "]"].concat();
                return Ok(end);
            }
            c if c.is_ascii_alphanumeric() => {
                out.push('\\');
                out.push(c);
            }
            c => self.push_literal(c, out),
        }
        Ok(i + 2)
    }

    /// `\pL`, `\p{Lu}`, `\P{^Greek}` at `i`, as what stands in a class; and the index behind it.
    fn unicode_class(&self, i: usize) -> Result<(String, usize), String> {
        let chars = self.chars;
        let (name, end) = match chars.get(i + 2) {
            Some('{') => {
                let end = chars[i..].iter().position(|c| *c == '}').ok_or("a class name has no end")?;
                (chars[i + 3..i + end].iter().collect::<String>(), i + end + 1)
            }
            Some(c) => (c.to_string(), i + 3),
            None => return Err("a class name is missing".to_owned()),
        };
        let (negated, name) = match name.strip_prefix('^') {
            Some(name) => (chars[i + 1] == 'p', name),
            None => (chars[i + 1] == 'P', name.as_str()),
        };
        let letter = if negated { 'P' } else { 'p' };
        if !self.latin1 {
            return Ok((format!("\\{letter}{{{name}}}"), end));
        }
        let pattern = format!("^\\{letter}{{{name}}}$");
        let class = regex::Regex::new(&pattern).map_err(|_| format!("the class `{name}`"))?;
        let holds = |byte: u8| class.is_match(char::from(byte).encode_utf8(&mut [0; 4]));
        let bytes: String = (0..=u8::MAX).filter(|byte| holds(*byte)).map(|byte| hex(byte.into())).collect();
        if bytes.is_empty() { Err(format!("the class `{name}` holds no character")) } else { Ok((bytes, end)) }
    }

    fn push_literal(&self, c: char, out: &mut String) {
        if self.latin1 && !c.is_ascii() {
            *out += &hex(c.into());
        } else {
            out.push_str(&regex::escape(&c.to_string()));
        }
    }

    /// A bracketed class; returns the index behind it.
    fn class(&self, start: usize, out: &mut String) -> Result<usize, String> {
        let chars = self.chars;
        let mut i = start + 1;
        out.push('[');
        if chars.get(i) == Some(&'^') {
            out.push('^');
            i += 1;
        }
        let first = i;
        while let Some(&c) = chars.get(i) {
            match c {
                ']' if i > first => {
                    out.push(']');
                    return Ok(i + 1);
                }
                '[' if chars.get(i + 1) == Some(&':') => {
                    let end =
                        (i..chars.len()).find(|j| chars[*j] == ':' && chars.get(j + 1) == Some(&']') && *j > i + 1);
                    let end = end.ok_or("a class name has no end")?;
                    out.extend(&chars[i..=end + 1]);
                    i = end + 2;
                }
                '\\' => i = self.class_escape(i, out)?,
                '-' => {
                    let is_range = i > first && chars.get(i + 1).is_some_and(|c| *c != ']');
                    out.push_str(if is_range && !after_class(chars, i) { "-" } else { r"\-" });
                    i += 1;
                }
                '[' | ']' | '&' | '~' | '^' => {
                    out.push('\\');
                    out.push(c);
                    i += 1;
                }
                c => {
                    self.push_literal(c, out);
                    i += 1;
                }
            }
        }
        Err("a class has no end".to_owned())
    }

    fn class_escape(&self, i: usize, out: &mut String) -> Result<usize, String> {
        let Some(&c) = self.chars.get(i + 1) else {
            return Err("it ends in a backslash".to_owned());
        };
        match c {
            'd' | 'w' | 's' => out.push_str(perl(c)),
            'D' | 'W' | 'S' => *out += &["[^", perl(c), "]"].concat(),
            'p' | 'P' => {
                let (class, end) = self.unicode_class(i)?;
                out.push_str(&class);
                return Ok(end);
            }
            'b' | 'B' | 'C' | 'Q' | 'A' | 'z' => return Err(format!("`\\{c}` in a class")),
            c if c.is_ascii_alphanumeric() => {
                out.push('\\');
                out.push(c);
            }
            c => self.push_literal(c, out),
        }
        Ok(i + 2)
    }
}

/// `\xE9`
fn hex(c: u32) -> String {
    format!("\\x{c:02X}")
}

/// What `\d`, `\w` and `\s` stand for, in either case: ASCII, and no vertical tab.
fn perl(c: char) -> &'static str {
    match c {
        'd' | 'D' => "0-9",
        'w' | 'W' => "0-9A-Za-z_",
        _ => r"\t\n\f\r ",
    }
}

/// A `?` after a repetition makes it lazy.
fn lazy(chars: &[char], i: usize, out: &mut String) -> usize {
    if chars.get(i) == Some(&'?') {
        out.push('?');
        return i + 1;
    }
    i
}

/// Where `{n}`, `{n,}` or `{n,m}` at `i` ends; `None` when the brace is literal. RE2 allows up to 1000.
fn repetition(chars: &[char], i: usize) -> Result<Option<usize>, String> {
    let Some(end) = chars[i..].iter().position(|c| *c == '}').map(|n| i + n) else {
        return Ok(None);
    };
    let inner: String = chars[i + 1..end].iter().collect();
    let (low, high) = inner.split_once(',').unwrap_or((&inner, ""));
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    if low.is_empty() || !digits(low) || !digits(high) {
        return Ok(None);
    }
    let over = |s: &str| !s.is_empty() && s.parse::<u32>().map_or(true, |n| n > 1000);
    if over(low) || over(high) { Err("it repeats more than 1000 times".to_owned()) } else { Ok(Some(end)) }
}

/// Whether the `-` at `i` follows `\w` and the like, where RE2 takes it literally.
fn after_class(chars: &[char], i: usize) -> bool {
    i >= 2 && chars[i - 2] == '\\' && "dDwWsS".contains(chars[i - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_full() {
        assert_eq!(full_match("a|abc", "abc", Charset::Latin1), Ok(true));
        assert_eq!(full_match("a", "ab", Charset::Latin1), Ok(false));
        assert_eq!(full_match("/users/{user}/.*", "/users/{user}/x", Charset::Latin1), Ok(true));
        assert_eq!(full_match("/v[0-9]+/.*", "/v12/", Charset::Latin1), Ok(true));
    }

    #[test]
    fn what_re2_means_stays() {
        for (pattern, text, expected) in [
            (r"a{", "a{", true),
            (r"a{,2}", "a{,2}", true),
            (r"[[a-z]]", "a]", true),
            (r"[^[]+", "ab", true),
            (r"[\w-.]+", "a-b.c", true),
            (r"\Qa.b\E", "a.b", true),
            (r"\Qa.b\E", "axb", false),
            (r"\101", "A", true),
            (r"[a&&b]+", "a&b", true),
            (r"(?i)ABC", "abc", true),
            (r"a{2}", "aa", true),
            (r"x*?", "xx", true),
            (r"[a-]+", "a-", true),
            (r"\-", "-", true),
        ] {
            assert_eq!(full_match(pattern, text, Charset::Latin1), Ok(expected), "{pattern} {text}");
        }
    }

    #[test]
    fn what_re2_refuses_is_not_evaluated() {
        for pattern in ["a**", "a++", "x{2}{3}", "a{1001}", "(?x)a", "a(?=b)", "[a", "("] {
            assert!(full_match(pattern, "a", Charset::Latin1).is_err(), "{pattern}");
        }
    }

    #[test]
    fn what_is_not_ascii_is_bytes_or_characters() {
        for (pattern, text, latin1, utf8) in [
            ("é", "é", true, true),
            (".", "é", false, true),
            ("..", "é", true, false),
            ("[é]", "é", false, true),
            ("[é]+", "é", true, true),
            (r"\pL", "é", false, true),
            (r"\pL.", "é", true, false),
            (r"\p{Lu}", "A", true, true),
            (r"\p{^Lu}", "A", false, false),
            (r"\PL+", "12", true, true),
            (r"[\pL\d]+", "a1", true, true),
            (r"\xC3\xA9", "é", true, false),
            (r"\w+", "é", false, false),
            (r"\W+", "é", true, true),
            (r"[^\w]+", "é", true, true),
            (r"[\W]+", "é", true, true),
            ("(?i)a", "é", false, false),
        ] {
            assert_eq!(full_match(pattern, text, Charset::Latin1), Ok(latin1), "{pattern} {text}");
            assert_eq!(full_match(pattern, text, Charset::Utf8), Ok(utf8), "{pattern} {text}");
            let either = full_match(pattern, text, Charset::Either);
            assert_eq!(either.ok(), (latin1 == utf8).then_some(latin1), "{pattern} {text}");
        }
        assert!(full_match("(?i)é", "É", Charset::Latin1).is_err());
    }
}
