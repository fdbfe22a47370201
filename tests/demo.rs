//! `--demo`: the scenario `subset-selects-no-pods`, packed into the binary.
//!
//! `UPDATE_EXPECT=1 cargo test --test demo` packs it anew, with the program's own `--save`; the same scenario gives the
//! same bytes.

#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use common::Files;
use flate2::read::GzDecoder;
use serde_json::Value;

#[test]
fn the_demo_prints_the_screen_that_the_readme_shows() {
    let screen = std::fs::read_to_string(scenario().join("expect.txt")).unwrap();
    let demo = run(&["--demo"]);
    let demo = String::from_utf8(demo.success().get_output().stdout.clone()).unwrap();
    assert!(demo == screen, "{}", common::difference(&screen, &demo));
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&screen), "README.md shows another screen");
}

#[test]
fn the_demo_is_the_scenario() {
    let archive = root().join("src/demo/snapshot.tar.gz");
    if common::is_update() {
        save(&archive);
    }
    let folder = tempfile::tempdir().unwrap();
    let fresh = folder.path().join("snapshot.tar.gz");
    save(&fresh);
    let (packed, expected) = (unpack(&archive), unpack(&fresh));
    assert_eq!(packed.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (path, bytes) in &expected {
        assert!(same(&packed[path], bytes), "{path} differs: UPDATE_EXPECT=1 cargo test --test demo");
    }
}

/// A new version does not ask for a new demo.
fn same(one: &[u8], other: &[u8]) -> bool {
    let value = |bytes: &[u8]| {
        let mut value: Value = serde_json::from_slice(bytes).unwrap();
        value.as_object_mut().unwrap().remove("tool");
        value
    };
    value(one) == value(other)
}

fn save(archive: &Path) {
    let (scenario, archive) = (scenario().display().to_string(), archive.display().to_string());
    run(&["--snapshot", &scenario, "--save", &archive, "--force"]).code(1);
}

fn run(arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::new(env!("CARGO_BIN_EXE_kubectl-mesh_why")).env("KUBECONFIG", "/nowhere").args(arguments).assert()
}

fn unpack(archive: &Path) -> Files {
    let bytes = std::fs::read(archive).unwrap();
    let mut archive = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    });
    entries.collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn scenario() -> PathBuf {
    root().join("tests/scenarios/subset-selects-no-pods")
}
