//! A line, whatever its format.

use serde_json::{Map, Value};

use super::mistake::Mistake;
use super::{json, text};
use crate::snapshot::LogRecord;

/// The most bytes of a line. Envoy bounds the headers of a request to 60 KiB unless told otherwise.
const LONGEST: usize = 256 << 10;

/// Members of a log shipper's object that hold a line, or an object in place of one.
const WRAPPERS: &[&str] = &["log", "message", "msg", "line", "textPayload", "jsonPayload"];
/// How deep a line may be wrapped.
const DEEPEST: usize = 3;
/// How many braces are tried: what stands before the object may have one, too.
const TRIES: usize = 4;

/// Reads a line.
pub fn parse(line: &str) -> Result<LogRecord, Mistake> {
    if line.trim().is_empty() {
        return Err(Mistake::Empty);
    }
    if line.len() > LONGEST {
        return Err(Mistake::TooLong);
    }
    within(line, 0)
}

/// Reads a line, or what one wraps. A brace that stands behind the time is part of a path or of details.
fn within(line: &str, depth: usize) -> Result<LogRecord, Mistake> {
    let line = line.trim();
    match (text::start(line), line.find('{')) {
        (Some(text), Some(json)) if json < text => of_json(line, depth).or_else(|m| text::parse(line).map_err(|_| m)),
        (Some(_), Some(_) | None) => text::parse(line),
        (None, Some(_)) => of_json(line, depth),
        (None, None) => Err(Mistake::OtherText),
    }
}

fn of_json(line: &str, depth: usize) -> Result<LogRecord, Mistake> {
    let mut mistake = Mistake::BrokenJson;
    for (at, _) in line.match_indices('{').take(TRIES) {
        let mut values = serde_json::Deserializer::from_str(&line[at..]).into_iter::<Map<String, Value>>();
        let Some(Ok(object)) = values.next() else { continue };
        match of_object(&object, depth) {
            Some(record) => return Ok(record),
            None => mistake = Mistake::OtherJson,
        }
    }
    Err(mistake)
}

fn of_object(object: &Map<String, Value>, depth: usize) -> Option<LogRecord> {
    if let Some(record) = json::record(object) {
        return Some(record);
    }
    if depth == DEEPEST {
        return None;
    }
    WRAPPERS.iter().filter_map(|name| object.get(*name)).find_map(|value| match value {
        Value::String(line) => within(line, depth + 1).ok(),
        Value::Object(inner) => of_object(inner, depth + 1),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use crate::access_log::{ask, writer};
    use crate::verdict::Side;

    /// A line, its status, its flags, its details, its cluster, and the question: B, the path, the protocol.
    type Line = (&'static str, u16, &'static str, &'static str, &'static str, [&'static str; 3]);

    /// Lines in the form of real ones.
    const LINES: &[Line] = &[
        // Istio, text.
        (
            r#"[2026-08-22T14:02:11.123Z] "GET /items?page=2 HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "-" "curl/8.5.0" "4f1c" "product-service:8082" "-" outbound|8082|v3|product-service.shop.svc.cluster.local - 10.96.3.7:8082 10.244.0.9:41234 - default"#,
            503,
            "UH",
            "no_healthy_upstream",
            "outbound|8082|v3|product-service.shop.svc.cluster.local",
            ["product-service:8082", "/items?page=2", "http1"],
        ),
        // The same with a route's name of several words, flags in another order, and a `;` behind the cluster.
        (
            r#"[2026-08-22T14:02:11.123Z] "POST /pay HTTP/2" 503 URX,UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused} - "delayed_connect_error:_Connection_refused" 12 152 31 - "-" "Java/21 "x" y" "4f1c" "payment.billing" "10.244.0.6:8080" outbound|80||payment.billing.svc.cluster.local; 10.244.0.9:51000 10.96.9.1:80 10.244.0.9:41234 - my route"#,
            503,
            "UF,URX",
            "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
            "outbound|80||payment.billing.svc.cluster.local;",
            ["payment.billing:80", "/pay", "http2"],
        ),
        // Before the columns for reasons, with mixer's.
        (
            r#"[2019-11-05T09:00:00.000Z] "GET /status HTTP/1.1" 503 UF "-" "-" 0 91 35 - "-" "curl/7.35" "9e57" "httpbin:8000" "172.17.0.10:80" outbound|8000||httpbin.foo.svc.cluster.local - 10.0.0.8:8000 172.17.0.9:50000 -"#,
            503,
            "UF",
            "",
            "outbound|8000||httpbin.foo.svc.cluster.local",
            ["httpbin:8000", "/status", "http1"],
        ),
        // Older still: mixer's column alone, and no server name.
        (
            r#"[2018-12-05T09:00:00.000Z] "GET / HTTP/1.1" 404 NR "NOT_FOUND:handler" 0 0 2 - "10.0.0.1" "curl/7.35" "9e57" "shop.example.com" "-" - - 10.1.0.5:80 10.1.0.1:33000"#,
            404,
            "NR",
            "",
            "",
            ["shop.example.com:80", "/", "http1"],
        ),
        // Details of an old Envoy, with blanks in them.
        (
            r#"[2021-03-05T09:00:00.000Z] "GET / HTTP/1.1" 503 UF upstream_reset_before_response_started{connection failure,TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER} - "TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER" 0 91 35 - "-" "-" "9e57" "a:80" "10.0.0.2:80" outbound|80||a.b.svc.cluster.local - 10.0.0.8:80 172.17.0.9:50000 - default"#,
            503,
            "UF",
            "upstream_reset_before_response_started{connection_failure,TLS_error:_268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER}",
            "outbound|80||a.b.svc.cluster.local",
            ["a:80", "/", "http1"],
        ),
        // TCP.
        (
            r#"[2026-08-22T14:02:11.123Z] "- - -" 0 UF,URX - - "delayed_connect_error:_111" 0 0 2 - "-" "-" "-" "-" "10.244.1.9:5432" outbound|5432||db.shop.svc.cluster.local - 10.96.3.9:5432 10.244.0.9:41236 - -"#,
            0,
            "UF,URX",
            "",
            "outbound|5432||db.shop.svc.cluster.local",
            ["db.shop.svc.cluster.local:5432", "", "tcp"],
        ),
        // Envoy's own, which is Contour's, too.
        (
            r#"[2026-08-22T14:02:11.123Z] "GET /a?b=c HTTP/1.1" 504 UT 0 24 15000 - "203.0.113.9" "Mozilla/5.0 (X11; Linux)" "4f1c" "shop.example.com:8080" "10.244.0.7:8080""#,
            504,
            "UT",
            "",
            "",
            ["shop.example.com:8080", "/a?b=c", "http1"],
        ),
        // Istio, JSON.
        (
            r#"{"authority":"product-service:8082","bytes_received":0,"bytes_sent":19,"connection_termination_details":null,"downstream_local_address":"10.96.3.7:8082","downstream_remote_address":"10.244.0.9:41234","duration":0,"method":"GET","path":"/","protocol":"HTTP/1.1","request_id":"4f1c","requested_server_name":null,"response_code":503,"response_code_details":"no_healthy_upstream","response_flags":"UH","route_name":"default","start_time":"2026-08-22T14:02:11.123Z","upstream_cluster":"outbound|8082|v3|product-service.shop.svc.cluster.local","upstream_host":null,"upstream_local_address":null,"upstream_service_time":null,"upstream_transport_failure_reason":null,"user_agent":"curl/8.5.0","x_forwarded_for":null,"trace_id":"x"}"#,
            503,
            "UH",
            "no_healthy_upstream",
            "outbound|8082|v3|product-service.shop.svc.cluster.local",
            ["product-service:8082", "/", "http1"],
        ),
        // Envoy Gateway.
        (
            r#"{"start_time":"2026-08-22T14:02:11.123Z","method":"GET","x-envoy-origin-path":"/x","protocol":"HTTP/2","response_code":"404","response_flags":"NR","response_code_details":"route_not_found","connection_termination_details":"-","upstream_transport_failure_reason":"-","bytes_received":"0","bytes_sent":"0","duration":"0","x-envoy-upstream-service-time":"-","x-forwarded-for":"198.51.100.7","user-agent":"grpc-go/1.60","x-request-id":"4f1c",":authority":"api.example.com","upstream_host":"-","upstream_cluster":"-","upstream_local_address":"-","downstream_local_address":"10.244.0.30:10443","downstream_remote_address":"198.51.100.7:5050","requested_server_name":"api.example.com","route_name":"-"}"#,
            404,
            "NR",
            "route_not_found",
            "",
            ["api.example.com:10443", "/x", "grpc"],
        ),
        // Contour, JSON.
        (
            r#"{"@timestamp":"2026-08-22T14:02:11.123Z","authority":"shop.example.com","bytes_received":0,"bytes_sent":1,"downstream_local_address":"10.244.0.31:8080","downstream_remote_address":"192.0.2.1:999","duration":3,"method":"GET","path":"/","protocol":"HTTP/1.0","request_id":"4f1c","requested_server_name":null,"response_code":503,"response_flags":"UC","uber_trace_id":null,"upstream_cluster":"default/web/80/da39a3ee5e","upstream_host":"10.244.0.7:8080","upstream_local_address":"10.244.0.31:40000","upstream_service_time":null,"user_agent":"x","x_forwarded_for":"192.0.2.1"}"#,
            503,
            "UC",
            "",
            "default/web/80/da39a3ee5e",
            ["shop.example.com:8080", "/", "http1.0"],
        ),
    ];

    fn flags_of(record: &LogRecord) -> String {
        record.flags.join(",")
    }

    #[test]
    fn every_format_gives_the_request_and_how_it_ended() {
        for (line, status, flags, details, cluster, [to, path, protocol]) in LINES {
            let record = parse(line).unwrap();
            let said = (record.status, flags_of(&record), record.details.as_deref().unwrap_or_default());
            assert_eq!(said, (Some(*status), (*flags).to_owned(), *details), "{line}");
            assert_eq!(record.upstream_cluster.as_deref().unwrap_or_default(), *cluster, "{line}");
            let ask = ask(&record, None);
            let asked = [&ask.to, ask.path.as_deref().unwrap_or_default(), ask.protocol.as_deref().unwrap_or_default()];
            assert_eq!(asked, [*to, *path, *protocol], "{line}");
            assert!(record.time.is_some(), "{line}");
        }
    }

    #[test]
    fn what_is_put_around_a_line_is_looked_past() {
        for (line, ..) in LINES {
            let bare = parse(line).unwrap();
            let json = serde_json::Value::from(format!("{line}\n"));
            for around in [
                format!("2026-08-22T14:02:11.5Z {line}\n"),
                format!("[pod/order-service-7c9f/istio-proxy] {line}"),
                format!("2026-08-22T14:02:11.5Z stdout F {line}\r\n"),
                format!(r#"{{"log":{json},"stream":"stdout","time":"2026-08-22T14:02:12Z"}}"#),
                format!(r#"{{"ts":1,"host":"node-1","message":{json}}}"#),
                format!(r#"x {{"msg":{}}}"#, serde_json::Value::from(format!(r#"{{"log":{json}}}"#))),
            ] {
                assert_eq!(parse(&around).as_ref(), Ok(&bare), "{around}");
            }
        }
        let inner = LINES[7].0;
        assert_eq!(parse(&format!(r#"{{"severity":"INFO","jsonPayload":{inner}}}"#)), parse(inner));
    }

    #[test]
    fn old_and_new_columns_for_reasons_are_told_apart() {
        let of = |reasons: &str| {
            let line = format!(
                r#"[2026-08-22T14:02:11.123Z] "- - -" 0 - {reasons}0 0 2 - "-" "-" "-" "-" "10.0.0.1:1" inbound|1|| - - - - -"#
            );
            let record = parse(&line).unwrap();
            assert_eq!(record.upstream_host.as_deref(), Some("10.0.0.1:1"), "{reasons}");
            (record.details, record.termination, record.transport_failure)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of(""), (None, None, None));
        assert_eq!(of(r#""-" "#), (None, None, None));
        assert_eq!(of(r#""UNAVAILABLE:x" "TLS error: 1:a b" "#), (None, None, some("TLS error: 1:a b")));
        assert_eq!(of(r#""UNAVAILABLE:x" "#), (None, None, None));
        assert_eq!(of("- rbac_access_denied \"-\" "), (None, some("rbac_access_denied"), None));
        assert_eq!(of("via_upstream - \"delayed_connect_error:_111\" ").2, some("delayed_connect_error:_111"));
    }

    #[test]
    fn a_header_or_a_path_cannot_pass_for_another_column() {
        let line = r#"[2026-08-22T14:02:11.123Z] "GET /x"_200_-_"?q="[2026-01-01T HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "evil "1" "2"" "curl" "" "x" "4f1c" "a:80" "-" outbound|80||a.b.svc.cluster.local - 10.96.3.7:80 10.244.0.9:41234 - -"#;
        let record = parse(line).unwrap();
        assert_eq!(record.path.as_deref(), Some(r#"/x"_200_-_"?q="[2026-01-01T"#));
        assert_eq!((record.status, flags_of(&record)), (Some(503), "UH".to_owned()));
        assert_eq!((record.authority.as_deref(), record.user_agent), (Some("a:80"), None));
    }

    #[test]
    fn what_is_no_line_is_said_in_plain_words() {
        for (line, mistake) in [
            ("", Mistake::Empty),
            (" \n", Mistake::Empty),
            ("curl: (56) Recv failure", Mistake::OtherText),
            (r#"10.0.0.1 - - [10/Oct/2026:13:55:36 -0700] "GET / HTTP/1.1" 200 2326"#, Mistake::OtherText),
            (r#"[2026-08-22T14:02:11.123Z] "GET / HTTP/1.1" 200 2326 0"#, Mistake::OtherText),
            (r#"[2026-08-22T14:02:11.123Z] "GET / HT"#, Mistake::CutOff),
            (r"[2026-08-22T14:02:11.123Z] GET / HTTP/1.1 200 -", Mistake::CutOff),
            (r#"{"response_code":503,"#, Mistake::BrokenJson),
            (r#"{"level":"info","msg":"Envoy proxy is ready"}"#, Mistake::OtherJson),
            (r#"{"response_code":503,"bytes":1}"#, Mistake::OtherJson),
        ] {
            assert_eq!(parse(line), Err(mistake), "{line}");
        }
        assert_eq!(parse(&"x".repeat(LONGEST + 1)), Err(Mistake::TooLong));
    }

    #[test]
    fn the_names_in_a_line_tell_whose_proxy_wrote_it() {
        let of = |cluster: &str, server_name: &str, route: &str| {
            let line = format!(
                r#"[2026-08-22T14:02:11.123Z] "GET / HTTP/1.1" 503 UF - - "-" 0 1 2 - "-" "-" "-" "a:80" "-" {cluster} - 10.1.0.1:8080 10.1.0.2:999 {server_name} {route}"#
            );
            writer(&parse(&line).unwrap())
        };
        assert_eq!(of("inbound|8080||", "outbound_.80_._.a.b.svc.cluster.local", "default"), Some(Side::Destination));
        assert_eq!(of("InboundPassthroughClusterIpv4", "-", "default"), Some(Side::Destination));
        assert_eq!(of("-", "outbound_.80_._.a.b.svc.cluster.local", "-"), Some(Side::Destination));
        assert_eq!(of("-", "-", "inbound|http|80"), Some(Side::Destination));
        assert_eq!(of("outbound|80||a.b.svc.cluster.local", "-", "default"), Some(Side::Source));
        assert_eq!(of("BlackHoleCluster", "-", "block_all"), Some(Side::Source));
        assert_eq!(of("-", "-", "-"), None);
    }

    /// A sequence that looks like chance and is the same each time.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
        }
    }

    #[test]
    fn no_line_is_too_broken_to_be_answered() {
        const HOSTILE: &[&str] = &[
            "\"", "[", "]", "{", "}", " ", "-", "\\", "\u{0}", "\u{1b}", "é", "\u{202e}", "[2026-", "\" ", "99999",
            ",", "|",
        ];
        let answered = |line: &str| {
            if let Ok(record) = parse(line) {
                let asked = ask(&record, None);
                let _ = crate::walk::Question::parse(&asked);
                let kept = record.without_secrets();
                assert_eq!(kept, kept.without_secrets(), "{line:?}");
            }
        };
        let mut chance = Chance(7);
        for (line, ..) in LINES {
            for end in (0..line.len()).filter(|end| line.is_char_boundary(*end)) {
                answered(&line[..end]);
                answered(&line[end..]);
            }
            for _ in 0..400 {
                let mut text = (*line).to_owned();
                for _ in 0..=chance.below(6) {
                    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
                    let at = places[chance.below(places.len())];
                    let end = places.iter().copied().find(|end| *end > at + chance.below(8)).unwrap_or(at);
                    text.replace_range(at..end, HOSTILE[chance.below(HOSTILE.len())]);
                }
                answered(&text);
            }
        }
        for many in ["{", "[2026-", "\" ", "{\"log\":", "[2026-08-22T14:02:11Z] \"a - \" "] {
            answered(&many.repeat(LONGEST / many.len()));
        }
    }
}
