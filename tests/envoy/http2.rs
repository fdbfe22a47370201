//! Just enough HTTP/2 to send one request without a body and to see that it was answered.

use crate::pair::{Protocol, Request};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The whole conversation of a client.
pub(crate) fn request(request: &Request) -> Vec<u8> {
    let authority = request.authority();
    let mut block = Vec::new();
    let pseudo = [
        (":method", request.method.as_str()),
        (":scheme", "http"),
        (":authority", authority.as_str()),
        (":path", request.path.as_str()),
    ];
    let content_type = (request.protocol == Protocol::Grpc).then_some(("content-type", "application/grpc"));
    for (name, value) in pseudo.into_iter().chain(content_type).chain(request.fields()) {
        literal(&mut block, &name.to_ascii_lowercase(), value);
    }
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes.extend(frame(HEADERS, END_STREAM | END_HEADERS, 1, &block));
    bytes
}

/// A frame ended the stream or the connection.
pub(crate) fn is_answered(mut received: &[u8]) -> bool {
    while let [a, b, c, kind, flags, _, _, _, stream, ..] = *received {
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let Some(rest) = received.get(9 + length..) else { return false };
        let ended = stream == 1 && kind < 2 && flags & END_STREAM != 0;
        if ended || kind == RST_STREAM || kind == GO_AWAY {
            return true;
        }
        received = rest;
    }
    false
}

/// A header field that is not indexed, its name spelled out, nothing compressed.
fn literal(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    for text in [name, value] {
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("a short text");
        block.push(length);
        block.extend_from_slice(text.as_bytes());
    }
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len() / 256).expect("a short frame");
    let low = u8::try_from(payload.len() % 256).expect("a remainder");
    let mut bytes = vec![0, length, low, kind, flags, 0, 0, 0, stream];
    bytes.extend_from_slice(payload);
    bytes
}
