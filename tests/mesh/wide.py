"""A mesh that has a bit of everything, and nothing that is meant to be wrong with all of it.

store   web (it asks), catalog (two versions, a VirtualService), carts (an HTTPRoute), quotes (gRPC,
        a GRPCRoute), media (TCP, TLS, and ports that say no protocol), db (headless, by name)
pay     clerk (it asks), till (STRICT, with other modes on single ports), vault (policies)
locked  guard (it asks; a Sidecar lets it see little)
edge    ingress (a gateway), with hosts of Istio's Gateway and of the Gateway API's
depot   no proxies: tools (it asks), archive, and outside, which plays everything beyond the mesh
"""

import json

from shop import INJECTED, gateway, meta, namespace

DOMAIN = "cluster.local"
HTTP_VIP, TCP_VIP, EMPTY_VIP, PICKED_VIP = (f"240.10.0.{i}" for i in (1, 2, 3, 4))
NETWORKING, SECURITY = "networking.istio.io/v1", "security.istio.io/v1"
GATEWAY_API = "gateway.networking.k8s.io/v1"


# --- workloads ------------------------------------------------------------------------------


def service(name, where, ports, app=None, **spec):
    """`ports`: name -> number, or (number, target); a name that begins with _ is left out."""
    listed = []
    for port_name, number in ports.items():
        number, target = number if isinstance(number, tuple) else (number, number)
        listed.append({"name": port_name, "port": number, "targetPort": target})
    if len(listed) == 1 and listed[0]["name"].startswith("_"):
        del listed[0]["name"]
    labels = app if isinstance(app, dict) else {"app": app or name}
    spec = {"selector": labels, "ports": listed, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name, where), "spec": spec}


def workload(name, where, *serves, version="v1", kind="Deployment", account=None, ports=(), **more):
    """Pods of an application; `serves` are app.py's arguments."""
    labels = {"app": name, "version": version}
    own = name if version == "v1" else f"{name}-{version}"
    container = {"name": "app", "image": "app", "args": list(serves), "ports": list(ports)}
    template = {
        "metadata": {
            "labels": labels | more.get("labels", {}),
            "annotations": more.get("annotations", {}),
        },
        # There is no scheduler.
        "spec": {"nodeName": "node-0", "containers": [container]},
    }
    if account:
        template["spec"]["serviceAccountName"] = account
    spec = {"replicas": more.get("replicas", 1), "selector": {"matchLabels": labels}}
    if kind == "StatefulSet":
        spec |= {"serviceName": name, "podManagementPolicy": "Parallel"}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": meta(own, where),
        "spec": {**spec, "template": template},
    }


OUTSIDE = (
    f"real.partner.example none.partner.example a.wild.example plain.elsewhere.example"
    f" tls.partner.example a.wildtls.example hidden.partner.example dns.partner.example"
    f" api.partner.example={HTTP_VIP} tcp.partner.example={TCP_VIP} empty.partner.example={EMPTY_VIP}"
    f" simple.partner.example picked.store.example={PICKED_VIP}"
)
WEB_PORT = {"name": "web", "containerPort": 8080}
WORKLOADS = [
    namespace("store", INJECTED),
    namespace("pay", INJECTED),
    namespace("locked", INJECTED),
    namespace("edge", {}),
    namespace("depot", {}),
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("web", "store")},
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("guard", "locked")},
    workload("web", "store", "http:8080", account="web"),
    service("web", "store", {"http": (80, 8080)}),
    workload("catalog", "store", "http:8080", "http:8081", ports=[WEB_PORT]),
    workload("catalog", "store", "http:8080", "http:8081", version="v2", ports=[WEB_PORT]),
    service("catalog", "store", {
        "http": (80, "web"), "http-plain": (8081, 8081), "http-dead": (8082, 9999),
        "http-nowhere": (8083, "no-such-name"),
    }),  # fmt: skip
    workload("carts", "store", "http:8080"),
    workload("carts", "store", "http:8080", version="v2"),
    service("carts", "store", {"http": 8080}),
    service("carts-v1", "store", {"http": 8080}, {"app": "carts", "version": "v1"}),
    service("carts-v2", "store", {"http": 8080}, {"app": "carts", "version": "v2"}),
    service("carts-none", "store", {"http": 8080}, {"app": "carts", "version": "v9"}),
    workload("quotes", "store", "grpc:5000", "grpc:5001"),
    service("quotes", "store", {"grpc": 5000, "http2-b": 5001}),
    service("quotes-plain", "store", {"grpc": 5000}, "quotes"),
    workload("media", "store", "tcp:9000", "tls:8443", "http:7070", "tcp:7071", "tls:7072", "http:7073"),
    service("media", "store", {
        "tcp": 9000, "tls": 8443, "a": 7070, "b": 7071, "c": 7072, "tcp-http": 7073,
        "tcp-dead": 9998, "https-not": (7443, 7070), "http-not": (7074, 7071),
    }),  # fmt: skip
    workload("db", "store", "http:8080", "tcp:5432", "http:7080", kind="StatefulSet", replicas=2),
    service("db", "store", {"http": 8080, "tcp-sql": 5432, "any": 7080}, clusterIP="None"),
    service("nobody", "store", {"http": 8080, "tcp": 9001}),
    service("nobody-headless", "store", {"http": 8080}, clusterIP="None"),
    service("alias", "store", {}, type="ExternalName", externalName=f"carts-v1.store.svc.{DOMAIN}"),
    service("alias-ports", "store", {"http": 8080}, type="ExternalName", externalName=f"carts-v1.store.svc.{DOMAIN}"),
    service("alias-out", "store", {"http": 8080}, type="ExternalName", externalName="plain.elsewhere.example"),
    workload("clerk", "pay", "http:8080"),
    service("clerk", "pay", {"http": 80}),
    workload("till", "pay", "http:8080", "http:8081", "http:8082", "tcp:9000"),
    service("till", "pay", {"http": 8080, "http-soft": 8081, "http-open": 8082, "tcp": 9000}),
    service("web", "pay", {"http": (80, 8080)}, "till"),
    workload("vault", "pay", "http:8080", "tcp:9000", "http:8085"),
    service("vault", "pay", {"http": 8080, "tcp": 9000, "http-jwt": 8085}),
    workload("guard", "locked", "http:8080", account="guard"),
    gateway("ingress", "edge"),
    service("ingress", "edge", {"http2": (80, 8080), "http-alt": (81, 8081), "tls": (443, 8443), "tcp": (9000, 9090)}),
    workload("tools", "depot", "none:1"),
    workload("archive", "depot", "http:8080", "tcp:9000", "tls:8443"),
    service("archive", "depot", {"http": 8080, "tcp": 9000, "tls": 8443, "http-dead": (8082, 9999), "x": (7070, 8080)}),
    workload(
        "outside", "depot", "http:80", "http:8080", "http:8085", "tcp:9100", "tls:443", "tls:8443",
        annotations={"names": OUTSIDE},
    ),
]  # fmt: skip


# --- rules ----------------------------------------------------------------------------------


def rule(api, kind, where, name, **spec):
    return {"apiVersion": api, "kind": kind, "metadata": meta(name, where), "spec": spec}


def istio(kind, where, name, **spec):
    return rule(NETWORKING, kind, where, name, **spec)


def to(host, subset=None, port=None, **more):
    destination = {"host": host}
    destination |= {"subset": subset} if subset else {}
    destination |= {"port": {"number": port}} if port else {}
    return {"destination": destination, **more}


def when(*routes, **more):
    """An HTTP rule of a VirtualService; what is not `match` is what becomes of it."""
    matches = {k: more.pop(k) for k in [*more] if k in MATCHED}
    found = [matches] if matches else []
    return ({"match": found} if found else {}) | ({"route": list(routes)} if routes else {}) | more


MATCHED = (
    "uri", "headers", "queryParams", "method", "withoutHeaders", "authority", "ignoreUriCase",
    "sourceLabels", "sourceNamespace", "port", "name", "scheme",
)  # fmt: skip
V1, V2 = to("catalog", "v1"), to("catalog", "v2")


def exact(text):
    return {"exact": text}


def prefix(text):
    return {"prefix": text}


def regex(text):
    return {"regex": text}


def split(**weights):
    return [to("catalog", subset, weight=weight) for subset, weight in weights.items()]


CATALOG = [
    when(V1, uri=exact("/v1")),
    when(V2, uri=prefix("/v2/"), rewrite={"uri": "/"}),
    when(V2, headers={"x-user": exact("beta")}),
    when(V1, headers={"x-user": regex("^qa-[0-9]+$")}),
    when(V1, headers={"x-any": {}}, uri=prefix("/any")),
    when(V2, queryParams={"version": exact("2")}),
    when(V1, queryParams={"version": regex("^1\\..*")}),
    when(V1, uri=regex("/item/[0-9]+")),
    when(V2, uri=prefix("/Mixed"), ignoreUriCase=True),
    when(V2, uri=prefix("/bare"), withoutHeaders={"x-token": {}}),
    when(method=exact("DELETE"), directResponse={"status": 405}),
    when(uri=exact("/old"), redirect={"uri": "/new", "redirectCode": 301}),
    when(uri=exact("/far"), redirect={"authority": "example.net", "scheme": "https"}),
    when(uri=exact("/hello"), directResponse={"status": 200, "body": {"string": "hi"}}),
    when(uri=exact("/gone"), directResponse={"status": 410}),
    when(V1, uri=exact("/abort"), fault={"abort": {"httpStatus": 418, "percentage": {"value": 100}}}),
    when(V1, uri=exact("/abort-half"), fault={"abort": {"httpStatus": 503, "percentage": {"value": 50}}}),
    when(V1, uri=exact("/delay"), fault={"delay": {"fixedDelay": "0.1s", "percentage": {"value": 100}}}),
    when(V1, uri=exact("/late"), timeout="0.2s",
         fault={"delay": {"fixedDelay": "0.1s", "percentage": {"value": 100}}}),
    when(to("catalog", "v3"), uri=prefix("/v3")),
    when(to("catalog", "v4"), uri=prefix("/v4")),
    when(*split(v1=50, v2=50), uri=prefix("/split")),
    when(*split(v1=60, v4=40), uri=prefix("/half-broken")),
    when(*split(v1=100, v4=0), uri=prefix("/zero-broken")),
    when(to("no-such-service"), uri=prefix("/nowhere")),
    when(to("carts", port=8080), uri=prefix("/carts"), rewrite={"authority": "carts"}),
    when(to("carts-v1", port=8080), uri=prefix("/regex-rewrite"),
         rewrite={"uriRegexRewrite": {"match": "^/regex-rewrite/(.*)$", "rewrite": "/\\1"}}),
    when(to("catalog", "v1"), uri=prefix("/mirrored"), mirror={"host": "catalog", "subset": "v2"}),
    when(to("till.pay.svc.cluster.local", port=8080), uri=prefix("/till")),
    when(to("archive.depot.svc.cluster.local", port=8080), uri=prefix("/archive")),
    when(to("api.partner.example", port=80), uri=prefix("/partner")),
    when(to("catalog", port=8082), uri=prefix("/dead")),
    when(V1, uri=prefix("/retried"), retries={"attempts": 3, "retryOn": "5xx"}),
    when(V1, uri=prefix("/cors"), corsPolicy={
        "allowOrigins": [exact("http://a.example")], "allowMethods": ["GET"], "maxAge": "1m"}),
    when(V2, uri=prefix("/who"), sourceLabels={"app": "clerk"}),
    when(V1, uri=prefix("/where"), sourceNamespace="store"),
    when(V1, uri=prefix("/headers"), headers={"x-a": prefix("b")}),
    when(to("catalog", "v1", headers={"request": {"set": {"x-set": "1"}, "remove": ["x-b"]}}), uri=prefix("/set")),
    when(uri=prefix("/team"), delegate={"name": "team", "namespace": "store"}),
    when(V1, uri=prefix("/as"), authority=exact("catalog.store")),
    when(V1, port=8081),
    when(*split(v1=50, v2=50)),
]  # fmt: skip


def http_route(where, name, parent, *rules, **spec):
    parents = [{"group": "", "kind": "Service", **parent}]
    return rule(
        GATEWAY_API, "HTTPRoute", where, name, parentRefs=parents, rules=list(rules), **spec
    )


def backend(name, port=8080, **more):
    return {"name": name, "port": port, **more}


def matching(*backends, filters=(), **match):
    found = {"backendRefs": list(backends)} if backends else {}
    found |= {"filters": list(filters)} if filters else {}
    return found | ({"matches": [match]} if match else {})


def path(value, kind="PathPrefix"):
    return {"type": kind, "value": value}


def named(name, value, kind="Exact"):
    return [{"type": kind, "name": name, "value": value}]


def rewriting(**path):
    return {"type": "URLRewrite", "urlRewrite": {"path": path}}


CARTS = [
    matching(backend("carts-v1"), path=path("/v1")),
    matching(backend("carts-v2"), path=path("/v2", "Exact")),
    matching(backend("carts-v1"), path=path("/rx/[a-z]+", "RegularExpression")),
    matching(backend("carts-v2"), path=path("/h"), headers=named("x-user", "beta")),
    matching(backend("carts-v1"), path=path("/h"), headers=named("x-user", "^q.*", "RegularExpression")),
    matching(backend("carts-v2"), path=path("/q"), queryParams=named("v", "2")),
    matching(backend("carts-v1"), path=path("/post"), method="POST"),
    matching(backend("carts-v1", weight=1), backend("carts-v2", weight=1), path=path("/split")),
    matching(backend("carts-v1", weight=1), backend("carts-v9", weight=1), path=path("/half-missing")),
    matching(backend("carts-v9"), path=path("/missing")),
    matching(backend("carts-none"), path=path("/none")),
    matching(backend("carts-v1", weight=1), backend("carts-v2", weight=0), path=path("/zero")),
    matching(backend("carts-v1", weight=0), path=path("/all-zero")),
    matching(backend("till", namespace="pay"), path=path("/no-grant")),
    matching(backend("vault", namespace="pay"), path=path("/grant")),
    matching(path=path("/away"), filters=[
        {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]),
    matching(backend("carts-v1"), path=path("/strip"),
             filters=[rewriting(type="ReplacePrefixMatch", replacePrefixMatch="/")]),
    matching(backend("carts-v1"), path=path("/full"),
             filters=[rewriting(type="ReplaceFullPath", replaceFullPath="/x")]),
    matching(backend("carts-v1"), path=path("/modify"), filters=[
        {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-a", "value": "b"}]}}]),
    matching(path=path("/empty")),
    matching(backend("carts-v2", 8099), path=path("/bad-port")),
]  # fmt: skip


def grpc_route():
    def of(backends, **method):
        match = {"method": {"type": "Exact", **method}}
        return {"matches": [match], "backendRefs": backends}

    rules = [
        of([backend("quotes-plain", 5000)], service="quotes.Quotes", method="Get"),
        of([backend("quotes-none", 5000)], service="quotes.Quotes", method="Lost"),
        of([backend("quotes-plain", 5000)], service="quotes.Admin"),
        {
            "matches": [{"headers": named("x-user", "beta")}],
            "backendRefs": [backend("quotes-plain", 5000)],
        },
    ]
    parent = {"group": "", "kind": "Service", "name": "quotes", "port": 5000}
    return rule(GATEWAY_API, "GRPCRoute", "store", "quotes", parentRefs=[parent], rules=rules)


def entry(where, name, hosts, ports, resolution, **spec):
    """`ports`: number -> protocol, or (protocol, target)."""
    listed = []
    for number, protocol in ports.items():
        protocol, target = protocol if isinstance(protocol, tuple) else (protocol, None)
        port = {"number": number, "name": f"{protocol.lower()}-{number}", "protocol": protocol}
        listed.append(port | ({"targetPort": target} if target else {}))
    return istio(
        "ServiceEntry", where, name, hosts=hosts, ports=listed, resolution=resolution, **spec
    )


def entries(outside):
    at = [{"address": outside}]
    by_name = [{"address": "real.partner.example"}]
    return [
        entry("store", "api", ["api.partner.example"], {80: ("HTTP", 8080)}, "STATIC",
              addresses=[HTTP_VIP], endpoints=at),
        entry("store", "tcp", ["tcp.partner.example"], {9100: "TCP"}, "STATIC",
              addresses=[TCP_VIP], endpoints=at),
        entry("store", "empty", ["empty.partner.example"], {80: "HTTP", 9100: "TCP"}, "STATIC",
              addresses=[EMPTY_VIP]),
        entry("store", "dns", ["dns.partner.example"], {80: ("HTTP", 8080)}, "DNS", endpoints=by_name),
        entry("store", "simple", ["simple.partner.example"], {80: ("HTTP", 8443)}, "DNS", endpoints=by_name),
        entry("store", "none", ["none.partner.example"], {8085: "HTTP"}, "NONE"),
        entry("store", "wild", ["*.wild.example"], {80: "HTTP"}, "NONE"),
        entry("store", "tls", ["tls.partner.example"], {443: "TLS"}, "DNS"),
        entry("store", "wildtls", ["*.wildtls.example"], {8443: "TLS"}, "NONE"),
        entry("pay", "hidden", ["hidden.partner.example"], {8080: "HTTP"}, "DNS", exportTo=["."]),
        entry("store", "picked", ["picked.store.example"], {8080: "HTTP"}, "STATIC", location="MESH_INTERNAL",
              workloadSelector={"labels": {"app": "carts"}}, addresses=[PICKED_VIP]),
        istio("DestinationRule", "store", "simple", host="simple.partner.example",
              trafficPolicy={"tls": {"mode": "SIMPLE", "insecureSkipVerify": True}}),
        istio("VirtualService", "store", "api", hosts=["api.partner.example"], http=[
            when(to("api.partner.example"), uri=exact("/abort"),
                 fault={"abort": {"httpStatus": 429, "percentage": {"value": 100}}}),
            when(to("api.partner.example"), uri=prefix("/ok")),
        ]),
    ]  # fmt: skip


def peer(where, name, app, mode, **ports):
    spec = {"selector": {"matchLabels": {"app": app}}, "mtls": {"mode": mode}}
    if ports:
        spec["portLevelMtls"] = {port[1:]: {"mode": mode} for port, mode in ports.items()}
    return rule(SECURITY, "PeerAuthentication", where, name, **spec)


def policy(name, action, *rules, app="vault"):
    selector = {"matchLabels": {"app": app}}
    return rule(
        SECURITY,
        "AuthorizationPolicy",
        "pay",
        name,
        selector=selector,
        action=action,
        rules=list(rules),
    )


def allowed(*paths, methods=(), hosts=(), ports=(), when=(), **source):
    operation = {
        k: list(v)
        for k, v in {"paths": paths, "methods": methods, "hosts": hosts, "ports": ports}.items()
        if v
    }
    return (
        ({"from": [{"source": source}]} if source else {})
        | ({"to": [{"operation": operation}]} if operation else {})
        | ({"when": list(when)} if when else {})
    )


# The public half of a key that nobody has: no token is good.
SOMEBODY = {
    "kty": "EC",
    "kid": "one",
    "crv": "P-256",
    "x": "evDbbRGL9flALSv-_2TKfpACI_fXB4CvwkvOIB4LFlU",
    "y": "rcJvBTFnbqn8LWwvfBqb8Ab-cQqn_BYHeVGBtSRQvz8",
}
WEB_ID = f"{DOMAIN}/ns/store/sa/web"
POLICIES = [
    policy(
        "vault-allow", "ALLOW",
        allowed("/open*", methods=["GET", "POST", "DELETE"], namespaces=["store", "pay", "locked"], ports=["8080"]),
        allowed("/web-only", principals=[WEB_ID]),
        allowed("/not-web", notPrincipals=[WEB_ID], ports=["8080"]),
        allowed("/any-id", principals=["*"]),
        allowed("/key", when=[{"key": "request.headers[x-key]", "values": ["k"]}]),
        allowed("*.html", namespaces=["store"]),
        allowed("/host", hosts=["vault.pay:8080", "vault.pay"]),
        allowed("/address", ipBlocks=["10.244.0.0/16"]),
        allowed("/far", ipBlocks=["10.9.0.0/16"]),
        allowed(ports=["9000"], namespaces=["store"]),
        allowed("/jwt", requestPrincipals=["*"], ports=["8085"]),
        allowed("/free", ports=["8085"]),
    ),
    policy("vault-deny", "DENY", allowed(methods=["DELETE"], ports=["8080"]), allowed("/open/secret", namespaces=["locked"])),
    rule(SECURITY, "RequestAuthentication", "pay", "vault", selector={"matchLabels": {"app": "vault"}},
         jwtRules=[{"issuer": "test", "jwks": json.dumps({"keys": [SOMEBODY]})}]),
    peer("pay", "till", "till", "STRICT", p8081="PERMISSIVE", p8082="DISABLE"),
    peer("store", "quotes", "quotes", "STRICT"),
]  # fmt: skip


def ingress():
    servers = [
        {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["shop.example", "*.apps.example"]},
        {"port": {"number": 80, "name": "http-secure", "protocol": "HTTP"}, "hosts": ["secure.example"],
         "tls": {"httpsRedirect": True}},
        {"port": {"number": 443, "name": "tls", "protocol": "TLS"}, "hosts": ["media.example"],
         "tls": {"mode": "PASSTHROUGH"}},
        {"port": {"number": 9000, "name": "tcp", "protocol": "TCP"}, "hosts": ["*"]},
    ]  # fmt: skip
    listener = {
        "name": "http", "port": 81, "protocol": "HTTP", "hostname": "api.example",
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }  # fmt: skip
    catalog = f"catalog.store.svc.{DOMAIN}"
    media = f"media.store.svc.{DOMAIN}"
    own = [{"name": "api", "namespace": "edge"}]
    return [
        istio("Gateway", "edge", "shop", selector={"istio": "ingress"}, servers=servers),
        istio("VirtualService", "edge", "shop", hosts=["shop.example", "*.apps.example"], gateways=["shop"], http=[
            when(to(catalog, "v1", 80), uri=prefix("/v1")),
            when(to(catalog, "v4", 80), uri=prefix("/v4")),
            when(to(f"till.pay.svc.{DOMAIN}", port=8080), uri=prefix("/till")),
            when(to(f"vault.pay.svc.{DOMAIN}", port=8080), uri=prefix("/vault"), rewrite={"uri": "/open"}),
            when(to(f"archive.depot.svc.{DOMAIN}", port=8080), uri=prefix("/archive")),
            when(uri=prefix("/old"), redirect={"uri": "/v1"}),
            when(to(f"nobody.store.svc.{DOMAIN}", port=8080), uri=prefix("/nobody")),
        ]),
        istio("VirtualService", "edge", "secure", hosts=["secure.example"], gateways=["shop"], http=[
            when(to(catalog, "v1", 80), uri=prefix("/"))]),
        rule(SECURITY, "AuthorizationPolicy", "edge", "edge", selector={"matchLabels": {"istio": "ingress"}},
             action="DENY", rules=[allowed("/denied*")]),
        istio("VirtualService", "edge", "media", hosts=["media.example"], gateways=["shop"], tls=[
            {"match": [{"port": 443, "sniHosts": ["media.example"]}], "route": [to(media, port=8443)]}]),
        istio("VirtualService", "edge", "tcp", hosts=["*"], gateways=["shop"], tcp=[
            {"match": [{"port": 9000}], "route": [to(media, port=9000)]}]),
        rule(GATEWAY_API, "Gateway", "edge", "api", gatewayClassName="istio", listeners=[listener],
             addresses=[{"type": "Hostname", "value": f"ingress.edge.svc.{DOMAIN}"}]),
        rule(GATEWAY_API, "HTTPRoute", "store", "api", parentRefs=own, hostnames=["api.example"], rules=[
            matching(backend("carts-v1"), path=path("/v1")),
            matching(backend("carts-v2"), path=path("/h"), headers=named("x-user", "beta")),
            matching(backend("carts-v9"), path=path("/missing")),
            matching(backend("carts-none"), path=path("/none")),
            matching(path=path("/away"), filters=[
                {"type": "RequestRedirect", "requestRedirect": {"hostname": "b.example"}}]),
        ]),
        # istiod joins it with the HTTPRoute by its name: of two of one name it may lose one.
        rule(GATEWAY_API, "GRPCRoute", "store", "api-grpc", parentRefs=own, hostnames=["api.example"], rules=[
            {"matches": [{"method": {"service": "quotes.Quotes"}}], "backendRefs": [backend("quotes", 5000)]}]),
    ]  # fmt: skip


def rules(outside):
    """Everything that decides about requests; `outside` is the address of the pod of that name."""
    versions = [{"name": v, "labels": {"version": v}} for v in ("v1", "v2", "v3")]
    outlier = {"consecutive5xxErrors": 5, "interval": "10s", "baseEjectionTime": "30s"}
    return [
        istio("DestinationRule", "store", "catalog", host="catalog", subsets=versions,
              trafficPolicy={"outlierDetection": outlier}),
        istio("VirtualService", "store", "catalog", hosts=["catalog"], http=CATALOG),
        istio("VirtualService", "store", "team", http=[
            when(V1, uri=exact("/team/one")), when(uri=prefix("/team/none"), directResponse={"status": 451})]),
        istio("DestinationRule", "store", "carts-v2", host="carts-v2",
              trafficPolicy={"loadBalancer": {"consistentHash": {"httpHeaderName": "x-user"}}}),
        istio("VirtualService", "store", "media", hosts=["media"],
              tcp=[{"match": [{"port": 9000}], "route": [to("media", port=9000)]}],
              tls=[{"match": [{"port": 8443, "sniHosts": ["media.store.svc.cluster.local", "media"]}],
                    "route": [to("media", port=8443)]},
                   {"match": [{"port": 8443, "sniHosts": ["other.example"]}],
                    "route": [to("nobody", port=9001)]}]),
        # A route has 16 rules at most.
        http_route("store", "carts", {"name": "carts", "port": 8080}, *CARTS[:12]),
        http_route("store", "carts-more", {"name": "carts", "port": 8080}, *CARTS[12:]),
        rule("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", "pay", "vault",
             **{"from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "store"}],
                "to": [{"group": "", "kind": "Service", "name": "vault"}]}),
        grpc_route(),
        istio("Sidecar", "locked", "default", outboundTrafficPolicy={"mode": "REGISTRY_ONLY"},
              egress=[{"hosts": ["./*", "store/*", f"pay/till.pay.svc.{DOMAIN}"]}]),
        istio("DestinationRule", "locked", "till", host=f"till.pay.svc.{DOMAIN}", exportTo=["."],
              trafficPolicy={"tls": {"mode": "DISABLE"}}),
        istio("DestinationRule", "pay", "archive", host=f"archive.depot.svc.{DOMAIN}", exportTo=["."],
              trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}}),
        istio("DestinationRule", "pay", "clerk-to-web", host=f"web.store.svc.{DOMAIN}", exportTo=["."],
              trafficPolicy={"tls": {"mode": "SIMPLE"}}),
        *entries(outside), *POLICIES, *ingress(),
    ]  # fmt: skip
