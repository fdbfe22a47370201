//! What a verdict costs: time and memory over a dump of a big mesh, and the walk of one request. See BENCHMARKS.md.
//!
//! `cargo bench` runs all of it; `cargo bench -- walk` what has `walk` in its name.

#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

mod classes;
mod dump;
mod memory;
mod offline;
mod question;
mod stopwatch;
mod walk;

use std::process::ExitCode;

use criterion::Criterion;

fn main() -> ExitCode {
    if memory::is_child() {
        return memory::run_child();
    }
    let mut criterion = Criterion::default().configure_from_args();
    let asked = |name: &str| {
        let mut filters = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).peekable();
        filters.peek().is_none() || filters.any(|filter| name.contains(&filter))
    };
    if asked("offline") || asked("memory") {
        let files = offline::Files::written();
        offline::bench(&mut criterion, &files);
        memory::measure(&files);
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
