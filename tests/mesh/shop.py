"""The applications of the mesh, before anything is wrong with them.

shop     order-service (it asks), product-service (two versions), search (a port whose protocol
         is not said), ledger (TCP), inventory, flaky (answers 503), mailer (its application
         does not listen), report (nor does its, and it has no proxy), courier (it runs as its
         proxy's user)
billing  payment
legacy   no proxies: cron (it asks), mainframe
edge     gate (a gateway)
"""


def service(name, port, port_name="http", namespace="shop"):
    named = {"name": port_name} if port_name else {}
    spec = {"selector": {"app": name}, "ports": [{**named, "port": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name, namespace), "spec": spec}


def deployment(
    name,
    port,
    *serves,
    version="v1",
    versions=False,
    namespace="shop",
    replicas=1,
    proxy=True,
    user=None,
):
    """Pods of an application; `serves` are app.py's arguments when it does not just answer HTTP."""
    labels = {"app": name, "version": version}
    injection = {} if proxy else {"sidecar.istio.io/inject": "false"}
    container = {
        "name": "app",
        "image": "app",
        "args": list(serves),
        "ports": [{"containerPort": port}],
        **({"securityContext": {"runAsUser": user}} if user else {}),
    }
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels | injection},
            # There is no scheduler.
            "spec": {"nodeName": "node-0", "containers": [container]},
        },
    }
    own = f"{name}-{version}" if versions else name
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta(own, namespace),
        "spec": spec,
    }


def gateway(name, where):
    """Pods that the injector makes a gateway of."""
    labels = {"app": name, "istio": name}
    template = {
        "metadata": {
            "labels": labels | {"sidecar.istio.io/inject": "true"},
            "annotations": {"inject.istio.io/templates": "gateway"},
        },
        "spec": {"nodeName": "node-0", "containers": [{"name": "istio-proxy", "image": "auto"}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta(name, where),
        "spec": spec,
    }


def meta(name, namespace):
    return {"name": name, "namespace": namespace}


def namespace(name, labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


INJECTED = {"istio-injection": "enabled"}

# A developer who may look at pods and ask their proxies, and at nothing of Istio's.
MAY = [
    {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["get", "create"]},
]
RBAC = "rbac.authorization.k8s.io"
RIGHTS = [
    {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": meta("dev", "shop"), "rules": MAY},
    {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": meta("dev", "shop"),
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "dev"},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "dev"}],
    },
]

PORTS = [
    {"name": name, "port": port, "targetPort": target}
    for name, port, target in (("http", 80, 8080), ("http-other", 81, 8081))
]
GATE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": meta("gate", "edge"),
    "spec": {"selector": {"istio": "gate"}, "ports": PORTS},
}

SHOP = [
    namespace("shop", INJECTED),
    namespace("billing", INJECTED),
    namespace("legacy", {}),
    *RIGHTS,
    service("order-service", 8081),
    deployment("order-service", 8081),
    service("product-service", 8082),
    deployment("product-service", 8082, versions=True),
    deployment("product-service", 8082, version="v2", versions=True),
    service("report", 8083),
    deployment("report", 8083, "none:8083", replicas=2, proxy=False),
    service("inventory", 8084),
    deployment("inventory", 8084),
    service("mailer", 8086),
    deployment("mailer", 8086, "none:8086"),
    service("search", 8085, port_name=""),
    deployment("search", 8085),
    service("flaky", 8087),
    deployment("flaky", 8087, "http:8087:503", replicas=2),
    service("ledger", 9000, port_name="tcp"),
    deployment("ledger", 9000, "tcp:9000"),
    service("payment", 8080, namespace="billing"),
    deployment("payment", 8080, namespace="billing"),
    service("mainframe", 8082, namespace="legacy"),
    deployment("mainframe", 8082, namespace="legacy"),
    deployment("cron", 8080, "none:8080", namespace="legacy"),
    namespace("edge", {}),
    gateway("gate", "edge"),
    GATE,
    # The last: addresses are given in this order, and shapes.py has those of others.
    deployment("courier", 8087, user=1337),
]
