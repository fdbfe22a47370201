//! What is said to come next once a stop is repaired, held against an Envoy whose configuration is.
//!
//! A file of `cases/repaired` is a case, and under `repaired` what mends it: a path to take out (`/http/http_filters/0`),
//! or `{at: PATH, value: …}`. One Envoy runs the case as it is, and the program is asked about its requests; another runs
//! what is mended, and gets them.

use std::fs;
use std::path::{Path, PathBuf};

use mesh_why::snapshot::Snapshot;
use serde_json::{Map, Value};

use crate::ask::ask_here;
use crate::case::{self, Case};
use crate::config::{items, object, take};
use crate::driver::{self, Envoy, Share};
use crate::examine::observe;
use crate::observed::{Fate, Observed, Reply, details, flags};
use crate::pair::Pair;
use crate::{report, snapshot};

#[test]
fn what_comes_next_is_what_envoy_does_once_the_stop_is_repaired() {
    let installed = driver::installed();
    if installed.is_empty() {
        report::skipped();
    }
    for envoy in installed.iter().filter(|envoy| envoy.share == Share::All) {
        let wrong: Vec<String> = case::repaired().iter().flat_map(|path| judge(&envoy.binary, path)).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// What is said wrong of one file's requests.
fn judge(binary: &Path, path: &Path) -> Vec<String> {
    let mut broken = case::short(path);
    let mut whole = broken.clone();
    broken.remove("repaired");
    let repairs = items(take(&mut whole, "repaired"));
    let mut mended = Value::Object(whole);
    for repair in repairs {
        mend(&mut mended, repair);
    }
    let (broken, mended) = (Case::of(path, broken), Case::of(path, object(mended)));
    let said: Vec<Vec<Value>> = {
        let run = directory(path, "broken");
        let envoy = Envoy::start(binary, &run, &broken.config);
        let mut snapshot = Snapshot::from_files(&mut snapshot::files(&envoy, None)).expect("a snapshot");
        broken.pairs.iter().map(|pair| ask_here(&mut snapshot, &pair.request).behind).collect()
    };
    let run = directory(path, "mended");
    let envoy = Envoy::start(binary, &run, &mended.config);
    let wrong = |(pair, said): (&Pair, Vec<Value>)| {
        let observed = observe(&envoy, mended.config.client, &pair.request, 1);
        let next = said.iter().find(|branch| repairs_of(branch) == 1);
        let why = differs(observed.first()?, next)?;
        Some(format!("{}, {}: {why}", case::name(path), pair.request))
    };
    mended.pairs.iter().zip(said).filter_map(wrong).collect()
}

fn directory(path: &Path, what: &str) -> PathBuf {
    let directory =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("envoy").join(format!("repaired-{}-{what}", case::name(path)));
    fs::create_dir_all(&directory).expect("a folder");
    directory
}

/// Takes out what a path leads to, or puts something in its place.
fn mend(case: &mut Value, repair: Value) {
    if repair.is_object() {
        let mut repair: Map<String, Value> = object(repair);
        let at = take(&mut repair, "at");
        let place = at.as_str().and_then(|path| case.pointer_mut(path)).unwrap_or_else(|| panic!("no {at}"));
        *place = take(&mut repair, "value");
        return;
    }
    let (parent, last) = repair.as_str().and_then(|path| path.rsplit_once('/')).expect("a path");
    let parent = case.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
    if let Some(items) = parent.as_array_mut() {
        items.remove(last.parse().expect("a place"));
    } else {
        parent.as_object_mut().and_then(|fields| fields.remove(last)).unwrap_or_else(|| panic!("no {repair}"));
    }
}

/// How many stops a branch takes as repaired.
fn repairs_of(branch: &Value) -> usize {
    branch["guards"].as_array().into_iter().flatten().filter(|guard| guard["kind"] == "repaired").count()
}

/// On what the two differ, if they do.
fn differs(seen: &Observed, said: Option<&Value>) -> Option<String> {
    let Some(said) = said else { return Some("nothing is said of what comes next".to_owned()) };
    let reaches = said["outcome"] == "reaches";
    if reaches != (seen.fate == Fate::Reached) {
        return Some(format!("Envoy: {:?}, said: {}", seen.fate, said["outcome"]));
    }
    let response = &said["response"];
    let reply = Reply {
        status: response["status"].as_u64().unwrap_or(0),
        grpc_status: response["grpc_status"].as_u64(),
        flags: flags(response["flags"].as_array().into_iter().flatten().filter_map(Value::as_str)),
        details: details(response["details"].as_str().unwrap_or_default()),
    };
    (!reaches && reply != seen.reply).then(|| format!("Envoy: {:?}, said: {reply:?}", seen.reply))
}
