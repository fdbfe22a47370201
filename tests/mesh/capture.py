#!/usr/bin/env python3
"""Write down the mesh at the moment of a question, as a snapshot folder.

  capture.py FOLDER [FAULT...]    FOLDER/FAULT/ for each, and in it case.json: the question, what was
                                  measured, and which objects are to blame

The mesh has to be up, with the shop in it (`run` with MESH_WHY_KEEP=1 leaves it so). The program
under test is not involved: what it later says of a snapshot was not written by itself.
"""

import json
import re
import shutil
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

from api import kubectl  # noqa: E402
from arrival import SYNC, sync_state  # noqa: E402
from fault import imposed  # noqa: E402
from faults import FAULTS  # noqa: E402
from host import Failed  # noqa: E402
from kubelet import named  # noqa: E402
from proxy import Proxy  # noqa: E402
from traffic import measure, sender  # noqa: E402

ADMIN = {  # file -> query
    "config_dump.json": "/config_dump?include_eds",
    "clusters.json": "/clusters?format=json",
    "server_info.json": "/server_info",
    "certs.json": "/certs",
    "stats.json": "/stats?format=json",
    "listeners.json": "/listeners?format=json",
    "runtime.json": "/runtime",
}
LEFT_OUT = ("BootstrapConfigDump",)
KINDS = (
    "pods", "services", "endpointslices", "namespaces", "replicasets", "deployments",
    "statefulsets", "networkpolicies", "virtualservices", "destinationrules",
    "sidecars.networking.istio.io", "serviceentries", "gateways.networking.istio.io",
    "workloadentries", "workloadgroups", "envoyfilters", "proxyconfigs", "peerauthentications",
    "authorizationpolicies", "requestauthentications", "telemetries", "wasmplugins",
    "gateways.gateway.networking.k8s.io", "gatewayclasses", "httproutes", "grpcroutes",
    "tcproutes", "tlsroutes", "referencegrants",
)  # fmt: skip
MESH_CONFIG = ("configmap", "istio", "-n", "istio-system")


def case_of(fault, folder, truth):
    """What tests/scenarios/trim.py makes a scenario of."""
    ask = json.loads((folder / "snapshot.json").read_text())["ask"]
    blamed = [dict(zip(("kind", "namespace", "name"), one, strict=True)) for one in fault.blame]
    return {"ask": ask, "truth": truth, "cause": {"objects": blamed}}


def capture(fault, folder):
    """Write the snapshot of a fault's question."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    snapshot = {
        "schema": "mesh-why-snapshot/v1",
        "tool": "tests/mesh/capture.py",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "ask": {
            "from": f"{fault.source}.{fault.namespace}",
            "to": fault.asked,
            "path": fault.path,
            "method": fault.method,
            "headers": list(fault.headers),
            **({"tls": True} if fault.speaks == "tls" else {}),
        },
        "read": {},
        "unread": [],
    }
    for side, name in (("source", fault.source), ("destination", fault.destination)):
        pod = named(name) if name else None
        if not pod:
            continue
        snapshot[side] = {"kind": "Pod", "namespace": pod["namespace"], "name": pod["name"]}
        if pod["proxy"]:
            snapshot["read"][side] = {
                "pod": f"{pod['namespace']}/{pod['name']}",
                "paths": list(ADMIN.values()),
            }
            capture_proxy(Proxy(pod), folder / side)
            snapshot["unread"] += [
                {
                    "query": f"{side}: {section} of /config_dump",
                    "reason": "left out: it may hold secrets",
                }
                for section in LEFT_OUT
            ]
    write(folder / "objects.json", objects())
    snapshot["read"]["kubernetes"] = {
        "kinds": list(KINDS),
        "queries": ["configmap/istio -n istio-system"],
    }
    write(folder / "controlplane" / "syncz.json", sync_state())
    snapshot["read"]["controlplane"] = {"paths": [SYNC]}
    write(folder / "snapshot.json", snapshot)


def capture_proxy(proxy, folder):
    for file, query in ADMIN.items():
        body = proxy.json(query)
        if file == "config_dump.json":
            body["configs"] = [c for c in body["configs"] if not c["@type"].endswith(LEFT_OUT)]
        if file == "server_info.json":
            body["node"].pop(
                "extensions", None
            )  # what this build of Envoy has: a hundred kilobytes
        write(folder / file, body)


def objects():
    """Every object of the kinds that bear on a request, without what is nobody's business."""
    items = json.loads(kubectl("get", ",".join(KINDS), "-A", "-o", "json"))["items"]
    items.append(json.loads(kubectl("get", *MESH_CONFIG, "-o", "json")))
    return {"apiVersion": "v1", "kind": "List", "items": [trimmed(item) for item in items]}


def trimmed(item):
    meta = item["metadata"]
    meta.pop("managedFields", None)
    meta.get("annotations", {}).pop("kubectl.kubernetes.io/last-applied-configuration", None)
    spec = item.get("spec", {})
    pod = spec if item["kind"] == "Pod" else spec.get("template", {}).get("spec", {})
    for container in pod.get("initContainers", []) + pod.get("containers", []):
        container.pop("env", None)
        container.pop("envFrom", None)
    return item


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    if secret := re.search(r"PRIVATE KEY|^ {0,3}\"kind\": \"Secret\"|eyJhbGciOi", text, re.M):
        raise Failed(f"{path} would hold a secret: {secret[0]}")
    path.write_text(text)


def main(argv):
    if not argv or argv[0].startswith("-"):
        raise Failed(__doc__)
    folder, names = Path(argv[0]), argv[1:]
    for fault in FAULTS:
        if names and fault.name not in names:
            continue
        with imposed(fault, sender(fault)):
            truth = measure(fault)
            capture(fault, folder / fault.name)
            write(folder / fault.name / "case.json", case_of(fault, folder / fault.name, truth))
        flags = ",".join(truth["flags"]) or "-"
        print(
            fault.name,
            truth["outcome"],
            truth["status"],
            flags,
            truth["details"] or "-",
            flush=True,
        )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failed as error:
        sys.exit(str(error))
