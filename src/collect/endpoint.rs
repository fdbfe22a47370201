//! An admin endpoint at a URL: `--admin`.

use super::error::CollectError;
use super::limits::Limits;
use super::reply::{Failure, Reply};
use super::said::url_shown;

/// An admin endpoint at a URL. Plain HTTP, past any proxy: such an endpoint is on loopback or on a trusted network.
pub(super) struct Endpoint {
    client: reqwest::Client,
    base: String,
    /// The URL as it is shown.
    shown: String,
    limits: Limits,
}

/// How the admin endpoint of a pod comes to this machine.
const FORWARD: &str = "`kubectl port-forward POD 15000` opens that of a pod at port 15000 here";

impl Endpoint {
    /// `http://host:port`, or `host:port`.
    pub(super) fn new(url: &str, limits: Limits) -> Result<Self, CollectError> {
        let wrong = |cause: &str| CollectError::Setting {
            what: format!("--admin {}", url_shown(url)),
            cause: cause.to_owned(),
            hint: Some(format!("{FORWARD}; then `--admin http://localhost:15000`")),
        };
        let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let parsed = reqwest::Url::parse(&full).map_err(|e| wrong(&e.to_string()))?;
        if parsed.scheme() != "http" {
            return Err(wrong("Envoy's admin endpoint speaks plain HTTP: `http://HOST:PORT`"));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(wrong("only `http://HOST:PORT` is taken: which queries are asked depends on the request"));
        }
        let mut builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        if let Some(timeout) = limits.timeout {
            builder = builder.timeout(timeout);
        }
        let client = builder.build().map_err(|e| wrong(&e.to_string()))?;
        let base = parsed.as_str().trim_end_matches('/').to_owned();
        Ok(Self { client, shown: url_shown(&base), base, limits })
    }

    /// The URL as it is shown: without user and password.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// One GET; `path` is percent-encoded.
    pub(super) async fn get(&self, path: &str) -> Result<Reply, Failure> {
        let mut response =
            self.client.get(format!("{}{path}", self.base)).send().await.map_err(|e| self.failure(&e))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.failure(&e))? {
            if body.len() + chunk.len() > self.limits.max_read {
                return Err(Failure::new(self.limits.too_large()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, body })
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        if error.is_timeout() {
            let hint = Some("wait longer with `--request-timeout`".to_owned());
            return Failure { causes: vec!["no answer in time".to_owned()], hint };
        }
        let root = super::cluster::root_cause(error);
        let refused = root.contains("onnection refused");
        let hint = refused.then(|| format!("is Envoy's admin endpoint at {}? {FORWARD}", self.shown));
        Failure { causes: vec![root], hint }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_url_may_be_short() {
        let limits = Limits { timeout: None, max_read: 1 };
        let base = |url| Endpoint::new(url, limits).map(|e| e.base);
        assert_eq!(base("localhost:15000").unwrap(), "http://localhost:15000");
        assert_eq!(base("http://[::1]:15000/").unwrap(), "http://[::1]:15000");
        assert_eq!(base("http://host/prefix").unwrap(), "http://host/prefix");
        for url in ["https://x", "ftp://x", "http://", "http://x/?y"] {
            assert!(base(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_password_is_sent_and_not_shown() {
        let endpoint = Endpoint::new("http://u:SEKRIT@host:1", Limits { timeout: None, max_read: 1 }).unwrap();
        assert_eq!((endpoint.shown(), endpoint.base.as_str()), ("http://host:1", "http://u:SEKRIT@host:1"));
        for url in
            ["https://u:SEKRIT@x", "http://u:SEKRIT@x/?y", "http://x/?SEKRIT", "http://u:SEKRIT@", "u:SEKRIT@x y"]
        {
            let error = Endpoint::new(url, Limits { timeout: None, max_read: 1 }).err().unwrap();
            assert!(!format!("{error} {:?}", error.causes()).contains("SEKRIT"), "{error}");
        }
    }
}
