//! JSON that is passed through a window: where things lie in it, in memory that does not grow with the text.
//!
//! `serde_json` is fast over a slice alone, which has to hold all of the text. This knows no more of JSON than where a value
//! ends, and takes the texts that `serde_json` takes; what a value says is left to that, out of the bytes that were found.

use std::borrow::Cow;
use std::mem;
use std::ops::Range;

use super::bytes::Bytes;

/// How many bytes of the text are in memory: what fits into a processor's nearest caches.
const WINDOW: usize = 64 << 10;

/// Why a text is passed no further.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// It is not JSON, or ends in the middle.
    Syntax,
    /// There are no bytes but white space.
    Nothing,
    /// It is JSON, and not what it should be.
    Shape,
    /// A list is longer than it can be.
    TooMany,
    /// The bytes could not be read.
    Unread(String),
}

/// What came of passing something.
pub(super) type Passed<T> = Result<T, Fault>;

/// A place in a JSON text, which is passed from its beginning to its end.
pub(super) struct Scan<'a> {
    body: &'a Bytes,
    window: Vec<u8>,
    /// The next byte in the window, and the end of those that were read.
    at: usize,
    end: usize,
    /// Where in the body the window's end lies, and where the text ends.
    next: u64,
    last: u64,
    /// Whether each of the lists and objects around what is skipped is an object.
    around: Vec<bool>,
    /// The last place of what is no UTF-8.
    spoiled: Option<u64>,
    /// Whether what follows the member was skipped too.
    is_left: bool,
}

impl<'a> Scan<'a> {
    /// Begins at a part of a body.
    pub(super) fn new(body: &'a Bytes, range: Range<u64>) -> Self {
        let window = vec![0; WINDOW];
        Self {
            body,
            window,
            at: 0,
            end: 0,
            next: range.start,
            last: range.end,
            around: Vec::new(),
            spoiled: None,
            is_left: false,
        }
    }

    /// Where in the body the next byte lies.
    pub(super) fn place(&self) -> u64 {
        self.next - (self.end - self.at) as u64
    }

    /// Whether all since a place was UTF-8.
    pub(super) fn is_text_since(&self, start: u64) -> bool {
        self.spoiled.is_none_or(|at| at < start)
    }

    /// The first byte of the next token; `None` at the end.
    pub(super) fn peek(&mut self) -> Passed<Option<u8>> {
        loop {
            let rest = self.window.get(self.at..self.end).unwrap_or_default();
            let blank = blanks(rest);
            self.at += blank;
            match rest.get(blank).copied() {
                Some(byte) => return Ok(Some(byte)),
                None if self.refill()? => {}
                None => return Ok(None),
            }
        }
    }

    /// Calls `each` at the value of every member of the object that begins here, with the member's name.
    pub(super) fn members(&mut self, each: &mut dyn FnMut(&mut Self, &[u8]) -> Passed<()>) -> Passed<()> {
        self.begins(b'{')?;
        let mut name = Vec::new();
        if self.token()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.key(Some(&mut name))?;
            each(self, &name)?;
            if mem::take(&mut self.is_left) {
                return Ok(());
            }
            match self.token()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Fault::Syntax),
            }
        }
    }

    /// Calls `each` at every element of the list that begins here.
    pub(super) fn elements(&mut self, each: &mut dyn FnMut(&mut Self) -> Passed<()>) -> Passed<()> {
        self.begins(b'[')?;
        if self.token()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            each(self)?;
            match self.token()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Fault::Syntax),
            }
        }
    }

    fn begins(&mut self, with: u8) -> Passed<()> {
        match self.token()? {
            byte if byte == with => {
                self.at += 1;
                Ok(())
            }
            b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => Err(Fault::Shape),
            _ => Err(Fault::Syntax),
        }
    }

    /// Passes a string, and gives it; `None` where it is another value, or is no text.
    pub(super) fn text(&mut self) -> Passed<Option<String>> {
        if self.token()? != b'"' {
            self.skip()?;
            return Ok(None);
        }
        self.at += 1;
        let mut kept = Vec::new();
        self.string(Some(&mut kept))?;
        Ok(text(&kept).map(Cow::into_owned))
    }

    /// Passes a value, and says where it lies.
    pub(super) fn skip(&mut self) -> Passed<Range<u64>> {
        self.token()?;
        let start = self.place();
        self.values(self.around.len())?;
        Ok(start..self.place())
    }

    /// Passes the members that follow this one, so that [`Self::members`] calls no more.
    pub(super) fn skip_members(&mut self) -> Passed<()> {
        self.is_left = true;
        let outside = self.around.len();
        self.around.push(true);
        if self.leave(outside)? { Ok(()) } else { self.values(outside) }
    }

    /// Passes a value, and what follows it in what it lies in, down to as many as are `outside`.
    fn values(&mut self, outside: usize) -> Passed<()> {
        loop {
            match self.token()? {
                b'{' => {
                    self.at += 1;
                    if self.token()? != b'}' {
                        self.around.push(true);
                        self.key(None)?;
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    if self.token()? != b']' {
                        self.around.push(false);
                        continue;
                    }
                    self.at += 1;
                }
                b'"' => {
                    self.at += 1;
                    self.string(None)?;
                }
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                b'-' | b'0'..=b'9' => self.number()?,
                _ => return Err(Fault::Syntax),
            }
            if self.leave(outside)? {
                return Ok(());
            }
        }
    }

    /// Leaves what ends here; whether that is all of it.
    fn leave(&mut self, outside: usize) -> Passed<bool> {
        while self.around.len() > outside {
            let is_object = self.around.last().is_some_and(|is_object| *is_object);
            let byte = self.token()?;
            self.at += 1;
            match byte {
                b',' => {
                    if is_object {
                        self.key(None)?;
                    }
                    return Ok(false);
                }
                b'}' if is_object => {}
                b']' if !is_object => {}
                _ => return Err(Fault::Syntax),
            }
            self.around.pop();
        }
        Ok(true)
    }

    /// A member's name and the colon.
    fn key(&mut self, name: Option<&mut Vec<u8>>) -> Passed<()> {
        if self.token()? != b'"' {
            return Err(Fault::Syntax);
        }
        self.at += 1;
        self.string(name)?;
        if self.token()? != b':' {
            return Err(Fault::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    /// What follows a string's first quote. Of `kept` becomes the text between the quotes, as it stands there.
    fn string(&mut self, mut kept: Option<&mut Vec<u8>>) -> Passed<()> {
        if let Some(kept) = &mut kept {
            kept.clear();
        }
        loop {
            let rest = self.window.get(self.at..self.end).unwrap_or_default();
            let plain = plain(rest);
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(rest.get(..plain).unwrap_or_default());
            }
            let special = rest.get(plain).copied();
            self.at += plain;
            match special {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape(&mut kept)?,
                Some(byte) if byte >= 0x80 => self.sequence(&mut kept)?,
                None if self.refill()? => {}
                Some(_) | None => return Err(Fault::Syntax),
            }
        }
    }

    fn escape(&mut self, kept: &mut Option<&mut Vec<u8>>) -> Passed<()> {
        let mut bytes = vec![self.byte()?, self.byte()?];
        match bytes.get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {}
            Some(b'u') => {
                for _ in 0..4 {
                    let digit = self.byte()?;
                    if !digit.is_ascii_hexdigit() {
                        return Err(Fault::Syntax);
                    }
                    bytes.push(digit);
                }
            }
            _ => return Err(Fault::Syntax),
        }
        if let Some(kept) = kept {
            kept.extend(bytes);
        }
        Ok(())
    }

    /// A character beyond ASCII.
    fn sequence(&mut self, kept: &mut Option<&mut Vec<u8>>) -> Passed<()> {
        let start = self.place();
        let first = self.byte()?;
        let mut bytes = vec![first];
        let length = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        while bytes.len() < length {
            match self.here()? {
                Some(byte @ 0x80..=0xbf) => bytes.push(byte),
                Some(_) | None => break,
            }
            self.at += 1;
        }
        if std::str::from_utf8(&bytes).is_err() {
            self.spoiled = Some(start);
        }
        if let Some(kept) = kept {
            kept.extend(bytes);
        }
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Passed<()> {
        for expected in word {
            if self.byte()? != *expected {
                return Err(Fault::Syntax);
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Passed<()> {
        if self.here()? == Some(b'-') {
            self.at += 1;
        }
        match self.byte()? {
            b'0' if matches!(self.here()?, Some(b'0'..=b'9')) => return Err(Fault::Syntax),
            b'0' => {}
            b'1'..=b'9' => self.digits()?,
            _ => return Err(Fault::Syntax),
        }
        if self.here()? == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.here()?, Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.here()?, Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(())
    }

    fn some_digits(&mut self) -> Passed<()> {
        if !self.byte()?.is_ascii_digit() {
            return Err(Fault::Syntax);
        }
        self.digits()
    }

    fn digits(&mut self) -> Passed<()> {
        while matches!(self.here()?, Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    /// The first byte of the next token, which there has to be.
    fn token(&mut self) -> Passed<u8> {
        // Most tokens follow at once.
        match self.window.get(self.at) {
            Some(byte) if *byte > b' ' && self.at < self.end => Ok(*byte),
            _ => self.peek()?.ok_or(Fault::Syntax),
        }
    }

    /// The next byte; `None` at the end.
    fn here(&mut self) -> Passed<Option<u8>> {
        if self.at == self.end && !self.refill()? {
            return Ok(None);
        }
        Ok(self.window.get(self.at).copied())
    }

    /// The next byte, which is passed.
    fn byte(&mut self) -> Passed<u8> {
        let byte = self.here()?.ok_or(Fault::Syntax)?;
        self.at += 1;
        Ok(byte)
    }

    /// Reads the next bytes; whether there are any.
    #[cold]
    fn refill(&mut self) -> Passed<bool> {
        let left = usize::try_from(self.last - self.next).unwrap_or(WINDOW).min(WINDOW);
        self.body.fill(self.next, self.window.get_mut(..left).unwrap_or_default()).map_err(Fault::Unread)?;
        (self.at, self.end) = (0, left);
        self.next += left as u64;
        Ok(left > 0)
    }
}

/// What stands between the quotes of a string as a text; `None` where it is none.
pub(super) fn text(quoted: &[u8]) -> Option<Cow<'_, str>> {
    if !quoted.contains(&b'\\') {
        return std::str::from_utf8(quoted).ok().map(Cow::Borrowed);
    }
    let whole = [b"\"", quoted, b"\""].concat();
    serde_json::from_slice(&whole).ok().map(Cow::Owned)
}

/// How many bytes of white space come first.
fn blanks(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        // Lines are indented with spaces.
        while bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) == Some(b"        ") {
            at += 8;
        }
        match bytes.get(at) {
            Some(b' ' | b'\n' | b'\t' | b'\r') => at += 1,
            _ => return at,
        }
    }
}

/// How many bytes come before one that is not plain in a string: a quote, a backslash, a control character, no ASCII.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let (quote, slash) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5c));
        let below = |x: u64, n: u64| x.wrapping_sub(ONES * n) & !x;
        // Above the first that is found some may be taken for it that are not.
        let found = (below(quote, 1) | below(slash, 1) | below(word, 0x20) | word) & HIGH;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20 | 0x80..)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde::de::IgnoredAny;

    use super::*;

    fn whole(text: &[u8]) -> Passed<Range<u64>> {
        let body = Bytes::from(text.to_vec());
        let mut scan = Scan::new(&body, 0..body.length());
        let value = scan.skip()?;
        if scan.peek()?.is_some() { Err(Fault::Syntax) } else { Ok(value) }
    }

    const TEXT: &str = r#" {"a": [1, -2.5e+3, 0, 0.1E-2, "x\u00e9\n\\\"", true, null, false, {}, [ ]],
        "b\/": {"c": {"d": [[], {"": ""}]}}, "ü€😀": "a text that is longer than a word ü of the machine"} "#;

    #[test]
    fn what_serde_json_takes_is_taken_and_nothing_else() {
        let text = TEXT.as_bytes();
        assert_eq!(whole(text), Ok(1..text.len() as u64 - 1));
        let odd = b" \n{}[]\",:\\019eE+-.tfn\x1f\x7f";
        let check = |text: &[u8]| {
            let expected = serde_json::from_slice::<IgnoredAny>(text).is_ok();
            assert_eq!(whole(text).is_ok(), expected, "{}", String::from_utf8_lossy(text));
        };
        for at in 0..text.len() {
            check(&text[..at]);
            check(&[&text[..at], &text[at + 1..]].concat());
            for byte in odd {
                check(&[&text[..at], &[*byte], &text[at + 1..]].concat());
                check(&[&text[..at], &[*byte], &text[at..]].concat());
            }
        }
        for short in ["", " ", "1", "-", "01", "1.", "1e", "-0", "tru", "true ", "nulll", "\"", "[1,]", "{\"a\"}", "]"]
        {
            check(short.as_bytes());
        }
    }

    #[test]
    fn a_text_is_the_same_wherever_the_window_ends() {
        for blanks in (WINDOW - 2 * TEXT.len() - 4)..=WINDOW {
            let text = format!("[{}{TEXT},{TEXT}]", " ".repeat(blanks));
            assert_eq!(whole(text.as_bytes()), Ok(0..text.len() as u64), "{blanks}");
        }
    }

    #[test]
    fn members_and_elements_lie_where_they_are() {
        let body = Bytes::from(br#"{"a": [ {"x": 1} , 2], "\u0062": "t\u0065xt", "c": 3}"#.to_vec());
        let mut scan = Scan::new(&body, 0..body.length());
        let mut seen = Vec::new();
        let read = scan.members(&mut |scan, key| {
            let key = text(key).unwrap().into_owned();
            if key == "a" {
                return scan.elements(&mut |scan| {
                    let range = scan.skip()?;
                    seen.push(String::from_utf8(body.part(&range).into_owned()).unwrap());
                    Ok(())
                });
            }
            seen.push(format!("{key} {:?}", scan.text()?));
            Ok(())
        });
        assert_eq!(read, Ok(()));
        assert_eq!(seen, [r#"{"x": 1}"#, "2", r#"b Some("text")"#, "c None"]);
    }

    #[test]
    fn what_is_no_text_is_noticed() {
        for (text, is_text) in [("\"ü\"".as_bytes(), true), (b"\"\xfc\"", false), (b"\"\xed\xa0\x80\"", false)] {
            let body = Bytes::from(text.to_vec());
            let mut scan = Scan::new(&body, 0..body.length());
            assert_eq!(scan.skip().map(|range| range.end), Ok(text.len() as u64));
            assert_eq!(scan.is_text_since(0), is_text, "{text:?}");
        }
    }

    #[test]
    fn depth_takes_no_stack() {
        let deep = "[".repeat(1 << 20) + &"]".repeat(1 << 20);
        assert_eq!(whole(deep.as_bytes()), Ok(0..deep.len() as u64));
    }
}
