//! The Kubernetes API: GETs of objects and lists, with errors in kubectl's words.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kube::Client;
use kube::client::Body;
use serde_json::Value;

use super::credentials;
use super::error::{CollectError, without_os_error};
use super::kubeconfig::{self, Chosen, ClusterFlags};
use super::limits::Limits;
use super::log::{KUBERNETES, Log, Outcome};
use super::once::Once;
use super::query::encode;
use super::said::url_shown;
use super::{transport, words};
use crate::snapshot::ClusterRecord;

/// How long to wait before a server that is busy is asked again. kube's own retries would go on for minutes.
const PAUSES: &[Duration] = &[Duration::from_millis(200), Duration::from_millis(600), Duration::from_millis(1200)];

/// An API server that once answered sooner is near.
const NEAR: Duration = Duration::from_millis(50);

/// The API server, and who asks it.
#[derive(Clone)]
pub(super) struct Cluster {
    client: Client,
    /// Host and port, as kubectl names a server that it cannot reach.
    host: String,
    /// The kubeconfig's context that led here.
    context: Option<String>,
    namespace: String,
    limits: Limits,
    log: Log,
    /// The shortest time that an answer took, in microseconds.
    shortest: Arc<AtomicU64>,
    /// What it said, where several ask.
    memory: Option<Arc<Once<Got>>>,
}

/// An object, and how many bytes it came in.
pub(super) type Got = Result<(Value, usize), ApiError>;

/// Why the API server gave nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ApiError {
    /// The HTTP status; 0 where there was no answer.
    pub(super) code: u16,
    /// In kubectl's words.
    pub(super) words: String,
    /// The server's own message.
    pub(super) message: String,
}

impl Cluster {
    fn new(client: Client, server: &http::Uri, limits: Limits, log: Log) -> Self {
        let host = server.authority().map_or_else(|| server.to_string(), ToString::to_string);
        let namespace = client.default_namespace().to_owned();
        let shortest = Arc::new(AtomicU64::new(u64::MAX));
        Self { client, host: url_shown(&host), context: None, namespace, limits, log, shortest, memory: None }
    }

    /// The namespace of what is named without one.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What a snapshot keeps of which cluster this is.
    pub(super) fn record(&self) -> ClusterRecord {
        ClusterRecord { context: self.context.clone(), namespace: Some(self.namespace.clone()) }
    }

    /// The client of the API server.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The API server that the flags, the kubeconfig and the environment lead to.
    pub(super) async fn open(flags: &ClusterFlags, limits: Limits, log: Log) -> Result<Self, CollectError> {
        let env = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let Chosen { context, mut config } = kubeconfig::choose(flags, &env)?;
        credentials::fill(&mut config.auth_info, limits).await?;
        let server = config.cluster_url.clone();
        let client = transport::client(config)
            .map_err(|error| CollectError::setting("the credentials of the kubeconfig", &root_cause(&error)))?;
        Ok(Self { context, ..Self::new(client, &server, limits, log) })
    }

    /// The same, which says there what it reads.
    pub(super) fn with_log(self, log: Log) -> Self {
        Self { log, ..self }
    }

    /// The same, which asks for nothing twice from now on, whoever asks.
    pub(super) fn with_memory(self) -> Self {
        Self { memory: Some(Arc::default()), ..self }
    }

    /// What one read may cost.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Host and port of the API server.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Whether it pays to ask for much at once: every answer has taken its time.
    pub(super) fn is_far(&self) -> bool {
        u128::from(self.shortest.load(Ordering::Relaxed)) > NEAR.as_micros()
    }

    /// What is said on standard error.
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// GETs an API path, given as `kubectl get --raw` takes it. The answer is an object of JSON: an API server has no
    /// others.
    pub(super) async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.get_sized(path).await.map(|(value, _)| value)
    }

    /// The same, and how many bytes it has.
    pub(super) async fn get_sized(&self, path: &str) -> Got {
        let asked = Box::pin(self.get_anew(path));
        match &self.memory {
            Some(memory) => memory.get(path, asked).await,
            None => asked.await,
        }
    }

    async fn get_anew(&self, path: &str) -> Got {
        let reading = self.log.reading(KUBERNETES, path, &words::of_path(path));
        let began = Instant::now();
        let got = self.request(path).await;
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.shortest.fetch_min(took, Ordering::Relaxed);
        let outcome = match &got {
            Ok(body) => Outcome::Bytes(body.len()),
            Err(error) if error.code > 0 => Outcome::Status(error.code),
            Err(error) => Outcome::Failed(error.words.clone()),
        };
        reading.got(outcome);
        let failed = |why: &str| ApiError::local(format!("GET {path}: {why}"));
        let body = got?;
        let value: Value =
            serde_json::from_slice(&body).map_err(|e| failed(&format!("the answer is not JSON: {e}")))?;
        if value.is_object() { Ok((value, body.len())) } else { Err(failed("the answer is not a Kubernetes object")) }
    }

    async fn request(&self, path: &str) -> Result<Vec<u8>, ApiError> {
        let patient = async {
            for pause in PAUSES {
                match self.try_request(path).await {
                    Err(error) if matches!(error.code, 429 | 503 | 504) => tokio::time::sleep(*pause).await,
                    done => return done,
                }
            }
            self.try_request(path).await
        };
        let Some(limit) = self.limits.timeout else {
            return patient.await;
        };
        tokio::time::timeout(limit, patient).await.unwrap_or_else(|_| {
            let limit = limit.as_secs_f32();
            Err(ApiError::local(format!("Unable to connect to the server: no answer in {limit} s")))
        })
    }

    async fn try_request(&self, path: &str) -> Result<Vec<u8>, ApiError> {
        let request = Request::get(encode(path)).body(Body::empty()).map_err(|e| ApiError::local(e.to_string()))?;
        let response = self.client.send(request).await.map_err(|error| self.api_error(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), self.limits.max_read).collect().await;
        let body = body.map_err(|error| ApiError::local(self.broken_off(error.as_ref())))?.to_bytes();
        if status.is_success() { Ok(body.to_vec()) } else { Err(self.refusal(status, &body)) }
    }

    fn broken_off(&self, error: &(dyn StdError + Send + Sync + 'static)) -> String {
        if error.is::<LengthLimitError>() {
            return self.limits.too_large();
        }
        format!("the answer of {} broke off: {}", self.host, root_cause(error))
    }

    /// An answer of another status: the API server's own is a `Status`.
    fn refusal(&self, status: StatusCode, body: &[u8]) -> ApiError {
        let code = status.as_u16();
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |field: &str| said[field].as_str().unwrap_or_default().trim().to_owned();
        if said["kind"] != "Status" && code != 401 {
            return self.no_api_server(code, &String::from_utf8_lossy(body));
        }
        api_words(code, &text("reason"), text("message"))
    }

    fn no_api_server(&self, code: u16, body: &str) -> ApiError {
        let words = format!("{} answered {code}, and not as an API server does", self.host);
        ApiError { code, words, message: body.trim().to_owned() }
    }

    /// An error in kubectl's words.
    pub(super) fn explain(&self, error: &kube::Error) -> String {
        self.api_error(error).words
    }

    fn api_error(&self, error: &kube::Error) -> ApiError {
        let kube::Error::Api(status) = error else {
            return ApiError::local(self.unreachable(error));
        };
        if status.reason == "Failed to parse error data" && status.code != 401 {
            return self.no_api_server(status.code, &status.message);
        }
        api_words(status.code, &status.reason, status.message.trim().to_owned())
    }

    fn unreachable(&self, error: &kube::Error) -> String {
        let root = root_cause(error);
        if has_kind(error, io::ErrorKind::ConnectionRefused) {
            let host = &self.host;
            return format!(
                "The connection to the server {host} was refused - did you specify the right host or port?"
            );
        }
        if has_kind(error, io::ErrorKind::TimedOut) {
            return format!("Unable to connect to the server: {} does not answer", self.host);
        }
        if let kube::Error::UpgradeConnection(error) = error {
            return error.to_string();
        }
        let doing = if matches!(error, kube::Error::Auth(_)) {
            "getting credentials"
        } else {
            "Unable to connect to the server"
        };
        format!("{doing}: {}", certificate_words(&root).unwrap_or(&root))
    }
}

impl ApiError {
    /// There was no answer of the server's.
    pub(super) fn local(words: String) -> Self {
        Self { code: 0, message: words.clone(), words }
    }
}

/// What the API server says, in kubectl's words.
fn api_words(code: u16, reason: &str, message: String) -> ApiError {
    let words = match code {
        401 => "You must be logged in to the server (Unauthorized)".to_owned(),
        _ => format!("Error from server ({reason}): {message}"),
    };
    ApiError { code, words, message }
}

/// What is wrong with the server's certificate, where that is what is wrong.
fn certificate_words(root: &str) -> Option<&'static str> {
    let words = [
        ("UnknownIssuer", "its certificate is signed by an authority that is not known here"),
        ("CaUsedAsEndEntity", "its certificate is an authority's own, which is not taken for a server's"),
        ("NotValidForName", "its certificate is for another name; `--tls-server-name` tells which"),
        ("certificate not valid for name", "its certificate is for another name; `--tls-server-name` tells which"),
        ("Expired", "its certificate has expired"),
        ("certificate expired", "its certificate has expired"),
    ];
    words.iter().find(|(code, _)| root.contains(code)).map(|(_, words)| *words)
}

/// The innermost cause: what lies outside is only where it came by.
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    without_os_error(&innermost.to_string()).to_owned()
}

fn has_kind(error: &(dyn StdError + 'static), kind: io::ErrorKind) -> bool {
    let mut current = Some(error);
    while let Some(error) = current {
        if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == kind) {
            return true;
        }
        current = error.source();
    }
    false
}
