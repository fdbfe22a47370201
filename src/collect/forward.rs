//! An admin endpoint behind a port-forward: HTTP/1.1 directly on the WebSocket's streams, no local port.
//!
//! One WebSocket serves the whole run. It has several streams, each with a connection of its own: what is asked at once is
//! answered at once, however far the API server is. (Envoy's admin endpoint ends a connection on which a third request waits
//! for the answer to the first, 1.40.)

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;

use super::cluster::{Cluster, root_cause};
use super::reply::{Failure, Reply};
use super::streams::{self, Socket};
use crate::snapshot::Answer;

/// How long the reason of a failure may be on its way: it comes on another channel than the failure.
const REASON_WAIT: Duration = Duration::from_millis(500);

/// `tcpmux`: no application of today listens there.
const NOBODYS_PORT: u16 = 1;
/// So long after the connection was asked for, nobody has refused it.
const NO_REFUSAL: Duration = Duration::from_secs(2);

/// What comes on a port's error channel, which may be nothing.
type Reason = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// A port of a pod: the admin endpoint of its proxy, istiod's, or an application's.
pub(super) struct PodEndpoint {
    cluster: Cluster,
    namespace: String,
    pod: String,
    port: u16,
    /// How many streams a WebSocket has.
    count: u8,
    /// One for each of them: who has no stream waits.
    room: Semaphore,
    idle: Mutex<Idle>,
}

/// The connections that nobody uses just now, all of one WebSocket.
#[derive(Default)]
struct Idle {
    /// How many of them there were.
    socket: usize,
    connections: Vec<Connection>,
}

/// A connection on a stream of a WebSocket.
struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    driver: JoinHandle<()>,
    socket: Arc<Socket>,
    /// Which WebSocket it is of.
    number: usize,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl PodEndpoint {
    /// The port, which so many can ask at once.
    pub(super) fn new(cluster: Cluster, (namespace, pod): (&str, &str), port: u16, count: u8) -> Self {
        let (namespace, pod) = (namespace.to_owned(), pod.to_owned());
        let room = Semaphore::new(usize::from(count));
        Self { cluster, namespace, pod, port, count, room, idle: Mutex::default() }
    }

    /// Opens the WebSocket: the first who asks need not wait for that.
    pub(super) async fn connect(&self) -> Result<(), Failure> {
        let mut idle = self.idle.lock().await;
        if idle.connections.is_empty() { self.open(&mut idle).await } else { Ok(()) }
    }

    /// One GET; `path` is percent-encoded. A connection that broke is opened again, once: what was sent too late for it
    /// can also lose the reason, and another brings that. Those that nobody used may all have ended.
    pub(super) async fn get(&self, path: &str) -> Result<Reply, Failure> {
        // The semaphore is never closed.
        let _held = self.room.acquire().await;
        for _ in 0..self.count {
            match self.try_get(path).await {
                Err(Trouble::Stale(_)) => {}
                Err(Trouble::Lost(_)) => break,
                done => return done.map_err(Trouble::failure),
            }
        }
        self.try_get(path).await.map_err(Trouble::failure)
    }

    async fn try_get(&self, path: &str) -> Result<Reply, Trouble> {
        let limits = self.cluster.limits();
        let timeout = limits.timeout;
        let (mut connection, was_open) = self.connection().await.map_err(Trouble::Final)?;
        match within(timeout, connection.get(path, limits.max_read)).await.map_err(Trouble::Final)? {
            Ok(Some(reply)) => {
                let mut idle = self.idle.lock().await;
                if idle.socket == connection.number && !connection.sender.is_closed() {
                    idle.connections.push(connection);
                }
                Ok(reply)
            }
            Ok(None) => Err(Trouble::Final(Failure::new(limits.too_large()))),
            Err(error) => {
                self.give_up(connection.number).await;
                let broke = || Failure::new(format!("the port-forward broke: {}", root_cause(&error)));
                Err(match reason(connection, self.port).await {
                    failure if was_open => Trouble::Stale(failure.unwrap_or_else(broke)),
                    Some(failure) => Trouble::Final(failure),
                    None => Trouble::Lost(broke()),
                })
            }
        }
    }

    /// A connection that nobody uses, and whether it was there.
    async fn connection(&self) -> Result<(Connection, bool), Failure> {
        let mut idle = self.idle.lock().await;
        if let Some(connection) = idle.connections.pop() {
            return Ok((connection, true));
        }
        self.open(&mut idle).await?;
        let opened = idle.connections.pop().ok_or_else(|| Failure::new("the port-forward has no stream"))?;
        Ok((opened, false))
    }

    /// What one stream met, its WebSocket met.
    async fn give_up(&self, number: usize) {
        let mut idle = self.idle.lock().await;
        if idle.socket == number {
            idle.connections.clear();
        }
    }

    /// Connects to the port and closes the connection; nothing is sent. That nothing listens the kubelet says at once, that
    /// something does nobody says: so a port is tried before on which nothing ever listens.
    pub(super) async fn probe(&self) -> Result<Answer, String> {
        let (namespace, pod, port) = (&self.namespace, &self.pod, self.port);
        let (whom, what) = (format!("pod {namespace}/{pod}"), format!("whether something listens on port {port}"));
        let reading = self.cluster.log().reading(&whom, "", &what);
        let came = within(self.cluster.limits().timeout, self.try_both()).await.and_then(|came| came);
        let said = match &came {
            Ok(None) => "accepted, and closed".to_owned(),
            Ok(Some(reason)) => reason.clone(),
            Err(failure) => failure.causes.join(": "),
        };
        reading.connected(&said);
        match came {
            Ok(None) => Ok(Answer::Body(json!({ "connected": true }).to_string().into_bytes())),
            Ok(Some(reason)) => {
                Ok(Answer::Body(json!({ "connected": false, "reason": reason }).to_string().into_bytes()))
            }
            Err(failure) => Err(failure.causes.join(": ")),
        }
    }

    async fn try_both(&self) -> Result<Option<String>, Failure> {
        match self.try_probe(NOBODYS_PORT).await {
            Ok(Some(_)) => self.try_probe(self.port).await,
            // Then silence says nothing, either.
            Ok(None) => Err(Failure::new("port-forwards to this pod do not tell whether anything listens")),
            Err(failure) => Err(failure),
        }
    }

    /// Why nothing took the connection; `None` where something did.
    async fn try_probe(&self, port: u16) -> Result<Option<String>, Failure> {
        let (socket, mut streams) = self.forward(port, 1).await?;
        let mut stream = streams.pop().ok_or_else(|| Failure::new("the port-forward has no stream"))?;
        let mut reason: Reason = Box::pin(socket.reason());
        let mut byte = [0];
        let told = tokio::select! {
            told = &mut reason => told,
            // An application may speak first. Where the stream ends, the reason may still be on its way.
            read = stream.read(&mut byte) => match read {
                Ok(1..) => return Ok(None),
                Ok(_) | Err(_) => tokio::time::timeout(REASON_WAIT, &mut reason).await.ok().flatten(),
            },
            () = tokio::time::sleep(NO_REFUSAL) => return Ok(None),
        };
        match told.map(|reason| reason.trim().to_owned()) {
            None => Err(Failure::new("the port-forward ended without a word")),
            Some(reason) if reason.contains("onnection refused") => Ok(Some(reason)),
            Some(reason) => Err(Failure::new(reason)),
        }
    }

    /// Streams to a port.
    async fn forward(&self, port: u16, count: u8) -> Result<(Socket, Vec<DuplexStream>), Failure> {
        let (client, pod) = (self.cluster.client(), (self.namespace.as_str(), self.pod.as_str()));
        let timeout = self.cluster.limits().timeout;
        self.cluster.log().forwards();
        let opened = match within(timeout, streams::open(&client, pod, port, count)).await? {
            Err(error) if count > 1 && is_about_the_query(&error) => {
                self.cluster.log().forwards();
                within(timeout, streams::open(&client, pod, port, 1)).await?
            }
            opened => opened,
        };
        opened.map_err(|error| self.refused(&error))
    }

    async fn open(&self, idle: &mut Idle) -> Result<(), Failure> {
        let (socket, streams) = self.forward(self.port, self.count).await?;
        let socket = Arc::new(socket);
        idle.socket += 1;
        for stream in streams {
            let (sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|e| Failure::new(root_cause(&e)))?;
            let driver = tokio::spawn(async move {
                // What goes wrong here is also the result of the request that is under way.
                let _ = connection.await;
            });
            idle.connections.push(Connection { sender, driver, socket: Arc::clone(&socket), number: idle.socket });
        }
        Ok(())
    }

    /// The API server or something before it did not switch to the WebSocket.
    fn refused(&self, error: &kube::Error) -> Failure {
        let mut causes = vec!["the port-forward was refused".to_owned()];
        causes.push(self.cluster.explain(error));
        let hint = if matches!(error, kube::Error::Api(status) if status.code == 403) {
            Some(format!(
                "the role needs the verbs `get` and `create` on `pods/portforward` in namespace {}",
                self.namespace
            ))
        } else if matches!(error, kube::Error::UpgradeConnection(_)) {
            // Names come from the API server, which may be anybody's: a NUL is in none that a shell could take.
            let word = |name: &str| shlex::try_quote(name).map_or_else(|_| "NAME".to_owned(), Cow::into_owned);
            Some(format!(
                "something between here and the API server takes no WebSockets; run `kubectl -n {} port-forward \
                 {} {port}` beside it and ask with `--admin http://127.0.0.1:{port}`",
                word(&self.namespace),
                word(&format!("pod/{}", self.pod)),
                port = self.port
            ))
        } else {
            None
        };
        Failure { causes, hint }
    }
}

/// Whether a server may not take a port more than once.
fn is_about_the_query(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 400 | 422))
}

/// Why a GET failed.
enum Trouble {
    /// The connection had been used, or could have been, and was not there any more.
    Stale(Failure),
    /// The connection broke: another may do.
    Lost(Failure),
    /// Another try would come to the same.
    Final(Failure),
}

impl Trouble {
    fn failure(self) -> Failure {
        match self {
            Self::Stale(failure) | Self::Lost(failure) | Self::Final(failure) => failure,
        }
    }
}

impl Connection {
    /// `None` where the answer is too large.
    async fn get(&mut self, path: &str, most: usize) -> Result<Option<Reply>, hyper::Error> {
        self.sender.ready().await?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = path.parse().unwrap_or_default();
        request.headers_mut().insert(header::HOST, header::HeaderValue::from_static("localhost"));
        let response = self.sender.send_request(request).await?;
        let status = response.status().as_u16();
        match Limited::new(response.into_body(), most).collect().await {
            Ok(body) => Ok(Some(Reply { status, body: body.to_bytes().to_vec() })),
            Err(error) => error.downcast::<hyper::Error>().map_or(Ok(None), |error| Err(*error)),
        }
    }
}

/// Why a request failed: the kubelet says it, on the port's error channel.
async fn reason(connection: Connection, port: u16) -> Option<Failure> {
    let reason = tokio::time::timeout(REASON_WAIT, connection.socket.reason()).await.ok().flatten()?;
    let mut causes = vec![reason.trim().to_owned()];
    if reason.contains("onnection refused") {
        causes.insert(0, format!("nothing listens on port {port} in the pod"));
    }
    let hint = Some("name the port of the proxy's admin endpoint with `--admin-port`".to_owned());
    Some(Failure { causes, hint })
}

async fn within<T>(timeout: Option<Duration>, work: impl Future<Output = T>) -> Result<T, Failure> {
    let Some(limit) = timeout else { return Ok(work.await) };
    tokio::time::timeout(limit, work).await.map_err(|_| Failure {
        causes: vec![format!("no answer in {} s", limit.as_secs_f32())],
        hint: Some("wait longer with `--request-timeout`".to_owned()),
    })
}
