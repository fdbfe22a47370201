//! Conditions, sorted by the part of a request that they are about; parts are independent of one another.
//!
//! A part is solved by itself, and again only when a condition of it is added. What the parts come to is put together
//! and then judged by the rules that all requests are judged by, so that no witness rests on this module being right.

use std::collections::BTreeMap;

use crate::envoy::codec::{self, Incoming, Spoken};
use crate::envoy::matcher::Match;
use crate::envoy::path;
use crate::envoy::pb::envoy::config::route::v3::HeaderMatcher;

use super::atom::{Atom, Sign, is_grpc};
use super::implied::implies;
use super::request::{Request, Seen};
use super::tools::{Tools, Value, Wanted};
use super::{header_part, pair_part, path_part};

/// A part of a request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Part {
    /// The path, and the path with its query.
    Path,
    /// A query parameter of this name.
    Query(String),
    /// A header of this name, in lower case; the method too.
    Header(String),
    /// A cookie of this name.
    Cookie(String),
}

/// Conditions that all have to be as they are wanted, and what each part then is.
#[derive(Clone, Default)]
pub(super) struct Problem<'a> {
    parts: BTreeMap<Part, Piece<'a>>,
}

#[derive(Clone)]
struct Piece<'a> {
    wanted: Vec<Wanted<'a>>,
    value: Value,
}

/// What a problem comes to.
pub(super) enum Outcome {
    /// This request is as it is wanted.
    Witness(Request),
    /// None is.
    Empty,
    /// It cannot be told, and why.
    Undecided(String),
}

impl Part {
    pub(super) fn of(atom: &Atom) -> Self {
        match atom {
            Atom::Path(_) => Self::Path,
            Atom::Header(header) if header.name.eq_ignore_ascii_case(":path") => Self::Path,
            Atom::Header(header) => Self::Header(header.name.to_ascii_lowercase()),
            Atom::Query(parameter) => Self::Query(parameter.name.clone()),
            Atom::Cookie(cookie) => Self::Cookie(cookie.name.clone()),
            Atom::Grpc => Self::Header("content-type".to_owned()),
        }
    }

    /// Whether two conditions are about the same part.
    pub(super) fn is_same(one: &Atom, other: &Atom) -> bool {
        let is_grpc = |header: &HeaderMatcher| header.name.eq_ignore_ascii_case("content-type");
        match (one, other) {
            (Atom::Header(one), Atom::Header(other)) => one.name.eq_ignore_ascii_case(&other.name),
            (Atom::Query(one), Atom::Query(other)) => one.name == other.name,
            (Atom::Cookie(one), Atom::Cookie(other)) => one.name == other.name,
            (Atom::Header(header), Atom::Grpc) | (Atom::Grpc, Atom::Header(header)) => is_grpc(header),
            (Atom::Path(_), Atom::Path(_)) | (Atom::Grpc, Atom::Grpc) => true,
            (Atom::Path(_) | Atom::Header(_) | Atom::Query(_) | Atom::Cookie(_) | Atom::Grpc, _) => {
                Self::of(one) == Self::of(other)
            }
        }
    }

    fn solve(&self, wanted: &[Wanted], tools: &mut Tools) -> Value {
        match self {
            Self::Path => path_part::solve(wanted, tools),
            Self::Header(name) => header_part::solve(name, wanted, tools),
            Self::Query(name) => pair_part::solve(pair_part::Pair::Query, name, wanted, tools),
            Self::Cookie(name) => pair_part::solve(pair_part::Pair::Cookie, name, wanted, tools),
        }
    }
}

impl<'a> Problem<'a> {
    /// Of these conditions.
    pub(super) fn new(wanted: impl IntoIterator<Item = Wanted<'a>>, tools: &mut Tools) -> Self {
        let mut parts: BTreeMap<Part, Piece<'a>> = BTreeMap::new();
        for one in wanted {
            let piece = parts.entry(Part::of(one.0)).or_insert(Piece { wanted: Vec::new(), value: Value::Absent });
            piece.wanted.push(one);
        }
        for (part, piece) in &mut parts {
            piece.value = solve(part, &piece.wanted, tools);
        }
        Self { parts }
    }

    /// With one condition more.
    pub(super) fn with(&self, one: Wanted<'a>, tools: &mut Tools) -> Self {
        let mut more = self.clone();
        let part = Part::of(one.0);
        let piece = more.parts.entry(part.clone()).or_insert(Piece { wanted: Vec::new(), value: Value::Absent });
        piece.wanted.push(one);
        piece.value = solve(&part, &piece.wanted, tools);
        more
    }

    /// Whether some part cannot be as it is wanted.
    pub(super) fn is_impossible(&self) -> bool {
        self.parts.values().any(|piece| piece.value == Value::Impossible)
    }

    /// A request that has all parts as they are wanted.
    pub(super) fn outcome(&self, tools: &Tools) -> Outcome {
        if self.is_impossible() {
            return Outcome::Empty;
        }
        let open = self.parts.values().find_map(|piece| match &piece.value {
            Value::Unknown(why) => Some(why),
            Value::Absent | Value::Lines(_) | Value::Impossible => None,
        });
        if let Some(why) = open {
            return Outcome::Undecided(why.clone());
        }
        let request = self.request();
        match self.check(&request, tools) {
            Ok(()) => Outcome::Witness(request),
            Err(why) => Outcome::Undecided(why),
        }
    }

    fn request(&self) -> Request {
        let mut request = Request::default();
        let (mut query, mut cookies) = (Vec::new(), Vec::new());
        for (part, piece) in &self.parts {
            let Value::Lines(lines) = &piece.value else { continue };
            for line in lines {
                match part {
                    Part::Path => request.path.clone_from(line),
                    Part::Query(name) => query.push([name.as_str(), "=", line].concat()),
                    Part::Cookie(name) => cookies.push([name.as_str(), "=", line].concat()),
                    Part::Header(name) if name == ":method" => request.method.clone_from(line),
                    Part::Header(name) => request.headers.push((name.clone(), line.clone())),
                }
            }
        }
        if !query.is_empty() {
            let between = if request.path.contains('?') { "&" } else { "?" };
            request.path = [request.path.as_str(), between, &query.join("&")].concat();
        }
        if !cookies.is_empty() {
            request.headers.push(("cookie".to_owned(), cookies.join("; ")));
        }
        // What is gRPC is a POST, where the method has no say.
        let asks_method = self.parts.contains_key(&Part::Header(":method".to_owned()));
        if !asks_method && request.headers.iter().any(|(name, value)| name == "content-type" && is_grpc(value)) {
            "POST".clone_into(&mut request.method);
        }
        request
    }

    /// Whether a client can send the request, and whether it is as it is wanted; else why not.
    fn check(&self, request: &Request, tools: &Tools) -> Result<(), String> {
        let Tools { frame, limits, .. } = tools;
        let Request { method, path, headers } = request;
        if path::normalize(path, frame.normalization).as_ref() != Ok(path) {
            return Err("only paths that are normalized would do".to_owned());
        }
        let incoming = Incoming { spoken: Spoken::Http11, method, authority: "a", path, headers };
        if method == "CONNECT" || !matches!(codec::refusal(incoming, limits, frame.version), Ok(None)) {
            return Err("only requests that are refused before would do".to_owned());
        }
        let seen = Seen::new(request, frame);
        for (atom, sign) in self.parts.values().flat_map(|piece| &piece.wanted) {
            match sign.of(atom.seen(&seen)) {
                Match::Yes => {}
                Match::No | Match::Share(_) => return Err("conditions of several kinds meet in one place".to_owned()),
                Match::Unknown(why) => return Err(why),
            }
        }
        Ok(())
    }
}

/// Conditions that exclude each other are seen without a search, as most are.
fn solve(part: &Part, wanted: &[Wanted], tools: &mut Tools) -> Value {
    let of = |wanted_sign: Sign| wanted.iter().filter(move |(_, sign)| *sign == wanted_sign).map(|(atom, _)| *atom);
    let is_excluded = of(Sign::Fails).any(|fails| of(Sign::Holds).any(|holds| implies(holds, fails)));
    if is_excluded { Value::Impossible } else { part.solve(wanted, tools) }
}
