//! Case files: one configuration, and the requests that are sent through it.
//!
//! ```yaml
//! http:                       # the configuration, in the short form of `config`
//!   routes: [{match: {prefix: /a}, route: {cluster: live}}]
//! clusters: {live: [$a]}
//! defaults: {host: shop}      # of every request below
//! requests:
//!   - {paths: [/a, /b]}       # one pair each; `hosts`, `addresses` and `header_sets` likewise
//! since: 1.37.0               # older Envoys do not take the configuration
//! pod: 127.2.0.9              # this Envoy is B's proxy too, of a pod with this address: a listener that is `bound`
//! certificates: …             # see `certificates`
//! ```
//!
//! Nothing says what shall come out: that is Envoy's part.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use crate::backend::Backends;
use crate::certificates;
use crate::config::{Config, items, object, take};
use crate::driver::{self, Version};
use crate::pair::{Pair, Request};

/// A case file, with its backends running.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) path: PathBuf,
    /// The first Envoy that takes it.
    pub(crate) since: Version,
    pub(crate) config: Config,
    pub(crate) pairs: Vec<Pair>,
    /// Stopped with the case.
    _backends: Backends,
    /// Removed with the case.
    _secrets: Option<tempfile::TempDir>,
}

impl Case {
    /// Reads the file and starts its backends.
    pub(crate) fn read(path: &Path) -> Self {
        Self::of(path, short(path))
    }

    /// Of a case that was read, or made.
    pub(crate) fn of(path: &Path, mut short: Map<String, Value>) -> Self {
        let secrets = certificates::expand(&mut short);
        let mut value = Value::Object(short);
        let mut backends = Backends::default();
        backends.place(&mut value);
        let mut short = object(value);
        let since = short.remove("since").map_or((0, 0, 0), |release| {
            let parsed = release.as_str().and_then(driver::parse);
            parsed.unwrap_or_else(|| panic!("{}: since", path.display()))
        });
        let mut defaults = object(json!({"to": "127.1.0.1:80"}));
        defaults.extend(object(take(&mut short, "defaults")));
        let entries = items(take(&mut short, "requests"));
        let pairs = entries.into_iter().flat_map(|entry| pairs(&defaults, object(entry))).collect();
        let config = Config::new(&mut short);
        assert!(short.is_empty(), "{}: unknown keys {short:?}", path.display());
        Self { path: path.to_owned(), since, config, pairs, _backends: backends, _secrets: secrets }
    }

    /// The file's name without its ending.
    pub(crate) fn name(&self) -> &str {
        name(&self.path)
    }
}

/// What a case file says.
pub(crate) fn short(path: &Path) -> Map<String, Value> {
    let text = fs::read_to_string(path).expect("a case file");
    let yaml_1_2 = serde_saphyr::options! { strict_booleans: true };
    let value: Value = serde_saphyr::from_str_with_options(&text, yaml_1_2)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    object(value)
}

/// The files that say what mends them, too.
pub(crate) fn repaired() -> Vec<PathBuf> {
    files_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/envoy/cases/repaired"))
}

/// A file's name without its ending.
pub(crate) fn name(path: &Path) -> &str {
    path.file_stem().and_then(|name| name.to_str()).expect("a file name")
}

/// Every case file, by name; those that a generated case once led to come last.
pub(crate) fn files() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/envoy/cases");
    [cases.clone(), cases.join("tables"), cases.join("regressions")]
        .iter()
        .flat_map(|directory| files_in(directory))
        .collect()
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the case files");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    files
}

/// One pair for each combination of the plural fields.
fn pairs(defaults: &Map<String, Value>, entry: Map<String, Value>) -> Vec<Pair> {
    let mut fields = defaults.clone();
    fields.extend(entry);
    let mut expanded = vec![fields];
    for (plural, singular) in
        [("addresses", "to"), ("hosts", "host"), ("paths", "path"), ("header_sets", "headers"), ("names", "sni")]
    {
        expanded = expanded.into_iter().flat_map(|fields| each(fields, plural, singular)).collect();
    }
    expanded.into_iter().map(pair).collect()
}

fn each(mut fields: Map<String, Value>, plural: &str, singular: &str) -> Vec<Map<String, Value>> {
    let Some(values) = fields.remove(plural) else { return vec![fields] };
    items(values)
        .into_iter()
        .map(|value| {
            let mut one = fields.clone();
            one.insert(singular.to_owned(), value);
            one
        })
        .collect()
}

fn pair(mut fields: Map<String, Value>) -> Pair {
    let mut count = |key: &str| take(&mut fields, key).as_u64().map(|count| usize::try_from(count).expect("a count"));
    let (repeat, ask_after) = (count("repeat").unwrap_or(1), count("ask_after").unwrap_or(0));
    let may_be_unknown = take(&mut fields, "may_be_unknown").as_str().map(str::to_owned);
    let shown = Value::Object(fields);
    let request = Request::deserialize(&shown).unwrap_or_else(|error| panic!("{shown}: {error}"));
    Pair { request, repeat, ask_after, may_be_unknown }
}
