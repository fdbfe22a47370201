//! `google.protobuf.Any` as Envoy's admin endpoint prints it: inline JSON with an `@type`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An `Any` that stays JSON until somebody who knows its type unpacks it, so that an extension that we
/// have never heard of cannot fail the message around it.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct JsonAny {
    /// The part of `@type` after the last slash: `envoy.extensions.filters.http.fault.v3.HTTPFault`.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// The whole value, `@type` included, as JSON.
    #[prost(bytes = "vec", tag = "2")]
    pub json: Vec<u8>,
}

impl JsonAny {
    /// Decodes the value; the error names the type.
    pub fn unpack<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.json).map_err(|e| format!("{}: {e}", self.type_name))
    }
}

impl<'de> Deserialize<'de> for JsonAny {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let url = value.get("@type").and_then(serde_json::Value::as_str).unwrap_or_default();
        let type_name = url.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Self { type_name, json: value.to_string().into_bytes() })
    }
}

impl Serialize for JsonAny {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: serde_json::Value = serde_json::from_slice(&self.json).unwrap_or_default();
        value.serialize(serializer)
    }
}
