//! Servers on loopback that stand behind the clusters.
//!
//! A case names one wherever Envoy wants an address, as `$NAME`, and `$NAME.port` where it wants a port. How it
//! behaves follows from its name: `$refused…` is an address where nobody listens, `$broken…` answers 503,
//! `$silent…` never answers, `$proxy…` is an address that is free for a listener of B's, everything else answers 200. Each says its own name in its answer, over HTTP and over
//! plain TCP.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// The servers of one case. They stop when dropped.
#[derive(Debug, Default)]
pub(crate) struct Backends {
    addresses: BTreeMap<String, SocketAddr>,
    stop: Arc<AtomicBool>,
}

impl Backends {
    /// Starts what the value names and puts the addresses in.
    pub(crate) fn place(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) => fields.values_mut().for_each(|field| self.place(field)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.place(item)),
            Value::String(text) => {
                let Some(name) = text.strip_prefix('$') else { return };
                *value = match name.strip_suffix(".port") {
                    Some(name) => Value::from(self.address(name).port()),
                    None => Value::from(self.address(name).to_string()),
                };
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn address(&mut self, name: &str) -> SocketAddr {
        if let Some(known) = self.addresses.get(name) {
            return *known;
        }
        let address = match name {
            _ if name.starts_with("refused") => nobody(self.addresses.len()),
            _ if name.starts_with("proxy") => free(),
            _ => serve(name, &self.stop),
        };
        self.addresses.insert(name.to_owned(), address);
        address
    }
}

/// Where nobody listens yet, and no other case will: many run at once.
fn free() -> SocketAddr {
    let any = || TcpListener::bind((POD, 0)).and_then(|listener| listener.local_addr()).expect("an address");
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let address = std::iter::repeat_with(any).find(|address| !given.contains(address)).expect("a free one");
    given.insert(address);
    address
}

/// What was given away as free.
static GIVEN: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());

impl Drop for Backends {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for address in self.addresses.values() {
            // Wakes the server, which then sees that it shall stop; that none is there is no error.
            let _ = TcpStream::connect(address);
        }
    }
}

/// The server that an answer came from.
pub(crate) fn named_in(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    let (_, rest) = text.split_once(SAYS)?;
    rest.split_once(';').map(|(name, _)| name.to_owned())
}

/// The address of B's pod.
pub(crate) const POD: Ipv4Addr = Ipv4Addr::new(127, 2, 0, 9);
const SAYS: &str = "answered-by=";

/// Port 1 belongs to a service that nobody runs; each address of its own, so that hosts differ.
fn nobody(index: usize) -> SocketAddr {
    let last = u8::try_from(index + 2).expect("few backends");
    SocketAddr::from((Ipv4Addr::new(127, 0, 1, last), 1))
}

fn serve(name: &str, stop: &Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let (name, stop) = (Arc::<str>::from(name), Arc::clone(stop));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let name = Arc::clone(&name);
            thread::spawn(move || converse(stream, &name));
        }
    });
    address
}

/// Answers every request, or every piece of anything else, until the other side is done.
fn converse(mut stream: TcpStream, name: &str) {
    // Without a limit a thread would outlive the test by as long as Envoy keeps its connection.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let mut received = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(length) => received.extend_from_slice(&piece[..length]),
        }
        if name.starts_with("silent") {
            continue;
        }
        let http = received.windows(9).any(|window| window == b" HTTP/1.1");
        if http && !received.ends_with(b"\r\n\r\n") {
            continue;
        }
        let answer = if http { http_answer(name) } else { format!("{SAYS}{name};\n") };
        let last = http && received.to_ascii_lowercase().windows(17).any(|window| window == b"connection: close");
        if stream.write_all(answer.as_bytes()).is_err() || last {
            return;
        }
        received.clear();
    }
}

fn http_answer(name: &str) -> String {
    let status = if name.starts_with("broken") { "503 Service Unavailable" } else { "200 OK" };
    let body = format!("{SAYS}{name};\n");
    format!("HTTP/1.1 {status}\r\nx-server: {SAYS}{name};\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
