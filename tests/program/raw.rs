//! A server on loopback that answers whatever it is told to, be it no answer at all.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// A server whose answers are bytes, by the path that is asked for; returns its URL. It ends with the test's process.
pub(crate) fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || talk(&stream.unwrap(), &*answer));
        }
    });
    url
}

/// Status and JSON as bytes of HTTP.
pub(crate) fn json(status: u16, body: &str) -> Vec<u8> {
    let size = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n{body}")
        .into_bytes()
}

/// An API server's refusal.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Vec<u8> {
    let status = serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
        "message": message, "code": code});
    json(code, &status.to_string())
}

fn talk(stream: &TcpStream, answer: &dyn Fn(&str) -> Vec<u8>) {
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(line)) = lines.next() {
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        while lines.next().is_some_and(|header| header.is_ok_and(|h| !h.is_empty())) {}
        let mut stream = stream;
        if stream.write_all(&answer(&path)).is_err() {
            return;
        }
    }
}
