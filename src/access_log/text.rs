//! Lines of text: the default formats of Envoy (which is Contour's too) and of Istio, from mixer's days to now.
//!
//! All of them begin with the time, the request, the status and the flags. Istio's have columns for reasons behind that,
//! none to three of them; then come four numbers, the quoted headers, and in Istio's the cluster, addresses and names.

use super::field::{flags, said};
use super::mistake::Mistake;
use crate::snapshot::LogRecord;

/// A column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Column<'a> {
    Bare(&'a str),
    Quoted(&'a str),
}

impl<'a> Column<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::Bare(text) | Self::Quoted(text) => text,
        }
    }

    fn is_quoted(self) -> bool {
        matches!(self, Self::Quoted(_))
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Bare(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// A duration is `-` where nothing was measured.
    fn is_duration(self) -> bool {
        self.is_number() || self == Self::Bare("-")
    }
}

/// Where the bracket of the time stands.
pub(super) fn start(line: &str) -> Option<usize> {
    line.match_indices('[').map(|(at, _)| at).find(|at| time(&line[at + 1..]).is_some())
}

/// Reads a line that has a time in it.
pub(super) fn parse(line: &str) -> Result<LogRecord, Mistake> {
    let at = start(line).ok_or(Mistake::OtherText)?;
    let (time, rest) = time(&line[at + 1..]).ok_or(Mistake::OtherText)?;
    let (request, rest) = request(rest).ok_or(Mistake::CutOff)?;
    let all = columns(rest);
    let columns: Vec<Column> = all.iter().map(|(column, _)| *column).collect();
    let (Some(status), Some(set)) = (columns.first(), columns.get(1)) else { return Err(Mistake::CutOff) };
    let status: u16 = status.text().parse().map_err(|_| Mistake::OtherText)?;
    if set.is_quoted() || !is_flags(set.text()) {
        return Err(Mistake::OtherText);
    }
    let record = LogRecord { time: said(time), status: Some(status), flags: flags(set.text()), ..request };
    let numbers = columns[2..].windows(4).position(|four| {
        four[..2].iter().all(|column| column.is_number()) && four[2..].iter().all(|column| column.is_duration())
    });
    let Some(numbers) = numbers.map(|at| at + 2) else { return Ok(reasons(&columns[2..], record)) };
    let behind = all.get(numbers + 3).map_or("", |(_, behind)| behind);
    Ok(tail(behind, reasons(&columns[2..numbers], record)))
}

/// The time and what stands behind its bracket: `2026-08-22T14:02:11.123Z] …`.
fn time(text: &str) -> Option<(&str, &str)> {
    const LONGEST: usize = 40;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let end = text.bytes().take(LONGEST).position(|byte| byte == b']')?;
    (digits == 4 && text[digits..].starts_with('-')).then(|| (&text[..end], &text[end + 1..]))
}

/// The request in its quotes, and the rest. Neither HTTP/1 nor HTTP/2 has a path with a blank in it, so the first quote
/// behind a protocol ends it, whatever quotes the path has.
fn request(text: &str) -> Option<(LogRecord, &str)> {
    let open = text.find('"')?;
    let inner = &text[open + 1..];
    let is_end = |at: &usize| {
        let after = &inner[at + 1..];
        (after.is_empty() || after.starts_with(' ')) && inner[..*at].rsplit(' ').next().is_some_and(is_protocol)
    };
    let end = inner.match_indices('"').map(|(at, _)| at).find(is_end)?;
    let (method, rest) = inner[..end].split_once(' ')?;
    let (path, protocol) = rest.rsplit_once(' ')?;
    let record = LogRecord { method: said(method), path: said(path), protocol: said(protocol), ..LogRecord::default() };
    Some((record, &inner[end + 1..]))
}

fn is_protocol(word: &str) -> bool {
    word == "-" || word.strip_prefix("HTTP/").is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

/// `-`, `UH`, `UF,URX`; flags that somebody registered have names of their own.
fn is_flags(text: &str) -> bool {
    let is_flag = |flag: &str| {
        flag.starts_with(|c: char| c.is_ascii_alphabetic())
            && flag.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    text == "-" || text.split([',', '|']).all(is_flag)
}

/// Columns between blanks, and what stands behind each. A quote ends at one that a blank or the end follows.
fn columns(text: &str) -> Vec<(Column<'_>, &str)> {
    let mut columns = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (column, after) = if let Some(inner) = rest.strip_prefix('"') {
            let is_end = |at: &usize| inner[at + 1..].is_empty() || inner[at + 1..].starts_with(' ');
            match inner.match_indices('"').map(|(at, _)| at).find(is_end) {
                Some(end) => (Column::Quoted(&inner[..end]), &inner[end + 1..]),
                // It was cut off.
                None => (Column::Quoted(inner), ""),
            }
        } else {
            let (word, after) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
            (Column::Bare(word), after)
        };
        rest = after.trim_start();
        columns.push((column, rest));
    }
    columns
}

/// The columns between flags and numbers: details, termination, and in quotes what mixer said and how the connection
/// failed. Old Envoys write details with blanks.
fn reasons(columns: &[Column], record: LogRecord) -> LogRecord {
    let bare: Vec<&str> = columns.iter().take_while(|column| !column.is_quoted()).map(|c| c.text()).collect();
    let quoted: Vec<&str> = columns.iter().filter(|column| column.is_quoted()).map(|c| c.text()).collect();
    let (details, termination) = match &bare[..] {
        [] => (None, None),
        [details] => (said(details), None),
        [details, termination] if !details.contains('{') || details.ends_with('}') => {
            (said(details), said(termination))
        }
        words => {
            let all = words.join("_");
            match all.rfind('}') {
                Some(end) => (said(&all[..=end]), said(all[end + 1..].trim_start_matches('_'))),
                None => (said(&all), None),
            }
        }
    };
    let transport_failure = quoted.last().filter(|text| !is_mixers(text)).and_then(|text| said(text));
    LogRecord { details, termination, transport_failure, ..record }
}

/// What mixer answered: a gRPC status by its name, `PERMISSION_DENIED:…`.
fn is_mixers(text: &str) -> bool {
    text.split_once(':').is_some_and(|(word, _)| {
        !word.is_empty() && word != "TLS_error" && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    })
}

/// Headers in quotes, then what Istio has besides. A user agent may hold quotes: the headers behind it are counted from
/// the end.
fn tail(text: &str, record: LogRecord) -> LogRecord {
    let (quoted, bare) = text.split_at(text.rfind('"').map_or(0, |at| at + 1));
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
    let headers: Vec<&str> = inner.split("\" \"").collect();
    let is_whole = headers.len() >= 5;
    let from_end = |n: usize| headers.len().checked_sub(n).filter(|_| is_whole).and_then(|at| said(headers[at]));
    // More of them: the agent holds what looks like the end of a quote, and what it was cannot be told.
    let user_agent = if headers.len() == 5 { said(headers[1]) } else { None };
    let words: Vec<&str> = bare.split_whitespace().collect();
    let word = |at: usize| words.get(at).and_then(|word| said(word));
    LogRecord {
        forwarded_for: headers.first().and_then(|text| said(text)),
        user_agent,
        authority: from_end(2),
        upstream_host: from_end(1),
        upstream_cluster: word(0),
        upstream_local: word(1),
        downstream_local: word(2),
        downstream_remote: word(3),
        server_name: word(4),
        route: words.get(5..).and_then(|words| said(&words.join(" "))),
        ..record
    }
}
