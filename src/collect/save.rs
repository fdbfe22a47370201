//! `--save`: a snapshot is written whole beside its place, and then put there in one step. What is there already stays,
//! unless it is to be replaced.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Deserialize;

use super::archive::{self, Files};
use super::error::{CollectError, plain};
use super::layout::{belongs, is_part};
use crate::snapshot::Snapshot;

/// What becomes of a snapshot that is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Existing {
    /// It stays, and that is an error.
    Keep,
    /// It is replaced. Nothing but an archive or a snapshot's folder is.
    Replace,
}

/// What is at the place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum There {
    Nothing,
    EmptyFolder,
    Archive,
    Folder,
}

/// Why the place is not free.
struct Taken {
    cause: String,
    hint: Option<&'static str>,
}

impl Taken {
    fn by(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), hint: None }
    }
}

impl From<io::Error> for Taken {
    fn from(error: io::Error) -> Self {
        Self::by(plain(&error))
    }
}

/// The head of a snapshot's first file.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// The most that is read of a file to learn whether it is a snapshot's.
const MAX_HEAD: u64 = 64 << 20;

/// What is being written; an interrupt takes it away.
static PARTIAL: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Whether a snapshot may be written to `path`: asked before anything is read for it.
pub(super) fn check(path: &Path, existing: Existing) -> Result<(), CollectError> {
    there(&named(path), existing).map(drop).map_err(|taken| refused(path, taken))
}

/// Writes a snapshot: a folder, or an archive when `path` ends in `.tar.gz` or `.tgz`.
pub(super) fn save(snapshot: &Snapshot, path: &Path, existing: Existing) -> Result<(), CollectError> {
    let files = snapshot.files(concat!("kubectl-mesh-why ", env!("CARGO_PKG_VERSION")));
    super::unbroken(snapshot)?;
    let written = write(&files, &named(path), existing);
    note(None);
    written.map_err(|taken| refused(path, taken))
}

/// Takes away what is being written.
pub(super) fn discard_partial() {
    let partial = PARTIAL.try_lock().ok().and_then(|mut partial| partial.take());
    // It may be in its place by now; then there is nothing to take away.
    let _ = match partial {
        Some(folder) if folder.is_dir() => fs::remove_dir_all(folder),
        Some(file) => fs::remove_file(file),
        None => Ok(()),
    };
}

fn write(files: &Files, path: &Path, existing: Existing) -> Result<(), Taken> {
    let there = there(path, existing)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if archive::is_archive_name(path) {
        return write_archive(files, path, parent, there);
    }
    fs::create_dir_all(parent)?;
    write_folder(files, path, parent, there)
}

/// The path without a `/` at its end, which would lead through a link.
fn named(path: &Path) -> PathBuf {
    path.components().collect()
}

/// What is at the place, where a snapshot may be written there. Links are not followed.
fn there(path: &Path, existing: Existing) -> Result<There, Taken> {
    if path.file_name().is_none() {
        return Err(Taken::by("it is not a name of a new folder"));
    }
    let is_archive = archive::is_archive_name(path);
    let kind = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(There::Nothing),
        found => found?.file_type(),
    };
    if kind.is_symlink() {
        return Err(Taken::by("it is a link, and links are not followed"));
    }
    if !kind.is_dir() && !kind.is_file() {
        return Err(Taken::by("it is neither a file nor a folder"));
    }
    match (is_archive, kind.is_dir()) {
        (true, true) => Err(Taken::by("it is a folder, and the name is an archive's")),
        (true, false) => replaceable(There::Archive, existing, "the file is there already"),
        (false, true) if names(path)?.is_empty() => Ok(There::EmptyFolder),
        (false, true) => old_folder(path, existing),
        (false, false) => Err(Taken::by("it is a file; an archive's name ends in .tar.gz")),
    }
}

fn replaceable(there: There, existing: Existing, words: &str) -> Result<There, Taken> {
    match existing {
        Existing::Replace => Ok(there),
        Existing::Keep => Err(Taken { cause: words.to_owned(), hint: Some("replace it with `--force`") }),
    }
}

/// A folder with something in it: nothing but a snapshot is replaced, and only where nothing else lies in it.
fn old_folder(path: &Path, existing: Existing) -> Result<There, Taken> {
    if !is_snapshot(path) {
        return Err(Taken::by("the folder is not empty, and it is not a snapshot"));
    }
    if let Some(foreign) = foreign(path)? {
        return Err(Taken::by(format!("the folder holds `{foreign}`, which is not part of a snapshot")));
    }
    replaceable(There::Folder, existing, "a snapshot is there already")
}

fn is_snapshot(folder: &Path) -> bool {
    let file = folder.join("snapshot.json");
    let is_small_file = fs::symlink_metadata(&file).is_ok_and(|found| found.is_file() && found.len() <= MAX_HEAD);
    let head = is_small_file.then(|| fs::read(&file).ok()).flatten();
    head.and_then(|head| serde_json::from_slice::<Head>(&head).ok())
        .is_some_and(|head| head.schema.starts_with("mesh-why-snapshot/"))
}

/// The first thing in a snapshot's folder that is no part of it.
fn foreign(root: &Path) -> io::Result<Option<String>> {
    for name in names(root)? {
        let found = fs::symlink_metadata(root.join(&name))?;
        if found.is_dir() && is_part(&name) {
            let inner = names(&root.join(&name))?.into_iter().map(|file| format!("{name}/{file}"));
            for path in inner {
                if !belongs(&path) || !fs::symlink_metadata(root.join(&path))?.is_file() {
                    return Ok(Some(path));
                }
            }
        } else if !found.is_file() || !belongs(&name) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn write_archive(files: &Files, path: &Path, parent: &Path, there: There) -> Result<(), Taken> {
    let packed = archive::pack(files, &archive::stem(path))?;
    // Its mode is 0600.
    let mut partial = tempfile::Builder::new().prefix(&prefix(path, "partial")).tempfile_in(parent)?;
    note(Some(partial.path()));
    partial.write_all(&packed)?;
    partial.as_file().sync_all()?;
    let put = match there {
        There::Archive => partial.persist(path),
        There::Nothing | There::EmptyFolder | There::Folder => partial.persist_noclobber(path),
    };
    put.map(drop).map_err(|error| error.error.into())
}

fn write_folder(files: &Files, path: &Path, parent: &Path, there: There) -> Result<(), Taken> {
    let partial = own_folder(path, "partial", parent)?;
    note(Some(partial.path()));
    for (name, bytes) in files {
        let file = partial.path().join(name);
        if let Some(folder) = file.parent().filter(|folder| !folder.exists()) {
            private_folder(folder)?;
        }
        let mut file = new_file(&file)?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    match there {
        There::Nothing | There::Archive => fs::rename(partial.path(), path)?,
        // Not every system replaces an empty folder.
        There::EmptyFolder => fs::rename(partial.path(), path)
            .or_else(|_| fs::remove_dir(path).and_then(|()| fs::rename(partial.path(), path)))?,
        There::Folder => replace_folder(partial.path(), path, parent)?,
    }
    // Nothing is left at its old path.
    let _ = partial.keep();
    Ok(())
}

/// Puts a folder in the place of another, which is gone only when the new one is there.
fn replace_folder(new: &Path, path: &Path, parent: &Path) -> io::Result<()> {
    let aside = own_folder(path, "old", parent)?;
    let old = aside.path().join("snapshot");
    fs::rename(path, &old)?;
    if let Err(error) = fs::rename(new, path) {
        if fs::rename(&old, path).is_err() {
            // It does not go back: it stays where it is.
            let _ = aside.keep();
        }
        return Err(error);
    }
    Ok(())
}

/// A new folder beside `path` that nobody else may read; it goes away with the value.
fn own_folder(path: &Path, what: &str, parent: &Path) -> io::Result<tempfile::TempDir> {
    let prefix = prefix(path, what);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o700));
    }
    builder.tempdir_in(parent)
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn new_file(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}

/// `.name.partial-`, of which the name is cut where it is long.
fn prefix(path: &Path, what: &str) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(".{}.{what}-", name.chars().take(50).collect::<String>())
}

fn note(partial: Option<&Path>) {
    if let Ok(mut noted) = PARTIAL.lock() {
        *noted = partial.map(Path::to_owned);
    }
}

fn refused(path: &Path, taken: Taken) -> CollectError {
    let path = path.display().to_string();
    CollectError::Save { path, cause: taken.cause, hint: taken.hint.map(str::to_owned) }
}
