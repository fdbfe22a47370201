//! The client: bytes over a socket, with the original destination in a PROXY header in front.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::pair::{Protocol, Request};
use crate::{hello, http1, http2};

/// For an answer, on a busy machine. What keeps silent is left by Envoy sooner.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a client of the other family would seem to come from.
const CLIENT_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9);
/// Where the client's ports begin, and how many there are: Envoy's log tells connections apart by nothing else.
const PORTS: (u16, usize) = (20_000, 40_000);

/// The port that the client seems to have in its connection of this number.
pub(crate) fn port(number: usize) -> u16 {
    PORTS.0 + u16::try_from(number % PORTS.1).expect("a port")
}

/// Sends the request, as if from this address and port, and returns all that came back.
pub(crate) fn send(accepts: SocketAddr, from: (Ipv4Addr, u16), request: &Request) -> Vec<u8> {
    send_within(PATIENCE, accepts, from, request)
}

/// Likewise, and waits only so long for each piece of the answer.
pub(crate) fn send_within(
    patience: Duration,
    accepts: SocketAddr,
    (client, port): (Ipv4Addr, u16),
    request: &Request,
) -> Vec<u8> {
    let mut stream = TcpStream::connect(accepts).expect("the accepting listener");
    stream.set_read_timeout(Some(patience)).expect("a timeout");
    let mut bytes = proxy_header(client, port, request).into_bytes();
    bytes.extend(match request.protocol {
        Protocol::Http1 => http1::request(request),
        Protocol::Http2 | Protocol::Grpc => http2::request(request),
        Protocol::Tcp => b"hello\r\n".to_vec(),
        Protocol::Tls => hello::client_hello(request.sni.as_deref()),
    });
    let mut received = Vec::new();
    if stream.write_all(&bytes).is_ok() {
        read(&mut stream, request, &mut received);
    }
    received
}

/// As far as the answer goes. The end of the connection is an answer, and so is a reset.
pub(crate) fn read(stream: &mut TcpStream, request: &Request, received: &mut Vec<u8>) {
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(length) => received.extend_from_slice(&piece[..length]),
        }
        let answered = match request.protocol {
            Protocol::Http1 => http1::is_answered(request, received),
            // A backend behind a TCP proxy speaks no HTTP/2.
            Protocol::Http2 | Protocol::Grpc => http2::is_answered(received) || received.starts_with(b"answered-by"),
            Protocol::Tcp | Protocol::Tls => true,
        };
        if answered {
            return;
        }
    }
}

/// What the client seems to come from, and where it wanted to go.
pub(crate) fn proxy_header(client: Ipv4Addr, port: u16, request: &Request) -> String {
    let (family, client) = match request.to {
        SocketAddr::V4(_) => ("TCP4", IpAddr::V4(client)),
        SocketAddr::V6(_) => ("TCP6", IpAddr::V6(CLIENT_V6)),
    };
    format!("PROXY {family} {client} {} {port} {}\r\n", request.to.ip(), request.to.port())
}
