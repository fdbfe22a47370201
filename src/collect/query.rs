//! Canonical queries as they are sent: percent-encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986, unreserved characters.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameters whose value is free text. A canonical query has at most one, and has it last.
const FREE_TEXT: &[&str] = &["name_regex=", "filter=", "labelSelector=", "fieldSelector=", "namespace="];

/// A canonical query as it is sent.
pub(super) fn encode(query: &str) -> String {
    let Some((path, parameters)) = query.split_once('?') else {
        return query.to_owned();
    };
    let value = FREE_TEXT.iter().filter_map(|name| Some(parameters.find(name)? + name.len())).min();
    let (plain, text) = parameters.split_at(value.unwrap_or(parameters.len()));
    format!("{path}?{plain}{}", segment(text))
}

/// Text as one segment of a path, or as a value of a parameter.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_is_encoded() {
        assert_eq!(encode("/clusters?format=json&filter=^a\\|b$"), "/clusters?format=json&filter=%5Ea%5C%7Cb%24");
        assert_eq!(
            encode("/config_dump?mask=a,b&name_regex=^x&y=z?#$"),
            "/config_dump?mask=a,b&name_regex=%5Ex%26y%3Dz%3F%23%24"
        );
        assert_eq!(encode("/api/v1/pods?labelSelector=a=b,c=d"), "/api/v1/pods?labelSelector=a%3Db%2Cc%3Dd");
        assert_eq!(encode("/server_info"), "/server_info");
        assert_eq!(encode("/config_dump?include_eds"), "/config_dump?include_eds");
        assert_eq!(segment("../x"), "..%2Fx");
    }
}
