//! Generated lists of routes: each request is in the class of the route that takes it, and each witness too.

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::{Map, Value, json};

    use crate::envoy::classes::{Classes, Frame, Parameters, Request, Rule, Standing, classes};
    use crate::envoy::matcher::Match;
    use crate::envoy::pb::envoy::config::route::v3::{RouteConfiguration, RouteMatch};
    use crate::envoy::version::Version;

    /// `SplitMix64`: the same numbers on every machine.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).unwrap()).unwrap()
        }

        fn of_hundred(&mut self, percent: usize) -> bool {
            self.below(100) < percent
        }

        fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
            from[self.below(from.len())]
        }
    }

    const PATHS: &[&str] = &[
        "/",
        "/a",
        "/a/",
        "/a/b",
        "/A/b",
        "/a/b/c",
        "/api",
        "/api/v1",
        "/api/v1/x",
        "/api/v2",
        "/ab",
        "/b",
        "/a.b",
        "/apix",
        "",
        "/API",
        "/a;v=1/b",
        "/x/1/y",
        "/x/2",
    ];
    const ENDINGS: &[&str] = &["", "", "", "/", "/x", "x", "/1", "/b", "?q=1", "?q", "?r=2&q=1", "/../a", ";p", "//"];
    const REGEXES: &[&str] = &[
        "/a.*",
        "/a/[a-z]+",
        "/(a|b)/.*",
        r"/x/\d+",
        r"/x/[0-9]+(/y)?",
        "/api/v[12](/.*)?",
        ".*",
        "/[^/]*",
        "(?i)/api/.*",
        "/a/?",
        r"/.*\.b",
        "[/a]+",
        r"\Q/a.b\E",
        "/a{1,2}",
        r"/\w+\b.*",
    ];
    const TEMPLATES: &[&str] = &["/a/*", "/api/{v}/x", "/x/**", "/{a}/{b=**}", "/a/*/c"];
    const NAMES: &[&str] = &["x-a", "x-b", "X-C", "x-d", "content-type", "user-agent", "cookie"];
    const METHODS: &[&str] = &["GET", "GET", "POST", "PUT", "DELETE"];
    const VALUES: &[&str] =
        &["", "v", "w", "vw", "1", "5", "05", "7", "v,w", "V", "-1", "GET", "POST", "application/grpc", "/a", "c=1"];
    const VALUE_REGEXES: &[&str] = &["v.*", "[0-9]+", ".*w", "(v|w)+", ".*", "(?i)V", "GET|POST", "[^v]*", "/a.*"];

    fn string(chance: &mut Chance) -> Value {
        let value = chance.pick(VALUES);
        let mut matcher = match chance.below(6) {
            0 => json!({"prefix": value}),
            1 => json!({"suffix": value}),
            2 => json!({"contains": value}),
            3 => json!({"safe_regex": {"regex": chance.pick(VALUE_REGEXES)}}),
            _ => json!({"exact": value}),
        };
        if chance.of_hundred(20) {
            matcher["ignore_case"] = json!(true);
        }
        matcher
    }

    fn header(chance: &mut Chance) -> Value {
        // Few ask for what no client can send, or what only the whole path says.
        let name = match chance.below(100) {
            0 => "x-envoy-internal",
            1 => ":path",
            2..12 => ":method",
            _ => chance.pick(NAMES),
        };
        let value = chance.pick(VALUES);
        let mut matcher = match (name, chance.below(10)) {
            (":method", 0) => json!({"string_match": {"safe_regex": {"regex": "GET|HEAD"}}}),
            (":method", _) => json!({"string_match": {"exact": chance.pick(METHODS)}}),
            (_, 0) => json!({"present_match": true}),
            (_, 1) => json!({"present_match": false}),
            (_, 2) => json!({}),
            (_, 3) => {
                let start = [-5_i64, 0, 5, 7][chance.below(4)];
                let length = [0_i64, 1, 5][chance.below(3)];
                json!({"range_match": {"start": start.to_string(), "end": (start + length).to_string()}})
            }
            (_, 4) => json!({"safe_regex_match": {"regex": chance.pick(VALUE_REGEXES)}}),
            (_, 5) => json!({"exact_match": value}),
            (_, 6) => json!({"string_match": string(chance)}),
            _ => json!({"string_match": {"exact": value}}),
        };
        matcher["name"] = json!(name);
        if chance.of_hundred(15) {
            matcher["invert_match"] = json!(true);
        }
        if chance.of_hundred(10) {
            matcher["treat_missing_header_as_empty"] = json!(true);
        }
        matcher
    }

    fn path(chance: &mut Chance) -> (&'static str, Value) {
        // Few routes have a path that is no plain ASCII.
        let path = if chance.of_hundred(1) { "/é" } else { chance.pick(PATHS) };
        match chance.below(12) {
            0..=3 => ("prefix", json!(path)),
            4..=6 => ("path", json!(path)),
            7 if path.len() > 1 => ("path_separated_prefix", json!(path.trim_end_matches('/'))),
            8 | 9 => ("safe_regex", json!({"regex": chance.pick(REGEXES)})),
            10 if chance.of_hundred(40) => {
                let kind = "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";
                let config = json!({"@type": kind, "path_template": chance.pick(TEMPLATES)});
                ("path_match_policy", json!({"name": "t", "typed_config": config}))
            }
            11 if chance.of_hundred(15) => ("connect_matcher", json!({})),
            _ => ("prefix", json!("/")),
        }
    }

    fn wanted(chance: &mut Chance) -> RouteMatch {
        let (field, value) = path(chance);
        let mut wanted = Map::from_iter([(field.to_owned(), value)]);
        if chance.of_hundred(20) {
            wanted.insert("case_sensitive".to_owned(), json!(chance.of_hundred(20)));
        }
        let count = [0, 0, 0, 1, 1, 2][chance.below(6)];
        let headers: Vec<Value> = std::iter::repeat_with(|| header(chance)).take(count).collect();
        wanted.insert("headers".to_owned(), headers.into());
        if chance.of_hundred(15) {
            let mut parameter = match chance.below(3) {
                0 => json!({"present_match": chance.of_hundred(60)}),
                1 => json!({}),
                _ => json!({"string_match": string(chance)}),
            };
            parameter["name"] = json!(chance.pick(&["q", "r"]));
            wanted.insert("query_parameters".to_owned(), json!([parameter]));
        }
        if chance.of_hundred(8) {
            let name = chance.pick(&["c", "d"]);
            let cookie = json!({"name": name, "string_match": string(chance), "invert_match": chance.of_hundred(25)});
            wanted.insert("cookies".to_owned(), json!([cookie]));
        }
        if chance.of_hundred(4) {
            wanted.insert("grpc".to_owned(), json!({}));
        }
        if chance.of_hundred(3) {
            wanted.insert("tls_context".to_owned(), json!({"presented": chance.of_hundred(50)}));
        }
        if chance.of_hundred(6) {
            let numerator = [0, 40, 100][chance.below(3)];
            wanted.insert("runtime_fraction".to_owned(), json!({"default_value": {"numerator": numerator}}));
        }
        serde_json::from_value(Value::Object(wanted)).unwrap()
    }

    fn request(chance: &mut Chance) -> Request {
        let path = [chance.pick(PATHS), chance.pick(ENDINGS)].concat();
        let path = if path.starts_with('/') { path } else { ["/", &path].concat() };
        let mut headers = Vec::new();
        for _ in 0..[0, 0, 1, 1, 2, 3][chance.below(6)] {
            let name = chance.pick(NAMES).to_ascii_lowercase();
            if !name.starts_with(':') {
                headers.push((name, chance.pick(VALUES).to_owned()));
            }
        }
        if chance.of_hundred(8) {
            headers.push(("cookie".to_owned(), chance.pick(&["c=v", "d=w; c=1", "c=\"v\"", "d="]).to_owned()));
        }
        Request { method: chance.pick(METHODS).to_owned(), path, headers }
    }

    fn frame(chance: &mut Chance) -> Frame {
        let version = ["1.36.4", "1.38.3", "1.39.1", "1.40.0"][chance.below(4)];
        let version = Version::parse(version).unwrap();
        let is_ignored = chance.of_hundred(20);
        let config = RouteConfiguration { ignore_path_parameters_in_path_matching: is_ignored, ..Default::default() };
        Frame { parameters: Parameters::of(&config, version), ..Frame::new(version, "shop:80") }
    }

    /// Which rule decides of a request, by trying all in order; one that may take it counts. `Err`: nobody knows.
    fn first(rules: &[Rule], request: &Request, frame: &Frame) -> Result<Option<usize>, String> {
        for (i, rule) in rules.iter().enumerate() {
            match rule.matches(request, frame) {
                Match::No => {}
                Match::Yes | Match::Share(_) => return Ok(Some(i)),
                Match::Unknown(why) => return Err(why),
            }
        }
        Ok(None)
    }

    fn check_witnesses(rules: &[Rule], all: &Classes, frame: &Frame) {
        for class in all.routes.iter().chain([&all.rest]) {
            let Some(witness) = class.standing.witness() else { continue };
            let end = class.route.unwrap_or(rules.len());
            // A template says of some paths that it cannot be told, even where earlier routes take all that it takes.
            let earlier = rules.iter().zip(&all.routes).take(end);
            let earlier = earlier.filter(|(_, class)| class.standing.is_taking());
            let before: Vec<Match> = earlier.map(|(rule, _)| rule.matches(witness, frame)).collect();
            let own = class.route.map_or(Match::Yes, |i| rules[i].matches(witness, frame));
            let is_right = match &class.standing {
                Standing::Taken { .. } => {
                    before.iter().all(|m| *m == Match::No) && matches!(own, Match::Yes | Match::Share(_))
                }
                Standing::Drawn { .. } | Standing::Undecided { .. } => {
                    before.iter().all(|m| *m != Match::Yes) && own != Match::No
                }
                Standing::Shadowed { .. } | Standing::Never { .. } => false,
            };
            assert!(is_right, "{class:?}\n{rules:#?}\n{before:?} {own:?}");
            assert!(witness.path.starts_with('/') && witness.path.bytes().all(|b| b.is_ascii_graphic()), "{witness:?}");
        }
    }

    /// What a shadowed route would take, one of those that shadow it takes.
    fn check_shadows(rules: &[Rule], all: &Classes, request: &Request, frame: &Frame) {
        for (class, rule) in all.routes.iter().zip(rules) {
            let Standing::Shadowed { by } = &class.standing else { continue };
            let is_taken = by.iter().any(|i| rules[*i].matches(request, frame) == Match::Yes);
            let own = rule.matches(request, frame);
            assert!(is_taken || !matches!(own, Match::Yes | Match::Share(_)), "{request:?} {class:?}\n{rules:#?}");
        }
    }

    /// How many classes there were, and why the undecided ones are.
    #[derive(Default)]
    struct Count {
        all: usize,
        shadowed: usize,
        undecided: Vec<String>,
    }

    impl Count {
        fn add(&mut self, seed: u64, classes: &Classes) {
            for class in classes.routes.iter().chain([&classes.rest]) {
                self.all += 1;
                match &class.standing {
                    Standing::Taken { .. } | Standing::Drawn { .. } | Standing::Never { .. } => {}
                    Standing::Shadowed { .. } => self.shadowed += 1,
                    Standing::Undecided { why, .. } => {
                        self.undecided.push(format!("{seed}: {}: {why}", class.predicate));
                    }
                }
            }
        }
    }

    #[test]
    fn every_request_is_in_the_class_of_the_route_that_takes_it() {
        let (mut requests, mut open, mut count) = (0, 0, Count::default());
        for seed in 0..1_000 {
            let mut chance = Chance(seed);
            let frame = frame(&mut chance);
            let routes = 1 + chance.below(10);
            let matches: Vec<RouteMatch> = std::iter::repeat_with(|| wanted(&mut chance)).take(routes).collect();
            let rules: Vec<Rule> = matches.iter().map(|wanted| Rule::of(Some(wanted), &frame)).collect();
            let all = classes(&rules, &frame);
            check_witnesses(&rules, &all, &frame);
            count.add(seed, &all);
            for _ in 0..100 {
                requests += 1;
                let request = request(&mut chance);
                check_shadows(&rules, &all, &request, &frame);
                let Ok(first) = first(&rules, &request, &frame) else {
                    open += 1;
                    continue;
                };
                let class = first.map_or(&all.rest, |i| &all.routes[i]);
                let is_right = matches!(class.standing, Standing::Taken { .. } | Standing::Undecided { .. });
                assert!(is_right, "seed {seed}: {request:?} is of {class:?}\n{rules:#?}");
            }
        }
        let Count { all, shadowed, undecided } = count;
        let figures = format!("{all} classes, {shadowed} shadowed; {requests} requests, {open} open");
        assert!(requests == 100_000 && open * 50 < requests && shadowed * 10 > all, "{figures}");
        assert!(undecided.len() * 50 < all, "{figures}\n{} undecided\n{}", undecided.len(), undecided.join("\n"));
    }
}
