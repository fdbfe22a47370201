//! An admin endpoint at a URL: `--admin`.

use std::time::Duration;

use super::admin::{Failure, MAX_BODY, Reply};
use super::error::CollectError;

/// An admin endpoint at a URL. Plain HTTP, past any proxy: such an endpoint is on loopback or on a trusted network.
pub(super) struct Endpoint {
    client: reqwest::Client,
    base: String,
}

impl Endpoint {
    /// `http://host:port`, or `host:port`.
    pub(super) fn new(url: &str, timeout: Option<Duration>) -> Result<Self, CollectError> {
        let wrong = |cause: &str| CollectError::Setting { what: format!("--admin {url}"), cause: cause.to_owned() };
        let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let parsed = reqwest::Url::parse(&full).map_err(|e| wrong(&e.to_string()))?;
        if parsed.scheme() != "http" {
            return Err(wrong("Envoy's admin endpoint speaks plain HTTP: `http://HOST:PORT`"));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(wrong("only `http://HOST:PORT` is taken: which queries are asked depends on the request"));
        }
        let mut builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        if let Some(timeout) = timeout {
            builder = builder.timeout(timeout);
        }
        let client = builder.build().map_err(|e| wrong(&e.to_string()))?;
        Ok(Self { client, base: parsed.as_str().trim_end_matches('/').to_owned() })
    }

    /// The URL without the path.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// One GET; `path` is percent-encoded.
    pub(super) async fn get(&self, path: &str) -> Result<Reply, Failure> {
        let mut response =
            self.client.get(format!("{}{path}", self.base)).send().await.map_err(|e| self.failure(&e))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.failure(&e))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(Failure::new("the answer is larger than 1 GiB"));
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
        let hint = refused.then(|| format!("is Envoy's admin endpoint at {}?", self.base));
        Failure { causes: vec![root], hint }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_url_may_be_short() {
        let base = |url| Endpoint::new(url, None).map(|e| e.base().to_owned());
        assert_eq!(base("localhost:15000").unwrap(), "http://localhost:15000");
        assert_eq!(base("http://[::1]:15000/").unwrap(), "http://[::1]:15000");
        assert_eq!(base("http://host/prefix").unwrap(), "http://host/prefix");
        for url in ["https://x", "ftp://x", "http://", "http://x/?y"] {
            assert!(base(url).is_err(), "{url}");
        }
    }
}
