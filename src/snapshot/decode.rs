//! JSON into memory, within bounds: a few bytes of text can become hundreds in memory.
//!
//! A snapshot may come from anybody. What a value takes in memory is counted while it is read, and a text that takes
//! more than [`TIMES`] its own size is no admin body and no list of objects.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::body::{BodyError, body_error};

/// How many times its own size a text may take in memory. Pretty-printed JSON takes 3 to 8, compact JSON 10 to 15.
const TIMES: usize = 9;
/// What any text may take besides, in bytes.
const ANY: usize = 34 << 20;

/// A node of a map, with room for eleven members; about six of them are used in a large one.
const NODE: usize = 640;
const MEMBERS: usize = 6;
/// The least that a list takes, and each of its elements.
const LIST: usize = 144;
const ELEMENT: usize = 32;
/// What the allocator adds to each piece.
const PIECE: usize = 16;

/// A JSON text as a value; an error where it is none, or takes too much memory.
pub(super) fn value(text: &[u8], what: &'static str) -> Result<Value, BodyError> {
    let left = Cell::new(text.len().saturating_mul(TIMES).saturating_add(ANY));
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = Counted { left: &left }.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    read.map_err(|error| if left.get() == 0 { BodyError::TooMuch } else { body_error(&error, what) })
}

/// A value whose size in memory is taken off what is left.
struct Counted<'a> {
    left: &'a Cell<usize>,
}

impl Counted<'_> {
    fn take<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.left.get().saturating_sub(bytes);
        self.left.set(left);
        if left == 0 { Err(E::custom("it takes too much memory")) } else { Ok(()) }
    }

    fn text<E: serde::de::Error>(&self, text: String) -> Result<String, E> {
        self.take(if text.is_empty() { 0 } else { text.len() + PIECE })?;
        Ok(text)
    }
}

impl<'de> DeserializeSeed<'de> for Counted<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.text(value.to_owned()).map(Value::String)
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        self.text(value).map(Value::String)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Counted { left: self.left })? {
            self.take::<A::Error>(if items.is_empty() { LIST } else { ELEMENT })?;
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            // Two of one name: the last one counts, as for serde_json.
            if members.len().is_multiple_of(MEMBERS) {
                self.take::<A::Error>(NODE)?;
            }
            let key = self.text(key)?;
            let value = map.next_value_seed(Counted { left: self.left })?;
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_value_is_the_one_that_serde_json_reads() {
        for text in [
            "null",
            r#"{"a": [1, -2, 2.5e3, "x\u00e9", true, null, {}], "b": {"c": []}, "a": "again"}"#,
            "[18446744073709551615, -9223372036854775808, 1e400]",
            "[]]",
            "{",
            "",
            "nul",
        ] {
            let expected = serde_json::from_str::<Value>(text).ok();
            assert_eq!(value(text.as_bytes(), "JSON").ok(), expected, "{text}");
        }
    }

    #[test]
    fn what_grows_too_much_is_refused() {
        let many = |element: &str| format!("[{}{element}]", format!("{element},").repeat((8 << 20) / element.len()));
        for element in ["[0]", "{\"\":0}", "0", "[[0]]", "{\"a\":[]}"] {
            assert_eq!(value(many(element).as_bytes(), "JSON").unwrap_err(), BodyError::TooMuch, "{element}");
        }
        let plain = many("\"a text of usual length\"");
        assert!(value(plain.as_bytes(), "JSON").is_ok());
        assert!(
            value(many("[0]")[..3000].trim_end_matches(',').as_bytes(), "JSON").is_err_and(|e| e != BodyError::TooMuch)
        );
    }
}
