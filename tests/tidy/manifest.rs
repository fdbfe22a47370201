//! Every dependency has a reason and a use.

use std::collections::BTreeSet;

use crate::names::named;
use crate::source::File;

/// A dependency as Cargo.toml declares it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Dependency {
    /// As code writes it.
    pub(crate) name: String,
    /// `dependencies`, `dev-dependencies`, `build-dependencies`.
    section: String,
    /// Whether it stands below a comment, with no blank line between.
    has_reason: bool,
    line: usize,
}

/// The dependencies of a manifest.
pub(crate) fn dependencies(manifest: &str) -> Vec<Dependency> {
    let (mut section, mut has_reason) = (String::new(), false);
    let mut found: Vec<Dependency> = Vec::new();
    for (i, line) in manifest.lines().enumerate() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
            has_reason = false;
        } else if line.starts_with('#') {
            has_reason = true;
        } else if line.is_empty() {
            has_reason = false;
        } else if let (true, Some((name, _))) = (section.ends_with("dependencies"), line.split_once('=')) {
            found.push(Dependency {
                name: name.trim().replace('-', "_"),
                section: section.clone(),
                has_reason,
                line: i + 1,
            });
        }
    }
    found
}

/// Dependencies that nobody says the reason of. Those of the tests alone may go without.
pub(crate) fn without_reason(manifest: &str) -> Vec<String> {
    let all = dependencies(manifest);
    let wrong = all.iter().filter(|one| !one.has_reason && one.section != "dev-dependencies");
    wrong.map(|one| format!("Cargo.toml:{}: no comment says what {} is for", one.line, one.name)).collect()
}

/// Dependencies that no file names.
pub(crate) fn unused(manifest: &str, files: &[File]) -> Vec<String> {
    let all = dependencies(manifest);
    let crates: BTreeSet<String> = all.iter().map(|one| one.name.clone()).collect();
    let mut used = GENERATED.map(str::to_owned).into_iter().collect::<BTreeSet<_>>();
    for file in files.iter().filter(|file| file.is_rust()) {
        // Tests count here.
        let whole = File::new(&file.path, &file.text.replace("#[cfg(test)]", ""));
        used.extend(named(&whole, &crates).into_iter().map(|one| one.root));
    }
    let wrong = all.iter().filter(|one| !used.contains(&one.name));
    wrong.map(|one| format!("Cargo.toml:{}: no file names {}", one.line, one.name)).collect()
}

/// Named by the code that build.rs generates, and features of another crate's dependency.
const GENERATED: [&str; 2] = ["pbjson", "k8s_openapi"];

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"x\"\n\n[dependencies]\n# Why.\na = \"1\"\nb-c = \"2\"\n\nd = { version = \"3\" }\n\n[dev-dependencies]\ne = \"1\"\n";

    #[test]
    fn a_dependency_has_a_reason() {
        assert_eq!(without_reason(MANIFEST), ["Cargo.toml:9: no comment says what d is for"]);
        assert_eq!(dependencies(MANIFEST).len(), 4);
    }

    #[test]
    fn a_dependency_has_a_use() {
        let file = File::new("src/a.rs", "use a::X;\nfn f() { b_c::y(); }\n#[cfg(test)]\nmod tests { use e::z; }");
        assert_eq!(unused(MANIFEST, &[file]), ["Cargo.toml:9: no file names d"]);
    }
}
