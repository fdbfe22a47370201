//! The walk of one request, and of every kind of request, over a snapshot that was read: 10,000 clusters, and 5,000
//! routes in its virtual host.

use std::collections::BTreeMap;
use std::time::Duration;

use criterion::{BatchSize, Criterion};
use mesh_why::snapshot::Snapshot;
use mesh_why::walk::{Question, walk};

use crate::dump::Shape;
use crate::question::{answer, every_request, question, rendered};
use crate::stopwatch::{median_of, timed};

/// The mesh that the figures are about.
const BASE: Shape = Shape { services: 3_077, subsets: 2, endpoints: 2, ports: 1, routes: 5_000, regexes: false };

/// How often one point of a curve is measured.
const TIMES: usize = 5;

/// Measures one walk, and the whole answer from the first look on.
pub(crate) fn bench(criterion: &mut Criterion) {
    let question = question();
    let fresh = loaded(&BASE);
    let settled = settled(&fresh, &question);
    println!("walk: {} clusters, {} routes", BASE.clusters(), BASE.routes);
    let mut group = criterion.benchmark_group("walk");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    group.bench_function("again", |b| b.iter(|| walk(&settled, &question)));
    let every = every_request();
    let open = self::settled(&fresh, &every);
    group.bench_function("every request", |b| b.iter(|| walk(&open, &every)));
    group.bench_function("answer", |b| {
        let first = |mut snapshot| (answer(&question, &mut snapshot), snapshot);
        b.iter_batched(|| fresh.clone(), first, BatchSize::PerIteration);
    });
    group.finish();
    grow("walk", &question);
    grow("every request", &every);
}

/// What gets more, and the shape with n times of it.
type Curve = (&'static str, fn(usize) -> Shape);

/// What happens to the time of one walk when one thing gets more, and the rest stays.
fn grow(name: &str, question: &Question) {
    let curves: [Curve; 4] = [
        ("clusters on other ports", |n| Shape { ports: n, ..BASE }),
        ("services on the port", |n| Shape { services: BASE.services * n, ..BASE }),
        ("routes", |n| Shape { routes: BASE.routes * n, ..BASE }),
        ("routes from 312 on, a tenth regexes", |n| Shape { routes: BASE.routes * n / 16, regexes: true, ..BASE }),
    ];
    for (what, shape) in curves {
        let times = [1, 4, 16].map(|n| {
            let snapshot = settled(&loaded(&shape(n)), question);
            let time = median_of(TIMES, || walk(&snapshot, question));
            format!("{n}x {:.2} ms", time.as_secs_f64() * 1000.0)
        });
        println!("{name}: {what}: {}", times.join(", "));
    }
}

fn loaded(shape: &Shape) -> Snapshot {
    let mut files = BTreeMap::from([
        ("config_dump.json".to_owned(), shape.config_dump()),
        ("clusters.json".to_owned(), shape.cluster_statuses()),
    ]);
    Snapshot::from_files(&mut files).expect("the dump can be read")
}

/// The snapshot after its answer: what was needed was looked at, and what is not there is known not to be.
fn settled(fresh: &Snapshot, question: &Question) -> Snapshot {
    let mut snapshot = fresh.clone();
    let (time, verdict) = timed(|| answer(question, &mut snapshot));
    rendered(&verdict);
    println!("walk: the answer took {:.1} ms", time.as_secs_f64() * 1000.0);
    snapshot
}
