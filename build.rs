//! Compiles `proto/` (protox, no protoc), and turns `src/findings/` into the roster of findings.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed=src/findings");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let protos = files_below(Path::new("proto"), "proto")?;
    let descriptors = protox::compile(&protos, ["proto"])?;
    generate_messages(&descriptors)?;
    fs::write(out.join("messages.rs"), module_tree(&descriptors))?;
    fs::write(out.join("fields.rs"), field_table(&descriptors))?;
    fs::write(out.join("roster.rs"), roster(Path::new("src/findings"))?)?;
    Ok(())
}

/// Rust types with prost, their JSON form with pbjson. `Any` keeps its JSON until it is wanted.
fn generate_messages(descriptors: &FileDescriptorSet) -> Result<(), Box<dyn Error>> {
    let mut config = prost_build::Config::new();
    for file in descriptors.file.iter().filter(|file| is_ours(file.package())) {
        file.message_type.iter().for_each(|message| mark_fields(&format!(".{}", file.package()), message, &mut config));
    }
    config
        .compile_well_known_types()
        .extern_path(".google.protobuf.Any", "crate::envoy::any::JsonAny")
        .extern_path(".google.protobuf", "::pbjson_types")
        .btree_map(["."])
        .compile_fds(descriptors.clone())?;
    let mut json = pbjson_build::Builder::new();
    for file in &descriptors.file {
        json.register_file_descriptor(file.clone());
    }
    json.ignore_unknown_fields()
        .preserve_proto_field_names()
        .btree_map(["."])
        .extern_path(".google.protobuf.Any", "crate::envoy::any::JsonAny")
        .extern_path(".google.protobuf", "::pbjson_types")
        .build(&[".envoy", ".xds"])?;
    Ok(())
}

/// With the feature `marked-fields` the compiler warns wherever a field is used; `tests/coverage.rs` listens.
fn mark_fields(scope: &str, message: &DescriptorProto, config: &mut prost_build::Config) {
    let name = format!("{scope}.{}", message.name());
    for field in &message.field {
        let oneof = field.oneof_index.and_then(|i| message.oneof_decl.get(usize::try_from(i).ok()?));
        let holder = oneof.map_or_else(|| name.clone(), |oneof| format!("{name}.{}", oneof.name()));
        let note = format!("field {}.{}", &name[1..], field.name());
        let mark = format!("#[cfg_attr(feature = \"marked-fields\", deprecated = {note:?})]");
        config.field_attribute(format!("{holder}.{}", field.name()), mark);
    }
    for nested in message.nested_type.iter().filter(|nested| !is_map_entry(nested)) {
        mark_fields(&name, nested, config);
    }
}

/// The packages of `proto/`, not Google's own.
fn is_ours(package: &str) -> bool {
    package.starts_with("envoy.") || package.starts_with("xds.")
}

/// `pub mod envoy { pub mod config { … include!(…) } }`, as the generated code expects it.
fn module_tree(descriptors: &FileDescriptorSet) -> String {
    let mut packages: Vec<&str> = descriptors.file.iter().map(prost_types::FileDescriptorProto::package).collect();
    packages.retain(|p| is_ours(p));
    packages.sort_unstable();
    packages.dedup();
    let mut text = String::new();
    let mut open: Vec<&str> = Vec::new();
    for package in packages {
        let parts: Vec<&str> = package.split('.').collect();
        let shared = open.iter().zip(&parts).take_while(|(a, b)| a == b).count();
        text.push_str(&"}\n".repeat(open.len() - shared));
        for part in &parts[shared..] {
            let name = if *part == "type" { "r#type" } else { part };
            let _ = writeln!(text, "pub mod {name} {{");
        }
        let file = package.replace(".type.", ".r#type.");
        for ending in ["rs", "serde.rs"] {
            let _ = writeln!(text, "include!(concat!(env!(\"OUT_DIR\"), \"/{file}.{ending}\"));");
        }
        open = parts;
    }
    text.push_str(&"}\n".repeat(open.len()));
    text
}

/// Every message with its fields: what `envoy::fields` compares raw JSON with.
fn field_table(descriptors: &FileDescriptorSet) -> String {
    let mut rows = Vec::new();
    for file in &descriptors.file {
        if is_ours(file.package()) {
            for message in &file.message_type {
                message_rows(file.package(), message, &mut rows);
            }
        }
    }
    rows.sort();
    let doc = "/// Each message of `proto/` and its fields, in the order of the messages' names.";
    format!("{doc}\npub static MESSAGES: &[(&str, &[(&str, Kind)])] = &[\n{}];\n", rows.concat())
}

fn message_rows(scope: &str, message: &DescriptorProto, rows: &mut Vec<String>) {
    let name = format!("{scope}.{}", message.name());
    let mut fields = String::new();
    for field in &message.field {
        let entry = message
            .nested_type
            .iter()
            .find(|nested| is_map_entry(nested) && field.type_name().ends_with(&format!(".{}", nested.name())));
        let kind = match entry {
            Some(entry) => format!("Kind::Map({:?})", value_of(entry)),
            None if field.r#type() == Type::Message => format!("Kind::Message({:?})", &field.type_name()[1..]),
            None if field.r#type() == Type::Enum => "Kind::Enum".to_owned(),
            None => "Kind::Scalar".to_owned(),
        };
        let _ = write!(fields, "({:?}, {kind}), ", field.name());
    }
    rows.push(format!("    ({name:?}, &[{fields}]),\n"));
    for nested in message.nested_type.iter().filter(|nested| !is_map_entry(nested)) {
        message_rows(&name, nested, rows);
    }
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
}

/// The message type of a map's values.
fn value_of(entry: &DescriptorProto) -> &str {
    entry.field.iter().find(|f| f.name() == "value").map_or("", |f| f.type_name().trim_start_matches('.'))
}

/// A finding is a file: its name is the id, its `//!` block the explanation, `examine` the work; `YIELDS_TO`, where it has
/// one, names those that say more, and `CODES` are those with which analyzers report the same.
fn roster(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut names: Vec<String> =
        files_below(folder, "rs")?.iter().filter_map(|f| Some(f.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    let mut text = String::new();
    let root = env::var("CARGO_MANIFEST_DIR")?;
    for name in &names {
        let _ = writeln!(text, "#[path = \"{root}/src/findings/{name}.rs\"]\nmod {name};");
    }
    text.push_str("pub(crate) static ROSTER: &[Rule] = &[\n");
    for name in &names {
        let source = fs::read_to_string(folder.join(format!("{name}.rs")))?;
        let doc: Vec<&str> = source
            .lines()
            .take_while(|l| l.starts_with("//!"))
            .map(|l| l.trim_start_matches("//!").trim_start_matches(' '))
            .collect();
        if doc.first().is_none_or(|title| title.is_empty()) {
            return Err(format!("src/findings/{name}.rs: the first line must be `//! ` and a title").into());
        }
        let id = name.replace('_', "-");
        let title = doc[0].trim_end_matches('.');
        let list = |constant: &str| {
            let has_one = source.contains(&format!("const {constant}:"));
            if has_one { format!("{name}::{constant}") } else { "&[]".to_owned() }
        };
        let (yields, codes) = (list("YIELDS_TO"), list("CODES"));
        let explain = doc[1..].join("\n");
        let _ = writeln!(
            text,
            "    Rule {{ id: {id:?}, title: {title:?}, explain: {:?}, codes: {codes}, yields_to: {yields}, \
             examine: {name}::examine }},",
            explain.trim()
        );
    }
    text.push_str("];\n");
    Ok(text)
}

fn files_below(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_below(&path, ending)?);
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
