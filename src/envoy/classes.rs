//! Which requests a list of routes tells apart: a class for each route, with a request of it, and what no route takes.
//!
//! A class is its route's match and none of the earlier ones (`VirtualHostImpl::getRouteFromEntries`: the first that
//! matches). A class that no request can be in belongs to a route that is shadowed. Overlaps are decided by what strings
//! conditions take, regular expressions too; where that cannot be decided, it is said. Every request that is returned was
//! judged by the functions that judge requests that people ask about.
//!
//! What filters ask in the same words can be a list of rules as well: the policies of RBAC, the rules of JWT
//! authentication.

mod atom;
mod automata;
mod except;
mod header_part;
mod implied;
mod index;
mod language;
mod list;
mod numbers;
mod pair_part;
mod parts;
mod path_part;
mod refine;
mod request;
mod rule;
mod search;
mod texts;
mod tools;
mod words;

#[cfg(test)]
mod property;

pub use atom::{Atom, Case, PathAtom, PathTest, Sign};
pub use except::Exceptions;
pub use list::{Conditions, List, Then};
pub use refine::Refined;
pub use request::{Frame, Parameters, Request};
pub use rule::{Rule, Takes};

use parts::{Outcome, Problem};
use search::{Left, Search};
use tools::Tools;

/// What conditions come to together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Solution {
    /// This request is as they want it.
    Witness(Request),
    /// No request is.
    Empty,
    /// It cannot be told, and why.
    Undecided(String),
}

/// The requests that one route takes, or that none does.
#[derive(Clone, PartialEq, Debug)]
pub struct Class {
    /// The route's place in the list; `None` is what no route takes.
    pub route: Option<usize>,
    /// Whether there are any.
    pub standing: Standing,
    /// The earlier routes that take a part of what would meet its conditions.
    pub except: Exceptions,
    /// Which requests these are, in words.
    pub predicate: String,
    /// The same as it follows a verb: `for /api…`, `where method is POST`.
    pub place: String,
}

/// What a route takes of all requests.
#[derive(Clone, PartialEq, Debug)]
pub enum Standing {
    /// Such as this one; all of the class, or a share where the route leaves it to chance.
    Taken {
        /// A request of the class, and of no other.
        witness: Request,
    },
    /// Only what earlier routes, which leave it to chance, leave of their classes; it has no class of its own.
    Drawn {
        /// These routes.
        of: Vec<usize>,
        /// A request that it gets a share of.
        witness: Request,
    },
    /// Nothing: earlier routes take all of it.
    Shadowed {
        /// These routes, together.
        by: Vec<usize>,
    },
    /// Nothing: no plain request can meet its conditions.
    Never {
        /// Why not.
        why: String,
    },
    /// It cannot be told.
    Undecided {
        /// Why not.
        why: String,
        /// A request that meets its conditions, as far as they are known, and that no earlier route surely takes.
        witness: Option<Request>,
    },
}

/// All classes of a list of routes.
#[derive(Clone, PartialEq, Debug)]
pub struct Classes {
    /// One for each route, in order.
    pub routes: Vec<Class>,
    /// What no route takes; shadowed where some route takes all that is left.
    pub rest: Class,
    /// How many times a route was asked whether it takes a request: what it cost.
    pub evaluations: usize,
}

/// A request that is as all conditions want it, or the proof that there is none.
#[must_use]
pub fn solve(constraints: &[(Atom, Sign)], frame: &Frame) -> Solution {
    let mut tools = Tools::new(frame);
    let problem = Problem::new(constraints.iter().map(|(atom, sign)| (atom, *sign)), &mut tools);
    match problem.outcome(&tools) {
        Outcome::Witness(request) => Solution::Witness(request),
        Outcome::Empty => Solution::Empty,
        Outcome::Undecided(why) => Solution::Undecided(why),
    }
}

/// All classes of a list of rules, each taken apart by lists of conditions of which the first that a request meets
/// counts.
#[derive(Clone, PartialEq, Debug)]
pub struct Taken {
    /// One for each rule, in order.
    pub rules: Vec<Class>,
    /// The parts of those that take something.
    pub parts: Vec<Refined>,
    /// The rules whose parts are too many; each is one part.
    pub too_many: Vec<usize>,
}

/// The classes of rules that are tried in this order, and of which the first that matches decides, each taken apart by
/// the lists of its rule. `most` is how many parts there may be.
#[must_use]
pub fn refined(rules: &[Rule], lists: &[Vec<&List>], frame: &Frame, most: usize) -> Taken {
    let mut search = Search::new(rules, frame);
    let mut taken = Taken { rules: Vec::with_capacity(rules.len()), parts: Vec::new(), too_many: Vec::new() };
    for ((place, rule), lists) in rules.iter().enumerate().zip(lists) {
        // The lists' parts come before this rule stands in the way of others.
        let class = placed((place, rule), &taken.rules, &mut search);
        if class.standing.is_taking() {
            let before = taken.parts.len();
            let is_apart = !lists.is_empty()
                && refine::parts((place, &class.except), lists, &mut search, (&mut taken.parts, most));
            if !is_apart {
                taken.parts.truncate(before);
                taken.parts.push(whole(&class));
                taken.too_many.extend((!lists.is_empty()).then_some(place));
            }
            search.index.add(place);
        }
        taken.rules.push(class);
    }
    taken
}

/// The classes of rules that are tried in this order, and of which the first that matches decides.
#[must_use]
pub fn classes(rules: &[Rule], frame: &Frame) -> Classes {
    let mut search = Search::new(rules, frame);
    let mut routes: Vec<Class> = Vec::with_capacity(rules.len());
    for (i, rule) in rules.iter().enumerate() {
        let class = placed((i, rule), &routes, &mut search);
        // What takes nothing stands in nobody's way.
        if class.standing.is_taking() {
            search.index.add(i);
        }
        routes.push(class);
    }
    let standing = rest(&mut search);
    let predicate = "what no route takes".to_owned();
    let place = format!("for {predicate}");
    let rest = Class { route: None, standing, except: Exceptions::default(), predicate, place };
    Classes { routes, rest, evaluations: search.evaluations }
}

/// The class of a rule, behind those that were placed before it.
fn placed((i, rule): (usize, &Rule), before: &[Class], search: &mut Search) -> Class {
    let standing = standing(i, rule, search);
    let except = if standing.is_taking() {
        let is_taking = |other: usize| before.get(other).is_some_and(|class| class.standing.is_taking());
        Exceptions::of(i, search, &is_taking)
    } else {
        Exceptions::default()
    };
    let mut predicate = words::predicate(&rule.conditions, search.rules, &except, &[]);
    if matches!(standing, Standing::Drawn { .. }) {
        predicate += ", what chance leaves of it";
    }
    let place = words::place(&rule.conditions, &predicate);
    Class { route: Some(i), standing, except, predicate, place }
}

/// A class that is not taken apart.
fn whole(class: &Class) -> Refined {
    let witness = match &class.standing {
        Standing::Taken { witness }
        | Standing::Drawn { witness, .. }
        | Standing::Undecided { witness: Some(witness), .. } => Ok(witness.clone()),
        Standing::Undecided { why, witness: None } | Standing::Never { why } => Err(why.clone()),
        Standing::Shadowed { .. } => Err(String::new()),
    };
    Refined {
        rule: class.route.unwrap_or(usize::MAX),
        entries: Vec::new(),
        predicate: class.predicate.clone(),
        place: class.place.clone(),
        witness,
    }
}

impl Standing {
    /// Whether it takes something, for all that is known.
    #[must_use]
    pub fn is_taking(&self) -> bool {
        match self {
            Self::Taken { .. } | Self::Drawn { .. } | Self::Undecided { .. } => true,
            Self::Shadowed { .. } | Self::Never { .. } => false,
        }
    }

    /// A request of the class, where one is known.
    #[must_use]
    pub fn witness(&self) -> Option<&Request> {
        match self {
            Self::Taken { witness } | Self::Drawn { witness, .. } => Some(witness),
            Self::Undecided { witness, .. } => witness.as_ref(),
            Self::Shadowed { .. } | Self::Never { .. } => None,
        }
    }
}

fn standing(i: usize, rule: &Rule, search: &mut Search) -> Standing {
    if let Takes::Never(why) = &rule.takes {
        return Standing::Never { why: why.clone() };
    }
    let placed = of_left(search.left(Some(i)), search);
    match (&rule.takes, placed) {
        (Takes::Open(why), Standing::Taken { witness } | Standing::Drawn { witness, .. }) => {
            Standing::Undecided { why: why.clone(), witness: Some(witness) }
        }
        (_, placed) => placed,
    }
}

fn rest(search: &mut Search) -> Standing {
    of_left(search.left(None), search)
}

fn of_left(left: Left, search: &Search) -> Standing {
    match left {
        Left::Request(witness) => Standing::Taken { witness },
        Left::Behind(of, witness) => {
            let draws = |rule: &usize| matches!(search.rules.get(*rule).map(|rule| &rule.takes), Some(Takes::Share(_)));
            match of.iter().find(|rule| !draws(rule)) {
                None => Standing::Drawn { of, witness },
                Some(open) => {
                    let why = format!("it is open whether route {open} takes it before");
                    Standing::Undecided { why, witness: Some(witness) }
                }
            }
        }
        Left::Nothing(by) => Standing::Shadowed { by },
        Left::Impossible => Standing::Never { why: "its conditions exclude each other".to_owned() },
        Left::Unknown(why) => Standing::Undecided { why, witness: None },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::{Value, json};

    use super::*;
    use crate::envoy::matcher::Match;
    use crate::envoy::pb::envoy::config::route::v3::RouteMatch;
    use crate::envoy::version::Version;

    fn frame() -> Frame {
        Frame::new(Version::NEWEST, "shop")
    }

    fn rules(matches: &[Value]) -> Vec<Rule> {
        let wanted = |wanted: &Value| serde_json::from_value::<RouteMatch>(wanted.clone()).unwrap();
        matches.iter().map(|value| Rule::of(Some(&wanted(value)), &frame())).collect()
    }

    /// Each class in a line: `0 GET /a x: 1`, `1 shadowed by 0`, `rest …`.
    fn told(matches: &[Value]) -> String {
        told_in(matches, &frame())
    }

    fn told_in(matches: &[Value], frame: &Frame) -> String {
        let all = classes(&rules(matches), frame);
        let line = |class: &Class| {
            let standing = match &class.standing {
                Standing::Taken { witness } => shown(witness),
                Standing::Drawn { of, witness } => format!("after {of:?} {}", shown(witness)),
                Standing::Shadowed { by } => format!("shadowed by {by:?}"),
                Standing::Never { .. } => "never".to_owned(),
                Standing::Undecided { witness, .. } => format!("? {}", witness.as_ref().map(shown).unwrap_or_default()),
            };
            format!("{} {standing}", class.route.map_or_else(|| "rest".to_owned(), |route| route.to_string()))
        };
        all.routes.iter().chain([&all.rest]).map(line).collect::<Vec<_>>().join("; ")
    }

    fn shown(request: &Request) -> String {
        let headers = request.headers.iter().map(|(name, value)| format!(" {name}: {value}"));
        format!("{} {}{}", request.method, request.path, headers.collect::<String>())
    }

    fn words(matches: &[Value]) -> Vec<String> {
        classes(&rules(matches), &frame()).routes.into_iter().map(|class| class.predicate).collect()
    }

    fn header(name: &str, rest: Value) -> Value {
        let mut header = rest;
        header["name"] = json!(name);
        header
    }

    fn at_root(header: &Value) -> Value {
        json!({"prefix": "/", "headers": [header]})
    }

    #[test]
    fn a_longer_path_behind_a_shorter_one_is_shadowed() {
        assert_eq!(
            told(&[json!({"prefix": "/"}), json!({"prefix": "/a"})]),
            "0 GET /; 1 shadowed by [0]; rest shadowed by [0]"
        );
        assert_eq!(
            told(&[json!({"prefix": "/a"}), json!({"path": "/a/b"})]),
            "0 GET /a; 1 shadowed by [0]; rest GET /"
        );
        let halves = [json!({"path": "/a"}), json!({"prefix": "/a/"}), json!({"path_separated_prefix": "/a"})];
        assert_eq!(told(&halves), "0 GET /a; 1 GET /a/; 2 shadowed by [0, 1]; rest GET /");
        let same = json!({"prefix": "/a", "headers": [header("x", json!({"string_match": {"exact": "1"}}))]});
        assert_eq!(
            told(&[same.clone(), same, json!({"prefix": "/a"})]),
            "0 GET /a x: 1; 1 shadowed by [0]; 2 GET /a; rest GET /"
        );
    }

    #[test]
    fn paths_are_told_apart_where_they_are() {
        let separated =
            [json!({"path_separated_prefix": "/api"}), json!({"prefix": "/api"}), json!({"prefix": "/apix"})];
        assert_eq!(told(&separated), "0 GET /api; 1 GET /apix; 2 shadowed by [1]; rest GET /");
        let folded =
            [json!({"prefix": "/API", "case_sensitive": false}), json!({"path": "/Api/x"}), json!({"prefix": "/ap"})];
        assert_eq!(told(&folded), "0 GET /api; 1 shadowed by [0]; 2 GET /ap; rest GET /");
        let sensitive = [json!({"prefix": "/api"}), json!({"prefix": "/API", "case_sensitive": false})];
        assert_eq!(told(&sensitive), "0 GET /api; 1 GET /apI; rest GET /");
        assert_eq!(told(&[json!({"path": "/a?b"}), json!({"path": "a"})]), "0 never; 1 never; rest GET /");
    }

    #[test]
    fn languages_are_compared() {
        let regex = |regex: &str| json!({"safe_regex": {"regex": regex}});
        assert_eq!(
            told(&[regex("/[a-z]+"), regex("/[a-m]+"), regex("/[a-z0-9]+")]),
            "0 GET /x; 1 shadowed by [0]; 2 GET /0; rest GET /"
        );
        let digits = [json!({"path": "/a"}), json!({"path": "/b"}), regex("/[ab]"), regex("/(a|b|c)")];
        assert_eq!(told(&digits), "0 GET /a; 1 GET /b; 2 shadowed by [0, 1]; 3 GET /c; rest GET /");
        assert_eq!(told(&[regex(".*"), json!({"prefix": "/"})]), "0 GET /; 1 shadowed by [0]; rest shadowed by [0]");
        // The automaton would be too large.
        assert_eq!(told(&[regex("/.*a.{30}"), regex("/.*b.{30}")]), "0 ? ; 1 ? ; rest GET /");
        assert!(told(&[regex("(?:(?=a))"), json!({"prefix": "/a"})]).starts_with("0 ? ; 1 ? "));
    }

    #[test]
    fn absent_headers_meet_what_they_meet() {
        let exact = |more: Value| {
            let mut header = header("x", json!({"string_match": {"exact": "1"}}));
            header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            at_root(&header)
        };
        let inverted = exact(json!({"invert_match": true}));
        let all = [exact(json!({})), inverted.clone(), at_root(&header("x", json!({"present_match": false})))];
        assert_eq!(told(&all), "0 GET / x: 1; 1 GET / x: x; 2 GET /; rest shadowed by [0, 1, 2]");
        let empty = exact(json!({"invert_match": true, "treat_missing_header_as_empty": true}));
        assert_eq!(told(&[exact(json!({})), empty]), "0 GET / x: 1; 1 GET /; rest shadowed by [0, 1]");
        let never = at_root(&header("x", json!({"present_match": false, "treat_missing_header_as_empty": true})));
        assert_eq!(told(&[never]), "0 never; rest GET /");
        let range = at_root(&header("x", json!({"range_match": {"start": "5", "end": "6"}})));
        let five = exact(json!({}));
        assert_eq!(told(&[five, range, inverted]), "0 GET / x: 1; 1 GET / x: 5; 2 GET / x: x; rest GET /");
    }

    #[test]
    fn two_lines_meet_what_one_cannot() {
        let is = |value: &str| header("x", json!({"string_match": {"exact": value}}));
        let both = json!({"prefix": "/", "headers": [is("1"), is("2")]});
        let frame = |version: &str| Frame::new(Version::parse(version).unwrap(), "shop");
        assert_eq!(told_in(std::slice::from_ref(&both), &frame("1.40.0")), "0 GET / x: 1 x: 2; rest GET /");
        assert_eq!(told_in(&[both], &frame("1.38.0")), "0 never; rest GET /");
        let inline = ["1", "2"].map(|v| header("content-type", json!({"string_match": {"exact": v}})));
        assert_eq!(told(&[json!({"prefix": "/", "headers": inline})]), "0 never; rest GET /");
    }

    #[test]
    fn methods_queries_cookies_and_grpc() {
        let method = |m: &str| at_root(&header(":method", json!({"string_match": {"exact": m}})));
        assert_eq!(
            told(&[method("GET"), method("POST"), method("GET")]),
            "0 GET /; 1 POST /; 2 shadowed by [0]; rest PUT /"
        );
        // HTTP/1 refuses a method that it does not know, and CONNECT is no plain request.
        assert_eq!(told(&[method("FOO"), method("CONNECT")]), "0 ? ; 1 ? ; rest GET /");
        let query = |m: Value| json!({"prefix": "/", "query_parameters": [header("q", m)]});
        let queries =
            [query(json!({"string_match": {"exact": "1"}})), query(json!({"present_match": false})), query(json!({}))];
        assert_eq!(told(&queries), "0 GET /?q=1; 1 GET /; 2 GET /?q=; rest shadowed by [1, 2]");
        let cookie = |inverted: bool| json!({"prefix": "/", "cookies": [{"name": "c", "string_match": {"exact": "1"}, "invert_match": inverted}]});
        assert_eq!(told(&[cookie(false), cookie(true)]), "0 GET / cookie: c=1; 1 GET /; rest shadowed by [0, 1]");
        let grpc = json!({"prefix": "/", "grpc": {}});
        assert_eq!(
            told(&[grpc.clone(), grpc]),
            "0 POST / content-type: application/grpc; 1 shadowed by [0]; rest GET /"
        );
    }

    #[test]
    fn chance_shadows_nothing() {
        let share =
            |numerator: u32| json!({"prefix": "/a", "runtime_fraction": {"default_value": {"numerator": numerator}}});
        let all = [share(50), json!({"prefix": "/a"}), json!({"path": "/a/b"}), json!({"prefix": "/"})];
        assert_eq!(told(&all), "0 GET /a; 1 after [0] GET /a; 2 shadowed by [1]; 3 GET /; rest shadowed by [3]");
        assert_eq!(told(&[share(0), share(100), share(50)]), "0 never; 1 GET /a; 2 shadowed by [1]; rest GET /");
    }

    #[test]
    fn what_no_plain_request_meets_is_never_taken() {
        let all = [
            json!({"connect_matcher": {}}),
            json!({"prefix": "/", "tls_context": {"presented": true}}),
            json!({"prefix": "/", "dynamic_metadata": [{"filter": "f"}]}),
            json!({"prefix": "/"}),
        ];
        assert_eq!(told(&all), "0 never; 1 never; 2 never; 3 GET /; rest shadowed by [3]");
        let unread = [Rule::of(None, &frame()), Rule { conditions: Vec::new(), takes: Takes::All }];
        let all = classes(&unread, &frame());
        assert!(all.routes.iter().all(|class| matches!(class.standing, Standing::Undecided { witness: Some(_), .. })));
        assert_eq!(all.rest.standing, Standing::Shadowed { by: vec![1] });
        let state = json!({"prefix": "/a", "filter_state": [{"key": "k", "string_match": {"exact": "v"}}]});
        assert_eq!(told(&[state, json!({"prefix": "/"})]), "0 ? GET /a; 1 GET /; rest shadowed by [1]");
    }

    #[test]
    fn words_are_plain() {
        let canary = header("x-canary", json!({"string_match": {"exact": "1"}}));
        let post = header(":method", json!({"string_match": {"exact": "POST"}}));
        let all = [
            json!({"prefix": "/api/v2"}),
            json!({"path": "/other"}),
            json!({"prefix": "/api", "headers": [canary, post]}),
            json!({"prefix": "/api"}),
            json!({"prefix": "/"}),
        ];
        let expected = [
            "path begins with /api/v2",
            "path is /other",
            "path begins with /api and header x-canary is \"1\" and method is POST, but not with /api/v2",
            "path begins with /api, but not with /api/v2, nor where header x-canary is \"1\" and method is POST",
            "any request, but not where path is /other, nor where path begins with /api",
        ];
        assert_eq!(words(&all), expected);
    }

    #[test]
    fn conditions_by_themselves_are_solved() {
        let begins = |text: &str| Atom::Path(PathAtom::new(PathTest::Prefix(text.to_owned()), Case::Sensitive));
        let solved = |all: &[(Atom, Sign)]| solve(all, &frame());
        let both = [(begins("/a"), Sign::Holds), (begins("/a/b"), Sign::Fails)];
        let Solution::Witness(request) = solved(&both) else { panic!("{:?}", solved(&both)) };
        assert!(both.iter().all(|(atom, sign)| sign.of(atom.holds(&request, &frame())) == Match::Yes));
        assert_eq!(solved(&[(begins("/a/b"), Sign::Holds), (begins("/a"), Sign::Fails)]), Solution::Empty);
        let host = |value: &str| serde_json::from_value(header(":authority", json!({"exact_match": value}))).unwrap();
        assert_eq!(solved(&[(Atom::Header(host("other")), Sign::Holds)]), Solution::Empty);
        assert_eq!(solved(&[(Atom::Header(host("shop")), Sign::Holds)]), Solution::Witness(Request::default()));
    }

    /// As access control says it: all but `/health`, and then all but GET.
    #[test]
    fn conditions_may_be_negated() {
        let health = Atom::Path(PathAtom::new(PathTest::Exact("/health".to_owned()), Case::Sensitive));
        let get = Atom::Header(serde_json::from_value(header(":method", json!({"exact_match": "GET"}))).unwrap());
        let not = |atom: &Atom| Rule { conditions: vec![(atom.clone(), Sign::Fails)], takes: Takes::All };
        let all = classes(&[not(&health), not(&get)], &frame());
        let told = all.routes.iter().chain([&all.rest]).filter_map(|class| class.standing.witness()).map(shown);
        assert_eq!(told.collect::<Vec<_>>(), ["GET /", "POST /health", "GET /health"]);
        let words: Vec<&str> = all.routes.iter().map(|class| class.predicate.as_str()).collect();
        assert_eq!(words, ["path is not /health", "method is not GET, but not where path is not /health"]);
    }

    /// Patterns that begin with anything, so that each overlaps with all before, and automata that are too large.
    #[test]
    fn hostile_lists_end() {
        let all: Vec<Value> = (0..300)
            .map(|n| json!({"safe_regex": {"regex": format!(".*{n}.*a.{{{}}}", n % 30)}, "headers": [header("x", json!({"string_match": {"contains": n.to_string()}}))]}))
            .collect();
        let found = classes(&rules(&all), &frame());
        assert!(found.evaluations < 1 << 22, "{}", found.evaluations);
        assert!(found.routes.iter().all(|class| class.standing.is_taking()));
    }

    /// What it costs grows with the routes, not with their square.
    #[test]
    fn thousands_of_routes_cost_what_they_are() {
        let exact = |name: &str, value: usize| header(name, json!({"string_match": {"exact": value.to_string()}}));
        let shapes: [&dyn Fn(usize) -> Value; 5] = [
            &|n| json!({"prefix": format!("/service-{n}")}),
            &|n| json!({"path": format!("/service-{n}"), "headers": [exact("x", n % 7)]}),
            &|n| json!({"prefix": "/", "headers": [exact("x", n)]}),
            &|n| json!({"prefix": "/", "headers": [exact(&format!("x-{n}"), 1)]}),
            &|n| json!({"path_separated_prefix": format!("/a-{}{}", n / 2, "/b".repeat(n % 2))}),
        ];
        for (i, shape) in shapes.iter().enumerate() {
            let count = 5_000;
            let all: Vec<Value> = (0..count).map(shape).collect();
            let found = classes(&rules(&all), &frame());
            assert!(found.evaluations < 3 * count, "shape {i}: {}", found.evaluations);
            let shadowed = found.routes.iter().filter(|class| !class.standing.is_taking()).count();
            assert!(shadowed == if i == 4 { count / 2 } else { 0 } || i == 0, "shape {i}: {shadowed}");
        }
    }
}
