//! `--save`: nothing that is there is lost, and what is written is whole or not there.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::api::{Api, World, pod};
use crate::tool::Tool;

const PRECIOUS: &str = "precious";

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_kept(tool: &Tool, file: &str) -> bool {
    fs::read_to_string(tool.home().join(file)).is_ok_and(|text| text == PRECIOUS)
}

#[test]
fn a_folder_of_other_things_keeps_every_file() {
    let tool = Tool::new();
    let files = ["snapshot.json", "objects.json", "stats.json", "runtime.json", "package.json"];
    let files = files.map(|name| format!("project/{name}"));
    for file in &files {
        tool.file(file, PRECIOUS);
    }
    for manifest in [PRECIOUS, "{}", r#"{"schema": "other/v1"}"#, "[1]"] {
        tool.file("project/snapshot.json", manifest);
        for more in [&[][..], &["--force"]] {
            let run = tool.run(&[&["--demo", "--save", "project"], more].concat());
            run.fails(3, &["cannot save the snapshot to project", "not empty, and it is not a snapshot"]);
        }
    }
    assert!(files[1..].iter().all(|file| is_kept(&tool, file)));
    assert_eq!(names(&tool.home().join("project")).len(), files.len());
}

#[test]
fn an_older_snapshot_is_replaced_by_force_alone() {
    let tool = Tool::new();
    for path in ["kept", "deep/kept", "kept.tar.gz", "kept.TGZ"] {
        assert_eq!(tool.run(&["--demo", "--save", path]).code, 0, "{path}");
        let before = fs::read(tool.home().join(path)).ok();
        let run = tool.run(&["--demo", "--save", path]);
        run.fails(3, &["is there already", "hint: replace it with `--force`"]);
        assert_eq!(tool.run(&["--demo", "--save", path, "--force"]).code, 0, "{path}");
        assert_eq!(fs::read(tool.home().join(path)).ok(), before);
        assert!(!tool.run(&["--snapshot", path]).out.is_empty());
    }
    assert_eq!(names(tool.home()), ["deep", "kept", "kept.TGZ", "kept.tar.gz"]);
    tool.file("mine.tar.gz", PRECIOUS);
    tool.run(&["--demo", "--save", "mine.tar.gz"]).fails(3, &["the file is there already", "--force"]);
    assert!(is_kept(&tool, "mine.tar.gz"));
}

#[test]
fn what_lies_in_a_snapshot_and_is_no_part_of_it_is_kept() {
    let tool = Tool::new();
    assert_eq!(tool.run(&["--demo", "--save", "kept"]).code, 0);
    for file in ["kept/case.json", "kept/source/notes.txt", "kept/other/clusters.json"] {
        tool.file(file, PRECIOUS);
        let run = tool.run(&["--demo", "--save", "kept", "--force"]);
        run.fails(3, &["which is not part of a snapshot"]);
        assert!(is_kept(&tool, file));
        fs::remove_file(tool.home().join(file)).unwrap();
    }
}

#[test]
fn links_are_not_followed() {
    let tool = Tool::new();
    tool.file("out/clusters.json", PRECIOUS);
    tool.file("out/snapshot.json", r#"{"schema": "mesh-why-snapshot/v1"}"#);
    tool.file("link/snapshot.json", r#"{"schema": "mesh-why-snapshot/v1"}"#);
    let home = tool.home();
    symlink(home.join("out"), home.join("link/source")).unwrap();
    symlink(home.join("out"), home.join("to-out")).unwrap();
    symlink(home.join("nowhere"), home.join("dangling")).unwrap();
    symlink(home.join("out/clusters.json"), home.join("to.tar.gz")).unwrap();
    for path in ["link", "to-out", "to-out/", "to-out/.", "dangling", "to.tar.gz"] {
        for more in [&[][..], &["--force"]] {
            let run = tool.run(&[&["--demo", "--save", path], more].concat());
            run.fails(3, &["cannot save the snapshot to"]);
        }
    }
    assert!(is_kept(&tool, "out/clusters.json"));
    assert_eq!(names(&home.join("out")), ["clusters.json", "snapshot.json"]);
    assert!(!home.join("nowhere").exists());
}

#[test]
fn what_is_written_is_for_its_owner_alone() {
    let tool = Tool::new();
    let home = tool.home();
    fs::create_dir(home.join("empty")).unwrap();
    for path in ["new", "empty", "new.tar.gz"] {
        assert_eq!(tool.run(&["--demo", "--save", path]).code, 0, "{path}");
    }
    assert_eq!(mode(&home.join("new.tar.gz")), 0o600);
    for folder in ["new", "empty"].map(|name| home.join(name)) {
        assert_eq!((mode(&folder), mode(&folder.join("source"))), (0o700, 0o700));
        assert_eq!(mode(&folder.join("snapshot.json")), 0o600);
        assert_eq!(mode(&folder.join("source/config_dump.json")), 0o600);
    }
    assert_eq!(names(home), ["empty", "new", "new.tar.gz"]);
}

#[test]
fn a_disk_that_is_full_leaves_the_old_and_nothing_else() {
    let tool = Tool::new();
    for path in ["kept", "kept.tar.gz", "other", "other.tar.gz"] {
        if path.starts_with("kept") {
            assert_eq!(tool.run(&["--demo", "--save", path]).code, 0);
        }
        let program = env!("CARGO_BIN_EXE_kubectl-mesh_why");
        // Files of one block at most: a write beyond it fails, as on a full disk.
        let script = format!("trap '' XFSZ; ulimit -f 1; exec {program} --demo --save {path} --force");
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .env_clear()
            .env("HOME", tool.home())
            .current_dir(tool.home())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("cannot save the snapshot") && output.stdout.is_empty(), "{said}");
    }
    assert_eq!(names(tool.home()), ["kept", "kept.tar.gz"]);
    for path in ["kept", "kept.tar.gz"] {
        assert!(!tool.run(&["--snapshot", path]).out.is_empty());
    }
}

#[test]
fn a_place_that_is_taken_is_told_before_anything_is_read() {
    let api = Api::start(World::new(vec![pod("a-1", "istio-proxy")]));
    let tool = Tool::new();
    let config = tool.file("config", api.kubeconfig());
    tool.file("mine.tar.gz", PRECIOUS);
    let run = tool.run(&["a-1", "b:80", "--kubeconfig", &config, "--save", "mine.tar.gz"]);
    run.fails(3, &["the file is there already"]);
    assert!(api.seen().api.is_empty());
    for path in ["/", ".", "..", "/dev/null", "mine.tar.gz/x"] {
        tool.run(&["--demo", "--save", path, "--force"]).fails(3, &["cannot save the snapshot"]);
    }
}
