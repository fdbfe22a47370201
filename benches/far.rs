//! A TCP proxy on loopback that takes its time, for a server that is far.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

/// The URL at which `server` is a round trip away. It ends with the process.
pub(crate) fn away(server: SocketAddr, trip: Duration) -> String {
    if trip.is_zero() {
        return format!("http://{server}");
    }
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(async move {
                    // What a handshake takes.
                    sleep(trip).await;
                    let far = TcpStream::connect(server).await.expect("the server is there");
                    for stream in [&near, &far] {
                        stream.set_nodelay(true).expect("a socket");
                    }
                    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
                    tokio::spawn(pass_on(from_near, to_far, trip / 2));
                    pass_on(from_far, to_near, trip / 2).await;
                });
            }
        });
    });
    url
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((due, bytes)) = receiver.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        if sender.send((Instant::now() + delay, buffer[..size].to_vec())).is_err() {
            return;
        }
    }
}
