"""Who asks whom for what in the wide mesh: a table, and nothing of what becomes of it."""

import itertools
from dataclasses import dataclass, field

from asked import Asked
from chance import enough
from wide import TCP_VIP

# source -> namespace
SOURCES = {
    "web": "store", "clerk": "pay", "guard": "locked", "tools": "depot", "ingress": "edge",
    "order-service": "shop", "cron": "legacy", "gate": "edge",
}  # fmt: skip
# gateway -> who asks it, and by which name
GATEWAYS = {"ingress": ("tools", "ingress.edge"), "gate": ("cron", "gate.edge")}


@dataclass(frozen=True)
class Pair(Asked):
    feature: str
    source: str
    to: str  # {name} stands for the address of the pod of that name
    path: str = "/"
    method: str = "GET"
    headers: tuple = ()  # (name, value)
    speaks: str = "http"  # as client.py knows it
    sni: str = ""
    times: int = 2
    spoken: bool = False  # whether the tool is told what is spoken, whatever the port is called
    dialed: str = ""  # the address that the client's name service has, where the mesh's has none
    sure: str = ""  # the outcome, where objects decide it and not a proxy
    # What compare.py wants of a fault beside:
    finding: str = field(default="", init=False)
    blame: tuple = field(default=(), init=False)
    at: str = field(default="", init=False)
    spared: tuple = field(default=(), init=False)

    @property
    def namespace(self):
        return SOURCES[self.source]

    @property
    def key(self):
        """What makes it another pair."""
        return self.source, self.to, self.path, self.method, self.headers, self.speaks, self.sni

    def __str__(self):
        how = [self.method, self.path] if self.speaks in ("http", "http2", "grpc", "tls") else []
        more = [f"{n}: {v}" for n, v in self.headers] + ([f"sni {self.sni}"] if self.sni else [])
        return " ".join([self.source, "->", self.to, self.speaks, *how, *more])


def question(pair):
    """The tool's arguments."""
    argv = [pair.source, pair.asked, "-n", pair.namespace, "--path", pair.path]
    argv += ["--method", pair.method, "-o", "json"]
    for name, value in pair.headers:
        argv += ["-H", f"{name}: {value}"]
    if pair.speaks == "tls":
        argv += ["--tls", *(["--sni", pair.sni] if pair.sni else [])]
    elif pair.speaks != "http":
        argv += ["--protocol", pair.speaks]
    elif pair.spoken or declared_otherwise(pair.port):
        argv += ["--protocol", "http1"]
    return argv


def declared_otherwise(port):
    """Ports whose name says something else than what is spoken here."""
    return port in (5000, 5001, 7073, 7443, 8443, 9000, 9001, 5432, 9100, 443)


def request(pair, agent):
    """The same for client.py. Requests to a gateway are sent by somebody outside, to its address."""
    authority = pair.host if pair.port == 80 else f"{pair.host}:{pair.port}"
    return {
        "speaks": pair.speaks,
        "host": pair.host,
        "port": pair.port,
        "address": GATEWAYS[pair.source][1] if pair.source in GATEWAYS else pair.dialed,
        "authority": authority,
        "path": pair.path,
        "method": pair.method,
        "headers": pair.headers,
        "sni": pair.sni,
        "times": pair.times,
        "agent": agent,
    }


def sender(pair):
    return GATEWAYS[pair.source][0] if pair.source in GATEWAYS else pair.source


# --- the table ------------------------------------------------------------------------------


def header(**named):
    return tuple((name.replace("_", "-"), value) for name, value in named.items())


def each(feature, sources, targets, paths=("/",), **more):
    """All of the combinations; a path can be (path, what else is said with it)."""
    for source, target, one in itertools.product(sources.split(), targets.split(), paths):
        path, also = one if isinstance(one, tuple) else (one, {})
        yield Pair(feature, source, target, path, **{**more, **also})


BETA, QA = header(x_user="beta"), header(x_user="qa-17")
GRPC = {"method": "POST", "speaks": "grpc"}
CATALOG = (
    "/", "/v1", "/v2/x", "/v1x", "/any", "/item/17", "/item/x", "/mixed/CASE", "/bare", "/old",
    "/far", "/hello", "/gone", "/abort", "/delay", "/late", "/v3", "/v4", "/zero-broken",
    "/nowhere", "/carts", "/regex-rewrite/a", "/mirrored", "/till", "/archive", "/partner", "/dead",
    "/retried", "/who", "/where", "/headers", "/set", "/team/one", "/team/none", "/team/two",
    "/?version=2", "/?version=1.5", "/?version=3", "/v1?x=1",
    ("/split", {"times": enough(0.5)}),
    ("/half-broken", {"times": enough(0.4)}),
    ("/abort-half", {"times": enough(0.5)}),
    ("/", {"headers": BETA}),
    ("/", {"headers": QA}),
    ("/", {"headers": header(x_user="qa-x")}),
    ("/any", {"headers": header(x_any="1")}),
    ("/bare", {"headers": header(x_token="t")}),
    ("/headers", {"headers": header(x_a="bc")}),
    ("/v1", {"method": "DELETE"}),
    ("/x", {"method": "DELETE"}),
    ("/cors", {"headers": header(origin="http://a.example")}),
    ("/cors", {"method": "OPTIONS",
               "headers": header(origin="http://a.example", access_control_request_method="GET")}),
    ("/as", {"headers": header(host="catalog.store")}),
    ("/", {"headers": header(host="carts.store.svc.cluster.local")}),
    ("/", {"headers": header(host="unknown.example")}),
    ("/v1", {"speaks": "http2"}),
)  # fmt: skip
FEW = ("/", "/v1", "/v4", "/old", "/who", "/where", "/nowhere", "/till", ("/", {"headers": BETA}))
CARTS = (
    "/", "/v1", "/v1/x", "/v1x", "/v2", "/v2/x", "/rx/abc", "/rx/1", "/h", "/q?v=2", "/q?v=3",
    "/q", "/missing", "/none", "/zero", "/all-zero", "/no-grant", "/grant", "/away", "/strip/a",
    "/full/a", "/modify", "/empty", "/bad-port", "/post",
    ("/post", {"method": "POST"}),
    ("/split", {"times": enough(0.5)}),
    ("/half-missing", {"times": enough(0.5)}),
    ("/h", {"headers": BETA}),
    ("/h", {"headers": QA}),
    ("/h", {"headers": header(x_user="other")}),
)  # fmt: skip
VAULT = (
    "/", "/open", "/open/x", "/open/secret", "/opened", "/web-only", "/not-web", "/any-id", "/key",
    "/x.html", "/host", "/address", "/far", "/open?x=1",
    ("/open", {"method": "DELETE"}),
    ("/open", {"method": "POST"}),
    ("/open", {"method": "PUT"}),
    ("/key", {"headers": header(x_key="k")}),
    ("/key", {"headers": header(x_key="kk")}),
)  # fmt: skip


def table():
    everybody = "web clerk guard tools"
    found = [
        # A VirtualService
        *each("VirtualService", "web", "catalog:80", CATALOG),
        *each("VirtualService", "clerk guard tools", "catalog.store:80", FEW),
        *each("ports of a Service", everybody, "catalog.store:8081 catalog.store.svc:8082"),
        *each("ports of a Service", "web", "catalog:8083"),
        *each("ports of a Service", "web clerk", "catalog.store:9999 catalog.store:8080", sure="fails", times=1),
        *each("names", "web clerk", "web:80 web.store:80 web.pay:80 clerk:80 clerk.pay.svc:80"),
        *each("names", "web", "catalog.store.svc.cluster.local:80 nothing.store:80"),
        # The Gateway API
        *each("HTTPRoute", "web", "carts:8080", CARTS),
        *each("HTTPRoute", "clerk guard tools", "carts.store:8080", ("/v1", "/missing", "/nothing")),
        *each("HTTPRoute", "web", "carts-v1:8080 carts-v2:8080 carts-none:8080"),
        *each("GRPCRoute", "web clerk tools", "quotes.store:5000",
              ("/quotes.Quotes/Get", "/quotes.Quotes/Lost", "/quotes.Admin/Any", "/quotes.Other/Get"), **GRPC),
        *each("GRPCRoute", "web", "quotes:5000", (("/x.Y/Z", {"headers": BETA}),), **GRPC),
        *each("gRPC", "web clerk guard tools", "quotes-plain.store:5000 quotes.store:5001", ("/a.B/C",), **GRPC),
        *each("gRPC", "web", "quotes:5001", speaks="http2"),
        *each("gRPC", "web", "quotes-plain:5000", speaks="http"),
        # Bytes
        *each("TCP", everybody, "media.store:9000 media.store:9998", speaks="tcp"),
        *each("TCP", "web", "nobody:9001 archive.depot:9000 till.pay:9000 media:7073", speaks="tcp"),
        *each("TCP", "web", "media:7073 media:9000", speaks="http"),
        *each("TLS", "web clerk tools", "media.store:8443", speaks="tls", sni="media"),
        *each("TLS", "web", "media:8443", speaks="tls", sni="other.example"),
        *each("TLS", "web", "media:8443", speaks="tls", sni="unknown.example"),
        *each("TLS", "web", "archive.depot:8443", speaks="tls"),
        *each("TLS", "web guard", "media.store:7443", speaks="http"),
        *each("no protocol said", everybody, "media.store:7070"),
        *each("no protocol said", everybody, "media.store:7071", speaks="tcp"),
        *each("no protocol said", "web guard", "media.store:7072", speaks="tls"),
        *each("no protocol said", "web", "archive.depot:7070"),
        *each("no protocol said", "web", "media:7070 catalog:8081", speaks="tcp"),
        *each("no protocol said", "web", "catalog:8081", speaks="tls"),
        # No address of its own
        *each("headless", everybody, "db.store:8080 db.store:7080 db-0.db.store:8080"),
        *each("headless", "web", "db:8080 db-1.db:8080 db-1.db.store.svc.cluster.local:7080 db:9999"),
        *each("headless", "web clerk", "db.store:5432 db-0.db.store:5432", speaks="tcp"),
        *each("headless", "web", "nobody-headless:8080"),
        *each("no endpoints", "web clerk", "nobody.store:8080"),
        *each("no endpoints", "web", "nobody:9001", speaks="tcp"),
        *each("ExternalName", "web clerk tools", "alias.store:8080 alias-ports.store:8080 alias-out.store:8080"),
        *each("address", "web tools", "{catalog}:8080 {till}:8080 {till}:8082 {archive}:8080 {db-0}:8080 {vault}:8080"),
        # Beyond the mesh
        *each("ServiceEntry", everybody, "api.partner.example:80", ("/ok", "/abort", "/other")),
        *each("ServiceEntry", "web guard", "dns.partner.example:80 simple.partner.example:80"),
        *each("ServiceEntry", "web guard", "none.partner.example:8085 a.wild.example:80 picked.store.example:8080"),
        *each("ServiceEntry", "web clerk guard", "hidden.partner.example:8080 plain.elsewhere.example:8080"),
        *each("ServiceEntry", "web guard", "tcp.partner.example:9100 empty.partner.example:9100", speaks="tcp"),
        *each("ServiceEntry", "web guard", "empty.partner.example:80"),
        *each("ServiceEntry", "web guard", "tls.partner.example:443 a.wildtls.example:8443", speaks="tls"),
        *each("ServiceEntry", "web guard", "plain.elsewhere.example:8443", speaks="tls"),
        *each("ServiceEntry", "web guard", f"{TCP_VIP}:9100 {{outside}}:9100", speaks="tcp"),
        # Who may
        *each("mTLS", everybody, "till.pay:8080 till.pay:8081 till.pay:8082"),
        *each("mTLS", "clerk guard tools", "till.pay:9000", speaks="tcp"),
        *each("mTLS", "clerk", "archive.depot:8080 web.store:80"),
        *each("AuthorizationPolicy", "web", "vault.pay:8080", VAULT),
        *each("AuthorizationPolicy", "clerk", "vault:8080", ("/open", "/web-only", "/not-web", "/x.html", "/any-id", "/host")),
        *each("AuthorizationPolicy", "tools", "vault.pay:8080", ("/open", "/web-only", "/any-id", "/address", "/not-web")),
        *each("AuthorizationPolicy", everybody, "vault.pay:9000", speaks="tcp"),
        *each("AuthorizationPolicy", "web", "vault.pay:8085", (
            "/jwt", "/free", ("/free", {"headers": header(authorization="Bearer abc")}))),
        # Restricted by a Sidecar
        *each("Sidecar", "guard", "vault.pay:8080 clerk.pay:80 archive.depot:8080 web.store:80"),
        *each("Sidecar", "guard", "vault.pay:9000 archive.depot:9000", speaks="tcp"),
        *each("no sidecar at B", "web tools", "archive.depot:8080 archive.depot:8082 archive.depot:7070"),
        # A gateway
        *each("gateway", "ingress", "shop.example:80 a.apps.example:80",
              ("/v1", "/v4", "/till", "/vault", "/archive", "/old", "/nobody", "/nothing", "/denied")),
        *each("gateway", "ingress", "secure.example:80 other.example:80", ("/v1", "/denied")),
        *each("gateway, HTTPRoute", "ingress", "api.example:81",
              ("/v1", "/h", ("/h", {"headers": BETA}), "/missing", "/none", "/away", "/nothing")),
        *each("gateway, HTTPRoute", "ingress", "other.example:81", ("/v1",)),
        *each("gateway, GRPCRoute", "ingress", "api.example:81", ("/quotes.Quotes/Get", "/quotes.Other/Get"), **GRPC),
        *each("gateway, TLS", "ingress", "media.example:443 other.example:443", speaks="tls"),
        *each("gateway, TCP", "ingress", "any.example:9000", speaks="tcp"),
    ]  # fmt: skip
    return list({pair.key: pair for pair in reversed(found)}.values())[::-1]
