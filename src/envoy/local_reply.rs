//! The status that a connection manager gives its own replies (`source/common/local_reply/local_reply.cc`): the first
//! mapper whose filter takes the reply counts.

use serde_json::Value;

use super::fields::snake;

/// What becomes of the statuses of a manager's own replies.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Replies(Vec<Mapper>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Mapper {
    compares: Compares,
    with: u64,
    /// None: only the body becomes another.
    status: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Compares {
    Equal,
    AtLeast,
    AtMost,
    NotEqual,
}

impl Replies {
    /// From a `LocalReplyConfig`; an error where a mapper goes by something else than the status, and sets one.
    pub fn of(config: &Value) -> Result<Self, String> {
        let mappers = member(config, "mappers").and_then(Value::as_array).cloned().unwrap_or_default();
        let sets = |mapper: &Value| member(mapper, "status_code").is_some();
        if !mappers.iter().any(sets) {
            return Ok(Self::default());
        }
        mappers.iter().map(Mapper::of).collect::<Result<_, _>>().map(Self)
    }

    /// The status that a reply of this one gets.
    pub fn status(&self, status: u16) -> u16 {
        let takes = |mapper: &&Mapper| mapper.takes(u64::from(status));
        self.0.iter().find(takes).and_then(|mapper| mapper.status).unwrap_or(status)
    }

    /// Whether some reply gets another status.
    pub fn are_others(&self) -> bool {
        self.0.iter().any(|mapper| mapper.status.is_some())
    }
}

impl Mapper {
    fn of(mapper: &Value) -> Result<Self, String> {
        let odd = || "a mapper of local replies that does not go by the status is not modeled".to_owned();
        let filter = member(mapper, "filter").and_then(|filter| member(filter, "status_code_filter"));
        let comparison = filter.and_then(|filter| member(filter, "comparison")).ok_or_else(odd)?;
        let compares = match member(comparison, "op").and_then(Value::as_str) {
            None | Some("EQ") => Compares::Equal,
            Some("GE") => Compares::AtLeast,
            Some("LE") => Compares::AtMost,
            Some("NE") => Compares::NotEqual,
            Some(_) => return Err(odd()),
        };
        let value = member(comparison, "value").and_then(|value| member(value, "default_value"));
        let status = member(mapper, "status_code").and_then(Value::as_u64);
        Ok(Self {
            compares,
            with: value.and_then(Value::as_u64).unwrap_or(0),
            status: status.and_then(|status| u16::try_from(status).ok()),
        })
    }

    fn takes(&self, status: u64) -> bool {
        match self.compares {
            Compares::Equal => status == self.with,
            Compares::AtLeast => status >= self.with,
            Compares::AtMost => status <= self.with,
            Compares::NotEqual => status != self.with,
        }
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| snake(key) == name).map(|(_, inner)| inner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_mapper_that_takes_a_status_counts() {
        let filter = |op: &str, status: u16| json!({"status_code_filter": {"comparison": {"op": op, "value": {"default_value": status}}}});
        let replies = Replies::of(&json!({"mappers": [
            {"filter": filter("EQ", 404), "status_code": 410},
            {"filter": filter("GE", 500), "body": {}},
            {"filter": filter("GE", 400), "status_code": 418},
        ]}));
        let replies = replies.unwrap();
        assert_eq!([404, 503, 403, 301].map(|status| replies.status(status)), [410, 503, 418, 301]);
        assert!(Replies::of(&json!({"mappers": [{"filter": {}, "status_code": 1}]})).is_err());
        assert!(Replies::of(&json!({"mappers": [{"filter": {}, "body": {}}]})).is_ok());
    }
}
