//! Snapshots and bare admin outputs on the disk.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::archive::{self, Files, MAX_BYTES};
use super::error::{CollectError, plain};
use super::istioctl::Parts;
use super::layout::{belongs, is_part};
use crate::snapshot::{BodyError, FileError, Snapshot};

/// The name of standard input.
const STDIN: &str = "-";

/// The snapshot that is built into the binary.
static DEMO: &[u8] = include_bytes!("../demo/snapshot.tar.gz");

/// Reads a saved snapshot: a folder, or a `.tar.gz` of one.
pub(super) fn load(path: &Path) -> Result<Snapshot, CollectError> {
    let files = if path.is_dir() { folder(path)? } else { archive::read(&bytes(path)?, path)? };
    snapshot(files, path)
}

/// The snapshot that is built into the binary.
pub(super) fn demo() -> Result<Snapshot, CollectError> {
    let path = Path::new("demo");
    snapshot(archive::read(DEMO, path)?, path)
}

/// Reads bare admin outputs: a `/config_dump`, or parts of one as istioctl writes them, and a `/clusters` in JSON or text.
pub(super) fn bare(config_dumps: &[PathBuf], clusters: Option<&Path>) -> Result<Snapshot, CollectError> {
    let mut parts = Parts::default();
    for path in config_dumps {
        let dump = if path.is_dir() { Vec::new() } else { bytes(path)? };
        let is_hosts = is_clusters(&dump) && (config_dumps.len() > 1 && clusters.is_none());
        if let Some((cause, hint)) = mistaken(path, &dump).filter(|_| !is_hosts) {
            return Err(no_dump(path, cause.to_owned(), hint));
        }
        if is_hosts {
            parts.clusters = Some(dump);
        } else {
            parts.add(dump);
        }
    }
    let first = config_dumps.first().map_or_else(|| Path::new(STDIN), PathBuf::as_path);
    let mut files = Files::from([("config_dump.json".to_owned(), parts.config_dump())]);
    let hosts = match clusters {
        Some(clusters) => Some(bytes(clusters)?),
        None => parts.clusters.take(),
    };
    files.extend(hosts.map(|hosts| ("clusters.json".to_owned(), hosts)));
    Snapshot::from_files(&mut files).map_err(|error| match (clusters, error.file.ends_with("clusters.json")) {
        (Some(clusters), true) => CollectError::NotThis {
            path: clusters.display().to_string(),
            what: "an answer of Envoy's /clusters",
            cause: cause(&error.why, "it has no `cluster_statuses`"),
            hint: None,
        },
        _ => no_dump(
            first,
            cause(&error.why, "it has no `configs`"),
            "save one with `curl -s localhost:15000/config_dump?include_eds`",
        ),
    })
}

fn is_clusters(dump: &[u8]) -> bool {
    let first_key = dump.split(|byte| *byte == b'"').nth(1);
    first_key == Some(b"cluster_statuses") || first_key == Some(b"clusterStatuses")
}

/// What else was given as a config dump, and what it should be given as.
fn mistaken(path: &Path, dump: &[u8]) -> Option<(&'static str, &'static str)> {
    let first_key = dump.split(|byte| *byte == b'"').nth(1);
    if path.is_dir() || dump.starts_with(&[0x1f, 0x8b]) {
        Some(("it is a folder or an archive", "read a snapshot with `--snapshot PATH`"))
    } else if first_key == Some(b"cluster_statuses") {
        Some(("it is an answer of /clusters", "name it with `--clusters FILE`, beside the config dump with `-f FILE`"))
    } else {
        None
    }
}

fn no_dump(path: &Path, cause: String, hint: &str) -> CollectError {
    CollectError::NotThis { path: shown(path), what: "a config dump", cause, hint: Some(hint.to_owned()) }
}

fn cause(why: &BodyError, lacks: &str) -> String {
    match why {
        BodyError::NotThis(_) => lacks.to_owned(),
        BodyError::CutOff(..) | BodyError::NotJson(_) | BodyError::Empty | BodyError::TooMuch => why.to_string(),
    }
}

fn snapshot(mut files: Files, path: &Path) -> Result<Snapshot, CollectError> {
    let found = files.keys().cloned().collect::<Vec<_>>();
    Snapshot::from_files(&mut files).map_err(|error| not_a_snapshot(path, &error, &found))
}

/// Where snapshots come from.
const SAVED: &str = "`kubectl mesh-why A B:PORT --save PATH` writes one; a bare config dump is read with `-f FILE`";

fn not_a_snapshot(path: &Path, error: &FileError, found: &[String]) -> CollectError {
    let cause = if found.is_empty() {
        "it holds neither snapshot.json nor config_dump.json".to_owned()
    } else {
        error.to_string()
    };
    CollectError::NotThis { path: path.display().to_string(), what: "a snapshot", cause, hint: Some(SAVED.to_owned()) }
}

/// The files of a snapshot's folder, and no others: it may be any folder.
fn folder(root: &Path) -> Result<Files, CollectError> {
    let mut files = Files::new();
    let mut total = 0;
    for path in candidates(root).map_err(|e| unreadable(root, &e))? {
        let file = root.join(&path);
        let size = fs::metadata(&file).map_err(|e| unreadable(&file, &e))?.len();
        total += size;
        if total > MAX_BYTES {
            return Err(archive::refused(root, "it holds more than 2 GiB"));
        }
        files.insert(path, fs::read(&file).map_err(|e| unreadable(&file, &e))?);
    }
    Ok(files)
}

/// The paths of a snapshot's files, relative to `root`.
fn candidates(root: &Path) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    for name in names(root)? {
        if is_part(&name) && root.join(&name).is_dir() {
            paths.extend(names(&root.join(&name))?.into_iter().map(|file| format!("{name}/{file}")));
        } else {
            paths.push(name);
        }
    }
    paths.retain(|path| belongs(path) && root.join(path).is_file());
    Ok(paths)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    Ok(entries.iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// The bytes of a file, or of standard input.
fn bytes(path: &Path) -> Result<Vec<u8>, CollectError> {
    let mut bytes = Vec::new();
    let read = if path == Path::new(STDIN) {
        io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    match read {
        Ok(size) if size as u64 > MAX_BYTES => Err(archive::refused(path, "it holds more than 2 GiB")),
        Ok(_) => Ok(bytes),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> CollectError {
    CollectError::File { path: shown(path), cause: plain(error) }
}

fn shown(path: &Path) -> String {
    if path == Path::new(STDIN) { "standard input".to_owned() } else { path.display().to_string() }
}
