//! The plugin's binary: parse, run, print, exit code. All of it is in [`mesh_why::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(mesh_why::cli::run(std::env::args_os()))
}
