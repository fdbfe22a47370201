"""The shop with rules of every kind, and nothing wrong with any: what `mutations.py` changes.

Every question of `QUESTIONS` is answered by its application. Each says which objects it goes by.
"""

import json

from shapes import GATEWAY_API, WWW
from pairs import Pair, header
from shop import GATE, SHOP
from wide import SECURITY as AUTH
from wide import SOMEBODY, allowed, backend, entry, exact, matching, path, prefix, rule, to, when
from wide import istio as rule_of

PARTNER_VIP = "240.10.1.1"
PAYMENT = "payment.billing.svc.cluster.local"
MAINFRAME = "mainframe.legacy.svc.cluster.local"
PRODUCT = "product-service.shop.svc.cluster.local"
ORDERS = "cluster.local/ns/shop/sa/default"
API_HOST = "api.shop.example"
GATEWAY_API = f"{GATEWAY_API}/v1"


def product(subset, **more):
    return to("product-service", subset, port=8082, **more)


def of_app(name):
    return {"matchLabels": {"app": name}}


def policy(kind, where, name, app, **spec):
    return rule(AUTH, kind, where, name, selector=of_app(app), **spec)


PRODUCTS = [
    when(product("v1"), uri=prefix("/api"), method=exact("GET"), name="api", timeout="5s",
         retries={"attempts": 2, "perTryTimeout": "2s", "retryOn": "5xx"}),
    when(product("v2"), uri=exact("/old"), rewrite={"uri": "/new"}),
    when(product("v2", headers={"request": {"set": {"x-seen": "1"}}}), headers={"x-user": exact("beta")}),
    when(product("v1", weight=50), product("v2", weight=50)),
]  # fmt: skip
SUBSETS = [
    {"name": "v1", "labels": {"version": "v1"}},
    {"name": "v2", "labels": {"version": "v2"}, "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}}},
]  # fmt: skip
POOL = {
    "tcp": {"connectTimeout": "3s"},
    "http": {"http2MaxRequests": 100, "http1MaxPendingRequests": 100},
}


def rules(outside):
    """Everything that decides about requests; `outside` is the address of the partner."""
    return [validated(one) for one in objects(outside)]


def validated(one):
    """As in a cluster of everybody's: istiod's webhook looks at what bears its revision."""
    if "istio.io" not in one["apiVersion"]:
        return one
    return one | {"metadata": one["metadata"] | {"labels": {"istio.io/rev": "default"}}}


def objects(outside):
    gate = {"istio": "gate"}
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": [WWW]}
    listener = {
        "name": "http", "port": 81, "protocol": "HTTP", "hostname": API_HOST,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }  # fmt: skip
    address = {"type": "Hostname", "value": "gate.edge.svc.cluster.local"}
    grant = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "shop"}
    return [
        rule_of("VirtualService", "shop", "product-service", hosts=["product-service"], http=PRODUCTS),
        rule_of("DestinationRule", "shop", "product-service", host="product-service", subsets=SUBSETS,
                trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}, "connectionPool": POOL}),
        rule(AUTH, "PeerAuthentication", "shop", "default", mtls={"mode": "STRICT"}),
        policy("PeerAuthentication", "billing", "payment", "payment", mtls={"mode": "STRICT"},
               portLevelMtls={"8080": {"mode": "PERMISSIVE"}}),
        policy("AuthorizationPolicy", "shop", "inventory", "inventory", action="ALLOW", rules=[
            allowed("/stock*", "/free", methods=["GET", "HEAD"], ports=["8084"], principals=[ORDERS]),
            allowed(when=[{"key": "request.headers[x-key]", "values": ["k"]}], namespaces=["shop"])]),
        policy("AuthorizationPolicy", "shop", "ledger", "ledger", action="ALLOW", rules=[
            allowed(ports=["9000"], namespaces=["shop"])]),
        policy("AuthorizationPolicy", "shop", "product-admin", "product-service", action="DENY", rules=[
            allowed("/admin*"), allowed(methods=["DELETE"])]),
        policy("RequestAuthentication", "shop", "inventory", "inventory", jwtRules=[
            {"issuer": "test", "jwks": json.dumps({"keys": [SOMEBODY]})}]),
        rule_of("Sidecar", "shop", "default", outboundTrafficPolicy={"mode": "REGISTRY_ONLY"},
                egress=[{"hosts": ["./*", "billing/*", f"legacy/{MAINFRAME}", "istio-system/*"]}]),
        entry("shop", "partner", ["partner.example"], {8082: "HTTP"}, "STATIC", location="MESH_EXTERNAL",
              addresses=[PARTNER_VIP], endpoints=[{"address": outside}], exportTo=["."]),
        rule_of("VirtualService", "shop", "partner", hosts=["partner.example"], http=[
            when(to("partner.example", port=8082), uri=prefix("/v1"), timeout="4s")]),
        rule_of("DestinationRule", "shop", "mainframe", host=MAINFRAME, trafficPolicy={"tls": {"mode": "DISABLE"}}),
        rule_of("DestinationRule", "billing", "payment", host=PAYMENT, exportTo=["*"],
                trafficPolicy={"loadBalancer": {"simple": "LEAST_REQUEST"}}),
        rule_of("Gateway", "edge", "front", selector=gate, servers=[server]),
        rule_of("VirtualService", "shop", "www", hosts=[WWW], gateways=["edge/front"], http=[
            when(to(PRODUCT, "v1", port=8082), uri=prefix("/shop"), rewrite={"uri": "/"}),
            when(to(PAYMENT, port=8080), uri=prefix("/pay"))]),
        rule(GATEWAY_API, "Gateway", "edge", "public", gatewayClassName="istio", addresses=[address],
             listeners=[listener]),
        rule(GATEWAY_API, "HTTPRoute", "shop", "api", hostnames=[API_HOST],
             parentRefs=[{"name": "public", "namespace": "edge", "sectionName": "http"}], rules=[
            matching(backend("payment", 8080, namespace="billing"), path=path("/pay")),
            matching(backend("search", 8085), path=path("/find"), method="GET")]),
        rule("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", "billing", "payment",
             **{"from": [grant], "to": [{"group": "", "kind": "Service", "name": "payment"}]}),
        rule(GATEWAY_API, "HTTPRoute", "shop", "search",
             parentRefs=[{"group": "", "kind": "Service", "name": "search", "port": 8085}], rules=[
            matching(backend("search", 8085), path=path("/find")),
            matching(backend("search", 8085, weight=1), backend("inventory", 8084, weight=0), path=path("/all"))]),
        *(one for one in SHOP if one["kind"] == "Service" and one["metadata"]["name"] in SERVICES),
        GATE,
    ]  # fmt: skip


SERVICES = ("product-service", "inventory", "ledger", "search", "payment", "mainframe")


def asks(source, target, where="/", by=(), **more):
    """A question, and the names of the objects that it goes by."""
    pair = Pair("mutations", source, target, where, spoken=True, **more)
    return pair, frozenset((*by, "default"))


EACH_OF_TWO = {"times": 30}
QUESTIONS = [
    asks("order-service", "product-service:8082", "/api/7", ("product-service", "product-admin")),
    asks("order-service", "product-service:8082", "/old", ("product-service", "product-admin")),
    asks("order-service", "product-service:8082", "/", ("product-service", "product-admin"), **EACH_OF_TWO),
    asks("order-service", "product-service:8082", "/", ("product-service", "product-admin"),
         headers=header(x_user="beta")),
    asks("order-service", "inventory:8084", "/stock/7", ("inventory",)),
    asks("order-service", "inventory:8084", "/other", ("inventory",), method="POST", headers=header(x_key="k")),
    asks("order-service", "ledger:9000", by=("ledger",), speaks="tcp"),
    asks("order-service", "payment.billing:8080", by=("payment",)),
    asks("order-service", "search:8085", "/find/me", ("search",)),
    asks("order-service", "search:8085", "/all", ("search",)),
    asks("order-service", "mainframe.legacy:8082", by=("mainframe",)),
    asks("order-service", "partner.example:8082", "/v1/x", ("partner",), dialed=PARTNER_VIP),
    asks("cron", "payment.billing:8080", by=("payment",)),
    asks("gate", f"{WWW}:80", "/shop/7", ("front", "www", "gate", "product-service", "product-admin")),
    asks("gate", f"{WWW}:80", "/pay", ("front", "www", "gate", "payment")),
    asks("gate", f"{API_HOST}:81", "/pay", ("public", "api", "gate", "payment")),
    asks("gate", f"{API_HOST}:81", "/find", ("public", "api", "gate", "search")),
]  # fmt: skip
