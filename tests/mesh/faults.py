"""What is done to the mesh, one fault at a time, and what has to be said of it.

What happens to the requests is not written here: it is measured.
"""

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field

import api
import kubelet
from asked import Asked
from host import ROOT, inside, run, until
from proxy import Proxy, counter

PRODUCT = "product-service.shop.svc.cluster.local"
OF_PRODUCT = f"outbound|8082||{PRODUCT}"
NETWORKING, SECURITY = "networking.istio.io", "security.istio.io"


@dataclass
class Fault(Asked):
    name: str
    to: str  # as the tool is asked
    source: str = "order-service"
    namespace: str = "shop"  # of the source
    client: str = ""  # who sends, where the source is a gateway
    destination: str = "product-service-v1"  # the pod whose proxy a capture holds; empty: none
    prepare: Callable = lambda: None  # what the objects rest on
    restore: Callable = lambda: None  # what prepare did to the machine is undone
    objects: list = field(default_factory=list)
    scale: str = ""  # the Deployment that is scaled to zero
    holds: Callable = lambda proxy: True  # whether the proxies have it; given the source's, or None
    heat: Callable = lambda proxy, send: True  # what has to happen first; called until true
    path: str = "/"
    method: str = "GET"
    headers: tuple = ()
    tcp: bool = False
    address: Callable | None = None  # of a host that no name service knows
    requests: int = 6
    logged: bool = True  # the requests get as far as the proxy
    finding: str = ""
    blame: tuple = ()  # (kind, namespace, name): a finding names one of these
    at: str = ""  # a field that is named
    spared: tuple = ()  # as blame: none of these is named
    sure: str = ""  # the outcome, where objects decide it and not the proxy


@contextmanager
def imposed(fault, send=lambda: None):
    """The fault, from when the source's proxy holds it until it does not any more."""
    source = kubelet.named(fault.source)
    proxy = Proxy(source) if source["proxy"] else None
    try:
        fault.prepare()
        if fault.objects:
            api.apply(fault.objects)
        if fault.scale:
            scaled(fault.scale, 0)
        until(f"{fault.name}: the proxy holds it", lambda: fault.holds(proxy), 30, 0.2)
        until(f"{fault.name}: nothing goes by what was before", settled, 30, 0.2)
        until(f"{fault.name}: it shows", lambda: fault.heat(proxy, send), 40, 0.2)
        yield
    except SystemExit:  # the whole mesh ends
        raise
    except BaseException:
        undo(fault, proxy)
        raise
    undo(fault, proxy)


def settled():
    """Connections on old filter chains, made before a change, would be served by the old rules."""
    return not any(Proxy(pod).drains() for pod in kubelet.state().values() if pod["proxy"])


def undo(fault, proxy):
    fault.restore()
    if fault.objects:
        api.delete(fault.objects)
    if fault.scale:
        scaled(fault.scale, 1)
    if fault.objects or fault.scale:
        until(f"{fault.name}: the proxy is rid of it", lambda: not fault.holds(proxy), 30, 0.2)


def scaled(name, replicas):
    api.kubectl("scale", "deployment", name, "-n", "shop", f"--replicas={replicas}")
    kubelet.settle()


# --- objects --------------------------------------------------------------------------------


def istio(kind, name, group=NETWORKING, version="v1", **spec):
    return {
        "apiVersion": f"{group}/{version}",
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop"},
        "spec": spec,
    }


def peer_authentication(app, **spec):
    chosen = {"matchLabels": {"app": app}}
    return istio("PeerAuthentication", app, group=SECURITY, selector=chosen, **spec)


def virtual_service(*http):
    return istio("VirtualService", "product-service", hosts=["product-service"], http=list(http))


def subsets(**names):
    listed = [{"name": name, "labels": {"version": version}} for name, version in names.items()]
    return istio("DestinationRule", "product-service", host="product-service", subsets=listed)


def subsets_of_product_by(namespace, name, exported_to=None, **names):
    """Subsets of product-service, by a rule of any namespace."""
    rule = subsets(**names)
    rule["metadata"] = {"name": name, "namespace": namespace}
    rule["spec"]["host"] = PRODUCT
    if exported_to:
        rule["spec"]["exportTo"] = exported_to
    return rule


def to_product(subset=None, **more):
    return {
        "destination": {"host": "product-service"} | ({"subset": subset} if subset else {}),
        **more,
    }


def aborting(status, percent):
    abort = {"httpStatus": status, "percentage": {"value": percent}}
    return virtual_service({"fault": {"abort": abort}, "route": [to_product()]})


API = [{"uri": {"prefix": "/api"}}]
ONLY_ORDERS = {"labels": {"app": "order-service"}}
REGISTRY_ONLY = istio(
    "Sidecar",
    "order-service",
    workloadSelector=ONLY_ORDERS,
    outboundTrafficPolicy={"mode": "REGISTRY_ONLY"},
)
# Of another workload; it comes before the other.
OF_OTHERS = istio(
    "Sidecar",
    "inventory",
    workloadSelector={"labels": {"app": "inventory"}},
    outboundTrafficPolicy={"mode": "REGISTRY_ONLY"},
)
EJECT = istio(
    "DestinationRule",
    "flaky",
    host="flaky",
    trafficPolicy={
        "outlierDetection": {
            "consecutive5xxErrors": 1,
            "interval": "1s",
            "baseEjectionTime": "300s",
            "maxEjectionPercent": 100,
        }
    },
)
# Istio itself sends no active health checks; with them, and no panic routing, nothing is left.
CHECK = istio(
    "EnvoyFilter",
    "check-flaky",
    version="v1alpha3",
    workloadSelector=ONLY_ORDERS,
    configPatches=[
        {
            "applyTo": "CLUSTER",
            "match": {
                "context": "SIDECAR_OUTBOUND",
                "cluster": {"service": "flaky.shop.svc.cluster.local"},
            },
            "patch": {
                "operation": "MERGE",
                "value": {
                    "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
                    "health_checks": [
                        {
                            "timeout": "1s",
                            "interval": "1s",
                            "no_traffic_interval": "1s",
                            "unhealthy_threshold": 1,
                            "healthy_threshold": 1,
                            "http_health_check": {"host": "flaky", "path": "/health"},
                        }
                    ],
                },
            },
        }
    ],
)
STRICT = peer_authentication("product-service", mtls={"mode": "STRICT"})
# Only on a port; another port and another workload have it otherwise.
STRICT_ON_A_PORT = peer_authentication(
    "product-service",
    mtls={"mode": "PERMISSIVE"},
    portLevelMtls={"8082": {"mode": "STRICT"}, "8083": {"mode": "DISABLE"}},
)
STRICT_FOR_OTHERS = peer_authentication("inventory", mtls={"mode": "STRICT"})
NO_TLS = istio(
    "DestinationRule",
    "product-service",
    host="product-service",
    trafficPolicy={"tls": {"mode": "DISABLE"}},
)
ONE_AT_A_TIME = istio(
    "DestinationRule",
    "product-service",
    host="product-service",
    trafficPolicy={"connectionPool": {"http": {"http2MaxRequests": 1}}},
)
FOREIGN = ROOT / "foreign"
OF_THE_MESH = {
    "caCertificates": f"{FOREIGN}/authority",
    "subjectAltNames": ["spiffe://cluster.local/ns/shop/sa/default"],
}
NO_CERTIFICATE = istio(
    "DestinationRule",
    "product-service",
    host="product-service",
    trafficPolicy={"tls": {"mode": "SIMPLE", **OF_THE_MESH}},
)
# Istio lets such a proxy look for the Host among the names.
NAME_OF_THE_HOST = istio(
    "DestinationRule",
    "product-service",
    host="product-service",
    trafficPolicy={"tls": {"mode": "SIMPLE", "caCertificates": f"{FOREIGN}/authority"}},
)
FOREIGN_CERTIFICATE = istio(
    "DestinationRule",
    "product-service",
    host="product-service",
    trafficPolicy={
        "tls": {
            "mode": "MUTUAL",
            "clientCertificate": f"{FOREIGN}/certificate",
            "privateKey": f"{FOREIGN}/key",
            **OF_THE_MESH,
        }
    },
)
OTHER_NAME = istio(
    "DestinationRule",
    "product-service",
    host="product-service",
    trafficPolicy={
        "tls": {
            "mode": "ISTIO_MUTUAL",
            "subjectAltNames": ["spiffe://cluster.local/ns/shop/sa/somebody"],
        }
    },
)
DENY = istio(
    "AuthorizationPolicy",
    "deny-reads",
    group=SECURITY,
    selector={"matchLabels": {"app": "product-service"}},
    action="DENY",
    rules=[{"to": [{"operation": {"methods": ["GET"]}}]}],
)


def of(namespace, thing):
    """The same object in another namespace."""
    return thing | {"metadata": thing["metadata"] | {"namespace": namespace}}


# --- a gateway ------------------------------------------------------------------------------

FRONT = "gateways.networking.istio.io"
WWW = "www.shop.example"
TO_PRODUCT = [{"route": [{"destination": {"host": PRODUCT}}]}]


def front(selector="gate", **server):
    """Istio's Gateway of the pods called gate."""
    usual = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    return of(
        "edge", istio("Gateway", "front", selector={"istio": selector}, servers=[usual | server])
    )


def www(**spec):
    """The VirtualService of the host that outsiders ask for."""
    return istio("VirtualService", "www", hosts=[WWW], http=TO_PRODUCT, **spec)


GATEWAY_API = "gateway.networking.k8s.io"


def public(**listener):
    """The Gateway API's Gateway, of the same pods."""
    usual = {"name": "http", "port": 81, "protocol": "HTTP"}
    address = {"type": "Hostname", "value": "gate.edge.svc.cluster.local"}
    spec = {"gatewayClassName": "istio", "addresses": [address], "listeners": [usual | listener]}
    return of("edge", istio("Gateway", "public", group=GATEWAY_API, **spec))


def attached(**parent):
    """An HTTPRoute of another namespace."""
    usual = {"name": "public", "namespace": "edge"}
    rules = [{"backendRefs": [{"name": "product-service", "port": 8082}]}]
    spec = {"parentRefs": [usual | parent], "hostnames": [WWW], "rules": rules}
    return istio("HTTPRoute", "www", group=GATEWAY_API, **spec)


GATE = {"source": "gate", "namespace": "edge", "client": "cron", "destination": ""}
ALL = {"allowedRoutes": {"namespaces": {"from": "All"}}}


def has_no_route(port):
    """The gateway listens, and has no route for the host."""

    def look(proxy):
        held = json.dumps(proxy.config("dynamic_route_configs", f"http.{port}"))
        return "blackhole" in held and WWW not in held

    return look


def delegating(name, prefix="/api"):
    """A root that hands some requests on."""
    delegate = {"name": name, "namespace": "shop"}
    return virtual_service(
        {"match": API, "delegate": delegate},
        {"match": [{"uri": {"prefix": "/old"}}], "route": [to_product()]},
    )


# A proxy loads the script with the listener, and does not take the listener where it cannot.
SCRIPT = {"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"}
BAD_SCRIPT = istio(
    "EnvoyFilter",
    "bad-script",
    version="v1alpha3",
    workloadSelector=ONLY_ORDERS,
    configPatches=[
        {
            "applyTo": "HTTP_FILTER",
            "match": {"context": "SIDECAR_OUTBOUND"},
            "patch": {
                "operation": "INSERT_BEFORE",
                "value": {
                    "name": "script",
                    "typed_config": SCRIPT
                    | {"default_source_code": {"inline_string": "function ("}},
                },
            },
        }
    ],
)
SIMPLE_TLS = istio(
    "DestinationRule",
    "product-service",
    host="product-service",
    trafficPolicy={"tls": {"mode": "SIMPLE"}},
)
OF_PARTNER = "outbound|8082||partner.example"
PARTNER = istio(
    "ServiceEntry",
    "partner",
    hosts=["partner.example"],
    location="MESH_EXTERNAL",
    ports=[{"number": 8082, "name": "http", "protocol": "HTTP"}],
    resolution="STATIC",
    endpoints=[{"address": "10.244.0.3", "ports": {"http": 9999}}],
)
ANSWER = "function envoy_on_request(handle) handle:respond({[':status'] = '418'}, 'no') end"
ANSWERING_SCRIPT = json.loads(json.dumps(BAD_SCRIPT).replace('"function ("', json.dumps(ANSWER)))
MAINFRAME = "mainframe.legacy.svc.cluster.local"
OF_MAINFRAME = f"outbound|8082||{MAINFRAME}"
IMPATIENT = istio(
    "DestinationRule",
    "mainframe",
    host=MAINFRAME,
    trafficPolicy={"connectionPool": {"tcp": {"connectTimeout": "0.5s"}}},
)
# Nothing here enforces policies of the network: what this one asks for is done by hand.
ONLY_PAYMENT = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "mainframe", "namespace": "legacy"},
    "spec": {
        "podSelector": {"matchLabels": {"app": "mainframe"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [
                    {
                        "namespaceSelector": {
                            "matchLabels": {"kubernetes.io/metadata.name": "billing"}
                        }
                    }
                ],
                "ports": [{"port": 8082}],
            }
        ],
    },
}


def dropping(flag):
    """Whether what comes to the pod's port is dropped: -A from now on, -D no more."""
    rule = ("INPUT", "-p", "tcp", "--dport", "8082", "-j", "DROP")
    return lambda: run(*inside(kubelet.named("mainframe")["netns"], "iptables", flag, *rule))


ONLY_WITH_TOKEN = istio(
    "AuthorizationPolicy",
    "tokens",
    group=SECURITY,
    selector={"matchLabels": {"app": "inventory"}},
    rules=[{"from": [{"source": {"requestPrincipals": ["*"]}}]}],
)
ALLOWS_AN_ORIGIN = istio(
    "VirtualService",
    "inventory",
    hosts=["inventory"],
    http=[
        {
            "corsPolicy": {
                "allowOrigins": [{"exact": "https://app.example/"}],
                "allowMethods": ["GET"],
            },
            "route": [{"destination": {"host": "inventory"}}],
        }
    ],
)


STOCK = "stock.shop.svc.cluster.local"


def stock(target=None, **spec):
    """A Service whose port goes on to this one."""
    port = {"name": "http", "port": 8090} | ({"targetPort": target} if target else {})
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "stock", "namespace": "shop"},
        "spec": {"ports": [port], **spec},
    }


def behind_stock(port="http", **of_endpoint):
    """An endpoint of it that was written by hand: it answers, and no pod of the mesh is there."""
    endpoint = {"addresses": ["10.244.0.14"], "conditions": {"ready": True}, **of_endpoint}
    labels = {"kubernetes.io/service-name": "stock"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "stock-1", "namespace": "shop", "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": port, "port": 8082}],
        "endpoints": [endpoint],
    }


BY_ZONE = istio(
    "DestinationRule",
    "by-zone",
    host=STOCK,
    trafficPolicy={
        "loadBalancer": {
            "localityLbSetting": {"distribute": [{"from": "r1/z1/*", "to": {"r1/z2/*": 100}}]}
        }
    },
)
ENTRY = istio(
    "ServiceEntry",
    "product-dns",
    hosts=[PRODUCT],
    location="MESH_EXTERNAL",
    ports=[{"number": 8082, "name": "http", "protocol": "HTTP"}],
    resolution="STATIC",
    endpoints=[{"address": "10.244.0.3"}],
)


# --- what a proxy shows ---------------------------------------------------------------------


def address_of_stock():
    return api.get("service", "stock", "-n", "shop")["spec"]["clusterIP"]


def knows_stock(proxy):
    return proxy.cluster(f"outbound|8090||{STOCK}") != "[]"


def routes_have(text, port=8082):
    return lambda proxy: text in proxy.routes(port)


def routed_with_cluster(subset):
    """Subset v3 is in the routes, and this one has a cluster."""
    cluster = f"outbound|8082|{subset}|{PRODUCT}"
    return lambda proxy: "|v3|" in proxy.routes(8082) and proxy.cluster(cluster) != "[]"


def all_hosts(cluster, check):
    """Whether there are hosts, and each is so."""

    def look(proxy):
        hosts = proxy.hosts(cluster)
        return bool(hosts) and all(check(host) for host in hosts)

    return look


def marked(why):
    return lambda host: host["health_status"].get(why)


def sending_until(look):
    """Send until it shows: counters are made by traffic."""

    def heat(proxy, send):
        send()
        return look(proxy)

    return heat


def until_nothing_answers(look):
    """As above, and until no application answers any more: the admin endpoint can be ahead of
    the workers (ejections are handed to them once a second), and old connections keep old rules."""

    def heat(proxy, send):
        return all(send()[1] is None for _ in range(6)) and look(proxy)

    return heat


def with_addresses(heat):
    """The address of a new Service leads somewhere in every pod: the proxy may dial it."""

    def look(proxy, send):
        kubelet.settle()
        return heat(proxy, send)

    return look


def a_request_is_held(cluster):
    """One request is under way whose answer takes longer than all that is measured."""
    held = ("curl", "-s", "-m", "60", "-A", "held", "http://product-service:8082/held")

    def counted(proxy):
        return sum(counter(host, "rq_active") for host in proxy.hosts(cluster)) > 0

    def heat(proxy, send):
        if not counted(proxy):
            subprocess.Popen(inside(proxy.pod["netns"], *held, user=kubelet.APP_USER))
            time.sleep(1)
        return counted(proxy)

    return heat


def never_connects(host):
    tried = counter(host, "cx_total")
    return tried > 0 and tried == counter(host, "cx_connect_fail")


def inbound_listeners():
    """What each of B's proxies does with a request that comes in; what drains does not count."""
    proxies = [Proxy(kubelet.named(f"product-service-{version}")) for version in ("v1", "v2")]
    listeners = [
        entry for proxy in proxies for entry in proxy.config("dynamic_listeners", "virtualInbound")
    ]
    return [listener["active_state"] for listener in listeners]


def inbound():
    return [json.dumps(state) for state in inbound_listeners()]


def inbound_of(name):
    return json.dumps(Proxy(kubelet.named(name)).config("dynamic_listeners", "virtualInbound"))


def denied(_):
    return all("policy[deny-reads]" in text for text in inbound())


def strict(_):
    """Neither takes plain text."""
    return not any('"transport_protocol": "raw_buffer"' in text for text in inbound())


def plain_to_a_strict_port(proxy):
    """Other ports take plain text: theirs are other chains."""
    chains = [
        chain for state in inbound_listeners() for chain in state["listener"]["filter_chains"]
    ]
    matches = [chain.get("filter_chain_match", {}) for chain in chains]
    own = [match for match in matches if match.get("destination_port") == 8082]
    plain = [match for match in own if match.get("transport_protocol") == "raw_buffer"]
    return own and not plain and "tlsMode" not in proxy.cluster(f"outbound|8082||{PRODUCT}")


def plain_to_strict(proxy):
    return strict(proxy) and "tlsMode" not in proxy.cluster(f"outbound|8082||{PRODUCT}")


def own_tls_to_strict(text):
    """A's proxy goes by a rule of its own, and B's takes mutual TLS only."""

    def look(proxy):
        cluster = proxy.cluster(f"outbound|8082||{PRODUCT}")
        return strict(proxy) and "tlsMode" not in cluster and text in cluster

    return look


def foreign_certificate():
    """A client certificate that no authority of the mesh has signed, and the mesh's own authority,
    where A's proxy can read them."""
    FOREIGN.mkdir(exist_ok=True)
    make = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"]
    make += ["ec_paramgen_curve:P-256", "-subj", "/O=foreign", "-days", "30"]
    run(*make, "-keyout", FOREIGN / "key", "-out", FOREIGN / "certificate")
    root = api.kubectl(
        "get", "configmap", "istio-ca-root-cert", "-n", "shop", "-o", r"jsonpath={.data.root-cert\.pem}"
    )  # fmt: skip
    (FOREIGN / "authority").write_text(root)
    run("chown", "-R", f"{kubelet.PROXY_USER}", FOREIGN)


FLAKY = "outbound|8087||flaky.shop.svc.cluster.local"
REPORT = "outbound|8083||report.shop.svc.cluster.local"
INVENTORY = "outbound|8084||inventory.shop.svc.cluster.local"
VS = ("VirtualService", "shop", "product-service")
DR = ("DestinationRule", "shop", "product-service")
PEER = ("PeerAuthentication", "shop", "product-service")
OWNERS = ("Service", "Deployment", "Pod", "EndpointSlice")


def owned(name):
    """Any object of an application may be named."""
    return tuple((kind, "shop", name) for kind in OWNERS)


def elsewhere():
    """The address of something that answers on 8082 and is outside the mesh."""
    return kubelet.named("mainframe")["address"]


FAULTS = [
    Fault("healthy", "product-service:8082"),
    Fault("healthy-other-namespace", "payment.billing:8080", destination="payment"),
    Fault("healthy-auto-detected", "search:8085", destination="search"),
    Fault("healthy-tcp", "ledger:9000", destination="ledger", tcp=True),
    Fault(
        "subset-not-defined",
        "product-service:8082",
        objects=[subsets(v1="v1", v2="v2"), virtual_service({"route": [to_product("v3")]})],
        holds=routes_have("|v3|"),
        finding="subset-not-defined",
        blame=(VS, DR),
    ),
    Fault(
        "half-subset-not-defined",
        "product-service:8082",
        objects=[
            subsets(v1="v1"),
            virtual_service({"route": [to_product("v1", weight=50), to_product("v3", weight=50)]}),
        ],
        holds=routed_with_cluster("v1"),
        requests=40,
        finding="subset-not-defined",
        blame=(VS, DR),
    ),
    Fault(
        "subset-of-a-hidden-rule",
        "product-service:8082",
        objects=[
            subsets(v1="v1"),
            subsets_of_product_by("istio-system", "everybody", v2="v2"),
            virtual_service({"route": [to_product("v2")]}),
        ],
        holds=routes_have("|v2|"),
        finding="subset-not-defined",
        blame=(DR, ("DestinationRule", "istio-system", "everybody")),
    ),
    Fault(
        "subset-of-a-rule-elsewhere",
        "product-service:8082",
        objects=[
            subsets_of_product_by("edge", "product", v2="v2"),
            virtual_service({"route": [to_product("v2")]}),
        ],
        holds=routes_have("|v2|"),
        finding="subset-not-defined",
        blame=(("DestinationRule", "edge", "product"),),
    ),
    Fault(
        "subset-of-a-rule-not-exported",
        "product-service:8082",
        objects=[
            subsets_of_product_by("istio-system", "everybody", exported_to=["."], v2="v2"),
            virtual_service({"route": [to_product("v2")]}),
        ],
        holds=routes_have("|v2|"),
        finding="subset-not-defined",
        blame=(("DestinationRule", "istio-system", "everybody"),),
        at="spec.exportTo",
    ),
    Fault(
        "virtual-service-ignored",
        "product-service:8082",
        objects=[
            virtual_service({"match": API, "route": [to_product()]}),
            istio(
                "VirtualService",
                "product-spare",  # of two that came at once the first by name counts
                hosts=["product-service"],
                http=[{"route": [to_product()]}],
            ),
        ],
        holds=routes_have("/api"),
        finding="virtual-service-ignored",
        blame=(VS, ("VirtualService", "shop", "product-spare")),
        at="spec.http",
    ),
    Fault(
        "two-subsets-fail",  # the one that most requests meet comes first, whatever the stage
        "product-service:8082",
        destination="",
        objects=[
            subsets(v4="v4"),
            virtual_service({"route": [to_product("v4", weight=70), to_product("v3", weight=30)]}),
        ],
        holds=routed_with_cluster("v4"),
        requests=40,
        finding="subset-selects-no-pods",
        blame=(DR,),
    ),
    Fault(
        "subset-selects-no-pods",
        "product-service:8082",
        objects=[subsets(v3="v3"), virtual_service({"route": [to_product("v3")]})],
        holds=routed_with_cluster("v3"),
        finding="subset-selects-no-pods",
        blame=(DR,),
    ),
    Fault(
        "no-route-matched",
        "product-service:8082",
        objects=[virtual_service({"match": API, "route": [to_product()]})],
        holds=routes_have('"/api"'),
        finding="no-route-matched",
        blame=(VS,),
    ),
    Fault(
        "endpoints-of-other-nodes",
        "stock:8090",
        destination="",
        address=address_of_stock,
        objects=[stock(internalTrafficPolicy="Local"), behind_stock(nodeName="node-1")],
        holds=knows_stock,
        finding="endpoints-of-other-nodes",
        blame=(("Service", "shop", "stock"),),
    ),
    Fault(
        "endpoints-of-other-localities",
        "stock:8090",
        destination="",
        address=address_of_stock,
        objects=[stock(), behind_stock(), BY_ZONE],
        holds=lambda proxy: "by-zone" in proxy.cluster(f"outbound|8090||{STOCK}"),
        finding="endpoints-of-other-localities",
        blame=(("DestinationRule", "shop", "by-zone"),),
    ),
    Fault(
        "target-port-of-no-pod",
        "stock:8090",
        destination="",
        address=address_of_stock,
        objects=[stock("web", selector={"app": "inventory"})],
        holds=knows_stock,
        finding="port-without-endpoints",
        blame=(("Service", "shop", "stock"),),
        at="spec.ports[0].targetPort",
    ),
    Fault(
        "port-of-no-slice",
        "stock:8090",
        destination="",
        address=address_of_stock,
        objects=[stock(), behind_stock(port="web")],
        holds=knows_stock,
        finding="port-without-endpoints",
        blame=(("EndpointSlice", "shop", "stock-1"),),
    ),
    Fault(
        "endpoints-by-hand",
        "stock:8090",
        destination="",
        address=address_of_stock,
        objects=[stock(internalTrafficPolicy="Cluster"), behind_stock(nodeName="node-1")],
        holds=knows_stock,
    ),
    Fault(
        "service-entry-of-a-service",
        "product-service:8082",
        objects=[STRICT, ENTRY],
        holds=strict,
        heat=until_nothing_answers(lambda proxy: True),
        finding="mtls-required",
        blame=(("ServiceEntry", "shop", "product-dns"),),
        spared=(("DestinationRule", "shop", "product-service"),),
    ),
    Fault(
        "fault-abort",
        "product-service:8082",
        objects=[aborting(503, 100)],
        holds=routes_have("envoy.filters.http.fault"),
        blame=(VS,),
    ),
    Fault(
        "fault-abort-half",
        "product-service:8082",
        objects=[aborting(418, 50)],
        holds=routes_have("envoy.filters.http.fault"),
        requests=40,
        blame=(VS,),
    ),
    Fault(
        "redirect",
        "product-service:8082",
        objects=[virtual_service({"redirect": {"uri": "/moved", "redirectCode": 302}})],
        holds=routes_have("/moved"),
        finding="route-redirects",
        blame=(VS,),
    ),
    Fault(
        "direct-response",
        "product-service:8082",
        objects=[virtual_service({"directResponse": {"status": 410, "body": {"string": "gone"}}})],
        holds=routes_have('"status": 410'),
        finding="route-answers-itself",
        blame=(VS,),
    ),
    Fault(
        "circuit-breaker-full",
        "product-service:8082",
        objects=[ONE_AT_A_TIME],
        holds=lambda proxy: '"max_requests": 1' in proxy.cluster(OF_PRODUCT),
        heat=a_request_is_held(OF_PRODUCT),
        blame=(DR,),
        at="spec.trafficPolicy.connectionPool.http.http2MaxRequests",
    ),
    Fault(
        "denied-by-policy",
        "product-service:8082",
        objects=[DENY],
        holds=denied,
        heat=until_nothing_answers(lambda _: True),
        blame=(("AuthorizationPolicy", "shop", "deny-reads"),),
    ),
    Fault(
        "plain-text-to-strict",
        "product-service:8082",
        objects=[STRICT, NO_TLS],
        holds=plain_to_strict,
        heat=until_nothing_answers(lambda _: True),
        blame=(DR, PEER),
    ),
    Fault(
        "plain-text-to-a-strict-port",
        "product-service:8082",
        objects=[STRICT_ON_A_PORT, STRICT_FOR_OTHERS, NO_TLS],
        holds=plain_to_a_strict_port,
        heat=until_nothing_answers(lambda _: True),
        finding="mtls-required",
        blame=(PEER,),
        at="spec.portLevelMtls.8082.mode",
        spared=(("PeerAuthentication", "shop", "inventory"),),
    ),
    Fault(
        "client-without-a-certificate",
        "product-service:8082",
        prepare=foreign_certificate,
        objects=[STRICT, NO_CERTIFICATE],
        holds=own_tls_to_strict("UpstreamTlsContext"),
        heat=until_nothing_answers(lambda _: True),
        finding="certificate-not-accepted",
        blame=(DR, PEER),
    ),
    Fault(
        "certificate-without-the-host",
        "product-service:8082",
        prepare=foreign_certificate,
        objects=[STRICT, NAME_OF_THE_HOST],
        holds=own_tls_to_strict("auto_san_validation"),
        heat=until_nothing_answers(lambda _: True),
        finding="certificate-not-accepted",
        blame=(DR,),
    ),
    Fault(
        "client-certificate-of-a-foreign-authority",
        "product-service:8082",
        prepare=foreign_certificate,
        objects=[STRICT, FOREIGN_CERTIFICATE],
        holds=own_tls_to_strict("file-cert"),
        heat=until_nothing_answers(lambda _: True),
        finding="certificate-not-accepted",
        blame=(DR, PEER),
    ),
    Fault(
        "certificate-of-another-name",
        "product-service:8082",
        objects=[OTHER_NAME],
        holds=lambda proxy: "sa/somebody" in proxy.cluster(f"outbound|8082||{PRODUCT}"),
        finding="certificate-of-another-name",
        blame=(DR,),
    ),
    Fault(
        "strict-and-no-proxy",
        "product-service.shop:8082",
        source="cron",
        namespace="legacy",
        objects=[STRICT],
        holds=strict,
        heat=until_nothing_answers(lambda _: True),
        blame=(PEER, ("Pod", "legacy", "cron"), ("Deployment", "legacy", "cron")),
    ),
    Fault(
        "app-not-listening",
        "mailer:8086",
        destination="mailer",
        finding="application-does-not-listen",
        blame=owned("mailer"),
        heat=sending_until(lambda _: True),
    ),
    Fault(
        "no-such-port",
        "product-service:9999",
        requests=1,
        finding="no-such-port",
        sure="fails",
        blame=(("Service", "shop", "product-service"),),
    ),
    Fault(
        "no-such-service",
        "produkt-service:8082",
        destination="",
        requests=1,
        logged=False,
        finding="no-such-service",
        sure="fails",
    ),
    Fault(
        "registry-only",
        "warehouse.example:8082",
        destination="",
        address=elsewhere,
        objects=[OF_OTHERS, REGISTRY_ONLY],
        holds=routes_have("block_all"),
        finding="registry-only",
        blame=(("Sidecar", "shop", "order-service"),),
        spared=(("Sidecar", "shop", "inventory"),),
    ),
    Fault(
        "registry-only-tcp",
        "{mainframe}:7000",
        destination="",
        objects=[REGISTRY_ONLY],
        holds=routes_have("block_all"),
        finding="registry-only",
        blame=(("Sidecar", "shop", "order-service"),),
    ),
    Fault(
        "passthrough",
        "warehouse.example:8082",
        destination="",
        address=elsewhere,
        finding="unknown-host-passthrough",
    ),
    Fault(
        "connection-refused",
        "report:8083",
        destination="",
        heat=sending_until(all_hosts(REPORT, never_connects)),
        finding="connections-fail",
        blame=owned("report"),
    ),
    Fault(
        "all-ejected",
        "flaky:8087",
        destination="flaky",
        objects=[EJECT],
        holds=lambda proxy: '"max_ejection_percent": 100' in proxy.cluster(FLAKY),
        heat=until_nothing_answers(all_hosts(FLAKY, marked("failed_outlier_check"))),
        finding="all-endpoints-ejected",
        blame=(*owned("flaky"), ("DestinationRule", "shop", "flaky")),
    ),
    Fault(
        "all-unhealthy",
        "flaky:8087",
        destination="flaky",
        objects=[CHECK],
        holds=all_hosts(FLAKY, marked("failed_active_health_check")),
        finding="all-endpoints-unhealthy",
        blame=(*owned("flaky"), ("EnvoyFilter", "shop", "check-flaky")),
    ),
    Fault(
        "scaled-to-zero",
        "inventory:8084",
        destination="",
        scale="inventory",
        holds=lambda proxy: not proxy.hosts(INVENTORY),
        finding="no-endpoints",
        blame=owned("inventory"),
    ),
    Fault(
        "virtual-service-of-no-gateway",
        f"{WWW}:80",
        **GATE,
        objects=[front(), www()],
        holds=has_no_route(8080),
        finding="virtual-service-not-bound",
        blame=(("VirtualService", "shop", "www"),),
        at="spec.gateways",
    ),
    Fault(
        "virtual-service-of-a-missing-gateway",
        f"{WWW}:80",
        **GATE,
        objects=[front(), www(gateways=["front"])],
        holds=has_no_route(8080),
        finding="virtual-service-not-bound",
        blame=(("VirtualService", "shop", "www"),),
        at="spec.gateways[0]",
    ),
    Fault(
        "gateway-of-another-host",
        f"{WWW}:80",
        **GATE,
        objects=[front(hosts=["shop.example"]), www(gateways=["edge/front"])],
        holds=has_no_route(8080),
        finding="virtual-service-not-bound",
        blame=(("Gateway", "edge", "front"),),
        at="spec.servers[0].hosts",
    ),
    Fault(
        "gateway-of-other-pods",
        f"{WWW}:80",
        **GATE,
        objects=[front("gateway"), www(gateways=["edge/front"])],
        # It is for other pods: this proxy shows nothing of it.
        holds=lambda proxy: "front" in api.kubectl("get", FRONT, "-n", "edge", "-o", "name"),
        heat=until_nothing_answers(lambda proxy: True),
        logged=False,
        finding="virtual-service-not-bound",
        blame=(("Gateway", "edge", "front"),),
        at="spec.selector",
    ),
    Fault(
        "http-route-of-another-namespace",
        f"{WWW}:81",
        **GATE,
        objects=[public(), attached()],
        holds=has_no_route(8081),
        finding="route-not-attached",
        blame=(("Gateway", "edge", "public"),),
        at="spec.listeners[0].allowedRoutes.namespaces.from",
    ),
    Fault(
        "http-route-of-a-missing-listener",
        f"{WWW}:81",
        **GATE,
        objects=[public(**ALL), attached(sectionName="web")],
        holds=has_no_route(8081),
        finding="route-not-attached",
        blame=(("HTTPRoute", "shop", "www"),),
        at="spec.parentRefs[0].sectionName",
    ),
    Fault(
        "http-route-of-another-host",
        f"{WWW}:81",
        **GATE,
        objects=[public(hostname="shop.example", **ALL), attached()],
        holds=has_no_route(8081),
        finding="route-not-attached",
        blame=(("Gateway", "edge", "public"),),
        at="spec.listeners[0].hostname",
    ),
    Fault(
        "http-route",
        f"{WWW}:81",
        **GATE,
        objects=[public(**ALL), attached()],
        holds=lambda proxy: WWW in json.dumps(proxy.config("dynamic_route_configs", "http.8081")),
    ),
    Fault(
        "delegate-not-there",
        "product-service:8082",
        path="/api/7",
        objects=[delegating("product-api")],
        holds=routes_have("/old"),
        finding="delegate-not-found",
        blame=(VS,),
        at="spec.http[0].delegate.name",
    ),
    Fault(
        "delegate-outside-its-root",
        "product-service:8082",
        path="/api/7",
        objects=[
            delegating("product-api"),
            istio(
                "VirtualService",
                "product-api",
                http=[{"match": [{"uri": {"prefix": "/items"}}], "route": [to_product()]}],
            ),
        ],
        holds=routes_have("/old"),
        finding="delegate-outside-its-root",
        blame=(("VirtualService", "shop", "product-api"),),
        at="spec.http[0].match[0].uri.prefix",
    ),
    Fault(
        "preflight-of-an-origin-with-a-slash",
        "inventory:8084",
        destination="inventory",
        method="OPTIONS",
        headers=("Origin: https://app.example", "Access-Control-Request-Method: GET"),
        objects=[ONLY_WITH_TOKEN, ALLOWS_AN_ORIGIN],
        holds=lambda proxy: (
            routes_have("app.example", 8084)(proxy) and "policy[tokens]" in inbound_of("inventory")
        ),
        heat=until_nothing_answers(lambda proxy: True),
        finding="preflight-not-answered",
        blame=(("VirtualService", "shop", "inventory"),),
        at="spec.http[0].corsPolicy.allowOrigins[0].exact",
    ),
    Fault(
        "listener-rejected",
        "stock:8090",
        destination="inventory",
        address=address_of_stock,
        objects=[
            peer_authentication("inventory", mtls={"mode": "STRICT"}),
            BAD_SCRIPT,
            stock(8084, selector={"app": "inventory"}),
        ],
        holds=lambda proxy: (
            '"error_state"' in json.dumps(proxy.config("dynamic_listeners", "0.0.0.0_8090"))
        ),
        heat=with_addresses(until_nothing_answers(lambda proxy: True)),
        finding="listener-rejected",
        blame=(("EnvoyFilter", "shop", "bad-script"),),
    ),
    Fault(
        "update-rejected",
        "product-service:8082",
        objects=[BAD_SCRIPT],
        holds=lambda proxy: (
            '"error_state"' in json.dumps(proxy.config("dynamic_listeners", "0.0.0.0_8082"))
        ),
    ),
    Fault(
        "network-policy",
        "mainframe.legacy:8082",
        destination="",
        prepare=dropping("-A"),
        restore=dropping("-D"),
        objects=[IMPATIENT, ONLY_PAYMENT],
        holds=lambda proxy: '"0.500s"' in proxy.cluster(OF_MAINFRAME),
        heat=sending_until(all_hosts(OF_MAINFRAME, never_connects)),
        finding="network-policy-in-the-way",
        blame=(("NetworkPolicy", "legacy", "mainframe"),),
    ),
    Fault(
        "tls-of-the-rule",
        "product-service:8082",
        objects=[SIMPLE_TLS],
        holds=lambda proxy: '"transport_socket_matches"' not in proxy.cluster(OF_PRODUCT),
        heat=sending_until(all_hosts(OF_PRODUCT, never_connects)),
        finding="tls-of-the-rule-fails",
        blame=(DR,),
        at="spec.trafficPolicy.tls",
    ),
    Fault(
        "tcp-port-of-an-http-application",
        "stock:8090",
        destination="inventory",
        address=address_of_stock,
        objects=[
            stock()
            | {
                "spec": {
                    "selector": {"app": "inventory"},
                    "ports": [{"name": "tcp", "port": 8090, "targetPort": 8084}],
                }
            }
        ],
        holds=knows_stock,
    ),
    Fault(
        "service-entry-of-a-dead-port",
        "partner.example:8082",
        destination="",
        address=elsewhere,
        objects=[PARTNER],
        holds=lambda proxy: "partner.example" in proxy.cluster(OF_PARTNER),
        heat=sending_until(lambda _: True),
        finding="application-does-not-listen",
        blame=(("ServiceEntry", "shop", "partner"),),
        at="spec.endpoints",
    ),
    Fault(
        "script-answers",
        "product-service:8082",
        objects=[ANSWERING_SCRIPT],
        holds=lambda proxy: "418" in json.dumps(proxy.config("dynamic_listeners", "0.0.0.0_8082")),
        heat=until_nothing_answers(lambda proxy: True),
        finding="filter-of-an-envoy-filter",
        sure="unknown",
        blame=(("EnvoyFilter", "shop", "bad-script"),),
    ),
    Fault("no-proxy", "product-service.shop:8082", source="cron", namespace="legacy"),
    Fault(
        "no-proxies",
        "mainframe:8082",
        source="cron",
        namespace="legacy",
        destination="",
        sure="unknown",
    ),
]
