//! Who may name whom: the table of ARCHITECTURE.md.

use std::collections::BTreeSet;

use crate::names::{Named, named};
use crate::source::File;

/// A part of the house.
struct Layer {
    /// The module, or the folder below `src/`.
    name: &'static str,
    /// The layers that it may name, or `layer::Item` for just that of it.
    may: &'static [&'static str],
    /// The crates that it may name, besides `std`, `core` and `alloc`.
    crates: Crates,
}

enum Crates {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

const LAYERS: &[Layer] = &[
    Layer { name: "text", may: &[], crates: Crates::Only(&[]) },
    Layer { name: "near", may: &[], crates: Crates::Only(&["strsim"]) },
    Layer {
        name: "envoy",
        may: &[],
        crates: Crates::Only(&[
            "ipnet",
            "percent_encoding",
            "jiff",
            "pbjson",
            "pbjson_types",
            "prost",
            "regex",
            "regex_automata",
            "serde",
            "serde_json",
            "x509_parser",
        ]),
    },
    Layer { name: "redact", may: &["envoy"], crates: Crates::Only(&["base64", "regex", "serde", "serde_json"]) },
    Layer {
        name: "snapshot",
        may: &["envoy", "redact", "text"],
        crates: Crates::Only(&["jsonpath_rust", "serde", "serde_json"]),
    },
    Layer { name: "verdict", may: &["snapshot::Evidence", "text"], crates: Crates::Only(&["serde_json"]) },
    Layer { name: "mesh", may: &["envoy", "snapshot", "verdict"], crates: Crates::Only(&["ipnet", "serde_json"]) },
    Layer { name: "access_log", may: &["mesh", "snapshot", "verdict"], crates: Crates::Only(&["serde_json"]) },
    Layer {
        name: "walk",
        may: &["envoy", "mesh", "redact", "snapshot", "verdict"],
        crates: Crates::Only(&["pbjson_types", "serde_json", "strsim"]),
    },
    Layer {
        name: "diagnose",
        may: &["access_log", "envoy", "mesh", "redact", "snapshot", "verdict", "walk"],
        crates: Crates::Only(&["serde_json"]),
    },
    Layer {
        name: "findings",
        may: &["diagnose", "envoy", "mesh", "snapshot", "verdict", "walk"],
        crates: Crates::Only(&["serde_json"]),
    },
    Layer { name: "explain", may: &["diagnose"], crates: Crates::Only(&["strsim"]) },
    Layer {
        name: "render",
        may: &["explain", "snapshot::Evidence", "snapshot::Origin", "text", "verdict"],
        crates: Crates::Only(&[
            "jsonpath_rust",
            "quick_xml",
            // In tests alone: the binary has no schema.
            "schemars",
            "serde",
            "serde_json",
            "serde_saphyr",
            "shlex",
            "textwrap",
            "unicode_width",
        ]),
    },
    Layer {
        name: "collect",
        may: &["near", "redact", "snapshot", "text"],
        crates: Crates::AllBut(&["anstream", "clap", "colored", "textwrap"]),
    },
];

/// The one file that knows color.
const THEME: &str = "src/render/theme.rs";

/// What a file names and may not. `cli`, `lib.rs` and `main.rs` may name everything.
pub(crate) fn broken(file: &File, crates: &BTreeSet<String>) -> Vec<String> {
    let Some(layer) = layer_of(&file.path) else {
        return Vec::new();
    };
    let forbidden = |named: &&Named| match named.own() {
        Some(own) => own != home(layer) && !layer.may.iter().any(|allowed| covers(allowed, named)),
        None => !may_use(layer, file, &named.root),
    };
    let line = |named: &Named| format!("{}:{}: {} may not name {}", file.path, named.line, layer.name, named.text());
    named(file, crates).iter().filter(forbidden).map(line).collect()
}

fn layer_of(path: &str) -> Option<&'static Layer> {
    let name = path.strip_prefix("src/")?.trim_end_matches(".rs").split('/').next()?;
    LAYERS.iter().find(|layer| layer.name == name)
}

/// Findings are modules of diagnose.
fn home(layer: &Layer) -> &'static str {
    if layer.name == "findings" { "diagnose" } else { layer.name }
}

fn covers(allowed: &str, named: &Named) -> bool {
    let wanted: Vec<&str> = allowed.split("::").collect();
    named.rest.len() >= wanted.len() && named.rest.iter().zip(&wanted).all(|(a, b)| a == b)
}

fn may_use(layer: &Layer, file: &File, name: &str) -> bool {
    match &layer.crates {
        _ if ["std", "core", "alloc"].contains(&name) => true,
        _ if name == "colored" => file.path == THEME,
        Crates::Only(names) => names.contains(&name),
        Crates::AllBut(names) => !names.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        let crates = ["std", "colored", "kube", "serde", "serde_json", "tokio"].map(str::to_owned).into();
        broken(&File::new(path, text), &crates).len()
    }

    #[test]
    fn a_layer_names_what_lies_below_it() {
        assert_eq!(count("src/walk/http.rs", "use crate::envoy::pb;\nuse super::route;\nuse std::fmt;"), 0);
        assert_eq!(count("src/walk/http.rs", "use crate::diagnose::Case;"), 1);
        assert_eq!(count("src/walk.rs", "fn f() { crate::render::render() }"), 1);
        assert_eq!(count("src/envoy/load.rs", "use super::super::snapshot;"), 1);
        assert_eq!(count("src/mesh/istio.rs", "use crate::walk::Walk;"), 1);
        assert_eq!(count("src/collect/admin.rs", "use crate::{snapshot::Need, verdict::Verdict};"), 1);
        assert_eq!(count("src/findings/x.rs", "use crate::diagnose::Case;"), 0);
        assert_eq!(count("src/cli/ask.rs", "use crate::{collect, walk, render};"), 0);
    }

    #[test]
    fn some_layers_may_name_a_part_of_another() {
        assert_eq!(count("src/render/json.rs", "use crate::snapshot::{Evidence, Origin};"), 0);
        assert_eq!(count("src/render/json.rs", "use crate::snapshot::{Evidence, Node};"), 1);
        assert_eq!(count("src/render/json.rs", "use crate::snapshot;"), 1);
        assert_eq!(count("src/verdict.rs", "use crate::snapshot::*;"), 1);
    }

    #[test]
    fn crates_have_their_places() {
        assert_eq!(count("src/verdict.rs", "use serde::Serialize;"), 1);
        assert_eq!(count("src/walk/route.rs", "fn f() { tokio::spawn(x) }"), 1);
        assert_eq!(count("src/render/text.rs", "use colored::Colorize as _;"), 1);
        assert_eq!(count("src/render/theme.rs", "use colored::Colorize as _;"), 0);
        assert_eq!(count("src/collect/cluster.rs", "use kube::Client;\nuse tokio::time;"), 0);
        assert_eq!(count("src/collect/log.rs", "use colored::Colorize as _;"), 1);
    }
}
