//! Configurations that some control planes write as a struct with the name of another type (`udpa.type.v1.TypedStruct`,
//! `xds.type.v3.TypedStruct`).

use crate::envoy::any::JsonAny;
use crate::snapshot::Node;

/// A `TypedStruct` as what it stands for.
pub(in crate::walk) fn plain(any: JsonAny, at: Node) -> (JsonAny, Node) {
    let inner = if any.type_name.ends_with(".TypedStruct") { at.get("value") } else { None };
    let url = at.text("type_url").unwrap_or_default();
    match inner {
        Some(value) if !url.is_empty() => {
            let type_name = url.rsplit('/').next().unwrap_or_default().to_owned();
            (JsonAny { type_name, json: value.value().to_string().into_bytes() }, value)
        }
        Some(_) | None => (any, at),
    }
}
