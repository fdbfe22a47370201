//! A snapshot as a `.tar.gz`. It may come from anybody: nothing is unpacked to the disk, and what is no plain file
//! in a shallow folder is refused.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Component, Path};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::error::CollectError;
use super::layout::{belongs, is_part};

/// The files of a snapshot by their path in it.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// The most that is read of one snapshot.
pub(super) const MAX_BYTES: u64 = 2 << 30;

/// The most folders that an entry may lie in, itself counted.
const MAX_DEPTH: usize = 8;

/// Whether a file of this name is to be an archive.
pub(super) fn is_archive_name(path: &Path) -> bool {
    [".tar.gz", ".tgz"].iter().any(|ending| path.to_string_lossy().to_lowercase().ends_with(ending))
}

/// The archive's name without its ending: the folder that it holds.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = name.split(".tar").next().unwrap_or_default().trim_end_matches(".tgz").to_owned();
    if stem.is_empty() { "snapshot".to_owned() } else { stem }
}

/// The snapshot's files in an archive; those of no snapshot are left out.
pub(super) fn read(packed: &[u8], path: &Path) -> Result<Files, CollectError> {
    if packed.is_empty() {
        return Err(refused(path, "the file is empty"));
    }
    if !packed.starts_with(&[0x1f, 0x8b]) {
        return Err(no_archive(path));
    }
    let most = most_unpacked(packed.len() as u64);
    let mut unpacked = GzDecoder::new(packed).take(most + 1);
    let files = entries(&mut tar::Archive::new(&mut unpacked), most, path);
    if unpacked.limit() == 0 { Err(too_large(path, most)) } else { files.map(at_root) }
}

/// The most that an archive of this size may unpack to. A dump shrinks to a twentieth or less; what shrinks far more
/// was made to fill the memory of whoever opens it.
fn most_unpacked(packed: u64) -> u64 {
    (8 << 20) + packed.saturating_mul(200).min(MAX_BYTES - (8 << 20))
}

fn too_large(path: &Path, most: u64) -> CollectError {
    if most == MAX_BYTES {
        return refused(path, "it unpacks to more than 2 GiB");
    }
    refused(path, "it unpacks to more than 200 times its size, as no snapshot does")
}

/// The files of an archive. Its entries say how large they are; one may be larger than all that is unpacked for it.
fn entries<R: io::Read>(archive: &mut tar::Archive<R>, most: u64, path: &Path) -> Result<Files, CollectError> {
    let mut files = Files::new();
    let mut total: u64 = 0;
    let broken = |error: io::Error| refused(path, &format!("the archive is damaged: {error}"));
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = entry_name(&entry).map_err(|why| refused(path, &why))?;
        total = total.saturating_add(entry.size());
        if total > most {
            return Err(too_large(path, most));
        }
        if let Some(name) = name {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(broken)?;
            files.insert(name, bytes);
        }
    }
    Ok(files)
}

/// Packs files as the folder `root` of an archive: the same files, the same bytes.
pub(super) fn pack(files: &Files, root: &str) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(0);
        builder.append_data(&mut header, format!("{root}/{path}"), bytes.as_slice())?;
    }
    builder.into_inner()?.finish()
}

/// The refusal of a snapshot.
pub(super) fn refused(path: &Path, cause: &str) -> CollectError {
    CollectError::NotThis { path: path.display().to_string(), what: "a snapshot", cause: cause.to_owned(), hint: None }
}

fn no_archive(path: &Path) -> CollectError {
    CollectError::NotThis {
        path: path.display().to_string(),
        what: "a snapshot",
        cause: "it is neither a folder nor a .tar.gz".to_owned(),
        hint: Some("read a bare config dump with `-f FILE`".to_owned()),
    }
}

/// An entry's path; `None` for folders and for what belongs to no snapshot. The error says why it is refused.
fn entry_name<R: io::Read>(entry: &tar::Entry<'_, R>) -> Result<Option<String>, String> {
    let path = entry.path().map_err(|e| e.to_string())?;
    let shown = path.display().to_string();
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(format!("{shown} leads out of the archive"));
            }
        }
    }
    if parts.len() > MAX_DEPTH {
        return Err(format!("{shown} lies more than {MAX_DEPTH} folders deep"));
    }
    let kind = entry.header().entry_type();
    match kind {
        tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {}
        tar::EntryType::Directory | tar::EntryType::XGlobalHeader | tar::EntryType::XHeader => return Ok(None),
        tar::EntryType::Link
        | tar::EntryType::Symlink
        | tar::EntryType::Char
        | tar::EntryType::Block
        | tar::EntryType::Fifo
        | tar::EntryType::GNULongName
        | tar::EntryType::GNULongLink
        | tar::EntryType::__Nonexhaustive(_) => return Err(format!("{shown} is neither a file nor a folder")),
    }
    let inner = parts.get(1..).unwrap_or_default().join("/");
    Ok((belongs(&parts.join("/")) || belongs(&inner)).then(|| parts.join("/")))
}

/// The files as they lie in the snapshot: archives often hold one folder that holds all.
fn at_root(files: Files) -> Files {
    let mut tops = files.keys().map(|path| path.split_once('/').map_or("", |(top, _)| top)).collect::<Vec<_>>();
    tops.dedup();
    match tops.as_slice() {
        [top] if !top.is_empty() && !is_part(top) => {
            let prefix = format!("{top}/");
            files.into_iter().map(|(path, bytes)| (path[prefix.len()..].to_owned(), bytes)).collect()
        }
        _ => files,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn packed(entries: &[(&str, tar::EntryType)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, kind) in entries {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(0);
            header.set_cksum();
            builder.append(&header, io::empty()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn cause(entries: &[(&str, tar::EntryType)]) -> String {
        read(&packed(entries), Path::new("x")).unwrap_err().causes().remove(0)
    }

    #[test]
    fn what_is_packed_is_read_back() {
        let files = Files::from([
            ("snapshot.json".to_owned(), b"{}".to_vec()),
            ("source/clusters.json".to_owned(), b"1".to_vec()),
        ]);
        let packed = pack(&files, "a-name").unwrap();
        assert_eq!(packed, pack(&files, "a-name").unwrap());
        assert_eq!(read(&packed, Path::new("x")).unwrap(), files);
        assert_eq!(stem(Path::new("/tmp/case.tar.gz")), "case");
        assert_eq!(stem(Path::new("case.tgz")), "case");
    }

    #[test]
    fn what_may_do_harm_is_refused() {
        let file = tar::EntryType::Regular;
        assert!(cause(&[("../snapshot.json", file)]).contains("leads out"));
        assert!(cause(&[("a/../../snapshot.json", file)]).contains("leads out"));
        assert!(cause(&[("/etc/snapshot.json", file)]).contains("leads out"));
        assert!(cause(&[("snapshot.json", tar::EntryType::Symlink)]).contains("neither a file"));
        assert!(cause(&[("snapshot.json", tar::EntryType::Link)]).contains("neither a file"));
        assert!(cause(&[("1/2/3/4/5/6/7/8/9/snapshot.json", file)]).contains("deep"));
        assert!(read(b"", Path::new("x")).unwrap_err().causes()[0].contains("empty"));
        assert!(read(b"{}", Path::new("x")).unwrap_err().hint().is_some());
        assert!(read(&[0x1f, 0x8b, 1, 2], Path::new("x")).unwrap_err().causes()[0].contains("damaged"));
    }

    #[test]
    fn what_unpacks_to_far_more_than_itself_is_refused() {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
        for name in ["snapshot.json", "notes"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(20 << 20);
            builder.append_data(&mut header, name, io::repeat(b' ').take(20 << 20)).unwrap();
        }
        let bomb = builder.into_inner().unwrap().finish().unwrap();
        let words = read(&bomb, Path::new("x")).unwrap_err().causes().remove(0);
        assert_eq!(words, "it unpacks to more than 200 times its size, as no snapshot does");
        assert_eq!(most_unpacked(u64::MAX), MAX_BYTES);
    }

    #[test]
    fn other_files_are_left_out() {
        let file = tar::EntryType::Regular;
        let files = read(&packed(&[("x/snapshot.json", file), ("x/notes.txt", file)]), Path::new("x")).unwrap();
        assert_eq!(files.into_keys().collect::<Vec<_>>(), ["snapshot.json"]);
    }
}
