//! Envoy's API, all of it: the descriptors that protobuf compiles into the binary, read out of the file.
//!
//! A binary and the API that it takes are never of two versions so, and nothing has to be fetched.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use prost::Message as _;
use prost::encoding::decode_varint;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FieldOptions, FileDescriptorProto, MessageOptions,
};
use regex::bytes::Regex;

/// What one binary knows.
#[derive(Debug, Default)]
pub(crate) struct Api {
    messages: BTreeMap<String, Message>,
    /// The names of the values of each enumeration.
    enums: BTreeMap<String, Vec<String>>,
}

#[derive(Debug)]
pub(crate) struct Message {
    /// The `.proto` that it stands in.
    pub(crate) file: String,
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) holds: Holds,
    pub(crate) standing: Standing,
    /// Of the value, or of each value; `None` of a message.
    pub(crate) scalar: Option<Scalar>,
    pub(crate) times: Times,
    /// Which of the message's groups it is in, of whose fields one alone is set.
    pub(crate) oneof: Option<i32>,
}

/// A value that is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Bool,
    /// With the largest.
    Integer(u64),
    Float,
    Text,
    Bytes,
    /// Of this name.
    Enum(String),
}

/// How often a field may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Once,
    List,
    Map,
}

/// What a field holds, as far as going down into it needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A number, a string, an enumeration, or a list of them.
    Value,
    /// A message of this name, or a list of them.
    Message(String),
    /// A map with values of this message type.
    Map(String),
}

/// Whether a field is still meant to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Current,
    Deprecated,
}

impl Api {
    /// Of the binary.
    pub(crate) fn of(binary: &Path) -> Self {
        let bytes = fs::read(binary).expect("the binary of Envoy");
        let start = Regex::new(r"(?-u)\n([\x05-\x7f])((?:envoy|xds)/[\w/.]+\.proto)\x12").expect("a pattern");
        let mut api = Self::default();
        for found in start.captures_iter(&bytes) {
            let (at, length, path) = (found.get(0).map_or(0, |all| all.start()), &found[1], &found[2]);
            if usize::from(length[0]) == path.len()
                && let Some(file) = file_at(&bytes[at..])
            {
                api.add(&file);
            }
        }
        api
    }

    /// All of them, by name.
    pub(crate) fn messages(&self) -> impl Iterator<Item = (&String, &Message)> {
        self.messages.iter()
    }

    /// The values of the enumeration of this name.
    pub(crate) fn values(&self, name: &str) -> &[String] {
        self.enums.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Of this name.
    pub(crate) fn message(&self, name: &str) -> Option<&Message> {
        self.messages.get(name)
    }

    /// Some files are there twice, with and without the rules of validation: the fields are the same.
    fn add(&mut self, file: &FileDescriptorProto) {
        for message in &file.message_type {
            self.add_message(file, file.package(), message);
        }
        for one in &file.enum_type {
            self.add_enum(file.package(), one);
        }
    }

    fn add_enum(&mut self, scope: &str, one: &EnumDescriptorProto) {
        let values = one.value.iter().map(|value| value.name().to_owned()).collect();
        self.enums.insert(format!("{scope}.{}", one.name()), values);
    }

    fn add_message(&mut self, file: &FileDescriptorProto, scope: &str, message: &DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        let fields = message.field.iter().map(|field| {
            let is_old = field.options.as_ref().is_some_and(FieldOptions::deprecated);
            Field {
                name: field.name().to_owned(),
                holds: holds(message, field),
                standing: if is_old { Standing::Deprecated } else { Standing::Current },
                scalar: scalar(message, field),
                times: times(message, field),
                oneof: field.oneof_index.filter(|_| !field.proto3_optional()),
            }
        });
        let fields = fields.collect();
        self.messages.insert(name.clone(), Message { file: file.name().to_owned(), fields });
        for nested in message.nested_type.iter().filter(|nested| !is_map_entry(nested)) {
            self.add_message(file, &name, nested);
        }
        for one in &message.enum_type {
            self.add_enum(&name, one);
        }
    }
}

/// The descriptor of a file that begins here: its fields follow one another until something else does.
fn file_at(bytes: &[u8]) -> Option<FileDescriptorProto> {
    let mut rest = bytes;
    let mut taken = 0;
    while let Some(length) = field_length(rest, taken) {
        taken += length;
        rest = &bytes[taken..];
    }
    FileDescriptorProto::decode(&bytes[..taken]).ok()
}

/// How long the next field of a `FileDescriptorProto` is; `None` where what stands here is none.
fn field_length(bytes: &[u8], before: usize) -> Option<usize> {
    const VARINT: u64 = 0;
    const BYTES: u64 = 2;
    let mut rest = bytes;
    let key = decode_varint(&mut rest).ok()?;
    let inner = match (key >> 3, key & 7) {
        // The file's name comes first, and only then.
        (1, BYTES) if before > 0 => return None,
        (1..=9 | 12, BYTES) => usize::try_from(decode_varint(&mut rest).ok()?).ok()?,
        (10 | 11 | 14, VARINT) => {
            decode_varint(&mut rest).ok()?;
            0
        }
        _ => return None,
    };
    (inner <= rest.len()).then(|| bytes.len() - rest.len() + inner)
}

fn holds(message: &DescriptorProto, field: &FieldDescriptorProto) -> Holds {
    let of = |field: &FieldDescriptorProto| {
        let is_message = matches!(field.r#type(), Type::Message | Type::Group);
        is_message.then(|| field.type_name().trim_start_matches('.').to_owned())
    };
    let Some(name) = of(field) else { return Holds::Value };
    let Some(entry) = entry(message, field) else { return Holds::Message(name) };
    let value = entry.field.iter().find(|field| field.name() == "value");
    value.and_then(of).map_or(Holds::Value, Holds::Map)
}

fn times(message: &DescriptorProto, field: &FieldDescriptorProto) -> Times {
    match (entry(message, field), field.label()) {
        (Some(_), _) => Times::Map,
        (None, Label::Repeated) => Times::List,
        (None, Label::Optional | Label::Required) => Times::Once,
    }
}

/// Of a map the values'.
fn scalar(message: &DescriptorProto, field: &FieldDescriptorProto) -> Option<Scalar> {
    let value = entry(message, field).and_then(|entry| entry.field.iter().find(|field| field.name() == "value"));
    let field = value.unwrap_or(field);
    Some(match field.r#type() {
        Type::Message | Type::Group => return None,
        Type::Bool => Scalar::Bool,
        Type::Int32 | Type::Sint32 | Type::Sfixed32 => Scalar::Integer(i32::MAX.unsigned_abs().into()),
        Type::Uint32 | Type::Fixed32 => Scalar::Integer(u32::MAX.into()),
        Type::Int64 | Type::Sint64 | Type::Sfixed64 => Scalar::Integer(i64::MAX.unsigned_abs()),
        Type::Uint64 | Type::Fixed64 => Scalar::Integer(u64::MAX),
        Type::Float | Type::Double => Scalar::Float,
        Type::String => Scalar::Text,
        Type::Bytes => Scalar::Bytes,
        Type::Enum => Scalar::Enum(field.type_name().trim_start_matches('.').to_owned()),
    })
}

/// What a map's entry is made of.
fn entry<'a>(message: &'a DescriptorProto, field: &FieldDescriptorProto) -> Option<&'a DescriptorProto> {
    let mut entries = message.nested_type.iter().filter(|nested| is_map_entry(nested));
    let is_message = field.r#type() == Type::Message;
    entries.find(|entry| is_message && field.type_name().ends_with(&format!(".{}.{}", message.name(), entry.name())))
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(MessageOptions::map_entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_ends_where_something_else_begins() {
        let message = DescriptorProto { name: Some("M".to_owned()), ..DescriptorProto::default() };
        let file = FileDescriptorProto {
            name: Some("envoy/a/v3/a.proto".to_owned()),
            package: Some("envoy.a.v3".to_owned()),
            message_type: vec![message],
            ..FileDescriptorProto::default()
        };
        let bytes = file.encode_to_vec();
        for after in [&b""[..], b"\0\0\0", b"\n\x12envoy/b/v3/b.proto", b"\xff\xff"] {
            assert_eq!(file_at(&[&bytes, after].concat()).as_ref(), Some(&file), "{after:?}");
        }
    }
}
