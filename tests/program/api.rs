//! A Kubernetes API server on loopback: objects, lists, and a port-forward with an Envoy admin endpoint behind it.
//!
//! It writes down what it was asked, and whatever a reader of clusters may not ask fails the test.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mesh_why::snapshot::Kind;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpListener;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// Status and body of an admin answer.
pub(crate) type Answer = (u16, String);

/// What the cluster is like.
pub(crate) struct World {
    pub(crate) objects: Vec<Value>,
    /// Plural names of the kinds that may not be read.
    pub(crate) forbidden: Vec<&'static str>,
    /// `group/version`s that are not served.
    pub(crate) unserved: Vec<&'static str>,
    pub(crate) forward: Forward,
    /// The ports in pods on which nobody listens; it is said at once.
    pub(crate) refused: Vec<u16>,
    /// The namespaces to whose pods no port may be forwarded.
    pub(crate) unforwarded: Vec<&'static str>,
    pub(crate) admin: fn(&str) -> Answer,
    /// The same where pods differ: the pod's name, and the path.
    pub(crate) proxies: Option<fn(&str, &str) -> Answer>,
    /// How long the admin endpoint takes for an answer.
    pub(crate) delay: Duration,
    /// How many requests are turned away at first.
    pub(crate) busy: usize,
    /// The most objects of a page, where a list is asked for in pages; and whether a list can be gone on with.
    pub(crate) pages: Option<(usize, Pages)>,
    /// What is there later on, once something else is.
    pub(crate) later: Arc<Mutex<Option<Vec<Value>>>>,
    /// The token that has to come with each request.
    pub(crate) token: Option<&'static str>,
}

/// What becomes of a list that is read in pages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// It goes on.
    Last,
    /// It is another one when the next page is wanted.
    Expire,
}

/// What becomes of a port-forward.
#[derive(Clone, Copy)]
pub(crate) enum Forward {
    /// It works.
    Open,
    /// 403 for want of this verb.
    Forbidden(&'static str),
    /// Something in between answers in the API server's place.
    NoWebSocket,
    /// Nothing listens on the port.
    Closed,
    /// The connection ends after so many answers.
    Brief(usize),
}

/// What was asked.
#[derive(Default)]
pub(crate) struct Seen {
    /// Method and path of each API request.
    pub(crate) api: Vec<String>,
    /// Method and path of each admin request, by connection.
    pub(crate) admin: Vec<Vec<String>>,
    /// What nobody who only reads may ask.
    pub(crate) not_allowed: Vec<String>,
}

/// The running server.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(objects: Vec<Value>) -> Self {
        Self {
            objects,
            forbidden: Vec::new(),
            unserved: Vec::new(),
            forward: Forward::Open,
            unforwarded: Vec::new(),
            refused: Vec::new(),
            admin: envoy,
            proxies: None,
            delay: Duration::ZERO,
            busy: 0,
            pages: None,
            later: Arc::default(),
            token: None,
        }
    }
}

impl Api {
    pub(crate) fn start(world: World) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let asked = Arc::clone(&seen);
        // It ends with the test's process.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { serve(TcpListener::from_std(listener).unwrap(), Arc::new(world), asked).await });
        });
        Self { address, seen, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// The file of a kubeconfig for this server.
    pub(crate) fn kubeconfig_file(&self) -> String {
        let file = self.folder.path().join("config");
        std::fs::write(&file, self.kubeconfig()).unwrap();
        file.display().to_string()
    }

    /// A kubeconfig with context `test` for this server.
    pub(crate) fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters: [{{name: c, cluster: {{server: '{}'}}}}]\n\
             contexts: [{{name: test, context: {{cluster: c, user: u, namespace: shop}}}}]\n\
             users: [{{name: u, user: {{}}}}]\n",
            self.url()
        )
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.seen().not_allowed.is_empty(), "not allowed: {:?}", self.seen().not_allowed);
        }
    }
}

/// Whether a request only reads: GETs of the kinds that are known, and of a pod's port-forward.
fn api_allows(method: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let reads = Kind::all().any(|kind| path.split('/').any(|part| part == kind.plural()));
    method == "GET" && reads && !path.contains("secrets") && !path.contains("..")
}

/// Whether an admin request has no side effect.
fn admin_allows(method: &str, path: &str) -> bool {
    const PATHS: &[&str] =
        &["/config_dump", "/clusters", "/listeners", "/server_info", "/runtime", "/stats", "/debug/syncz"];
    method == "GET" && PATHS.contains(&path.split('?').next().unwrap_or_default())
}

async fn serve(listener: TcpListener, world: Arc<World>, seen: Arc<Mutex<Seen>>) {
    while let Ok((stream, _)) = listener.accept().await {
        // As Go's server has it: a short answer does not wait for the one before to be acknowledged.
        stream.set_nodelay(true).unwrap();
        let (world, seen) = (Arc::clone(&world), Arc::clone(&seen));
        let service = service_fn(move |request| {
            let (world, seen) = (Arc::clone(&world), Arc::clone(&seen));
            async move { Ok::<_, Infallible>(answer(request, world, seen)) }
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection.with_upgrades());
    }
}

fn answer(request: Request<Incoming>, world: Arc<World>, seen: Arc<Mutex<Seen>>) -> Response<Full<Bytes>> {
    let path = request.uri().path_and_query().unwrap().as_str().to_owned();
    let method = request.method().as_str().to_owned();
    let count = {
        let mut seen = seen.lock().unwrap();
        seen.api.push(format!("{method} {path}"));
        if !api_allows(&method, &path) {
            seen.not_allowed.push(format!("{method} {path}"));
        }
        seen.api.len()
    };
    if count <= world.busy {
        return status(503, "ServiceUnavailable", "the server is currently unable to handle the request");
    }
    if let Some(token) = world.token {
        let given = request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        if given.as_deref() != Some(&format!("Bearer {token}")) {
            return status(401, "Unauthorized", "Unauthorized");
        }
    }
    if request.uri().path().ends_with("/portforward") {
        return forward(request, world, seen);
    }
    objects(&world, request.uri().path(), request.uri().query().unwrap_or_default())
}

fn objects(world: &World, path: &str, query: &str) -> Response<Full<Bytes>> {
    if world.unserved.iter().any(|version| path.starts_with(&format!("/apis/{version}/"))) {
        return plain(404, "404 page not found\n");
    }
    let parts: Vec<&str> = path.split('/').collect();
    let at = parts.iter().position(|part| Kind::all().any(|kind| kind.plural() == *part));
    let Some(at) = at else {
        return status(404, "NotFound", "the server could not find the requested resource");
    };
    let kind = Kind::all().find(|kind| kind.plural() == parts[at] && path.contains(kind.group())).unwrap();
    let namespace = (parts[at - 2] == "namespaces").then(|| parts[at - 1]);
    let name = parts.get(at + 1).copied();
    if world.forbidden.contains(&kind.plural()) {
        let verb = if name.is_some() { "get" } else { "list" };
        let message = format!(
            "{} is forbidden: User \"dev\" cannot {verb} resource \"{0}\" in API group \"{}\" in the namespace \"{}\"",
            kind.plural(),
            kind.group(),
            namespace.unwrap_or_default()
        );
        return status(403, "Forbidden", &message);
    }
    let later = world.later.lock().unwrap();
    let of_kind = later.as_ref().unwrap_or(&world.objects).iter().filter(|o| o["kind"] == kind.name());
    let here = of_kind.filter(|o| namespace.is_none_or(|n| o["metadata"]["namespace"] == n));
    if let Some(name) = name {
        return match here.clone().find(|o| o["metadata"]["name"] == name) {
            Some(object) => body(200, object),
            None => status(404, "NotFound", &format!("{} \"{name}\" not found", kind.plural())),
        };
    }
    let items: Vec<Value> = here.filter(|o| selects(query, o)).map(without_kind).collect();
    let version = parts[1..at].iter().filter(|p| **p != "api" && **p != "apis").take(2).copied().collect::<Vec<_>>();
    let version = if path.starts_with("/apis/") { version.join("/") } else { "v1".to_owned() };
    let kind = format!("{}List", kind.name());
    let parameter = |name: &str| query.split('&').find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
    let Some((most, pages)) = world.pages.filter(|_| parameter("limit").is_some()) else {
        return body(200, &json!({"kind": kind, "apiVersion": version, "items": items}));
    };
    let from = parameter("continue").map(|token| token.trim_end_matches("%3D").parse::<usize>().unwrap());
    if from.is_some() && pages == Pages::Expire {
        return status(410, "Expired", "The provided continue parameter is too old");
    }
    let rest = items.get(from.unwrap_or_default()..).unwrap_or_default();
    let goes_on = rest.len() > most;
    let token = if goes_on { format!("{}=", from.unwrap_or_default() + most) } else { String::new() };
    let page = &rest[..most.min(rest.len())];
    body(200, &json!({"kind": kind, "apiVersion": version, "metadata": {"continue": token}, "items": page}))
}

/// The API server leaves kind and version out of a list's items.
fn without_kind(object: &Value) -> Value {
    let mut item = object.clone();
    item.as_object_mut().unwrap().retain(|key, _| key != "kind" && key != "apiVersion");
    item
}

fn selects(query: &str, object: &Value) -> bool {
    let query = query.replace("%3D", "=").replace("%2C", ",");
    query.split('&').all(|parameter| {
        let (name, selector) = parameter.split_once('=').unwrap_or_default();
        let mut pairs = selector.split(',').filter_map(|pair| pair.split_once('='));
        match name {
            "labelSelector" => pairs.all(|(key, value)| object["metadata"]["labels"][key] == value),
            "fieldSelector" => pairs.all(|(field, value)| {
                object.pointer(&format!("/{}", field.replace('.', "/"))).is_some_and(|own| own == value)
            }),
            _ => true,
        }
    })
}

fn status(code: u16, reason: &str, message: &str) -> Response<Full<Bytes>> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "metadata": {},
        "reason": reason, "message": message, "code": code});
    body(code, &status)
}

fn body(code: u16, value: &Value) -> Response<Full<Bytes>> {
    let mut response = plain(code, &value.to_string());
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn plain(code: u16, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text.to_owned())));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

/// Switches to a WebSocket with the kubelet's channels: 0 carries the data of the port, 1 its error.
fn forward(mut request: Request<Incoming>, world: Arc<World>, seen: Arc<Mutex<Seen>>) -> Response<Full<Bytes>> {
    let is_of = |namespace: &&str| request.uri().path().contains(&format!("/namespaces/{namespace}/"));
    let forward = if world.unforwarded.iter().any(is_of) { Forward::Forbidden("create") } else { world.forward };
    match forward {
        Forward::Forbidden(verb) => {
            let message = format!(
                "pods \"a-1\" is forbidden: User \"dev\" cannot {verb} resource \"pods/portforward\" in API group \"\" \
                 in the namespace \"shop\""
            );
            return status(403, "Forbidden", &message);
        }
        Forward::NoWebSocket => return plain(200, "<html>please log in</html>"),
        Forward::Open | Forward::Closed | Forward::Brief(_) => {}
    }
    let ports = request.uri().query().unwrap().split('&').filter_map(|one| one.strip_prefix("ports="));
    let ports: Vec<u16> = ports.map(|port| port.parse().unwrap()).collect();
    let pod = request.uri().path().rsplit('/').nth(1).unwrap_or_default().to_owned();
    let accept = derive_accept_key(request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes());
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        channels(socket, (&pod, &ports), world, seen).await;
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .header(header::SEC_WEBSOCKET_PROTOCOL, "v5.channel.k8s.io")
        .body(Full::default())
        .unwrap()
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

async fn channels(mut socket: Socket, (pod, ports): (&str, &[u16]), world: Arc<World>, seen: Arc<Mutex<Seen>>) {
    for (channel, port) in (0..).zip(ports.iter().flat_map(|port| [port, port])) {
        let [low, high] = port.to_le_bytes();
        socket.send(Message::binary(vec![channel, low, high])).await.unwrap();
    }
    if matches!(world.forward, Forward::Closed) || world.refused.contains(&ports[0]) {
        return refuse(socket, ports[0], &world).await;
    }
    let (mut sink, mut stream) = socket.split();
    let (frames, mut outgoing) = tokio::sync::mpsc::channel(1);
    let mut inward = Vec::new();
    for number in 0..u8::try_from(ports.len()).unwrap() {
        let (near, far) = tokio::io::duplex(1 << 16);
        tokio::spawn(admin(pod.to_owned(), far, Arc::clone(&world), Arc::clone(&seen)));
        let (mut from_admin, to_admin) = tokio::io::split(near);
        inward.push(to_admin);
        let frames = frames.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; 1 << 14];
            while let Ok(size @ 1..) = from_admin.read(&mut buffer).await {
                let frame = [&[2 * number], &buffer[..size]].concat();
                if frames.send(Message::binary(frame)).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(frames);
    let upward = async {
        while let Some(frame) = outgoing.recv().await {
            if sink.send(frame).await.is_err() {
                return;
            }
        }
        let _ = sink.close().await;
    };
    let downward = async {
        while let Some(Ok(message)) = stream.next().await {
            match message {
                Message::Binary(frame) if frame.first().is_some_and(|channel| channel % 2 == 0) => {
                    // A connection that has ended takes nothing any more.
                    let _ = inward[usize::from(frame[0] / 2)].write_all(&frame[1..]).await;
                }
                // The end of one direction is the end of both, as at a real API server.
                Message::Close(_) => return,
                Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    };
    tokio::select! { () = upward => {}, () = downward => {} }
}

/// Nothing listens on the port.
async fn refuse(mut socket: Socket, port: u16, world: &World) {
    let words = format!(
        "\u{1}error forwarding port {port} to pod 0123, uid : failed to connect to localhost:{port} inside \
         namespace: dial tcp4 127.0.0.1:{port}: connect: connection refused"
    );
    // What is left unread when a connection ends takes away what was sent: the request is read, and the end awaited.
    let patience = Duration::from_secs(10);
    if !world.refused.contains(&port) {
        let _ = tokio::time::timeout(patience, socket.next()).await;
    }
    let _ = socket.send(Message::binary(words.into_bytes())).await;
    let _ = socket.close(None).await;
    let _ = tokio::time::timeout(patience, async { while let Some(Ok(_)) = socket.next().await {} }).await;
}

/// The admin endpoint behind a port-forward.
async fn admin(pod: String, stream: DuplexStream, world: Arc<World>, seen: Arc<Mutex<Seen>>) {
    let connection = {
        let mut seen = seen.lock().unwrap();
        seen.admin.push(Vec::new());
        seen.admin.len() - 1
    };
    let service = service_fn(move |request: Request<Incoming>| {
        let (pod, world, seen) = (pod.clone(), Arc::clone(&world), Arc::clone(&seen));
        async move {
            let path = request.uri().to_string();
            let count = note(&seen, connection, request.method().as_str(), &path);
            tokio::time::sleep(world.delay).await;
            let (code, text) = match world.proxies {
                Some(proxies) => proxies(&pod, &path),
                None => (world.admin)(&path),
            };
            let mut response = plain(code, &text);
            if matches!(world.forward, Forward::Brief(most) if count >= most) {
                response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn note(seen: &Mutex<Seen>, connection: usize, method: &str, path: &str) -> usize {
    let mut seen = seen.lock().unwrap();
    if !admin_allows(method, path) {
        seen.not_allowed.push(format!("admin: {method} {path}"));
    }
    seen.admin[connection].push(format!("{method} {path}"));
    seen.admin[connection].len()
}

/// An Envoy that has one of each thing that is asked for.
pub(crate) fn envoy(path: &str) -> Answer {
    let name = path.split("name_regex=").nth(1).unwrap_or_default();
    if name.contains("missing") {
        return (404, "dynamic_listeners not found in config dump".to_owned());
    }
    let text = match path.split('?').next().unwrap_or_default() {
        "/server_info" => json!({"version": "abc/1.37.0/Clean/RELEASE/BoringSSL", "state": "LIVE"}),
        "/listeners" => json!({"listener_statuses": [{"name": "l"}]}),
        "/clusters" => json!({"cluster_statuses": [{"name": "c"}]}),
        "/runtime" => json!({"entries": {}}),
        "/config_dump" if path.contains("bootstrap.node.id") => {
            json!({"configs": [{"bootstrap": {"node": {"id": "sidecar~10.0.0.1~a-1.shop~shop.svc.cluster.local"}}}]})
        }
        "/config_dump" if path.contains("listeners") => {
            json!({"configs": [{"dynamic_listeners": [{"name": "l", "active_state": {}}]}]})
        }
        "/config_dump" if path.contains("route") => {
            json!({"configs": [{"dynamic_route_configs": [{"route_config": {"name": "r"}}]}]})
        }
        "/config_dump" => json!({}),
        _ => return (404, "invalid path. admin commands are: ...".to_owned()),
    };
    (200, text.to_string())
}

/// A pod as the API server has it.
pub(crate) fn pod(name: &str, proxy: &str) -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"namespace": "shop", "name": name, "labels": {"app": "a"}, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"containers": [{"name": "app", "image": "app"}, {"name": proxy, "image": proxy}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// A workload or service that selects `app=a`.
pub(crate) fn owner(kind: &str, name: &str) -> Value {
    let selector = if kind == "Service" { json!({"app": "a"}) } else { json!({"matchLabels": {"app": "a"}}) };
    json!({
        "kind": kind, "apiVersion": "v1", "metadata": {"namespace": "shop", "name": name},
        "spec": {"selector": selector, "ports": [{"port": 8080}, {"port": 9090}]},
    })
}
