//! Snapshots and bare admin outputs on the disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::archive::{self, MAX_BYTES};
use super::error::{CollectError, plain};
use super::layout::{belongs, is_part};
use crate::snapshot::{BodyError, Bytes, FileError, Snapshot};

/// The name of standard input.
const STDIN: &str = "-";

/// The largest file that is read into memory.
const SMALL: u64 = 1 << 20;

const TOO_LARGE: &str = "it holds more than 2 GiB";

/// The snapshot that is built into the binary.
static DEMO: &[u8] = include_bytes!("../demo/snapshot.tar.gz");

/// Reads a saved snapshot: a folder, or a `.tar.gz` of one.
pub(super) fn load(path: &Path) -> Result<Snapshot, CollectError> {
    if path.is_dir() {
        return snapshot(folder(path)?, path);
    }
    snapshot(archive::read(&contents(opened(path)?, path)?, path)?, path)
}

/// The snapshot that is built into the binary.
pub(super) fn demo() -> Result<Snapshot, CollectError> {
    let path = Path::new("demo");
    snapshot(archive::read(DEMO, path)?, path)
}

/// Reads bare admin outputs: a `/config_dump`, or parts of one as istioctl writes them, and a `/clusters` in JSON or text.
pub(super) fn bare(config_dumps: &[PathBuf], clusters: Option<&Path>) -> Result<Snapshot, CollectError> {
    let mut dumps = Vec::new();
    let mut hosts = None;
    for path in config_dumps {
        let dump = if path.is_dir() { Bytes::from(Vec::new()) } else { bytes(path)? };
        let is_hosts = is_clusters(&dump.head()) && (config_dumps.len() > 1 && clusters.is_none());
        if let Some((cause, hint)) = mistaken(path, &dump.head()).filter(|_| !is_hosts) {
            return Err(no_dump(path, cause.to_owned(), hint));
        }
        if is_hosts {
            hosts = Some((path.as_path(), dump));
        } else {
            dumps.push((path.as_path(), dump));
        }
    }
    if let Some(path) = clusters {
        hosts = Some((path, bytes(path)?));
    }
    let paths: Vec<&Path> = dumps.iter().map(|(path, _)| *path).collect();
    let dumps: Vec<Bytes> = dumps.into_iter().map(|(_, dump)| dump).collect();
    Snapshot::from_outputs(&dumps, hosts.as_ref().map(|(_, hosts)| hosts)).map_err(|(which, why)| {
        let path = which.map_or(hosts.as_ref().map(|(path, _)| *path), |i| paths.get(i).copied());
        let path = path.unwrap_or(Path::new(STDIN));
        match (why, which) {
            (BodyError::Unread(cause), _) => CollectError::File { path: shown(path), cause },
            (why, Some(_)) => no_dump(
                path,
                cause(&why, "it has no `configs`"),
                "save one with `curl -s localhost:15000/config_dump?include_eds`",
            ),
            (why, None) => CollectError::NotThis {
                path: shown(path),
                what: "an answer of Envoy's /clusters",
                cause: cause(&why, "it has no `cluster_statuses`"),
                hint: None,
            },
        }
    })
}

/// That all was read again which was asked for twice.
pub(crate) fn unbroken(snapshot: &Snapshot) -> Result<(), CollectError> {
    match snapshot.broken() {
        Some((path, cause)) => Err(CollectError::File { path: path.to_owned(), cause: cause.to_owned() }),
        None => Ok(()),
    }
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
        BodyError::CutOff(..)
        | BodyError::NotJson(_)
        | BodyError::Empty
        | BodyError::TooMuch
        | BodyError::Unread(_) => why.to_string(),
    }
}

fn snapshot<B: Into<Bytes>>(mut files: BTreeMap<String, B>, path: &Path) -> Result<Snapshot, CollectError> {
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
fn folder(root: &Path) -> Result<BTreeMap<String, Bytes>, CollectError> {
    let mut files = BTreeMap::new();
    let mut total = 0;
    for path in candidates(root).map_err(|e| unreadable(root, &e))? {
        let file = root.join(&path);
        let size = fs::metadata(&file).map_err(|e| unreadable(&file, &e))?.len();
        total += size;
        if total > MAX_BYTES {
            return Err(archive::refused(root, TOO_LARGE));
        }
        files.insert(path, bytes(&file)?);
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

/// The bytes of a file, or of standard input. Those of a large file stay in it, and are read where they lie; what can be
/// read but once is read into memory.
fn bytes(path: &Path) -> Result<Bytes, CollectError> {
    if path == Path::new(STDIN) {
        return Ok(contents(io::stdin(), path)?.into());
    }
    let file = opened(path)?;
    let about = file.metadata().map_err(|e| unreadable(path, &e))?;
    if !about.is_file() || about.len() <= SMALL {
        return Ok(contents(file, path)?.into());
    }
    if about.len() > MAX_BYTES {
        return Err(archive::refused(path, TOO_LARGE));
    }
    Ok(lying(file, path, &about))
}

/// The bytes of a large file. They are those of one moment, or an error: its size and its time say whether it is still the
/// file that it was.
fn lying(file: fs::File, path: &Path, about: &fs::Metadata) -> Bytes {
    let (length, time) = (about.len(), about.modified().ok());
    let file = Mutex::new(file);
    let read_at = move |from: u64, into: &mut [u8]| -> Result<(), String> {
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file.seek(SeekFrom::Start(from)).and_then(|_| file.read_exact(into));
        let now = file.metadata().map_err(|error| plain(&error))?;
        if now.len() != length || now.modified().ok() != time {
            return Err("it changed while it was read".to_owned());
        }
        read.map_err(|error| plain(&error))
    };
    Bytes::lying(shown(path), length, Box::new(read_at))
}

fn opened(path: &Path) -> Result<fs::File, CollectError> {
    fs::File::open(path).map_err(|e| unreadable(path, &e))
}

/// All that there is to read.
fn contents(from: impl io::Read, path: &Path) -> Result<Vec<u8>, CollectError> {
    let mut bytes = Vec::new();
    match from.take(MAX_BYTES + 1).read_to_end(&mut bytes) {
        Ok(size) if size as u64 > MAX_BYTES => Err(archive::refused(path, TOO_LARGE)),
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use std::slice;

    use super::*;
    use crate::snapshot::{Lookup, Origin};

    /// A dump of one cluster, too large to be read into memory.
    fn large(folder: &Path) -> PathBuf {
        let blanks = " ".repeat(usize::try_from(SMALL).unwrap());
        let path = folder.join("dump.json");
        let clusters =
            r#"{"@type": "x/envoy.admin.v3.ClustersConfigDump", "static_clusters": [{"cluster": {"name": "a"}}]}"#;
        fs::write(&path, format!("{{\"configs\": [{blanks}{clusters}]}}")).unwrap();
        path
    }

    fn cause(error: &CollectError) -> String {
        format!("{error}: {}", error.causes().join(": "))
    }

    #[test]
    fn a_large_dump_is_read_where_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = bare(&[large(folder.path())], None).unwrap();
        assert!(matches!(snapshot.cluster(Origin::Source(0), "a"), Lookup::Found(_)));
        assert!(matches!(snapshot.cluster(Origin::Source(0), "b"), Lookup::Absent(_)));
        assert!(unbroken(&snapshot).is_ok());
    }

    #[test]
    fn a_dump_that_changes_while_it_is_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        for length in [2 << 20, 10] {
            let path = large(folder.path());
            let (bytes, snapshot) = (bytes(&path).unwrap(), bare(slice::from_ref(&path), None).unwrap());
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
            let (_, why) = Snapshot::from_outputs(&[bytes], None).unwrap_err();
            assert_eq!(why, BodyError::Unread("it changed while it was read".to_owned()));
            assert!(unbroken(&snapshot).is_ok());
            let _ = snapshot.cluster(Origin::Source(0), "a");
            let said = cause(&unbroken(&snapshot).unwrap_err());
            assert_eq!(said, format!("cannot read {}: it changed while it was read", path.display()));
        }
    }
}
