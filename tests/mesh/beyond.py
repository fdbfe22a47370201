"""Faults of where a request ends: Services, endpoints, hosts outside, protocols."""

from fault import Fault
from shapes import (
    elsewhere,
    istio,
    of,
    peer_authentication,
    sending_until,
    stock,
)

SERVICE = ("Service", "shop", "stock")
ENTRY = ("ServiceEntry", "shop", "partner")
PORT = {"number": 8082, "name": "http", "protocol": "HTTP"}


def of_stock(name, *objects, **more):
    return Fault(name, "stock:8090", objects=list(objects), **{"destination": "", **more})


def named(name, target=8084):
    """The Service with a port of another name."""
    ports = [{"name": name, "port": 8090, "targetPort": target}]
    made = stock(selector={"app": "inventory"})
    return made | {"spec": made["spec"] | {"ports": ports}}


def entry(resolution="STATIC", host="partner.example", name="partner", **spec):
    usual = {"hosts": [host], "location": "MESH_EXTERNAL", "ports": [PORT]}
    return istio("ServiceEntry", name, resolution=resolution, **(usual | spec))


def of_partner(name, *objects, **more):
    return Fault(
        name,
        "partner.example:8082",
        address=elsewhere,
        objects=list(objects),
        **{"destination": "", "blame": (ENTRY,), **more},
    )


def rule_of(host, name, **policy):
    return istio("DestinationRule", name, host=host, trafficPolicy=policy)


def only_here(service):
    """A Service that no other namespace sees."""
    annotations = {"networking.istio.io/exportTo": "."}
    return service | {"metadata": service["metadata"] | {"annotations": annotations}}


OF_BILLING = only_here(of("billing", stock(8080, selector={"app": "payment"})))
STRICT_PAYMENT = of("billing", peer_authentication("payment", mtls={"mode": "STRICT"}))
INGRESS = istio(
    "Sidecar",
    "inventory",
    workloadSelector={"labels": {"app": "inventory"}},
    ingress=[
        {
            "port": {"number": 8084, "protocol": "HTTP", "name": "http"},
            "defaultEndpoint": "127.0.0.1:9999",
        }
    ],
)
WORKLOAD = istio("WorkloadEntry", "partner", address="10.244.0.3", labels={"app": "partner"})
PICKED = {"workloadSelector": {"labels": {"app": "partner"}}}
MAINFRAME = [{"address": "10.244.0.14"}]
LATER = sending_until(lambda _: True)

BEYOND = [
    of_stock(
        "selector-of-no-pod",
        stock(8084, selector={"app": "stock"}),
        finding="no-endpoints",
        blame=(SERVICE,),
        at="spec.selector",
    ),
    of_stock(
        "target-port-of-nobody",
        stock(9999, selector={"app": "inventory"}),
        destination="inventory",
        heat=LATER,
        blame=(SERVICE,),
        at="spec.ports[0].targetPort",
    ),
    Fault(
        "service-exported-to-nobody",
        "stock.billing:8090",
        destination="payment",
        objects=[OF_BILLING, STRICT_PAYMENT],
        blame=(("Service", "billing", "stock"),),
    ),
    Fault(
        "ingress-of-a-dead-port",
        "inventory:8084",
        destination="inventory",
        objects=[INGRESS],
        heat=LATER,
        blame=(("Sidecar", "shop", "inventory"),),
        at="spec.ingress[0].defaultEndpoint",
    ),
    of_partner("entry-without-endpoints", entry(), at="spec.endpoints"),
    of_partner(
        "entry-that-selects-no-workload",
        entry(location="MESH_INTERNAL", workloadSelector={"labels": {"app": "partner"}}),
        at="spec.workloadSelector.labels",
    ),
    of_partner(
        "entry-of-a-dead-workload",
        entry(location="MESH_INTERNAL", ports=[PORT | {"targetPort": 9999}], **PICKED),
        WORKLOAD,
        blame=(ENTRY, ("WorkloadEntry", "shop", "partner")),
        heat=LATER,
    ),
    of_partner(
        "entry-whose-name-does-not-resolve",
        entry("DNS", endpoints=[{"address": "nowhere.example"}]),
        at="spec.endpoints[0].address",
    ),
    of_partner(
        "tls-to-a-plaintext-partner",
        entry(endpoints=MAINFRAME),
        rule_of("partner.example", "partner", tls={"mode": "SIMPLE"}),
        heat=LATER,
        blame=(("DestinationRule", "shop", "partner"),),
        at="spec.trafficPolicy.tls.mode",
    ),
    of_partner(
        "subset-of-a-partner",
        entry(endpoints=MAINFRAME),
        istio(
            "VirtualService",
            "partner",
            hosts=["partner.example"],
            http=[{"route": [{"destination": {"host": "partner.example", "subset": "v1"}}]}],
        ),
        finding="subset-not-defined",
        blame=(("VirtualService", "shop", "partner"),),
    ),
]
