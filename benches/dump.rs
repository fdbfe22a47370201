//! Dumps of any size, as an Envoy in an Istio mesh prints them.
//!
//! The elements are those of a real mesh (`benches/dump/`), with names and addresses put in; nothing is random, so the
//! same [`Shape`] is the same bytes. Elements come in scattered order, as Envoy's hash maps give them.

use std::fmt::Write as _;

/// How big a mesh is, as one of its proxies sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Services; every fourth has a TCP port too, with a listener at its address.
    pub(crate) services: usize,
    /// Subsets that the `DestinationRule` of a service defines, each a cluster for every port.
    pub(crate) subsets: usize,
    /// Endpoints of a service.
    pub(crate) endpoints: usize,
    /// HTTP ports that every service has: each is a listener and a route configuration that all share.
    pub(crate) ports: usize,
    /// Routes of the first service's virtual host, besides the one that takes what is left.
    pub(crate) routes: usize,
    /// Whether every tenth of them is a regular expression.
    pub(crate) regexes: bool,
}

/// The first of the ports that services share.
const FIRST_PORT: usize = 8080;
/// The port of TCP services.
const TCP_PORT: usize = 9000;
/// Namespaces that services are spread over.
const NAMESPACES: usize = 16;

impl Shape {
    /// A usual mesh whose config dump has about this many bytes.
    pub(crate) fn of_bytes(bytes: usize) -> Self {
        let of = |services| Self { services, subsets: 2, endpoints: 3, ports: 2, routes: 20, regexes: true };
        let (small, large) = (of(64).config_dump().len(), of(128).config_dump().len());
        let each = (large - small) / 64;
        of((64 + bytes.saturating_sub(small) / each).max(1))
    }

    /// How many clusters there are, those for what no service takes not counted.
    pub(crate) fn clusters(&self) -> usize {
        self.services * self.ports * (1 + self.subsets) + self.services.div_ceil(4)
    }

    /// `B:PORT` of a service, by number.
    pub(crate) fn destination(service: usize) -> String {
        let service = Service(service);
        format!("{}.{}:{FIRST_PORT}", service.name(), service.namespace())
    }

    /// `/config_dump?include_eds`.
    pub(crate) fn config_dump(&self) -> Vec<u8> {
        let mut out = String::from("{\n \"configs\": [\n");
        out.push_str(include_str!("dump/bootstrap.json").trim_end());
        let clusters = self.cluster_elements();
        section(&mut out, "Clusters", "dynamic_active_clusters", &clusters);
        drop(clusters);
        section(&mut out, "Endpoints", "dynamic_endpoint_configs", &self.assignments());
        section(&mut out, "Listeners", "dynamic_listeners", &self.listeners());
        section(&mut out, "Routes", "dynamic_route_configs", &self.route_configs());
        out.push_str("\n ]\n}\n");
        out.into_bytes()
    }

    /// `/clusters?format=json`.
    pub(crate) fn cluster_statuses(&self) -> Vec<u8> {
        let status = Template::new(include_str!("dump/cluster_status.json"), 2);
        let host = Template::new(include_str!("dump/host_status.json"), 4);
        let statuses = self.each_cluster(|cluster| {
            let hosts = self.each_endpoint(cluster, &host);
            status.fill(&[("name", &cluster.name()), ("hosts", &hosts)])
        });
        format!("{{\n \"cluster_statuses\": [\n{}\n ]\n}}\n", statuses.join(",\n")).into_bytes()
    }

    fn cluster_elements(&self) -> Vec<String> {
        let template = Template::new(include_str!("dump/cluster.json"), 4);
        let mut elements = self.each_cluster(|cluster| {
            let service = cluster.service;
            template.fill(&[
                ("name", &cluster.name()),
                ("subset", &cluster.subset()),
                ("port", &cluster.port.to_string()),
                ("host", &service.host()),
                ("service", &service.name()),
                ("namespace", &service.namespace()),
            ])
        });
        elements.push(Template::new(include_str!("dump/black_hole.json"), 4).fill(&[]));
        elements.push(Template::new(include_str!("dump/passthrough.json"), 4).fill(&[]));
        elements
    }

    fn assignments(&self) -> Vec<String> {
        let assignment = Template::new(include_str!("dump/assignment.json"), 4);
        let endpoint = Template::new(include_str!("dump/endpoint.json"), 9);
        self.each_cluster(|cluster| {
            let endpoints = self.each_endpoint(cluster, &endpoint);
            assignment.fill(&[("name", &cluster.name()), ("endpoints", &endpoints)])
        })
    }

    fn listeners(&self) -> Vec<String> {
        let http = Template::new(include_str!("dump/http_listener.json"), 4);
        let tcp = Template::new(include_str!("dump/tcp_listener.json"), 4);
        let outbound = Template::new(include_str!("dump/outbound_listener.json"), 4);
        let of_port = |port: usize| http.fill(&[("port", &port.to_string())]);
        let of_service = |service: Service| {
            tcp.fill(&[
                ("address", &service.address()),
                ("port", &TCP_PORT.to_string()),
                ("cluster", &Cluster::tcp(service).name()),
            ])
        };
        let mut elements: Vec<String> = self.shared_ports().map(of_port).collect();
        elements.extend(self.scattered().filter(|s| s.has_tcp()).map(of_service));
        elements.push(outbound.fill(&[]));
        elements
    }

    fn route_configs(&self) -> Vec<String> {
        let config = Template::new(include_str!("dump/route_config.json"), 4);
        let any = Template::new(include_str!("dump/allow_any.json"), 7).fill(&[]);
        let of_port = |port: usize| {
            let mut hosts = self.virtual_hosts(port);
            hosts.push(any.clone());
            config.fill(&[("port", &port.to_string()), ("virtual_hosts", &hosts.join(",\n"))])
        };
        self.shared_ports().map(of_port).collect()
    }

    fn virtual_hosts(&self, port: usize) -> Vec<String> {
        let host = Template::new(include_str!("dump/virtual_host.json"), 7);
        let route = Template::new(include_str!("dump/route.json"), 9);
        let of_service = |service: Service| {
            let routes = if service.0 == 0 && port == FIRST_PORT { self.routes } else { 0 };
            let matches = (0..routes).map(|i| self.matches(i)).chain([prefix("/")]);
            let routes = matches.enumerate().map(|(i, matches)| {
                let subset = if routes == 0 { 0 } else { i % (self.subsets + 1) };
                let cluster = Cluster { service, port, subset };
                route.fill(&[
                    ("match", &matches),
                    ("cluster", &cluster.name()),
                    ("host", &service.host()),
                    ("port", &port.to_string()),
                    ("namespace", &service.namespace()),
                    ("service", &service.name()),
                ])
            });
            let routes: Vec<String> = routes.collect();
            host.fill(&[
                ("host", &service.host()),
                ("port", &port.to_string()),
                ("service", &service.name()),
                ("namespace", &service.namespace()),
                ("address", &service.address()),
                ("routes", &routes.join(",\n")),
            ])
        };
        self.scattered().map(of_service).collect()
    }

    /// The members of the `match` of route `i`: mostly prefixes, some with a header, some regular expressions.
    fn matches(&self, i: usize) -> String {
        let path = format!("/items/{i:05}/");
        match i % 10 {
            4 if self.regexes => regex(&format!("/items/{i:05}/[0-9a-f]+(/.*)?")),
            7 => format!("{},\n{}", prefix(&path), header("x-canary", "always")),
            _ => prefix(&path),
        }
    }

    fn shared_ports(&self) -> impl Iterator<Item = usize> {
        FIRST_PORT..FIRST_PORT + self.ports
    }

    /// All services, in an order that has nothing to do with their names.
    fn scattered(&self) -> impl Iterator<Item = Service> {
        const STEP: usize = 7919;
        let count = self.services;
        let step = if count.is_multiple_of(STEP) { 1 } else { STEP };
        (0..count).map(move |i| Service(i * step % count))
    }

    fn each_cluster(&self, write: impl Fn(Cluster) -> String) -> Vec<String> {
        let mut elements = Vec::with_capacity(self.clusters());
        for service in self.scattered() {
            for port in self.shared_ports() {
                elements.extend((0..=self.subsets).map(|subset| write(Cluster { service, port, subset })));
            }
            elements.extend(service.has_tcp().then(|| write(Cluster::tcp(service))));
        }
        elements
    }

    /// The endpoints of a cluster: those of the service, or every so many for a subset.
    fn each_endpoint(&self, cluster: Cluster, template: &Template) -> String {
        let service = cluster.service;
        let of_subset = |e: &usize| cluster.subset == 0 || e % self.subsets + 1 == cluster.subset;
        let endpoints = (0..self.endpoints).filter(of_subset).map(|e| {
            template.fill(&[
                ("address", &address(128, service.0 * self.endpoints + e)),
                ("port", &cluster.port.to_string()),
                ("service", &service.name()),
                ("namespace", &service.namespace()),
            ])
        });
        endpoints.collect::<Vec<_>>().join(",\n")
    }
}

/// A service of the mesh, by number.
#[derive(Clone, Copy)]
struct Service(usize);

impl Service {
    fn name(self) -> String {
        format!("service-{:05}", self.0)
    }

    fn namespace(self) -> String {
        format!("team-{:02}", self.0 % NAMESPACES)
    }

    fn host(self) -> String {
        format!("{}.{}.svc.cluster.local", self.name(), self.namespace())
    }

    fn address(self) -> String {
        address(96, self.0)
    }

    fn has_tcp(self) -> bool {
        self.0.is_multiple_of(4)
    }
}

/// A cluster of a service: for a port, and for a subset unless that is 0.
#[derive(Clone, Copy)]
struct Cluster {
    service: Service,
    port: usize,
    subset: usize,
}

impl Cluster {
    fn tcp(service: Service) -> Self {
        Self { service, port: TCP_PORT, subset: 0 }
    }

    fn subset(self) -> String {
        if self.subset == 0 { String::new() } else { format!("v{}", self.subset) }
    }

    fn name(self) -> String {
        format!("outbound|{}|{}|{}", self.port, self.subset(), self.service.host())
    }
}

/// The `n`th address from 10.`net`.0.0 on.
fn address(net: usize, n: usize) -> String {
    format!("10.{}.{}.{}", net + (n >> 16), n >> 8 & 0xff, n & 0xff)
}

fn prefix(path: &str) -> String {
    let at = " ".repeat(11);
    format!("{at}\"prefix\": \"{path}\",\n{at}\"case_sensitive\": true")
}

fn regex(pattern: &str) -> String {
    let at = " ".repeat(11);
    format!("{at}\"case_sensitive\": true,\n{at}\"safe_regex\": {{\n{at} \"regex\": \"{pattern}\"\n{at}}}")
}

fn header(name: &str, value: &str) -> String {
    let at = " ".repeat(11);
    let matcher =
        format!("{at}  \"name\": \"{name}\",\n{at}  \"string_match\": {{\n{at}   \"exact\": \"{value}\"\n{at}  }}");
    format!("{at}\"headers\": [\n{at} {{\n{matcher}\n{at} }}\n{at}]")
}

/// A part of the dump after the first.
fn section(out: &mut String, message: &str, field: &str, elements: &[String]) {
    let url = format!("type.googleapis.com/envoy.admin.v3.{message}ConfigDump");
    let _ = write!(out, ",\n  {{\n   \"@type\": \"{url}\",\n   \"version_info\": \"2026-11-24T08:13:45Z/4\"");
    let _ = write!(out, ",\n   \"{field}\": [\n");
    for (i, element) in elements.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { ",\n" });
        out.push_str(element);
    }
    out.push_str("\n   ]\n  }");
}

/// An element's text with places, `${NAME}`, to be filled.
struct Template {
    /// Text, and the place that follows it.
    parts: Vec<(String, String)>,
    end: String,
}

impl Template {
    /// Shifts the text by `depth` columns; what fills a line of its own comes shifted.
    fn new(text: &str, depth: usize) -> Self {
        let shift = |line: &str| {
            let depth = if line.starts_with("${") { 0 } else { depth };
            " ".repeat(depth) + line
        };
        let text = text.lines().map(shift).collect::<Vec<_>>().join("\n");
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let (place, after) = after.split_once('}').expect("a place has an end");
            parts.push((before.to_owned(), place.to_owned()));
            rest = after;
        }
        Self { parts, end: rest.to_owned() }
    }

    fn fill(&self, values: &[(&str, &str)]) -> String {
        let mut out = String::new();
        for (text, place) in &self.parts {
            out.push_str(text);
            let value = values.iter().find(|(name, _)| name == place);
            out.push_str(value.expect("every place has a value").1);
        }
        out.push_str(&self.end);
        out
    }
}
