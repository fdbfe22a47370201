//! `completion SHELL`: the script that a shell, or kubectl, completes with. Each asks the program itself, as
//! `kubectl-mesh_why __complete WORD…`, and gets a line for each value, a tab and what it is, and a last line `:N` in which 2
//! says that no blank follows and 4 that no file is meant: what kubectl asks of a plugin's `kubectl_complete-NAME`.

use super::args::Cli;

/// The command's name, in place of A.
pub(super) const COMPLETION: &str = "completion";

/// What can be completed in, with the script for it.
pub(super) const SHELLS: &[(&str, &str)] = &[
    ("bash", include_str!("completion/bash")),
    ("zsh", include_str!("completion/zsh")),
    ("fish", include_str!("completion/fish")),
    ("kubectl", include_str!("completion/kubectl")),
];

impl Cli {
    /// The shell whose script is asked for, empty where none is named; `None` where a request is asked about. A pod may
    /// have the command's name: what is followed by B:PORT is that pod.
    pub(super) fn completed(&self) -> Option<&str> {
        let word = self.second.as_deref().unwrap_or_default();
        (self.first.as_deref() == Some(COMPLETION) && !word.contains(':')).then_some(word)
    }
}

/// The script of a shell.
pub(super) fn script(shell: &str) -> Option<&'static str> {
    SHELLS.iter().find(|(name, _)| *name == shell).map(|(_, script)| *script)
}
