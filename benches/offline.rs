//! The verdict on a saved dump, against the least that anybody who reads JSON must do: to pass over it.

use std::fs;
use std::path::{Path, PathBuf};

use mesh_why::collect::{ClusterFlags, Level, Log, Options, Place, Probe, open};
use mesh_why::snapshot::Snapshot;
use serde::de::IgnoredAny;
use tempfile::TempDir;

use crate::dump::Shape;
use crate::question::{answer, question, rendered};
use crate::stopwatch::{median, timed};

/// Megabytes of the config dump, where the usual ones will not do.
const SIZE: &str = "MESH_WHY_BENCH_MB";

/// The usual ones, and how often each is measured.
const SIZES: &[(usize, usize)] = &[(10, 15), (100, 9), (1000, 5)];

/// A dump on the disk.
pub(crate) struct Files {
    /// `/config_dump?include_eds`.
    pub(crate) config_dump: PathBuf,
    /// `/clusters?format=json`.
    pub(crate) clusters: PathBuf,
    _folder: TempDir,
}

impl Files {
    /// Writes a dump of a size in megabytes.
    pub(crate) fn written(megabytes: usize) -> Self {
        let shape = Shape::of_bytes(megabytes * 1_000_000);
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder below target/");
        let write = |name: &str, bytes: Vec<u8>| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).expect("room for a dump");
            path
        };
        let files = Self {
            config_dump: write("config_dump.json", shape.config_dump()),
            clusters: write("clusters.json", shape.cluster_statuses()),
            _folder: folder,
        };
        println!(
            "offline: {} services, {} clusters; config_dump.json {:.1} MB, clusters.json {:.1} MB",
            shape.services,
            shape.clusters(),
            megabytes_of(&files.config_dump),
            megabytes_of(&files.clusters),
        );
        files
    }

    /// The bytes of both.
    pub(crate) fn bytes(&self) -> u64 {
        size(&self.config_dump) + size(&self.clusters)
    }
}

/// The sizes that are asked for, in megabytes, and how often each is to be measured.
pub(crate) fn sizes() -> Vec<(usize, usize)> {
    let one = std::env::var(SIZE).ok().and_then(|size| size.parse().ok());
    one.map_or_else(|| SIZES.to_vec(), |size| vec![(size, 9)])
}

/// Where the time of a verdict goes.
#[derive(Default)]
struct Parts {
    open: Vec<f64>,
    answer: Vec<f64>,
    render: Vec<f64>,
    pass: Vec<f64>,
    ratio: Vec<f64>,
}

/// Measures both in turn, so that what disturbs the machine disturbs both.
pub(crate) fn bench(files: &Files, times: usize) {
    let mut parts = Parts::default();
    for _ in 0..times {
        let (pass, ()) = timed(|| pass_over(files));
        let (verdict, ()) = timed(|| verdict(files, &mut parts));
        parts.pass.push(pass.as_secs_f64());
        parts.ratio.push(verdict.as_secs_f64() / pass.as_secs_f64());
    }
    let ms = |times| median(times) * 1000.0;
    println!(
        "offline: ignored_any {:.1} ms; open {:.1} ms, answer {:.1} ms, render {:.2} ms; verdict / ignored_any = {:.2} \
         (medians of {times})",
        ms(parts.pass),
        ms(parts.open),
        ms(parts.answer),
        ms(parts.render),
        median(parts.ratio),
    );
}

/// What the program does, from the file to the text.
fn verdict(files: &Files, parts: &mut Parts) {
    let (time, mut snapshot) = timed(|| opened(files));
    parts.open.push(time.as_secs_f64());
    let (time, verdict) = timed(|| answer(&question(), &mut snapshot));
    parts.answer.push(time.as_secs_f64());
    let (time, _json) = timed(|| rendered(&verdict));
    parts.render.push(time.as_secs_f64());
}

fn opened(files: &Files) -> Snapshot {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    let place = Place::Files(vec![files.config_dump.clone()], Some(files.clusters.clone()));
    let options = Options {
        cluster: ClusterFlags::default(),
        admin_port: None,
        timeout: None,
        max_read: 1 << 30,
        log: Log::new(Level::Quiet),
        probe: Probe::Never,
    };
    let opened = runtime.block_on(open(&place, &options));
    opened.expect("the dump can be read").snapshot
}

/// Reads the same bytes and looks at none.
fn pass_over(files: &Files) {
    for path in [&files.config_dump, &files.clusters] {
        let bytes = fs::read(path).expect("the dump can be read");
        let _: IgnoredAny = serde_json::from_slice(&bytes).expect("the dump is JSON");
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).expect("the dump was written").len()
}

#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn megabytes_of(path: &Path) -> f64 {
    size(path) as f64 / 1e6
}
