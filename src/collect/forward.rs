//! An admin endpoint behind a port-forward: HTTP/1.1 directly on the WebSocket's stream, no local port.
//!
//! One connection serves the whole run. It is never half-closed: the API server takes that for the end of both
//! directions, and the answer would be lost.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http::{Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::Portforwarder;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::task::JoinHandle;

use super::cluster::{Cluster, root_cause};
use super::reply::{Failure, Reply};
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
    connection: Option<Connection>,
}

/// One connection through one WebSocket.
struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    reason: Reason,
    forwarder: Portforwarder,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
        self.forwarder.abort();
    }
}

impl PodEndpoint {
    pub(super) fn new(cluster: Cluster, namespace: &str, pod: &str, port: u16) -> Self {
        Self { cluster, namespace: namespace.to_owned(), pod: pod.to_owned(), port, connection: None }
    }

    /// One GET; `path` is percent-encoded. A connection that broke is opened again, once: what was sent too late for it
    /// can also lose the reason, and another brings that.
    pub(super) async fn get(&mut self, path: &str) -> Result<Reply, Failure> {
        match self.try_get(path).await {
            Err(Trouble::Lost(_)) => self.try_get(path).await.map_err(Trouble::failure),
            first => first.map_err(Trouble::failure),
        }
    }

    async fn try_get(&mut self, path: &str) -> Result<Reply, Trouble> {
        let limits = self.cluster.limits();
        let timeout = limits.timeout;
        let was_open = self.connection.is_some();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => within(timeout, self.open()).await.and_then(|opened| opened).map_err(Trouble::Final)?,
        };
        match within(timeout, connection.get(path, limits.max_read)).await.map_err(Trouble::Final)? {
            Ok(Some(reply)) => {
                self.connection = Some(connection);
                Ok(reply)
            }
            Ok(None) => Err(Trouble::Final(Failure::new(limits.too_large()))),
            Err(error) => Err(match reason(connection, self.port).await {
                Some(failure) if was_open => Trouble::Lost(failure),
                Some(failure) => Trouble::Final(failure),
                None => Trouble::Lost(Failure::new(format!("the port-forward broke: {}", root_cause(&error)))),
            }),
        }
    }

    /// Connects to the port and closes the connection; nothing is sent. That nothing listens the kubelet says at once, that
    /// something does nobody says: so a port is tried before on which nothing ever listens.
    pub(super) async fn probe(&mut self) -> Result<Answer, String> {
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

    async fn try_both(&mut self) -> Result<Option<String>, Failure> {
        match self.try_probe(NOBODYS_PORT).await {
            Ok(Some(_)) => self.try_probe(self.port).await,
            // Then silence says nothing, either.
            Ok(None) => Err(Failure::new("port-forwards to this pod do not tell whether anything listens")),
            Err(failure) => Err(failure),
        }
    }

    /// Why nothing took the connection; `None` where something did.
    async fn try_probe(&mut self, port: u16) -> Result<Option<String>, Failure> {
        let (_forwarder, mut stream, mut reason) = self.forward(port).await?;
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

    /// A stream to the port, and what comes of the reason for which there is none.
    async fn forward(
        &mut self,
        port: u16,
    ) -> Result<(Portforwarder, impl AsyncRead + AsyncWrite + Unpin + Send + use<>, Reason), Failure> {
        let pods: Api<Pod> = Api::namespaced(self.cluster.client(), &self.namespace);
        let mut forwarder = pods.portforward(&self.pod, &[port]).await.map_err(|error| self.refused(&error))?;
        let lost = || Failure::new("the port-forward has no stream");
        let stream = forwarder.take_stream(port).ok_or_else(lost)?;
        let reason: Reason = Box::pin(forwarder.take_error(port).ok_or_else(lost)?);
        Ok((forwarder, stream, reason))
    }

    async fn open(&mut self) -> Result<Connection, Failure> {
        let (forwarder, stream, reason) = self.forward(self.port).await?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|e| Failure::new(root_cause(&e)))?;
        let driver = tokio::spawn(async move {
            // What goes wrong here is also the result of the request that is under way.
            let _ = connection.await;
        });
        Ok(Connection { sender, reason, forwarder, driver })
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

/// Why a GET failed.
enum Trouble {
    /// The connection broke: another may do.
    Lost(Failure),
    /// Another try would come to the same.
    Final(Failure),
}

impl Trouble {
    fn failure(self) -> Failure {
        match self {
            Self::Lost(failure) | Self::Final(failure) => failure,
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
async fn reason(mut connection: Connection, port: u16) -> Option<Failure> {
    let reason = tokio::time::timeout(REASON_WAIT, &mut connection.reason).await.ok().flatten()?;
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
