//! The classes of a host's requests: 5,000 routes of several shapes.

use std::time::Duration;

use criterion::Criterion;
use mesh_why::envoy::classes::{Frame, Rule, classes};
use mesh_why::envoy::pb::envoy::config::route::v3::RouteMatch;
use mesh_why::envoy::version::Version;
use serde_json::{Value, json};

use crate::stopwatch::median_of;

/// The routes of the host that the figures are about.
const ROUTES: usize = 5_000;
/// How often one point of a curve is measured.
const TIMES: usize = 5;

/// A shape, and the match of its route of this number.
type Shape = (&'static str, fn(usize) -> Value);

const SHAPES: [Shape; 8] = [
    ("prefixes", |n| json!({"prefix": format!("/team-{}/service-{n}", n % 50)})),
    ("exact paths", |n| json!({"path": format!("/team-{}/service-{n}", n % 50)})),
    ("prefixes, a header each", |n| json!({"prefix": format!("/service-{n}"), "headers": [exact("x-tenant", n % 7)]})),
    ("one path, a value of a header each", |n| json!({"prefix": "/", "headers": [exact("x-tenant", n)]})),
    ("one path, a header each", |n| json!({"prefix": "/", "headers": [exact(&format!("x-{n}"), 1)]})),
    (
        "nested, half of them shadowed",
        |n| json!({"path_separated_prefix": format!("/a-{}/b{}", n / 2, "/c".repeat(n % 2))}),
    ),
    ("a tenth regexes", |n| match n % 10 {
        0 => json!({"safe_regex": {"regex": format!("/service-{n}/v[0-9]+/.*")}}),
        _ => json!({"prefix": format!("/service-{n}/")}),
    }),
    ("a last one for all that is left", |n| match n % ROUTES {
        last if last == ROUTES - 1 => json!({"prefix": "/"}),
        _ => json!({"prefix": format!("/{n}"), "case_sensitive": n % 2 == 0}),
    }),
];

fn exact(name: &str, value: usize) -> Value {
    json!({"name": name, "string_match": {"exact": value.to_string()}})
}

/// Measures all shapes, and how they grow.
pub(crate) fn bench(criterion: &mut Criterion) {
    let frame = Frame::new(Version::NEWEST, "shop");
    let rules = |shape: fn(usize) -> Value, count: usize| -> Vec<Rule> {
        let wanted = (0..count).map(|n| serde_json::from_value::<RouteMatch>(shape(n)).expect("a match"));
        wanted.map(|wanted| Rule::of(Some(&wanted), &frame)).collect()
    };
    let mut group = criterion.benchmark_group("classes");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for (name, shape) in SHAPES {
        let all = rules(shape, ROUTES);
        group.bench_function(name, |b| b.iter(|| classes(&all, &frame)));
    }
    group.finish();
    for (name, shape) in SHAPES {
        let times = [1, 2, 4].map(|n| {
            let all = rules(shape, ROUTES * n / 4);
            let time = median_of(TIMES, || classes(&all, &frame));
            format!("{} routes {:.1} ms", ROUTES * n / 4, time.as_secs_f64() * 1000.0)
        });
        println!("classes: {name}: {}", times.join(", "));
    }
}
