"""Faults at a gateway: of Istio's Gateway, and of the Gateway API's."""

from fault import Fault
from shapes import (
    ALL,
    GATE,
    GATEWAY_API,
    PRODUCT,
    WWW,
    attached,
    front,
    istio,
    public,
    subsets,
    www,
)

FRONT = ("Gateway", "edge", "front")
OF_WWW = ("VirtualService", "shop", "www")
ROUTE = ("HTTPRoute", "shop", "www")
HERE = {"gateways": ["edge/front"]}
PAYMENT = "payment.billing.svc.cluster.local"


def at_front(name, *objects, **more):
    return Fault(name, f"{WWW}:80", **GATE, objects=list(objects), **more)


def at_public(name, *objects, **more):
    return Fault(name, f"{WWW}:81", **GATE, objects=list(objects), **more)


def to(host, **more):
    return [{"route": [{"destination": {"host": host, **more}}]}]


def www_of(*http, **spec):
    return istio("VirtualService", "www", hosts=[WWW], http=list(http), **HERE, **spec)


def rules(*listed, **parent):
    """The HTTPRoute with other rules."""
    route = attached(**parent)
    return route | {"spec": route["spec"] | {"rules": list(listed)}}


def backends(*listed, **rule):
    return {"backendRefs": list(listed), **rule}


def mesh_route(*listed, **parent):
    """An HTTPRoute of a Service."""
    usual = {"group": "", "kind": "Service", "name": "product-service", "port": 8082}
    spec = {"parentRefs": [usual | parent], "rules": list(listed)}
    return istio("HTTPRoute", "product", group=GATEWAY_API, **spec)


IN_MESH = ("HTTPRoute", "shop", "product")
OK = {"name": "product-service", "port": 8082}
NOT_THERE = {"name": "product-svc", "port": 8082}
NO_REFERENCE = {"name": "payment", "namespace": "billing", "port": 8080}
TO_TLS = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
ONLY_HERE = {"exportTo": ["."]}


TERMINATING = front(
    port={"number": 80, "name": "https", "protocol": "HTTPS"},
    tls={"mode": "SIMPLE", "credentialName": "shop-cert"},
)


def waited_in_vain(proxy, send):
    """Envoy takes a listener into use after a while (initial_fetch_timeout), what it waits for or not."""
    return any("active_state" in one for one in proxy.config("dynamic_listeners", "0.0.0.0_8080"))


def exact(path):
    return {"matches": [{"path": {"type": "Exact", "value": path}}]}


def exported(thing, *where):
    return thing | {"spec": thing["spec"] | {"exportTo": list(where)}}


PASSING = {"protocol": "TLS", "tls": {"mode": "Passthrough"}, **ALL}


def tls_route(*listed):
    """A TLSRoute of the Gateway API's Gateway."""
    parent = {"name": "public", "namespace": "edge"}
    spec = {"parentRefs": [parent], "hostnames": [WWW], "rules": [backends(*listed)]}
    return istio("TLSRoute", "lower", group=GATEWAY_API, **spec)


EDGES = [
    at_public(
        "tls-route-to-a-missing-service",
        public(**PASSING),
        tls_route(NOT_THERE),
        speaks="tls",
        finding="no-such-service",
        blame=(("TLSRoute", "shop", "lower"),),
        at="spec.rules[0].backendRefs[0].name",
    ),
    at_public(
        "http-route-at-a-listener-of-tls",
        public(**PASSING),
        attached(),
        speaks="tls",
        logged=False,
        finding="route-not-attached",
        blame=(("Gateway", "edge", "public"),),
        at="spec.listeners[0].protocol",
    ),
    at_front(
        "gateway-redirects-to-https",
        front(tls={"httpsRedirect": True}),
        www(**HERE),
        blame=(FRONT,),
        at="spec.servers[0].tls.httpsRedirect",
    ),
    at_front(
        "gateway-of-tls-is-sent-plaintext",
        front(port={"number": 80, "name": "tls", "protocol": "TLS"}, tls={"mode": "PASSTHROUGH"}),
        istio(
            "VirtualService",
            "www",
            hosts=[WWW],
            tls=[{"match": [{"sniHosts": [WWW]}], "route": to(PRODUCT)[0]["route"]}],
            **HERE,
        ),
        blame=(FRONT,),
    ),
    at_front(
        "gateway-certificate-is-not-there",
        TERMINATING,
        www(**HERE),
        speaks="tls",
        logged=False,
        finding="update-still-warming",
        blame=(FRONT,),
        at="spec.servers[0].tls.credentialName",
    ),
    at_front(
        "gateway-certificate-never-comes",
        TERMINATING,
        www(**HERE),
        speaks="tls",
        logged=False,
        heat=waited_in_vain,
        finding="certificate-missing",
        blame=(FRONT,),
        at="spec.servers[0].tls.credentialName",
    ),
    at_public(
        "gateway-api-certificate-is-not-there",
        public(protocol="HTTPS", tls={"certificateRefs": [{"name": "shop-cert"}]}, **ALL),
        attached(),
        speaks="tls",
        logged=False,
        blame=(("Gateway", "edge", "public"),),
        at="spec.listeners[0].tls.certificateRefs[0]",
    ),
    at_front(
        "gateway-routes-to-no-service",
        front(),
        www_of(*to("product-svc.shop.svc.cluster.local")),
        blame=(OF_WWW,),
        at="spec.http[0].route[0].destination.host",
    ),
    at_front(
        "gateway-routes-another-path",
        front(),
        www_of({"match": [{"uri": {"prefix": "/shop"}}], **to(PRODUCT)[0]}),
        finding="no-route-matched",
        blame=(OF_WWW,),
    ),
    at_front(
        "gateway-does-not-see-the-subset",
        front(),
        exported(subsets(v1="v1"), "."),
        www_of(*to(PRODUCT, subset="v1")),
        blame=(("DestinationRule", "shop", "product-service"),),
        at="spec.exportTo",
    ),
    at_front(
        "gateway-does-not-see-the-virtual-service",
        front(),
        www_of(*to(PRODUCT), exportTo=["."]),
        blame=(OF_WWW,),
        at="spec.exportTo",
    ),
    at_front(
        "gateway-of-another-port",
        front(port={"number": 90, "name": "http", "protocol": "HTTP"}),
        www(**HERE),
        logged=False,
        blame=(FRONT,),
        at="spec.servers[0].port.number",
    ),
    at_front(
        "gateway-of-a-wildcard-that-does-not-match",
        front(),
        istio("VirtualService", "www", hosts=["*.example.com"], http=to(PRODUCT), **HERE),
        blame=(("VirtualService", "shop", "www"),),
        at="spec.hosts",
    ),
    at_public(
        "http-route-of-a-missing-service",
        public(**ALL),
        rules(backends(NOT_THERE)),
        blame=(ROUTE,),
        at="spec.rules[0].backendRefs[0].name",
    ),
    at_public(
        "http-route-of-a-missing-port",
        public(**ALL),
        rules(backends(OK | {"port": 9999})),
        blame=(ROUTE,),
        at="spec.rules[0].backendRefs[0].port",
    ),
    at_public(
        "http-route-without-a-grant",
        public(**ALL),
        rules(backends(NO_REFERENCE)),
        finding="reference-not-granted",
        blame=(ROUTE,),
    ),
    at_public(
        "http-route-of-another-path",
        public(**ALL),
        rules(backends(OK, **exact("/shop"))),
        finding="no-route-matched",
        blame=(ROUTE,),
    ),
    at_public(
        "http-route-of-weight-zero",
        public(**ALL),
        rules(backends(OK | {"weight": 0})),
        blame=(ROUTE,),
        at="spec.rules[0].backendRefs[0].weight",
    ),
    at_public(
        "http-route-without-backends",
        public(**ALL),
        rules(exact("/")),
        blame=(ROUTE,),
        at="spec.rules[0]",
    ),
    at_public(
        "http-route-redirects",
        public(**ALL),
        rules({"filters": [TO_TLS]}),
        finding="route-redirects",
        blame=(ROUTE,),
    ),
    Fault(
        "mesh-route-of-a-missing-service",
        "product-service:8082",
        objects=[mesh_route(backends(NOT_THERE))],
        blame=(IN_MESH,),
        at="spec.rules[0].backendRefs[0].name",
    ),
    Fault(
        "mesh-route-of-another-path",
        "product-service:8082",
        objects=[mesh_route(backends(OK, **exact("/shop")))],
        finding="no-route-matched",
        blame=(IN_MESH,),
    ),
    Fault(
        "mesh-route-of-a-header",
        "product-service:8082",
        objects=[
            mesh_route(backends(OK, matches=[{"headers": [{"name": "x-user", "value": "beta"}]}]))
        ],
        finding="no-route-matched",
        blame=(IN_MESH,),
    ),
]
