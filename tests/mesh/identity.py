"""Faults of who may: mutual TLS, policies, tokens."""

import json

from fault import Fault
from shapes import (
    DR,
    MAINFRAME,
    NO_TLS,
    PEER,
    PRODUCT,
    SECURITY,
    STRICT,
    istio,
    of,
    peer_authentication,
    stock,
)
from wide import SOMEBODY

POLICY = ("AuthorizationPolicy", "shop", "who")
RULE = "spec.rules[0]"
ORDERS = "cluster.local/ns/shop/sa/default"
CRON = {"source": "cron", "namespace": "legacy"}


def policy(*rules, action="ALLOW", app="product-service", **spec):
    selector = {"selector": {"matchLabels": {"app": app}}} if app else {}
    return istio(
        "AuthorizationPolicy",
        "who",
        group=SECURITY,
        action=action,
        **selector,
        **({"rules": list(rules)} if rules else {}),
        **spec,
    )


def from_(**source):
    return {"from": [{"source": source}]}


def to(**operation):
    return {"to": [{"operation": operation}]}


def denied(name, *objects, **more):
    """A fault of a policy of the product service."""
    return Fault(
        name, "product-service:8082", objects=list(objects), **{"blame": (POLICY,), **more}
    )


def mutual(host, mode="ISTIO_MUTUAL", name="product-service", where="shop", **spec):
    policy = {"trafficPolicy": {"tls": {"mode": mode}}}
    return of(where, istio("DestinationRule", name, host=host, **(policy | spec)))


def peers(where, mode, name="default", **spec):
    """A PeerAuthentication of a namespace, or of the mesh."""
    return of(where, istio("PeerAuthentication", name, group=SECURITY, mtls={"mode": mode}, **spec))


TOKENS = istio(
    "RequestAuthentication",
    "tokens",
    group=SECURITY,
    selector={"matchLabels": {"app": "product-service"}},
    jwtRules=[{"issuer": "test", "jwks": json.dumps({"keys": [SOMEBODY]})}],
)
BEHIND = stock(8084, selector={"app": "inventory"})
SOURCE, OPERATION = f"{RULE}.from[0].source", f"{RULE}.to[0].operation"
IDENTITY = [
    denied(
        "principal-of-another-account",
        policy(from_(principals=["cluster.local/ns/shop/sa/orders"])),
        at=f"{SOURCE}.principals",
    ),
    denied(
        "principal-written-as-a-url",
        policy(from_(principals=[f"spiffe://{ORDERS}"])),
        at=f"{SOURCE}.principals",
    ),
    denied(
        "namespace-of-another-client-allowed",
        policy(from_(namespaces=["billing"])),
        at=f"{SOURCE}.namespaces",
    ),
    denied("method-not-allowed", policy(to(methods=["POST"])), at=f"{OPERATION}.methods"),
    denied("path-not-allowed", policy(to(paths=["/api"])), path="/api/7", at=f"{OPERATION}.paths"),
    denied(
        "host-without-the-port-allowed",
        policy(to(hosts=["product-service"])),
        at=f"{OPERATION}.hosts",
    ),
    denied(
        "header-not-allowed",
        policy({"when": [{"key": "request.headers[x-token]", "values": ["t"]}]}),
        at=f"{RULE}.when[0].values",
    ),
    denied(
        "address-not-allowed", policy(from_(ipBlocks=["10.9.0.0/16"])), at=f"{SOURCE}.ipBlocks"
    ),
    denied("nobody-allowed", policy()),
    denied("nobody-allowed-in-the-namespace", policy(app=None)),
    denied(
        "nobody-allowed-in-the-mesh",
        of("istio-system", policy(app=None)),
        blame=(("AuthorizationPolicy", "istio-system", "who"),),
    ),
    denied(
        "denied-from-outside-of-a-namespace",
        policy(from_(notNamespaces=["billing"]), action="DENY"),
        at=f"{SOURCE}.notNamespaces",
    ),
    denied(
        "denied-but-for-a-path",
        policy(to(notPaths=["/health"]), action="DENY"),
        at=f"{OPERATION}.notPaths",
    ),
    Fault(
        "principal-of-a-client-without-a-proxy",
        "product-service.shop:8082",
        objects=[policy(from_(principals=[ORDERS]))],
        blame=(POLICY, ("Pod", "legacy", "cron"), ("Deployment", "legacy", "cron")),
        **CRON,
    ),
    denied(
        "principal-in-plaintext",
        policy(from_(principals=[ORDERS])),
        NO_TLS,
        blame=(DR,),
        at="spec.trafficPolicy.tls.mode",
    ),
    denied(
        "provider-not-there",
        policy({}, action="CUSTOM", provider={"name": "nobody"}),
        at="spec.provider.name",
    ),
    denied("token-wanted", policy(from_(requestPrincipals=["*"])), TOKENS),
    denied(
        "token-broken",
        TOKENS,
        headers=("Authorization: Bearer abc",),
        blame=(("RequestAuthentication", "shop", "tokens"),),
    ),
    Fault(
        "port-of-the-service-allowed",
        "stock:8090",
        destination="inventory",
        objects=[BEHIND, policy(to(ports=["8090"]), app="inventory")],
        blame=(POLICY,),
        at=f"{OPERATION}.ports",
    ),
    Fault(
        "http-policy-on-a-tcp-port",
        "ledger:9000",
        destination="ledger",
        tcp=True,
        objects=[policy(to(methods=["GET"]), app="ledger")],
        blame=(POLICY,),
        at=f"{OPERATION}.methods",
    ),
    Fault(
        "strict-namespace",
        "product-service.shop:8082",
        objects=[peers("shop", "STRICT")],
        blame=(("PeerAuthentication", "shop", "default"),),
        **CRON,
    ),
    Fault(
        "strict-mesh",
        "product-service.shop:8082",
        objects=[peers("istio-system", "STRICT")],
        blame=(("PeerAuthentication", "istio-system", "default"),),
        **CRON,
    ),
    Fault(
        "port-of-the-service-permissive",
        "stock.shop:8090",
        destination="inventory",
        objects=[
            BEHIND,
            peer_authentication(
                "inventory", mtls={"mode": "STRICT"}, portLevelMtls={"8090": {"mode": "PERMISSIVE"}}
            ),
        ],
        blame=(("PeerAuthentication", "shop", "inventory"),),
        at="spec.portLevelMtls['8090']",
        **CRON,
    ),
    Fault(
        "mutual-tls-to-no-proxy",
        "mainframe.legacy:8082",
        destination="",
        objects=[mutual(MAINFRAME, name="mainframe")],
        blame=(("DestinationRule", "shop", "mainframe"),),
        at="spec.trafficPolicy.tls",
    ),
    Fault(
        "mutual-tls-to-a-port-that-takes-none",
        "product-service:8082",
        objects=[mutual("product-service"), peer_authentication("product-service", mtls={"mode": "DISABLE"})],
        blame=(DR, PEER),
    ),
    denied(
        "plaintext-on-a-port-to-strict",
        STRICT,
        mutual(
            "product-service",
            trafficPolicy={
                "portLevelSettings": [{"port": {"number": 8082}, "tls": {"mode": "DISABLE"}}]
            },
        ),
        finding="mtls-required",
        blame=(DR,),
        at="spec.trafficPolicy.portLevelSettings[0].tls.mode",
    ),
    denied(
        "plaintext-to-a-whole-namespace",
        STRICT,
        mutual("*.shop.svc.cluster.local", "DISABLE", name="all"),
        finding="mtls-required",
        blame=(("DestinationRule", "shop", "all"),),
        at="spec.trafficPolicy.tls.mode",
    ),
    denied(
        "plaintext-of-the-root-namespace",
        STRICT,
        mutual(PRODUCT, "DISABLE", where="istio-system"),
        finding="mtls-required",
        blame=(("DestinationRule", "istio-system", "product-service"),),
        at="spec.trafficPolicy.tls.mode",
    ),
    Fault(
        "pod-address-to-strict",
        "{product-service-v1}:8082",
        objects=[STRICT],
        finding="mtls-required",
        blame=(PEER,),
    ),
]  # fmt: skip
