"""Faults of routes: where a request is sent, and what answers instead of B."""

from fault import Fault
from shapes import (
    API,
    DR,
    NETWORKING,
    ONLY_ORDERS,
    PRODUCT,
    REGISTRY_ONLY,
    VS,
    istio,
    of,
    subsets,
    to_product,
    until_nothing_answers,
    virtual_service,
)

ROUTE = "spec.http[0].route[0].destination"
TO_NOWHERE = {"destination": {"host": "product-svc"}}
BROKEN = to_product("v3")  # where the subset is not defined


def product(name, **more):
    """A fault of requests to the product service."""
    return Fault(name, "product-service:8082", **more)


def scope(*hosts, name="order-service"):
    """A Sidecar that lets only these hosts be seen."""
    return istio(
        "Sidecar",
        name,
        workloadSelector=ONLY_ORDERS,
        outboundTrafficPolicy={"mode": "REGISTRY_ONLY"},
        egress=[{"hosts": list(hosts)}],
    )


def older(*http):
    """A VirtualService of the same host that comes first by its name, where both are as old."""
    return istio("VirtualService", "a-product", hosts=["product-service"], http=list(http))


def in_billing(host):
    """One of another namespace, which writes short names."""
    return of(
        "billing",
        istio("VirtualService", "product", hosts=[PRODUCT], http=[{"route": [{"destination": host}]}]),
    )  # fmt: skip


def tcp_of_ledger(subset):
    return istio(
        "VirtualService",
        "ledger",
        hosts=["ledger"],
        tcp=[{"route": [{"destination": {"host": "ledger", "subset": subset}}]}],
    )


def patch_of(name, kind, operation, match, value=None):
    """An EnvoyFilter of one patch of A's proxy."""
    patch = {"operation": operation} | ({"value": value} if value else {})
    return istio(
        "EnvoyFilter",
        name,
        version="v1alpha3",
        workloadSelector=ONLY_ORDERS,
        configPatches=[{"applyTo": kind, "match": match, "patch": patch}],
    )


NO_CLUSTER = patch_of(
    "no-cluster",
    "CLUSTER",
    "REMOVE",
    {"context": "SIDECAR_OUTBOUND", "cluster": {"service": PRODUCT}},
)
FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
ONE_AN_HOUR = patch_of(
    "one-an-hour",
    "HTTP_FILTER",
    "INSERT_BEFORE",
    {"context": "SIDECAR_OUTBOUND"},
    {
        "name": "envoy.filters.http.local_ratelimit",
        "typed_config": {
            "@type": f"{FILTERS}.local_ratelimit.v3.LocalRateLimit",
            "stat_prefix": "one",
            "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"},
            "filter_enabled": {"default_value": {"numerator": 100}},
            "filter_enforced": {"default_value": {"numerator": 100}},
        },
    },
)


def filter_of(name, config):
    """An EnvoyFilter that puts a filter of HTTP before all others."""
    value = {"name": name, "typed_config": config}
    return patch_of(name, "HTTP_FILTER", "INSERT_BEFORE", {"context": "SIDECAR_OUTBOUND"}, value)


ABORTS = filter_of(
    "aborts",
    {
        "@type": f"{FILTERS}.fault.v3.HTTPFault",
        "abort": {"http_status": 503, "percentage": {"numerator": 100}},
    },
)
ASKS_A_DEAD_SERVICE = filter_of(
    "asks",
    {
        "@type": f"{FILTERS}.ext_authz.v3.ExtAuthz",
        "transport_api_version": "V3",
        "grpc_service": {
            "envoy_grpc": {"cluster_name": "outbound|8083||report.shop.svc.cluster.local"},
            "timeout": "1s",
        },
    },
)
HIDDEN = {
    "apiVersion": f"{NETWORKING}/v1",
    "kind": "ServiceEntry",
    "metadata": {"name": "hidden", "namespace": "billing"},
    "spec": {
        "hosts": ["hidden.example"],
        "location": "MESH_EXTERNAL",
        "ports": [{"number": 8082, "name": "http", "protocol": "HTTP"}],
        "resolution": "STATIC",
        "endpoints": [{"address": "10.244.0.14"}],
        "exportTo": ["."],
    },
}
MATCHES = {
    "header-not-sent": ({"headers": {"x-user": {"exact": "beta"}}}, {}),
    "header-in-another-case": (
        {"headers": {"x-user": {"exact": "Beta"}}},
        {"headers": ("x-user: beta",)},
    ),
    "regex-of-a-part": ({"uri": {"regex": "/api"}}, {"path": "/api/7"}),
    "exact-path": ({"uri": {"exact": "/api"}}, {"path": "/api/"}),
    "path-in-another-case": ({"uri": {"prefix": "/API"}}, {"path": "/api"}),
    "method-not-matched": ({"method": {"exact": "GET"}}, {"method": "POST"}),
    "query-not-sent": ({"queryParams": {"v": {"exact": "2"}}}, {"path": "/?v=1"}),
    "authority-not-matched": ({"authority": {"exact": "product-service"}}, {}),
}

ROUTING = [
    *(
        product(
            name,
            objects=[virtual_service({"match": [match], "route": [to_product()]})],
            blame=(VS,),
            **asked,
        )
        for name, (match, asked) in MATCHES.items()
    ),
    product(
        "destination-misspelled",
        objects=[virtual_service({"route": [TO_NOWHERE]})],
        blame=(VS,),
        at=f"{ROUTE}.host",
    ),
    product(
        "destination-of-another-port",
        objects=[
            virtual_service(
                {"route": [{"destination": {"host": "product-service", "port": {"number": 9999}}}]}
            )
        ],
        blame=(VS,),
        at=f"{ROUTE}.port.number",
    ),
    product(
        "short-name-in-another-namespace",
        objects=[in_billing({"host": "inventory", "port": {"number": 8084}})],
        blame=(("VirtualService", "billing", "product"),),
        at=f"{ROUTE}.host",
    ),
    product(
        "older-virtual-service",
        objects=[older({"route": [BROKEN]}), virtual_service({"route": [to_product()]})],
        blame=(("VirtualService", "shop", "a-product"),),
    ),
    product(
        "all-weight-to-a-missing-subset",
        objects=[
            subsets(v1="v1"),
            virtual_service({"route": [to_product("v1", weight=0), to_product("v3", weight=100)]}),
        ],
        finding="subset-not-defined",
        blame=(VS, DR),
    ),
    product(
        "first-rule-takes-all",
        path="/api/7",
        objects=[
            virtual_service(
                {"match": [{"uri": {"prefix": "/"}}], "route": [BROKEN]},
                {"match": API, "route": [to_product()]},
            )
        ],
        blame=(VS,),
        at=f"{ROUTE}.subset",
    ),
    product(
        "abort-for-a-header",
        headers=("x-user: test",),
        objects=[
            virtual_service(
                {
                    "match": [{"headers": {"x-user": {"exact": "test"}}}],
                    "fault": {"abort": {"httpStatus": 500, "percentage": {"value": 100}}},
                    "route": [to_product()],
                },
                {"route": [to_product()]},
            )
        ],
        finding="fault-injected",
        blame=(VS,),
        at="spec.http[0].fault.abort",
    ),
    product(
        "redirect-to-another-host",
        objects=[virtual_service({"redirect": {"authority": "shop.example", "scheme": "https"}})],
        finding="route-redirects",
        blame=(VS,),
    ),
    Fault(
        "tcp-subset-not-defined",
        "ledger:9000",
        destination="ledger",
        tcp=True,
        objects=[tcp_of_ledger("v3")],
        finding="subset-not-defined",
        blame=(("VirtualService", "shop", "ledger"),),
    ),
    product(
        "sidecar-of-other-hosts",
        objects=[scope("./inventory.shop.svc.cluster.local")],
        finding="registry-only",
        blame=(("Sidecar", "shop", "order-service"),),
        at="spec.egress[0].hosts",
    ),
    Fault(
        "sidecar-of-its-own-namespace",
        "payment.billing:8080",
        destination="payment",
        objects=[scope("./*")],
        finding="registry-only",
        blame=(("Sidecar", "shop", "order-service"),),
        at="spec.egress[0].hosts",
    ),
    product(
        "host-of-nobody",
        headers=("Host: nobody.example",),
        objects=[REGISTRY_ONLY],
        blame=(("Sidecar", "shop", "order-service"),),
    ),
    Fault(
        "service-entry-of-its-own-namespace",
        "hidden.example:8082",
        destination="",
        address=lambda: "10.244.0.14",
        objects=[HIDDEN, REGISTRY_ONLY],
        finding="registry-only",
        blame=(("ServiceEntry", "billing", "hidden"),),
        at="spec.exportTo",
    ),
    product(
        "filter-of-one-request-an-hour",
        objects=[ONE_AN_HOUR],
        heat=until_nothing_answers(lambda proxy: True),
        finding="filter-of-an-envoy-filter",
        sure="unknown",
        blame=(("EnvoyFilter", "shop", "one-an-hour"),),
    ),
    product(
        "filter-aborts",
        objects=[ABORTS],
        finding="fault-injected",
        blame=(("EnvoyFilter", "shop", "aborts"),),
    ),
    product(
        "filter-asks-a-dead-service",
        objects=[ASKS_A_DEAD_SERVICE],
        blame=(("EnvoyFilter", "shop", "asks"),),
    ),
    product(
        "mirror-to-nowhere-and-a-broken-route",
        objects=[virtual_service({"route": [BROKEN], "mirror": {"host": "product-svc"}})],
        finding="subset-not-defined",
        blame=(VS,),
    ),
    product(
        "cluster-removed",
        objects=[NO_CLUSTER],
        finding="envoy-filter-removes-the-cluster",
        blame=(("EnvoyFilter", "shop", "no-cluster"),),
    ),
]
