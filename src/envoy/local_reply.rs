//! The status that a connection manager gives its own replies (`source/common/local_reply/local_reply.cc`): the first
//! mapper whose filter takes the reply counts. A recommended one goes before it
//! (`ProxyStatusUtils` in `source/common/stream_info/utility.cc`).

use serde_json::Value;

use super::fields::snake;

/// What becomes of the statuses of a manager's own replies.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Replies {
    mappers: Vec<Mapper>,
    advised: Advised,
}

/// Whether the statuses are those that RFC 9209 recommends for what the log's flags say
/// (`proxy_status_config.set_recommended_response_code`).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Advised {
    /// They are.
    Yes,
    /// They are not.
    #[default]
    No,
}

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
    pub fn of(config: Option<&Value>, advised: Advised) -> Result<Self, String> {
        let mappers = config.and_then(|config| member(config, "mappers")).and_then(Value::as_array);
        let mappers = mappers.cloned().unwrap_or_default();
        let sets = |mapper: &Value| member(mapper, "status_code").is_some();
        if !mappers.iter().any(sets) {
            return Ok(Self { mappers: Vec::new(), advised });
        }
        Ok(Self { mappers: mappers.iter().map(Mapper::of).collect::<Result<_, _>>()?, advised })
    }

    /// The status that a reply of this one gets from the mappers.
    pub fn status(&self, status: u16) -> u16 {
        let takes = |mapper: &&Mapper| mapper.takes(u64::from(status));
        self.mappers.iter().find(takes).and_then(|mapper| mapper.status).unwrap_or(status)
    }

    /// The status that a reply has at last, whose flags in the log are these.
    pub fn advised(&self, status: u16, flags: &[&str]) -> u16 {
        match self.advised {
            Advised::Yes => recommended(flags).unwrap_or(status),
            Advised::No => status,
        }
    }

    /// Whether some reply gets another status.
    pub fn are_others(&self) -> bool {
        self.advised == Advised::Yes || self.mappers.iter().any(|mapper| mapper.status.is_some())
    }
}

/// The first of Envoy's flags that is there counts, in Envoy's order, whether or not it recommends a status.
fn recommended(flags: &[&str]) -> Option<u16> {
    let of_flag = ADVICE.iter().find(|(own, _)| own.iter().any(|flag| flags.contains(flag)));
    of_flag.and_then(|(_, status)| *status)
}

/// Flags in the order in which Envoy 1.40 looks for them, and the status that each recommends.
const ADVICE: &[(&[&str], Option<u16>)] = &[
    (&["LH", "UH"], Some(503)),
    (&["UT", "LR"], Some(504)),
    (&["UR", "UF", "UC"], Some(502)),
    (&["UO"], Some(503)),
    (&["NR"], Some(500)),
    (&["RL"], Some(503)),
    (&["UAEX"], Some(502)),
    (&["RLSE", "URX"], Some(503)),
    (&["SI"], Some(504)),
    (&["IH", "DPE"], None),
    (&["UMSDR"], Some(504)),
    (&["NFCF"], Some(500)),
    (&["UPE"], Some(502)),
    (&["NC"], Some(503)),
    (&["DF"], Some(502)),
];

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
        let of = |mappers: Value| Replies::of(Some(&json!({"mappers": mappers})), Advised::No);
        let replies = of(json!([
            {"filter": filter("EQ", 404), "status_code": 410},
            {"filter": filter("GE", 500), "body": {}},
            {"filter": filter("GE", 400), "status_code": 418},
        ]));
        let replies = replies.unwrap();
        assert_eq!([404, 503, 403, 301].map(|status| replies.status(status)), [410, 503, 418, 301]);
        assert!(of(json!([{"filter": {}, "status_code": 1}])).is_err());
        assert!(of(json!([{"filter": {}, "body": {}}])).is_ok());
    }

    #[test]
    fn flags_recommend_a_status_in_their_order() {
        let advised = Replies::of(None, Advised::Yes).unwrap();
        let of = |flags: &[&str]| advised.advised(418, flags);
        assert_eq!([of(&["NR"]), of(&["UF", "URX"]), of(&["DPE", "NC"]), of(&[])], [500, 502, 418, 418]);
        assert_eq!(Replies::default().advised(404, &["NR"]), 404);
    }
}
