//! From a line to the question that asks about its request again.

use std::net::{IpAddr, SocketAddr};

use super::writer::{is_of_a_proxy, writer};
use crate::mesh::istio::ClusterName;
use crate::snapshot::{AskRecord, LogRecord};
use crate::verdict::Side;

/// B's name or address, and the port.
struct Target {
    host: String,
    port: u16,
}

/// How the client's connection came to the proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// The client dialed the proxy's own address, as those of a gateway do.
    Gateway,
    /// The connection was captured, or nothing tells.
    Other,
}

/// The question about the line's request. `to` is empty where the line does not say where the request went. Where `b` was
/// typed, it stands for the line's destination.
pub fn ask(record: &LogRecord, b: Option<&str>) -> AskRecord {
    let (to, by_writer, way) = (target(record), writer(record), way(record));
    let to = match (b, to) {
        (Some(b), _) => b.to_owned(),
        (None, Some(Target { host, port })) => format!("{host}:{port}"),
        (None, None) => String::new(),
    };
    let (is_tcp, (_, has_path)) = (is_tcp(record), typed(&to));
    let is_from_inside = by_writer == Some(Side::Destination);
    let own_name = record.server_name.clone().filter(|name| !is_from_inside && !is_of_a_proxy(name));
    let tls = own_name.is_some() && !is_tcp;
    // A name that was typed is looked up as it stands now.
    let is_dialed = is_tcp && !is_from_inside && way == Way::Other && b.is_none();
    let address = ip(record.downstream_local.as_deref()).filter(|_| is_dialed);
    let (client, forwarded_for) = client(record, way);
    let header = |name: &str, value: Option<String>| value.map(|value| format!("{name}: {value}"));
    let headers = [header("x-forwarded-for", forwarded_for), header("user-agent", record.user_agent.clone())];
    AskRecord {
        host: record.authority.clone().filter(|authority| *authority != usual_host(&to, if tls { 443 } else { 80 })),
        to,
        path: record.path.clone().filter(|_| !has_path),
        method: record.method.clone(),
        headers: headers.into_iter().flatten().filter(|line| !line.contains(['\r', '\n', '\0'])).collect(),
        protocol: protocol(record, own_name.as_deref()),
        tls,
        sni: own_name,
        address: address.map(|ip| ip.to_string()),
        from_address: client,
        ..AskRecord::default()
    }
}

/// B as it was typed, without a scheme: its host with the port, and whether a path follows.
fn typed(to: &str) -> (&str, bool) {
    match to.split_once("://") {
        Some((_, rest)) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            (&rest[..end], end < rest.len())
        }
        None => (to, false),
    }
}

/// The Host that a client sends of itself for a destination: without the port that is usual for what it speaks.
fn usual_host(to: &str, usual: u16) -> &str {
    let is_tls = ["https://", "wss://", "grpcs://"].iter().any(|scheme| to.starts_with(scheme));
    let usual = if is_tls { 443 } else { usual };
    let (host, _) = typed(to);
    host.strip_suffix(&format!(":{usual}")).unwrap_or(host)
}

/// A connection whose bytes the proxy does not read as HTTP. One that ended before that was settled is none.
fn is_tcp(record: &LogRecord) -> bool {
    let http = [&record.method, &record.path, &record.protocol, &record.authority];
    let is_early = record.flags.iter().any(|flag| flag == "NR");
    http.iter().all(|field| field.is_none()) && record.status.is_none_or(|status| status == 0) && !is_early
}

/// The word for `--protocol`.
fn protocol(record: &LogRecord, own_name: Option<&str>) -> Option<String> {
    let begins = |text: &Option<String>, with: &str| text.as_deref().is_some_and(|text| text.starts_with(with));
    let is_grpc = record.grpc_status.is_some()
        || begins(&record.content_type, "application/grpc")
        || (begins(&record.user_agent, "grpc-") && begins(&record.protocol, "HTTP/2"));
    let word = match record.protocol.as_deref() {
        _ if is_tcp(record) && own_name.is_some() => "tls",
        _ if is_tcp(record) => "tcp",
        Some("HTTP/1.0") => "http1.0",
        Some("HTTP/1.1") if !is_grpc => "http1",
        Some("HTTP/2" | "HTTP/2.0") if !is_grpc => "http2",
        Some(_) | None if is_grpc => "grpc",
        // HTTP/3 is not asked about, and of a refused request no protocol is known.
        Some(_) | None => return None,
    };
    Some(word.to_owned())
}

/// Where the request went: the Host's name, else that of the cluster or the server name, else the address.
fn target(record: &LogRecord) -> Option<Target> {
    let (cluster, sni) = (cluster(record), record.server_name.as_deref().and_then(proxy_name));
    let is_from_inside = writer(record) == Some(Side::Destination);
    let local = record.downstream_local.as_deref().and_then(socket);
    let port_of = |target: &Option<Target>| target.as_ref().map(|target| target.port);
    if let Some(authority) = &record.authority {
        let (host, port) = host_and_port(authority);
        let upstream = record.upstream_host.as_deref().and_then(socket).map(|address| address.port());
        // B's proxy is dialed at the port of the pod, which may be another than that of the Service.
        let own = if is_from_inside { Some(80) } else { local.map(|address| address.port()) };
        let cluster_port = port_of(&cluster);
        let port = if is_from_inside {
            port.or(port_of(&sni)).or(cluster_port).or(own)
        } else {
            port.or(own).or(cluster_port).or(upstream)
        };
        return Some(Target { host: host.to_owned(), port: port? });
    }
    let by_name = cluster.or(sni);
    by_name.or_else(|| local.map(|address| Target { host: bracketed(address.ip()), port: address.port() }))
}

/// The name and the port of a cluster; one of the proxy's own pod has no name.
fn cluster(record: &LogRecord) -> Option<Target> {
    let name = ClusterName::parse(record.upstream_cluster.as_deref()?.trim_end_matches(';'))?;
    (!name.host.is_empty()).then_some(Target { host: name.host, port: name.port })
}

/// The same in `outbound_.8082_.v3_.host`.
fn proxy_name(server_name: &str) -> Option<Target> {
    let mut parts = server_name.strip_prefix("outbound_.")?.splitn(3, "_.");
    let (port, _, host) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Target { host: host.to_owned(), port: port.parse().ok()? })
}

/// A Host's name and its port.
fn host_and_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (authority, None),
        },
        Some(_) | None => (authority, None),
    }
}

fn bracketed(ip: IpAddr) -> String {
    if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }
}

fn socket(text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

fn ip(text: Option<&str>) -> Option<IpAddr> {
    text.and_then(socket).map(|address| address.ip())
}

/// A gateway's clients dial its pod's address, from which it goes on to B; and only a proxy at the edge writes its client
/// into `x-forwarded-for`.
fn way(record: &LogRecord) -> Way {
    let (local, client) = (ip(record.downstream_local.as_deref()), ip(record.downstream_remote.as_deref()));
    let is_own = local.is_some() && local == ip(record.upstream_local.as_deref());
    let is_last = client.is_some() && last_forwarded(record).map(|(_, last)| last) == client;
    if writer(record) != Some(Side::Destination) && (is_own || is_last) { Way::Gateway } else { Way::Other }
}

/// What stands before the last address of `x-forwarded-for`, and that address.
fn last_forwarded(record: &LogRecord) -> Option<(Option<String>, IpAddr)> {
    let all = record.forwarded_for.as_deref()?;
    let (before, last) = all.rsplit_once(',').map_or((None, all), |(before, last)| (Some(before), last));
    Some((before.map(|text| text.trim().to_owned()), last.trim().parse().ok()?))
}

/// Where the client of a gateway stands, and the `x-forwarded-for` that the client sent: a proxy at the edge has appended
/// the client's address by the time it logs (`source/common/http/conn_manager_utility.cc`).
fn client(record: &LogRecord, way: Way) -> (Option<String>, Option<String>) {
    match (way, last_forwarded(record)) {
        (Way::Other, _) => (None, record.forwarded_for.clone()),
        (Way::Gateway, Some((before, last))) => (Some(last.to_string()), before),
        (Way::Gateway, None) => {
            (ip(record.downstream_remote.as_deref()).map(|ip| ip.to_string()), record.forwarded_for.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "a field that a line may lack is an option")]
    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    /// An HTTP request of a sidecar.
    fn http() -> LogRecord {
        LogRecord {
            method: some("GET"),
            path: some("/x"),
            protocol: some("HTTP/1.1"),
            status: Some(503),
            authority: some("product-service"),
            upstream_cluster: some("outbound|8082||product-service.shop.svc.cluster.local"),
            upstream_host: some("10.244.0.4:8080"),
            upstream_local: some("10.244.0.9:50000"),
            downstream_local: some("10.96.3.7:8082"),
            downstream_remote: some("10.244.0.9:41234"),
            ..LogRecord::default()
        }
    }

    #[test]
    fn a_host_without_a_port_goes_to_the_port_that_was_dialed() {
        let asked = ask(&http(), None);
        assert_eq!((asked.to.as_str(), asked.host.as_deref()), ("product-service:8082", Some("product-service")));
        let by_cluster = LogRecord { downstream_local: None, ..http() };
        assert_eq!(ask(&by_cluster, None).to, "product-service:8082");
        let by_host = LogRecord { upstream_cluster: None, ..by_cluster };
        assert_eq!(ask(&by_host, None).to, "product-service:8080");
        assert_eq!(ask(&LogRecord { upstream_host: None, ..by_host }, None).to, "");
        let whole = LogRecord { authority: some("[::1]:90"), ..http() };
        assert_eq!((ask(&whole, None).to.as_str(), ask(&whole, None).host), ("[::1]:90", None));
    }

    #[test]
    fn the_destination_that_was_typed_stays_and_the_host_of_the_line_too() {
        let asked = ask(&http(), Some("other.shop:80"));
        assert_eq!((asked.to.as_str(), asked.host.as_deref()), ("other.shop:80", Some("product-service")));
        assert_eq!(ask(&http(), Some("product-service:80")).host, None);
        let url = ask(&http(), Some("http://product-service/y"));
        assert_eq!((url.host, url.path), (None, None));
    }

    #[test]
    fn at_b_the_port_of_the_pod_is_not_that_of_the_service() {
        let inside = LogRecord {
            upstream_cluster: some("inbound|8080||"),
            downstream_local: some("10.244.0.4:8080"),
            server_name: some("outbound_.8082_._.product-service.shop.svc.cluster.local"),
            ..http()
        };
        let asked = ask(&inside, None);
        assert_eq!((asked.to.as_str(), asked.sni, asked.tls), ("product-service:8082", None, false));
        let plain = LogRecord { server_name: None, upstream_cluster: some("InboundPassthroughCluster"), ..inside };
        assert_eq!(ask(&plain, None).to, "product-service:80");
    }

    #[test]
    fn a_gateway_has_appended_its_client() {
        let gateway = LogRecord {
            authority: some("shop.example.com"),
            upstream_local: some("10.244.0.30:50000"),
            downstream_local: some("10.244.0.30:8443"),
            downstream_remote: some("198.51.100.7:999"),
            server_name: some("shop.example.com"),
            forwarded_for: some("203.0.113.9, 198.51.100.7"),
            user_agent: some("curl/8"),
            ..http()
        };
        let asked = ask(&gateway, None);
        assert_eq!(asked.from_address.as_deref(), Some("198.51.100.7"));
        assert_eq!(asked.headers, ["x-forwarded-for: 203.0.113.9", "user-agent: curl/8"]);
        assert_eq!((asked.to.as_str(), asked.tls), ("shop.example.com:8443", true));
        let alone = LogRecord { forwarded_for: some("198.51.100.7"), ..gateway };
        assert_eq!(ask(&alone, None).headers, ["user-agent: curl/8"]);
        let sidecar = LogRecord { forwarded_for: some("203.0.113.9"), ..http() };
        assert_eq!((ask(&sidecar, None).from_address, ask(&sidecar, None).headers.len()), (None, 1));
    }

    #[test]
    fn a_connection_is_asked_about_by_its_address() {
        let none = LogRecord { method: None, path: None, protocol: None, authority: None, status: Some(0), ..http() };
        let asked = ask(&none, None);
        assert_eq!(asked.to, "product-service.shop.svc.cluster.local:8082");
        assert_eq!((asked.protocol.as_deref(), asked.address.as_deref()), (Some("tcp"), Some("10.96.3.7")));
        let outside = LogRecord {
            upstream_cluster: some("PassthroughCluster"),
            server_name: some("api.example.com"),
            ..none.clone()
        };
        let asked = ask(&outside, None);
        assert_eq!((asked.to.as_str(), asked.protocol.as_deref()), ("10.96.3.7:8082", Some("tls")));
        assert_eq!((asked.sni.as_deref(), asked.tls), (Some("api.example.com"), false));
        // No chain took it, so nobody knows what it was to be.
        let early = LogRecord { flags: vec!["NR".to_owned()], ..none };
        assert_eq!(ask(&early, None).protocol, None);
    }

    #[test]
    fn grpc_is_told_by_its_status_its_content_or_its_client() {
        let http2 = LogRecord { protocol: some("HTTP/2"), ..http() };
        let protocol = |record: LogRecord| ask(&record, None).protocol;
        assert_eq!(protocol(http2.clone()), some("http2"));
        for record in [
            LogRecord { grpc_status: some("14"), ..http2.clone() },
            LogRecord { content_type: some("application/grpc+proto"), ..http2.clone() },
            LogRecord { user_agent: some("grpc-java-netty/1.60"), ..http2.clone() },
        ] {
            assert_eq!(protocol(record), some("grpc"));
        }
        assert_eq!(protocol(LogRecord { protocol: some("HTTP/3"), ..http2.clone() }), None);
        assert_eq!(protocol(LogRecord { protocol: None, status: Some(400), ..http2 }), None);
    }
}
