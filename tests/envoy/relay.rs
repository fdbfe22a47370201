//! Envoy's admin endpoint as it would be in a mesh: passes every GET on and rewrites the answer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::{admin, in_a_mesh};

/// Runs until dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Relay {
    /// In front of this endpoint.
    pub(crate) fn start(admin: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                thread::spawn(move || pass_on(admin, &stream));
            }
        });
        Self { address, stop }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread, which then sees that it shall stop.
        let _ = TcpStream::connect(self.address);
    }
}

/// One request; then the connection ends. A client that has gone is no concern of ours.
fn pass_on(admin: SocketAddr, stream: &TcpStream) -> Option<()> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    lines.find(String::is_empty)?;
    let path = first.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?;
    let (status, body) = admin::get(admin, path).ok()?;
    let body = in_a_mesh::body(&body);
    let head = format!("HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut stream = stream;
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).ok()
}
