//! What a verdict costs: time and memory over a dump of a big mesh, and the walk of one request. See BENCHMARKS.md.
//!
//! `cargo bench` runs all of it but `instructions`; `cargo bench -- walk` what has `walk` in its name.

#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

#[path = "../tests/program/api.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests' own")]
mod api;
#[path = "../tests/program/captured.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests' own")]
mod captured;
mod classes;
mod dump;
mod far;
mod instructions;
mod memory;
mod offline;
mod question;
mod replicas;
mod stopwatch;
#[path = "../tests/program/tool.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests' own")]
mod tool;
mod walk;

use std::process::ExitCode;

use criterion::Criterion;

fn main() -> ExitCode {
    if memory::is_child() {
        return memory::run_child();
    }
    let mut criterion = Criterion::default().configure_from_args();
    let filters: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let named = |name: &str| filters.iter().any(|filter| name.contains(filter.as_str()));
    let asked = |name: &str| filters.is_empty() || named(name);
    if asked("offline") || asked("memory") {
        for (megabytes, times) in offline::sizes() {
            let files = offline::Files::written(megabytes);
            if asked("offline") {
                offline::bench(&files, times);
            }
            memory::measure(&files);
        }
    }
    if named("instructions") {
        return instructions::compare();
    }
    if asked("replicas") {
        replicas::bench();
    }
    if asked("walk") {
        walk::bench(&mut criterion);
    }
    if asked("classes") {
        classes::bench(&mut criterion);
    }
    criterion.final_summary();
    ExitCode::SUCCESS
}
