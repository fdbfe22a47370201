"""The objects that faults are made of, and how a proxy shows that it has them."""

import json
import os
import signal
import subprocess
import time

import api
import kubelet
from host import ROOT, inside, pid_of, run, until
from proxy import Proxy, counter

PRODUCT = "product-service.shop.svc.cluster.local"
OF_PRODUCT = f"outbound|8082||{PRODUCT}"
NETWORKING, SECURITY = "networking.istio.io", "security.istio.io"


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


def admitted(policy):
    """What a changed policy lets in passes from now on; what it returns drops it again."""
    froms = [one for rule in policy["spec"].get("ingress", []) for one in rule.get("from", [])]
    selectors = [one.get("namespaceSelector", {}).get("matchLabels") for one in froms]
    if {"kubernetes.io/metadata.name": "shop"} not in selectors:
        return lambda: None
    dropping("-D")()
    return dropping("-A")


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
OF_STOCK = f"outbound|8090||{STOCK}"


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


def told_no_more(name, *objects):
    """The pod's agent stands still once its proxy has these: istiod's updates do not come any more."""

    def prepare():
        api.apply(objects)
        proxy = Proxy(kubelet.named(name))
        until(f"{name} has what was before", lambda: proxy.hosts(OF_STOCK), 30, 0.2)
        os.kill(pid_of(proxy.pod["proxy"]), signal.SIGSTOP)

    return prepare


def told_again(name):
    return lambda: os.kill(pid_of(kubelet.named(name)["proxy"]), signal.SIGCONT)


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
