//! How many instructions an answer takes, as valgrind's callgrind counts them: the same on a busy machine.
//!
//! `instructions.txt` has the last figures. They are those of one compiler and one kind of processor: what takes a twentieth more
//! than there fails, and `UPDATE_EXPECT=1` writes them anew.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::dump::Shape;
use crate::memory::CHILD;
use crate::offline::Files;

/// The last figures.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

/// Megabytes of the config dump.
const SIZE: usize = 100;

/// Counts, and holds the figures against those that are kept.
pub(crate) fn compare() -> ExitCode {
    let files = Files::written(SIZE);
    let (config_dump, clusters) = (files.config_dump.display().to_string(), files.clusters.display().to_string());
    let to = Shape::destination(0);
    let of_dump = [to.as_str(), "--path", "/other", "-f", &config_dump, "--clusters", &clusters];
    let cases: [(&str, &[&str]); 2] = [("demo", &["--demo"]), ("100 MB", &of_dump)];
    let kept = fs::read_to_string(KEPT).unwrap_or_default();
    let before = |name: &str| kept.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
    let (mut told, mut is_more) = (Vec::new(), false);
    for (name, arguments) in cases {
        let Some(count) = count(arguments) else {
            println!("instructions: valgrind is not installed");
            return ExitCode::SUCCESS;
        };
        let ratio = before(name).map_or(1.0, |before| count / before);
        println!("instructions: {name}: {:.1} million, {ratio:.3} of the kept figure", count / 1e6);
        is_more |= ratio > 1.05;
        told.push(format!("{name} {count:.0}\n"));
    }
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(KEPT, told.concat()).expect("the figures can be written");
        return ExitCode::SUCCESS;
    }
    ExitCode::from(u8::from(is_more))
}

/// The instructions that the program takes; nothing where there is no valgrind.
fn count(arguments: &[&str]) -> Option<f64> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder below target/");
    let out = folder.path().join("callgrind.out");
    let status = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe().expect("a program knows itself"))
        .env(CHILD, "1")
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .ok()?;
    assert!(status.success(), "the program has an answer");
    total(&out)
}

fn total(out: &Path) -> Option<f64> {
    let text = fs::read_to_string(out).expect("callgrind writes its figures");
    let line = text.lines().find_map(|line| line.strip_prefix("summary:").or_else(|| line.strip_prefix("totals:")))?;
    line.trim().parse().ok()
}
