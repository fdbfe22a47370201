//! How often an answer has to wait for the API server, however far that is.
//!
//! Between the tool and the server stands a proxy that passes nothing on before all is sent that can be sent without an
//! answer: each time it does is a wave. Their number does not depend on how fast anything is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::api::{Api, World};
use crate::captured::{failing, healthy};
use crate::tool::Tool;

/// So long nobody has sent anything: longer than the tool ever thinks between two reads.
const QUIET: Duration = Duration::from_millis(300);

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Question,
    Answer,
}

/// Bytes, and who gets them; none at the end.
struct Held {
    way: Way,
    bytes: Vec<u8>,
    to: UnboundedSender<Vec<u8>>,
}

/// A proxy before the server; counts the waves of questions.
fn far(server: SocketAddr) -> (String, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let waves = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&waves);
    // It ends with the test's process.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let (held, tide) = mpsc::unbounded_channel();
            tokio::spawn(pass_on(tide, count));
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((near, _)) = listener.accept().await {
                let (from_near, to_near) = near.into_split();
                let (from_far, to_far) = TcpStream::connect(server).await.unwrap().into_split();
                tokio::spawn(hold(Way::Question, from_near, writer(to_far), held.clone()));
                tokio::spawn(hold(Way::Answer, from_far, writer(to_near), held.clone()));
            }
        });
    });
    (url, waves)
}

async fn hold(way: Way, mut from: OwnedReadHalf, to: UnboundedSender<Vec<u8>>, held: UnboundedSender<Held>) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let size = from.read(&mut buffer).await.unwrap_or_default();
        let _ = held.send(Held { way, bytes: buffer[..size].to_vec(), to: to.clone() });
        if size == 0 {
            return;
        }
    }
}

fn writer(mut to: OwnedWriteHalf) -> UnboundedSender<Vec<u8>> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Vec<u8>>();
    tokio::spawn(async move {
        while let Some(bytes) = receiver.recv().await {
            if bytes.is_empty() || to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    sender
}

/// Lets go of what is held once nothing more comes. Answers go first: whoever gets one may have more to ask.
async fn pass_on(mut tide: UnboundedReceiver<Held>, waves: Arc<AtomicUsize>) {
    let mut held: Vec<Held> = Vec::new();
    loop {
        match tokio::time::timeout(QUIET, tide.recv()).await {
            Ok(Some(one)) => held.push(one),
            Ok(None) => return,
            Err(_) => {
                let answers = held.iter().any(|one| one.way == Way::Answer);
                let way = if answers { Way::Answer } else { Way::Question };
                let (now, later) = held.into_iter().partition::<Vec<_>, _>(|one| one.way == way);
                let asks = way == Way::Question && now.iter().any(|one| !one.bytes.is_empty());
                waves.fetch_add(usize::from(asks), Ordering::SeqCst);
                for one in now {
                    let _ = one.to.send(one.bytes);
                }
                held = later;
            }
        }
    }
}

/// The answer, how many waves it took, and what was asked.
fn asked(world: World, arguments: &[&str]) -> (Value, usize, Vec<String>) {
    let api = Api::start(world);
    let (url, waves) = far(api.address);
    let kubeconfig = api.kubeconfig_file();
    let fixed = ["--kubeconfig", &kubeconfig, "--server", &url, "-n", "shop", "-o", "json"];
    let run = Tool::new().run(&[arguments, &fixed].concat());
    let verdict = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
    let mut all = api.seen().api.clone();
    all.extend(api.seen().admin.concat());
    (verdict, waves.load(Ordering::SeqCst), all)
}

const A: &str = "order-service";
const B: &str = "product-service:8082";

/// Certificates are in no scenario: under the condition that they are there, it reaches.
#[track_caller]
fn assert_reaches(verdict: &Value) {
    let is_open = |verdict: &Value| {
        verdict["conditions"].as_array().unwrap().iter().all(|one| one["why"].as_str().unwrap().contains("secret"))
    };
    assert!(is_open(verdict) && verdict["branches"][0]["outcome"] == "reaches", "{verdict:#}");
}

#[test]
fn a_request_on_a_healthy_path_waits_eight_times_at_most() {
    let (verdict, waves, asked) = asked(healthy(), &[A, B, "--exact"]);
    assert_reaches(&verdict);
    assert!(waves <= 8, "{waves} waves: {asked:#?}");
}

#[test]
fn a_name_with_its_namespace_waits_no_longer() {
    let (verdict, waves, asked) = asked(healthy(), &["order-service.shop", "product-service.shop:8082", "--exact"]);
    assert_reaches(&verdict);
    assert!(waves <= 8, "{waves} waves: {asked:#?}");
}

#[test]
fn any_request_waits_once_more() {
    let (verdict, waves, asked) = asked(healthy(), &[A, B]);
    assert_reaches(&verdict);
    assert!(waves <= 9, "{waves} waves: {asked:#?}");
}

#[test]
fn a_subset_that_is_missing_is_named_as_soon() {
    let (verdict, waves, asked) = asked(failing(), &[A, B, "--exact"]);
    assert_eq!(verdict["findings"][0]["id"], "subset-not-defined", "{verdict:#}");
    assert!(waves <= 8, "{waves} waves: {asked:#?}");
}

#[test]
fn what_is_asked_for_in_vain_is_no_part_of_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved");
    let save = path.display().to_string();
    let (verdict, _, asked) = asked(healthy(), &[A, "nothing:8082", "--exact", "--save", &save]);
    assert_eq!(verdict["outcome"], "fails", "{verdict:#}");
    let is_guess = |query: &&String| query.contains("labelSelector=app%3Dnothing");
    assert_eq!(asked.iter().filter(is_guess).count(), 1, "{asked:#?}");
    let saved = std::fs::read_to_string(path.join("snapshot.json")).unwrap();
    assert!(!saved.contains("app=nothing"), "{saved}");
}

#[test]
fn what_may_not_be_guessed_is_no_trouble() {
    // Pods may be got, and not listed: the guesses that list them are refused, and nobody hears of it.
    let mut world = healthy();
    world.forbidden = vec!["services", "endpointslices"];
    let (verdict, _, _) = asked(world, &["deploy/order-service", "10.0.0.1:8082", "--exact"]);
    let text = verdict.to_string();
    assert!(!text.contains("endpointslices"), "{verdict:#}");
}
