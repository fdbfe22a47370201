//! The proxy on the way to the API server, chosen as Go chooses it, for kubectl's users set it up for kubectl.

use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::env::Env;
use super::error::CollectError;
use super::said::url_shown;

/// The proxy that leads to `server`. The kubeconfig's own is used as it stands; those of the environment are not
/// for loopback, nor for what `NO_PROXY` names.
pub(super) fn proxy(server: &Uri, own: Option<&str>, env: Env<'_>) -> Result<Option<Uri>, CollectError> {
    if let Some(own) = own.filter(|own| !own.is_empty()) {
        return parse(own, "the kubeconfig's proxy-url").map(Some);
    }
    let Some((name, value)) = from_env(server, env) else {
        return Ok(None);
    };
    if is_loopback(server) || is_exempt(server, env) {
        return Ok(None);
    }
    parse(&value, name).map(Some)
}

fn from_env(server: &Uri, env: Env<'_>) -> Option<(&'static str, String)> {
    let names: &[&str] = match server.scheme_str() {
        Some("https") => &["HTTPS_PROXY", "https_proxy"],
        _ if env("REQUEST_METHOD").is_some() => &[], // a CGI's client sets HTTP_PROXY by a header `Proxy`
        _ => &["HTTP_PROXY", "http_proxy"],
    };
    names.iter().find_map(|name| Some((*name, env(name).filter(|value| !value.is_empty())?)))
}

fn is_loopback(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether `NO_PROXY` names the server: host, `.suffix`, address, CIDR, `*`, each with or without a port.
fn is_exempt(server: &Uri, env: Env<'_>) -> bool {
    let listed = env("NO_PROXY").filter(|v| !v.is_empty()).or_else(|| env("no_proxy")).unwrap_or_default();
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("https") { 443 } else { 80 });
    let entries = listed.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let hosts = entries.filter_map(|entry| match entry.rsplit_once(':') {
        Some((host, of)) if !host.contains(':') || host.ends_with(']') => {
            (of.parse() == Ok(port)).then(|| host.trim_start_matches('[').trim_end_matches(']').to_owned())
        }
        _ => Some(entry.to_owned()),
    });
    let no = hosts.collect::<Vec<_>>().join(",");
    // Which proxy it is does not matter here, and one that cannot be used would exempt all.
    let any = "http://proxy";
    let matcher = Matcher::builder().http(any).https(any).no(no).build();
    matcher.intercept(server).is_none()
}

/// A proxy without a scheme speaks HTTP. `socks5h` is what `socks5` is here: names are resolved by the proxy.
fn parse(text: &str, whose: &str) -> Result<Uri, CollectError> {
    let full = match text.split_once("://") {
        None => format!("http://{text}"),
        Some(("socks5h", rest)) => format!("socks5://{rest}"),
        Some(_) => text.to_owned(),
    };
    let wrong = |cause: String| CollectError::setting(&format!("{whose} `{}`", url_shown(text)), &cause);
    let uri = full.parse::<Uri>().map_err(|e| wrong(e.to_string()))?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") => Ok(uri),
        _ => Err(wrong("a proxy is http://, https:// or socks5://".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn chosen(server: &str, own: Option<&str>, set: &[(&str, &str)]) -> Option<String> {
        let env = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        proxy(&server.parse().unwrap(), own, &env).unwrap().map(|uri| uri.to_string())
    }

    #[test]
    fn the_scheme_of_the_server_decides() {
        let set = [("HTTPS_PROXY", "http://s:1"), ("http_proxy", "p:2")];
        assert_eq!(chosen("https://api:6443", None, &set).as_deref(), Some("http://s:1/"));
        assert_eq!(chosen("http://api", None, &set).as_deref(), Some("http://p:2/"));
        assert_eq!(chosen("http://api", None, &[("HTTP_PROXY", "p:2"), ("REQUEST_METHOD", "GET")]), None);
        assert_eq!(chosen("https://api", None, &[("ALL_PROXY", "http://s:1")]), None);
    }

    #[test]
    fn no_proxy_names_the_server() {
        let of = |server: &str, no: &str| chosen(server, None, &[("HTTPS_PROXY", "http://s:1"), ("NO_PROXY", no)]);
        for no in ["api.internal", ".internal", "a,,api.internal,", "*", "api.internal:6443", " api.internal "] {
            assert_eq!(of("https://api.internal:6443", no), None, "{no}");
        }
        for no in ["", "api.internal:443", "other", "nternal"] {
            assert!(of("https://api.internal:6443", no).is_some(), "{no}");
        }
        assert_eq!(of("https://10.1.2.3", "10.0.0.0/8"), None);
        assert_eq!(of("https://[fd00::1]:6443", "fd00::/8"), None);
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_where_one_is_needed() {
        let of = |server: &str, set: &[(&str, &str)]| {
            let env = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            proxy(&server.parse().unwrap(), None, &env).map_err(|error| error.to_string())
        };
        let ftp = ("HTTP_PROXY", "ftp://u:SEKRIT@p:1");
        assert_eq!(of("http://api:1", &[ftp]), Err("cannot use HTTP_PROXY `ftp://p:1`".to_owned()));
        assert_eq!(of("http://api:1", &[ftp, ("NO_PROXY", "api")]), Ok(None));
        assert_eq!(of("http://127.0.0.1:1", &[ftp]), Ok(None));
    }

    #[test]
    fn loopback_needs_no_proxy_but_the_kubeconfig_may_insist() {
        let set = [("HTTPS_PROXY", "http://s:1")];
        for server in ["https://127.0.0.1:6443", "https://localhost:1", "https://[::1]:1"] {
            assert_eq!(chosen(server, None, &set), None);
            assert_eq!(chosen(server, Some("socks5h://u:p@x:1080"), &set).as_deref(), Some("socks5://u:p@x:1080/"));
        }
        let env = |_: &str| None;
        let error = proxy(&"https://a".parse().unwrap(), Some("ftp://u:secret@x"), &env).unwrap_err();
        assert_eq!(error.to_string(), "cannot use the kubeconfig's proxy-url `ftp://x`");
    }
}
