//! The memory that a verdict takes at its peak, as a process of its own.
//!
//! The process is this benchmark once more, which then runs the program and asks Linux for its peak.

use std::env;
use std::fs;
use std::process::{Command, ExitCode, Stdio};

use crate::dump::Shape;
use crate::offline::Files;

/// Set where this process is the one that is measured.
pub(crate) const CHILD: &str = "MESH_WHY_BENCH_CHILD";

/// Whether this process is the one that is measured.
pub(crate) fn is_child() -> bool {
    env::var_os(CHILD).is_some()
}

/// Runs the program with this process's arguments and tells the peak on the last line.
pub(crate) fn run_child() -> ExitCode {
    let code = mesh_why::cli::run(env::args_os());
    println!("{}", peak().unwrap_or_default());
    ExitCode::from(code)
}

/// Runs the program over the files and tells its peak; nothing where there is no `/proc`.
pub(crate) fn measure(files: &Files) {
    if peak().is_none() {
        println!("memory: only Linux tells");
        return;
    }
    let output = Command::new(env::current_exe().expect("a program knows itself"))
        .env(CHILD, "1")
        .args([&Shape::destination(0), "--path", "/other", "-o", "json"])
        .arg("-f")
        .arg(&files.config_dump)
        .arg("--clusters")
        .arg(&files.clusters)
        .stderr(Stdio::inherit())
        .output()
        .expect("a program can run itself");
    assert!(output.status.success(), "the dump has the answer");
    let text = String::from_utf8_lossy(&output.stdout);
    let peak: u32 = text.lines().last().and_then(|line| line.parse().ok()).expect("the child told its peak");
    let kilobytes = u32::try_from(files.bytes() / 1024).expect("a dump below 4 TB");
    println!(
        "memory: peak {:.1} MB for {:.1} MB of files",
        f64::from(peak) * 1.024e-3,
        f64::from(kilobytes) * 1.024e-3
    );
}

/// The most that this process ever had in memory, in KiB.
fn peak() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
