//! The program as its users run it, with nothing of this machine's environment but PATH.

use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// A home folder for the program, and what it is run with.
pub(crate) struct Tool {
    home: TempDir,
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Tool {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file into the home folder; returns its path.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.home().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-mesh_why"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home());
        command.current_dir(self.home()).args(arguments).timeout(std::time::Duration::from_secs(30));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Self::finish(&mut self.command(arguments))
    }

    pub(crate) fn finish(command: &mut Command) -> Run {
        let output = command.output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// One error with this exit code and these words, and nothing on standard output.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}", self.err);
        assert_eq!(self.out, "");
        assert!(self.err.starts_with("error: "), "{}", self.err);
        assert_eq!(self.err.matches("error: ").count(), 1, "{}", self.err);
        for text in words {
            assert!(self.err.contains(text), "{text:?} is not in:\n{}", self.err);
        }
        for text in ["Some(", "None", "{ ", "ServiceError", "os error", "panicked"] {
            assert!(!self.err.contains(text), "{text:?} is in:\n{}", self.err);
        }
    }
}
