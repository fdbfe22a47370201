"""What looks like a fault, and works: nothing may be certain of it."""

from beyond import entry, named
from edges import HERE, NOT_THERE, OK, at_front, backends, mesh_route, to
from fault import Fault
from identity import ORDERS, TOKENS, from_, mutual, peers, policy
from identity import to as to_operation
from routing import BROKEN, TO_NOWHERE, product, scope
from shapes import (
    BAD_SCRIPT,
    NO_TLS,
    PRODUCT,
    REGISTRY_ONLY,
    STRICT,
    WWW,
    aborting,
    behind_stock,
    delegating,
    front,
    istio,
    of,
    peer_authentication,
    stock,
    subsets,
    to_product,
    virtual_service,
)


def like(name, *objects, **more):
    """What looks like a fault of requests to the product service."""
    return product(name, objects=list(objects), **more)


def with_spec(thing, **spec):
    return thing | {"spec": thing["spec"] | spec}


def younger(*http):
    """A VirtualService of the same host that another one shadows."""
    return istio("VirtualService", "z-product", hosts=["product-service"], http=list(http))


ABORT = {"fault": {"abort": {"httpStatus": 503, "percentage": {"value": 100}}}}
WHOLE = {"route": [to_product()]}
OF_OTHERS = {"labels": {"app": "inventory"}}
ADMITS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "product-service", "namespace": "shop"},
    "spec": {
        "podSelector": {"matchLabels": {"app": "product-service"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"podSelector": {"matchLabels": {"app": "order-service"}}}],
                "ports": [{"port": 8082}],
            }
        ],
    },
}
ONE_READY = behind_stock() | {
    "endpoints": [
        {"addresses": ["10.244.0.14"], "conditions": {"ready": True}},
        {"addresses": ["10.244.0.250"], "conditions": {"ready": False}},
    ]
}
ALIAS = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "alias", "namespace": "shop"},
    "spec": {
        "type": "ExternalName",
        "externalName": PRODUCT,
        "ports": [{"name": "http", "port": 8082}],
    },
}

# A rule that is for others is no rule of this client's at all.
OF_ANOTHER = {
    "port": {"port": 80},
    "client by its labels": {"sourceLabels": {"app": "payment"}},
    "client by its namespace": {"sourceNamespace": "billing"},
}

LOOKALIKES = [
    *(
        like(f"like: the only rule is for another {what}", virtual_service({"match": [match], **WHOLE}))
        for what, match in OF_ANOTHER.items()
    ),
    Fault(
        "like: a port that says gRPC and is sent HTTP",
        "stock:8090",
        destination="inventory",
        objects=[named("grpc")],
    ),
    Fault(
        "like: an upgrade to HTTP/2 on the way to an application of HTTP/1.1",
        "stock:8090",
        destination="inventory",
        objects=[
            stock(8084, selector={"app": "inventory"}),
            istio(
                "DestinationRule",
                "stock",
                host="stock",
                trafficPolicy={"connectionPool": {"http": {"h2UpgradePolicy": "UPGRADE"}}},
            ),
        ],
    ),
    like(
        "like: a gateway's VirtualService for the same host",
        virtual_service() | {"spec": {"hosts": ["product-service"], "gateways": ["edge/front"], "http": [{"route": [BROKEN]}]}},
    ),
    like("like: a subset that no route uses", subsets(v1="v1", v9="v9")),
    like("like: strict, and both have a proxy", STRICT),
    like("like: a strict namespace, and both have a proxy", peers("shop", "STRICT")),
    like("like: a policy that names the client", policy(from_(principals=[ORDERS]))),
    like("like: a policy that names its namespace", policy(from_(namespaces=["shop"]))),
    like(
        "like: a policy whose second rule allows",
        policy(from_(namespaces=["billing"]), to_operation(methods=["GET"])),
    ),
    like(
        "like: denied, but for another method",
        policy(to_operation(methods=["DELETE"]), action="DENY"),
    ),
    like("like: denied, but elsewhere", policy(to_operation(paths=["/admin*"]), action="DENY")),
    like("like: nobody is allowed, of another application", policy(app="inventory")),
    like(
        "like: denied from outside of its own namespace",
        policy(from_(notNamespaces=["shop"]), action="DENY"),
    ),
    like("like: tokens that nobody has to bring", TOKENS),
    like(
        "like: a mirror to nowhere",
        virtual_service(WHOLE | {"mirror": {"host": "product-svc"}}),
    ),
    Fault(
        "like: one of two endpoints is not ready",
        "stock:8090",
        destination="",
        objects=[stock(), ONE_READY],
    ),
    like("like: an abort of no request", aborting(503, 0)),
    like(
        "like: an abort for another header",
        virtual_service({"match": [{"headers": {"x-user": {"exact": "test"}}}], **ABORT, **WHOLE}, WHOLE),
    ),
    like(
        "like: exported to two namespaces",
        with_spec(subsets(v1="v1"), exportTo=[".", "billing"]),
        virtual_service({"route": [to_product("v1")]}),
    ),
    like("like: a NetworkPolicy that admits the client", ADMITS),
    like(
        "like: no weight for a missing subset",
        subsets(v1="v1"),
        virtual_service({"route": [to_product("v1", weight=100), to_product("v3", weight=0)]}),
    ),
    like(
        "like: plaintext to strict by a rule of another namespace",
        STRICT,
        mutual(PRODUCT, "DISABLE", where="billing"),
    ),
    like(
        "like: the second VirtualService is broken",
        virtual_service(WHOLE),
        younger({"route": [BROKEN]}),
    ),
    like(
        "like: a broken route for another path",
        virtual_service({"match": [{"uri": {"prefix": "/api"}}], "route": [BROKEN]}, WHOLE),
    ),
    like(
        "like: a redirect for another path",
        virtual_service({"match": [{"uri": {"exact": "/old"}}], "redirect": {"uri": "/new"}}, WHOLE),
    ),
    like("like: registry only, and the host is known", REGISTRY_ONLY),
    like("like: a Sidecar that names B", scope(f"./{PRODUCT}")),
    like(
        "like: a Sidecar of another application that leaves B out",
        with_spec(scope("./inventory.shop.svc.cluster.local"), workloadSelector=OF_OTHERS),
    ),
    like(
        "like: a bad script of another application",
        with_spec(BAD_SCRIPT, workloadSelector=OF_OTHERS),
    ),
    like("like: another host without endpoints", entry()),
    like("like: mutual TLS by a rule", STRICT, mutual("product-service")),
    like("like: plaintext to permissive", NO_TLS),
    Fault(
        "like: an HTTP route of a missing port on a TCP port",
        "ledger:9000",
        destination="ledger",
        tcp=True,
        objects=[
            istio("VirtualService", "ledger", hosts=["ledger"], http=[{"route": [{"destination": {"host": "nobody"}}]}])
        ],
    ),
    like("like: a route of another port of its Service", mesh_route(backends(NOT_THERE), port=9999)),
    like(
        "like: a backend of no weight that is missing",
        mesh_route(backends(OK | {"weight": 1}, NOT_THERE | {"weight": 0})),
    ),
    Fault(
        "like: a port that says HTTPS and is sent HTTP",
        "stock:8090",
        destination="inventory",
        speaks="http1",
        objects=[named("https")],
    ),
    Fault(
        "like: strict on another port",
        "product-service.shop:8082",
        source="cron",
        namespace="legacy",
        objects=[
            peer_authentication(
                "product-service",
                mtls={"mode": "PERMISSIVE"},
                portLevelMtls={"8083": {"mode": "STRICT"}},
            )
        ],
    ),
    like("like: a rule of a port that is not asked", mutual(
        "product-service",
        trafficPolicy={"portLevelSettings": [{"port": {"number": 9090}, "tls": {"mode": "SIMPLE"}}]},
    )),
    Fault("like: an ExternalName", "alias:8082", objects=[ALIAS]),
    like(
        "like: a broken VirtualService of another namespace's service",
        of("billing", istio("VirtualService", "payment", hosts=["payment"], http=[{"route": [TO_NOWHERE]}])),
    ),
    at_front(
        "like: a gateway with a server of another host",
        with_spec(
            front(),
            servers=[
                *front()["spec"]["servers"],
                {"port": {"number": 80, "name": "other", "protocol": "HTTP"}, "hosts": ["other.example"], "tls": {"httpsRedirect": True}},
            ],
        ),
        istio("VirtualService", "www", hosts=[WWW], http=to(PRODUCT), **HERE),
    ),
    like("like: a delegate that is not asked", delegating("product-api"), path="/old"),
]  # fmt: skip
