//! What the files and folders of a snapshot are called.

/// What a folder of a snapshot may be called, but for `-2`, `-3` …
const FOLDERS: &[&str] = &["source", "destination", "controlplane"];

/// What a file of a snapshot may be called.
const NAMES: &[&str] = &[
    "snapshot.json",
    "objects.json",
    "config_dump.json",
    "clusters.json",
    "clusters.txt",
    "server_info.json",
    "listeners.json",
    "runtime.json",
    "certs.json",
    "stats.json",
    "syncz.json",
];

/// Whether a file of this path, relative to the snapshot, is one of a snapshot's.
pub(super) fn belongs(path: &str) -> bool {
    let known = |name: &str| NAMES.contains(&name);
    match path.split_once('/') {
        Some((folder, name)) => FOLDERS.contains(&without_number(folder)) && known(name),
        None => known(path),
    }
}

/// Whether a folder of this name is one of a snapshot's.
pub(super) fn is_part(folder: &str) -> bool {
    FOLDERS.contains(&without_number(folder))
}

/// `source` of `source-2`.
fn without_number(folder: &str) -> &str {
    match folder.rsplit_once('-') {
        Some((name, number)) if number.parse::<u8>().is_ok() => name,
        _ => folder,
    }
}
