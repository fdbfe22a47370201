//! Envoy's regular expressions are RE2 full matches; this translates them to the `regex` crate, or says it cannot.
//!
//! Where the two differ (27 of 71 probed patterns), the translation keeps RE2's meaning: a `{` that begins no
//! repetition is literal, `\d \w \s \b` are ASCII, `\Q…\E` quotes, `[[a]` and `&&` in a class are plain characters.
//! Since Envoy 1.39.1 a pattern sees bytes (Latin-1), before that UTF-8; both agree on ASCII, and only ASCII is asked.

use regex::bytes::{Regex, RegexBuilder};

/// Why a pattern cannot be evaluated here.
pub type Untranslatable = String;

/// Whether RE2 would match all of `text`.
pub fn full_match(pattern: &str, text: &str) -> Result<bool, Untranslatable> {
    if !pattern.is_ascii() || !text.is_ascii() {
        return Err(format!("the regex `{pattern}` meets text that is not ASCII"));
    }
    Ok(compile(pattern)?.is_match(text.as_bytes()))
}

/// The pattern as an anchored expression of the `regex` crate.
pub fn compile(pattern: &str) -> Result<Regex, Untranslatable> {
    let cannot = |why: &str| format!("the regex `{pattern}` cannot be evaluated: {why}");
    let translated = translate(pattern).map_err(|why| cannot(&why))?;
    RegexBuilder::new(&format!(r"\A(?:{translated})\z"))
        .unicode(false)
        .octal(true)
        .size_limit(1 << 24)
        .build()
        .map_err(|e| cannot(e.to_string().lines().last().unwrap_or_default().trim()))
}

/// Rewrites what the two syntaxes disagree on.
fn translate(pattern: &str) -> Result<String, String> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut i = 0;
    let mut repeated = false;
    while let Some(&c) = chars.get(i) {
        let was_repeated = std::mem::take(&mut repeated);
        match c {
            '\\' => i = escape(&chars, i, &mut out)?,
            '[' => i = class(&chars, i, &mut out)?,
            '{' => match repetition(&chars, i)? {
                Some(end) if was_repeated => return Err(format!("a repetition of a repetition at {end}")),
                Some(end) => {
                    out.extend(&chars[i..=end]);
                    i = end + 1;
                    repeated = true;
                    i = lazy(&chars, i, &mut out);
                }
                None => {
                    out.push_str(r"\{");
                    i += 1;
                }
            },
            '}' => {
                out.push_str(r"\}");
                i += 1;
            }
            '*' | '+' | '?' if was_repeated => return Err("a repetition of a repetition".to_owned()),
            '*' | '+' | '?' => {
                out.push(c);
                i = lazy(&chars, i + 1, &mut out);
                repeated = true;
            }
            '(' if chars.get(i + 1) == Some(&'?') => {
                let flags: String = chars[i + 2..].iter().take_while(|c| !")>:".contains(**c)).collect();
                let known =
                    flags.starts_with("P<") || flags.starts_with('<') || flags.chars().all(|c| "imsU-".contains(c));
                if !known {
                    return Err(format!("the group `(?{flags}`"));
                }
                out.push(c);
                i += 1;
            }
            c => {
                out.push(c);
                i += 1;
            }
        }
    }
    Ok(out)
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

/// An escape outside a class; returns the index behind it.
fn escape(chars: &[char], i: usize, out: &mut String) -> Result<usize, String> {
    let Some(&c) = chars.get(i + 1) else {
        return Err("it ends in a backslash".to_owned());
    };
    match c {
        'Q' => {
            let mut j = i + 2;
            while j < chars.len() && !(chars[j] == '\\' && chars.get(j + 1) == Some(&'E')) {
                push_literal(chars[j], out);
                j += 1;
            }
            return Ok((j + 2).min(chars.len()));
        }
        'E' => {}
        'C' => out.push_str("(?s:.)"),
        's' => out.push_str(r"[\t\n\f\r ]"),
        'S' => out.push_str(r"[^\t\n\f\r ]"),
        'Z' | 'k' | 'g' => return Err(format!("the escape `\\{c}`")),
        'p' | 'P' => return Err("it asks for a Unicode class".to_owned()),
        c if c.is_ascii_alphanumeric() => {
            out.push('\\');
            out.push(c);
        }
        c => push_literal(c, out),
    }
    Ok(i + 2)
}

fn push_literal(c: char, out: &mut String) {
    out.push_str(&regex::escape(&c.to_string()));
}

/// A bracketed class; returns the index behind it.
fn class(chars: &[char], start: usize, out: &mut String) -> Result<usize, String> {
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
                let end = (i..chars.len()).find(|j| chars[*j] == ':' && chars.get(j + 1) == Some(&']') && *j > i + 1);
                let end = end.ok_or("a class name has no end")?;
                out.extend(&chars[i..=end + 1]);
                i = end + 2;
            }
            '\\' => i = class_escape(chars, i, out)?,
            '-' => {
                let is_range = i > first && chars.get(i + 1).is_some_and(|c| *c != ']');
                out.push_str(if is_range && !after_class(chars, i) { "-" } else { r"\-" });
                i += 1;
            }
            '[' | ']' | '&' | '~' => {
                out.push('\\');
                out.push(c);
                i += 1;
            }
            c => {
                out.push(c);
                i += 1;
            }
        }
    }
    Err("a class has no end".to_owned())
}

/// Whether the `-` at `i` follows `\w` and the like, where RE2 takes it literally.
fn after_class(chars: &[char], i: usize) -> bool {
    i >= 2 && chars[i - 2] == '\\' && "dDwWsS".contains(chars[i - 1])
}

fn class_escape(chars: &[char], i: usize, out: &mut String) -> Result<usize, String> {
    let Some(&c) = chars.get(i + 1) else {
        return Err("it ends in a backslash".to_owned());
    };
    match c {
        's' => out.push_str(r"\t\n\f\r "),
        'S' => return Err(r"`\S` in a class".to_owned()),
        'p' | 'P' => return Err("it asks for a Unicode class".to_owned()),
        'b' => return Err(r"`\b` in a class".to_owned()),
        c if c.is_ascii_alphanumeric() => {
            out.push('\\');
            out.push(c);
        }
        c => {
            out.push('\\');
            out.push(c);
        }
    }
    Ok(i + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_full() {
        assert_eq!(full_match("a|abc", "abc"), Ok(true));
        assert_eq!(full_match("a", "ab"), Ok(false));
        assert_eq!(full_match("/users/{user}/.*", "/users/{user}/x"), Ok(true));
        assert_eq!(full_match("/v[0-9]+/.*", "/v12/"), Ok(true));
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
            assert_eq!(full_match(pattern, text), Ok(expected), "{pattern} {text}");
        }
    }

    #[test]
    fn what_re2_refuses_is_not_evaluated() {
        for pattern in ["a**", "a++", "x{2}{3}", "a{1001}", "(?x)a", "a(?=b)", "[a", "(", r"\pL", "é"] {
            assert!(full_match(pattern, "a").is_err(), "{pattern}");
        }
    }
}
