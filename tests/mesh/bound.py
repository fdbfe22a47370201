"""Faults of what is bound to a gateway: a VirtualService to a Gateway, an HTTPRoute to a listener."""

import json

import api
from fault import Fault
from shapes import (
    ALL,
    FRONT,
    GATE,
    WWW,
    attached,
    front,
    has_no_route,
    public,
    until_nothing_answers,
    www,
)

BOUND = [
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
]
