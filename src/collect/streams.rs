//! Streams to one port of a pod, several of them in one WebSocket.
//!
//! Its frames begin with the number of a channel: `2n` carries the data of stream `n`, `2n + 1` why it failed. On each the
//! first frame says the port (`pkg/cri/streaming/portforward/websocket.go` of the kubelet, which takes the same port as often
//! as it is named). A stream is never closed by itself: the API server takes the end of one direction for the end of all.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::Request;
use hyper::body::Bytes;
use kube::{Client, Error};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use super::query::segment;

/// What a stream holds that was not taken out of it yet.
const ROOM: usize = 1 << 20;
/// The most that is sent in one frame.
const FRAME: usize = 1 << 14;

/// How long the ports of all streams may take to be said: they come with the answer that opens the WebSocket. A server that
/// takes a port once only says it once.
const SAID: Duration = Duration::from_millis(500);

/// The WebSocket: it ends with this.
pub(super) struct Socket {
    tasks: Vec<JoinHandle<()>>,
    reason: watch::Receiver<Option<String>>,
}

impl Socket {
    /// Why the port could not be reached, once that is said; `None` where the WebSocket ends without a word.
    pub(super) fn reason(&self) -> impl Future<Output = Option<String>> + Send + use<> {
        let mut reason = self.reason.clone();
        async move { reason.wait_for(Option::is_some).await.ok().and_then(|said| said.clone()) }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Opens so many streams to a port of a pod.
pub(super) async fn open(
    client: &Client,
    (namespace, pod): (&str, &str),
    port: u16,
    count: u8,
) -> Result<(Socket, Vec<DuplexStream>), Error> {
    let ports = vec![format!("ports={port}"); usize::from(count)].join("&");
    let path = format!("/api/v1/namespaces/{}/pods/{}/portforward?{ports}", segment(namespace), segment(pod));
    let request = Request::get(path).body(Vec::new()).map_err(Error::HttpError)?;
    let (mut sink, mut source) = client.connect(request).await?.into_stream().split();
    let (sender, mut outgoing) = mpsc::channel::<Message>(4);
    let (why, reason) = watch::channel(None);
    let (begun, mut begins) = watch::channel(0_usize);
    let (mut streams, mut channels, mut tasks) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..count {
        let (near, far) = tokio::io::duplex(ROOM);
        let (from_us, to_us) = tokio::io::split(far);
        streams.push(near);
        channels.push(Channel { to_us, is_begun: [false; 2] });
        tasks.push(tokio::spawn(send(number, from_us, sender.clone())));
    }
    tasks.push(tokio::spawn(async move {
        while let Some(message) = outgoing.recv().await {
            if sink.send(message).await.is_err() {
                return;
            }
        }
    }));
    tasks.push(tokio::spawn(async move {
        // What goes wrong here is the end of the streams, which whoever reads them sees.
        while let Some(Ok(message)) = source.next().await {
            match message {
                Message::Binary(frame) => {
                    take(&mut channels, frame, &why).await;
                    begun.send_replace(channels.iter().take_while(|channel| channel.is_begun[0]).count());
                }
                Message::Close(_) => break,
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        for mut channel in channels {
            let _ = channel.to_us.shutdown().await;
        }
    }));
    if count > 1 {
        let all = usize::from(count);
        let _ = tokio::time::timeout(SAID, begins.wait_for(|begun| *begun >= all)).await;
        let there = (*begins.borrow()).max(1);
        streams.truncate(there);
    }
    Ok((Socket { tasks, reason }, streams))
}

/// The far end of a stream.
struct Channel {
    to_us: WriteHalf<DuplexStream>,
    /// Whether the port was said, of the data and of the errors.
    is_begun: [bool; 2],
}

/// Sends what is written to a stream.
async fn send(number: u8, mut from_us: ReadHalf<DuplexStream>, sender: mpsc::Sender<Message>) {
    let mut frame = vec![0; FRAME];
    while let Ok(size @ 1..) = from_us.read(&mut frame).await {
        let sent = [&[2 * number], &frame[..size]].concat();
        if sender.send(Message::binary(sent)).await.is_err() {
            return;
        }
    }
    // The stream is not used any more: the WebSocket ends when all of it is not.
    sender.closed().await;
}

/// Takes in a frame that came.
async fn take(channels: &mut [Channel], mut frame: Bytes, why: &watch::Sender<Option<String>>) {
    if frame.is_empty() {
        return;
    }
    let number = usize::from(frame.split_to(1)[0]);
    let Some(channel) = channels.get_mut(number / 2) else { return };
    let is_begun = &mut channel.is_begun[number % 2];
    if !*is_begun {
        *is_begun = true;
    } else if number % 2 == 0 {
        // Who does not read it any more has no use for it.
        let _ = channel.to_us.write_all(&frame).await;
    } else {
        why.send_replace(Some(String::from_utf8_lossy(&frame).into_owned()));
    }
}
