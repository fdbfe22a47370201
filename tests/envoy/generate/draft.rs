//! A request as it is being made up.

use serde_json::{Value, json};

use super::rng::Rng;
use super::text;

/// One request of a case file, field by field.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) to: String,
    pub(super) protocol: &'static str,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<String>,
    pub(super) host: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) sni: Option<String>,
}

impl Draft {
    /// `GET /` over HTTP/1.1.
    pub(super) fn new(to: &str) -> Self {
        Self {
            to: to.to_owned(),
            protocol: "http1",
            method: "GET".to_owned(),
            path: "/".to_owned(),
            query: Vec::new(),
            host: "a.com".to_owned(),
            headers: Vec::new(),
            sni: None,
        }
    }

    /// With this header, or with the part of the request that the name stands for.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        match name {
            ":method" => value.clone_into(&mut self.method),
            ":authority" | "host" => value.clone_into(&mut self.host),
            ":path" => {
                let (path, query) = value.split_once('?').map_or((value, None), |(path, query)| (path, Some(query)));
                path.clone_into(&mut self.path);
                self.query.extend(query.map(str::to_owned));
            }
            ":scheme" => {}
            _ => self.headers.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Something about it is changed, so that it may miss what it was made for.
    pub(super) fn miss(&mut self, rng: &mut Rng) {
        let header = if self.headers.is_empty() { None } else { Some(rng.below(self.headers.len())) };
        match (rng.below(9), header) {
            (0 | 1, _) => self.path = text::near_path(rng, &self.path),
            (2, Some(at)) => {
                self.headers.remove(at);
            }
            (3, Some(at)) => self.headers[at].1 = text::near(rng, &self.headers[at].1),
            (4, Some(at)) => {
                let other = (self.headers[at].0.clone(), text::near(rng, &self.headers[at].1));
                let place = rng.between(0, self.headers.len());
                self.headers.insert(place, other);
            }
            (5, _) if !self.query.is_empty() => {
                let at = rng.below(self.query.len());
                match rng.below(4) {
                    0 => drop(self.query.remove(at)),
                    1 => self.query[at] = text::near(rng, &self.query[at]),
                    2 => {
                        let twin = text::near(rng, &self.query[at]);
                        self.query.insert(0, twin);
                    }
                    _ => rng.shuffle(&mut self.query),
                }
            }
            (6, _) => self.method = rng.word(&["POST", "HEAD", "get", "PUT", "DELETE", "OPTIONS", "PATCH"]),
            (7, _) => self.query.push(format!("{}={}", rng.word(&["q", "r", "Q"]), text::value(rng))),
            (8, _) => self.headers.push((rng.word(&["x-a", "x-b", "X-C"]), text::value(rng))),
            _ => {}
        }
    }

    /// Over HTTP/2 or as gRPC once in a while.
    pub(super) fn maybe_http2(&mut self, rng: &mut Rng) {
        let own = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
        match rng.below(12) {
            0 => self.protocol = "http2",
            1 if !self.headers.iter().any(own) => self.protocol = "grpc",
            _ => {}
        }
    }

    /// As a case file writes it; `None` where HTTP does not allow it.
    pub(super) fn finish(self) -> Option<Value> {
        let path = if self.query.is_empty() { self.path } else { format!("{}?{}", self.path, self.query.join("&")) };
        let printable = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        let fits = path.starts_with('/')
            && path.len() < 120
            && printable(&path)
            && self.headers.iter().all(|(name, value)| plain(name) && plain(value) && value.len() < 120)
            && printable(&self.host)
            // Only HTTP/1 can say a host that is empty.
            && (self.protocol == "http1" || !self.host.is_empty());
        let headers: Vec<String> = self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut request = json!({"to": self.to, "path": path, "host": self.host});
        if self.protocol != "http1" {
            request["protocol"] = json!(self.protocol);
        }
        if self.method != "GET" {
            request["method"] = json!(self.method);
        }
        if !headers.is_empty() {
            request["headers"] = json!(headers);
        }
        if let Some(sni) = self.sni {
            request["sni"] = json!(sni);
        }
        fits.then_some(request)
    }
}
