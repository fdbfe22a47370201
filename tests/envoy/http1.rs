//! One HTTP/1.1 request without a body, and where its answer ends.

use crate::pair::Request;

/// The request's bytes.
pub(crate) fn request(request: &Request) -> Vec<u8> {
    let mut lines =
        vec![format!("{} {} HTTP/1.1", request.method, request.path), format!("Host: {}", request.authority())];
    lines.extend(request.fields().map(|(name, value)| format!("{name}: {value}")));
    (lines.join("\r\n") + "\r\n\r\n").into_bytes()
}

/// The answer is all there.
pub(crate) fn is_answered(request: &Request, received: &[u8]) -> bool {
    let text = String::from_utf8_lossy(received).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let status = head.split(' ').nth(1).unwrap_or_default();
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    if request.method == "HEAD" || matches!(status, "204" | "304") {
        true
    } else if field("transfer-encoding: chunked").is_some() {
        body.ends_with("0\r\n\r\n")
    } else {
        let length = field("content-length: ").and_then(|length| length.parse().ok()).unwrap_or(0);
        body.len() >= length
    }
}
