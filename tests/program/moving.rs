//! A proxy whose configuration moves between two reads: the walk starts over, twice at most, and then says so.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::tool::Tool;

/// An admin endpoint with one listener, one cluster and a route to it; `updated` tells the time of its last update from
/// how often the cluster was asked for.
fn admin(updated: fn(usize) -> usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let asked = Arc::clone(&asked);
            std::thread::spawn(move || serve(&stream.unwrap(), &asked, updated));
        }
    });
    url
}

fn serve(stream: &TcpStream, asked: &AtomicUsize, updated: fn(usize) -> usize) {
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(line)) = lines.next() {
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        while lines.next().is_some_and(|header| header.is_ok_and(|h| !h.is_empty())) {}
        let times = if path.contains("active_clusters") { asked.fetch_add(1, Ordering::SeqCst) } else { 0 };
        let body = body(&path, &format!("t{}", updated(times))).to_string();
        let mut stream = stream;
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

pub(crate) fn body(path: &str, time: &str) -> Value {
    let address = json!({"socket_address": {"address": "10.0.0.1", "port_value": 80}});
    let tcp = json!({"@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "x", "cluster": "c"});
    let listener = json!({"name": "l", "address": address, "filter_chains": [{"filters": [{"name": "tcp", "typed_config": tcp}]}]});
    let cluster = json!({"name": "c", "type": "STATIC"});
    match path {
        _ if path.contains("bootstrap") => json!({"configs": [{"bootstrap": {"node": {"id": "n"}}}]}),
        _ if path.starts_with("/listeners") => json!({"listener_statuses": [{"name": "l", "local_address": address}]}),
        _ if path.starts_with("/clusters") => json!({"cluster_statuses": [{"name": "c", "host_statuses": [
            {"address": {"socket_address": {"address": "10.0.0.9", "port_value": 80}}}]}]}),
        _ if path.starts_with("/runtime") => json!({"entries": {}, "layers": []}),
        _ if path.contains("resource=dynamic_listeners") => {
            json!({"configs": [{"active_state": {"last_updated": "t"}}]})
        }
        _ if path.contains("resource=") => json!({"configs": [{"last_updated": time}]}),
        _ if path.contains("listeners") => json!({"configs": [{"dynamic_listeners": [
            {"name": "l", "active_state": {"listener": listener, "last_updated": "t"}}]}]}),
        _ => json!({"configs": [{"dynamic_active_clusters": [{"cluster": cluster, "last_updated": time}]}]}),
    }
}

fn unchecked(url: &str) -> (String, Vec<Value>) {
    let run = Tool::new().run(&["10.0.0.1:80", "--admin", url, "--protocol", "tcp", "-o", "json"]);
    let verdict: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
    let open = verdict["conditions"].as_array().unwrap().iter().map(|condition| condition["why"].clone());
    let lines = verdict["unchecked"].as_array().unwrap().iter().cloned().chain(open);
    (verdict["outcome"].as_str().unwrap().to_owned(), lines.collect())
}

fn says_it_moved(lines: &[Value]) -> bool {
    lines.iter().any(|line| line.as_str().is_some_and(|text| text.contains("was another at each")))
}

#[test]
fn what_stands_still_is_read_once() {
    let (outcome, lines) = unchecked(&admin(|_| 0));
    assert_eq!(outcome, "reaches");
    assert!(!says_it_moved(&lines), "{lines:?}");
}

#[test]
fn what_moves_once_is_read_again() {
    // The first read is of time 0; every later one of time 1.
    let (outcome, lines) = unchecked(&admin(|times| times.min(1)));
    assert_eq!(outcome, "reaches");
    assert!(!says_it_moved(&lines), "{lines:?}");
}

#[test]
fn what_does_not_stand_still_is_said_not_to() {
    let (outcome, lines) = unchecked(&admin(|times| times));
    assert_eq!(outcome, "unknown");
    assert!(says_it_moved(&lines), "{lines:?}");
}
