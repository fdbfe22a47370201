#!/usr/bin/env python3
"""Make a scenario of a capture: keep what its question touches and a neighbor, so that the repository stays small.

  tests/scenarios/trim.py CAPTURE tests/scenarios/NAME [--finding ID] [--also ID]... [--differs WHY] [--destination]
                                  [--control-plane]

CAPTURE is a folder that tests/mesh/capture.py wrote: a saved snapshot with case.json, the question and what was
measured. What is kept is a smaller mesh, whole in itself:

  source/       route configurations, listeners and clusters of the port and of the host that are asked for, every
                cluster that those name, one neighbor, and what stands for all the rest (virtualOutbound,
                PassthroughCluster, BlackHoleCluster); listeners.json whole; a gateway's is kept whole
  destination/  with --destination: virtualInbound without its access logs and tracing, and the inbound clusters; of a
                gateway everything
  controlplane/ with --control-plane: istiod's rows of A's proxy and of B's, and what A's proxy counts of istiod
  objects.json  Services of the mesh; workloads and pods of the namespaces involved, down to what a verdict may rest
                on; every object of Istio and of the Gateway API

`--finding` is the first finding that is expected, `--also` one beside it. `--differs WHY` marks a case that is not
answered as measured yet, and says why: the test fails once it is.

With MESH_WHY=target/debug/kubectl-mesh_why the question is put to CAPTURE and to the scenario, and both must answer
with the same bytes. The goldens are then written by `UPDATE_EXPECT=1 cargo test --test scenarios`.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CORE = {
    "pods": "/api/v1/namespaces/{}/pods",
    "endpointslices": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "deployments": "/apis/apps/v1/namespaces/{}/deployments",
    "replicasets": "/apis/apps/v1/namespaces/{}/replicasets",
    "statefulsets": "/apis/apps/v1/namespaces/{}/statefulsets",
}
MESH_GROUPS = ("networking.istio.io", "security.istio.io", "gateway.networking.k8s.io", "telemetry.istio.io",
               "extensions.istio.io", "networking.k8s.io")
WORKLOADS = ("Pod", "EndpointSlice", "Deployment", "ReplicaSet", "StatefulSet")
NODE_METADATA = ("NAME", "NAMESPACE", "CLUSTER_ID", "ISTIO_VERSION", "INTERCEPTION_MODE", "LABELS", "MESH_ID",
                 "WORKLOAD_NAME")
ALWAYS = {"PassthroughCluster", "BlackHoleCluster"}
STATS = (r"/stats?format=json&filter=^(control_plane\.connected_state|cluster\.xds-grpc;?\.upstream_(cx|rq)_active"
         r"|cluster_manager\.cds\.update_rejected|listener_manager\.lds\.update_rejected)$")


def read(path):
    return json.loads(path.read_text()) if path.exists() else None


def lines(value, depth, indent=""):
    """JSON that is split down to `depth`, so that a difference is a line."""
    if depth and isinstance(value, dict) and value:
        parts = [f"{json.dumps(k)}: {lines(v, depth - 1, indent + ' ')}" for k, v in value.items()]
        return "{\n" + ",\n".join(f"{indent} {p}" for p in parts) + f"\n{indent}}}"
    if depth and isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"{indent} {lines(v, depth - 1, indent + ' ')}" for v in value) + f"\n{indent}]"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def write(path, value, depth):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines(value, depth) + "\n")


def every(value, key):
    """The values of `key`, however deep."""
    if isinstance(value, dict):
        for k, v in value.items():
            if k == key:
                yield v
            yield from every(v, key)
    elif isinstance(value, list):
        for v in value:
            yield from every(v, key)


def name_of(element):
    for member in ("route_config", "cluster", "endpoint_config", "listener"):
        if isinstance(element.get(member), dict):
            return element[member].get("name") or element[member].get("cluster_name")
    return element.get("name")


class Touched:
    """What a question touches in A's proxy."""

    def __init__(self, ask, dump, objects):
        host, _, port = ask["to"].rpartition(":")
        self.port, name = port, host.split(".")[0]
        sections = {k: v for c in dump["configs"] for k, v in c.items() if isinstance(v, list)}
        self.sections = sections
        routes = {name_of(e): e for e in sections.get("dynamic_route_configs", [])}
        # Beside each listener that Envoy rejected it lists the error alone, once more and without a name.
        listeners = {e["name"]: e for e in sections.get("dynamic_listeners", []) if "name" in e}
        clusters = [name_of(e) for e in sections.get("dynamic_active_clusters", [])]
        self.gateway = "virtualOutbound" not in listeners
        static = [name_of(e) for e in sections.get("static_listeners", [])]
        self.static_listeners = set(static) if self.gateway else set()
        if self.gateway:
            self.routes, self.listeners = set(routes), set(listeners)
        else:
            mine = lambda n: n.split(":")[-1] == port and (":" not in n or n.startswith(name + "."))
            self.routes = {n for n in routes if mine(n)}
            others = sorted(n for n in routes if n not in self.routes and ":" not in n)
            self.routes.update(others[-1:])
            names = lambda l: set(every(l, "route_config_name"))
            ports = lambda l: set(every(l.get("active_state", {}).get("listener", {}).get("address"), "port_value"))
            self.listeners = {n for n, l in listeners.items() if n == "virtualOutbound" or names(l) & self.routes
                              or n.endswith(f"_{port}") or port.isdigit() and int(port) in ports(l)}
        kept = [routes[n] for n in self.routes] + [listeners[n] for n in self.listeners]
        self.clusters = ALWAYS | {c for c in every(kept, "cluster") if isinstance(c, str)}
        self.clusters |= {e["name"] for w in every(kept, "weighted_clusters") for e in w.get("clusters", [])}
        self.clusters |= {c for c in clusters if c.split("|")[-1].split(".")[0] == name and c.startswith("outbound")}
        hosts = {c.split("|")[-1] for c in self.clusters if c.startswith("outbound")} if self.gateway else set()
        self.clusters |= {c for c in clusters if c.split("|")[-1] in hosts}
        self.namespaces = {ask["from"].split(".")[1] if "." in (ask.get("from") or "") else None}
        self.namespaces |= {c.split("|")[-1].split(".")[1] for c in self.clusters
                            if c.startswith("outbound|") and c.split("|")[-1].split(".")[0] == name
                            and c.endswith(".svc.cluster.local")}
        services = {(o["metadata"]["namespace"], o["metadata"]["name"]) for o in objects if o["kind"] == "Service"}
        if len(host.split(".")) > 1 and (host.split(".")[1], name) in services:
            self.namespaces.add(host.split(".")[1])
        self.namespaces.discard(None)

    def source(self):
        keep = {
            "dynamic_listeners": self.listeners,
            "static_listeners": self.static_listeners,
            "dynamic_route_configs": self.routes,
            "dynamic_active_clusters": self.clusters,
            "dynamic_warming_clusters": self.clusters,
            "dynamic_endpoint_configs": self.clusters,
        }
        return lambda section, element: is_secret(section) or name_of(element) in keep.get(section, ())


def trim_dump(dump, keep, change=lambda e: e):
    configs = []
    for config in dump["configs"]:
        small = {"@type": config["@type"]}
        for key, value in config.items():
            if isinstance(value, list) and (kept := [change(e) for e in value if keep(key, e) and is_small(e)]):
                small[key] = kept
        if config["@type"].split(".")[-1] in ("ListenersConfigDump", "RoutesConfigDump", "ClustersConfigDump",
                                              "EndpointsConfigDump", "SecretsConfigDump"):
            configs.append(small)
    return {"configs": configs}


def is_secret(section):
    """Certificates, without their keys: Envoy prints none."""
    return section in ("dynamic_active_secrets", "dynamic_warming_secrets")


def is_small(element):
    """All authorities that a system trusts are no part of any question."""
    return len(json.dumps(element)) < 50_000


def is_inbound(section, element):
    name = name_of(element) or ""
    if is_secret(section):
        return True
    if section == "dynamic_listeners":
        return name == "virtualInbound"
    return section.startswith("dynamic_") and (name.startswith("inbound|") or name == "InboundPassthroughCluster")


def quiet(value):
    """Without access logs and tracing."""
    if isinstance(value, dict):
        return {k: quiet(v) for k, v in value.items() if k not in ("access_log", "tracing")}
    return [quiet(v) for v in value] if isinstance(value, list) else value


def trim_info(info):
    node = info.get("node", {})
    metadata = {k: v for k, v in node.get("metadata", {}).items() if k in NODE_METADATA}
    small = {k: node[k] for k in ("id", "cluster", "locality", "user_agent_build_version") if k in node}
    keep = {k: info[k] for k in ("version", "state") if k in info}
    return {**keep, "node": {**small, "metadata": metadata}}


def copy_proxy(capture, out, folder, keep, change=lambda e: e):
    """A proxy's files; the paths that they answer."""
    dump = trim_dump(read(capture / folder / "config_dump.json"), keep, change)
    write(out / folder / "config_dump.json", dump, 4)
    names = {name_of(e) for c in dump["configs"] for k, v in c.items() if "clusters" in k for e in v}
    clusters = read(capture / folder / "clusters.json")["cluster_statuses"]
    write(out / folder / "clusters.json", {"cluster_statuses": [c for c in clusters if c["name"] in names]}, 3)
    paths = ["/config_dump?include_eds", "/clusters?format=json", "/server_info", "/listeners?format=json"]
    write(out / folder / "server_info.json", trim_info(read(capture / folder / "server_info.json")), 2)
    write(out / folder / "listeners.json", read(capture / folder / "listeners.json"), 2)
    if runtime := read(capture / folder / "runtime.json"):
        write(out / folder / "runtime.json", runtime, 2)
        paths.append("/runtime")
    return paths


def copy_control_plane(capture, out, proxies):
    """What istiod says of the proxies, and what A's counts of istiod; the paths that A's answers."""
    rows = [row for row in read(capture / "controlplane" / "syncz.json") if row["proxy"] in proxies]
    write(out / "controlplane" / "syncz.json", rows, 4)
    stats = read(capture / "source" / "stats.json")["stats"]
    small = [stat for stat in stats if re.search(STATS.partition("filter=")[2], stat.get("name", ""))]
    write(out / "source" / "stats.json", {"stats": small}, 2)
    return [STATS]


def only(value, *keys):
    return {k: value[k] for k in keys if k in value}


def trim_pod_spec(spec):
    small = only(spec, "nodeName", "hostNetwork", "serviceAccountName")
    for kind in ("containers", "initContainers"):
        if found := [trim_container(c) for c in spec.get(kind, [])]:
            small[kind] = found
    return small


def trim_container(container):
    small = only(container, "name", "ports", "restartPolicy")
    if user := only(container.get("securityContext", {}), "runAsUser"):
        small["securityContext"] = user
    return small


def trim_object(o, bystander):
    """An object down to what a verdict may rest on; of a workload that is not asked about, what tells it apart."""
    metadata = only(o["metadata"], "name", "namespace", "labels")
    kind, status = o["kind"], o.get("status", {})
    small = {**{k: v for k, v in o.items() if k not in ("metadata", "status")}, "metadata": metadata}
    if kind not in WORKLOADS or not bystander:
        metadata.update(only(o["metadata"], "creationTimestamp", "deletionTimestamp", "generation"))
        annotations = o["metadata"].get("annotations", {})
        if annotations := {k: v for k, v in annotations.items() if "istio.io/" in k}:
            metadata["annotations"] = annotations
    if kind not in WORKLOADS and "status" in o and kind != "Service":
        small["status"] = status
    if kind in ("Pod", "ReplicaSet") and (owners := o["metadata"].get("ownerReferences")):
        metadata["ownerReferences"] = [only(w, "apiVersion", "kind", "name", "controller") for w in owners]
    if kind == "EndpointSlice":
        small["endpoints"] = [{**only(e, "addresses", "conditions", "nodeName"),
                               **{k: only(e[k], "kind", "namespace", "name") for k in ("targetRef",) if k in e}}
                              for e in o.get("endpoints") or []]
    if kind == "Pod":
        small["spec"] = {} if bystander else trim_pod_spec(o["spec"])
        small["status"] = only(status, "phase", "podIP")
        small["status"]["conditions"] = [only(c, "type", "status") for c in status.get("conditions", [])
                                         if c["type"] == "Ready"]
        if not bystander:
            small["status"]["containerStatuses"] = [only(c, "name", "ready", "restartCount", "state")
                                                    for c in status.get("containerStatuses", [])]
    elif kind in WORKLOADS and kind != "EndpointSlice":
        small["spec"] = only(o["spec"], "replicas", *([] if bystander else ["selector"]))
        if kind != "ReplicaSet" and not bystander:
            template = o["spec"]["template"]
            small["spec"]["template"] = {"metadata": only(template["metadata"], "labels", "annotations"),
                                         "spec": trim_pod_spec(template["spec"])}
            small["status"] = only(status, "replicas", "readyReplicas", "availableReplicas")
    return small


def trim_objects(items, namespaces, names):
    def begins(o):
        return any(o["metadata"]["name"].startswith(n) for n in names)

    asked = [o["spec"].get("selector") or {} for o in items if o["kind"] == "Service" and begins(o)]
    selectors = [selector.items() for selector in asked if selector]

    def matters(o):
        labels = o["metadata"].get("labels", {}).items()
        return begins(o) or o["kind"] == "Pod" and any(selector <= labels for selector in selectors)

    kept = []
    for o in items:
        group = o["apiVersion"].rpartition("/")[0]
        mine = o["metadata"].get("namespace") in namespaces and o["kind"] in WORKLOADS
        if group in MESH_GROUPS and o["kind"] != "GatewayClass" or o["kind"] == "Service" or mine:
            kept.append(trim_object(o, not matters(o)))
    return kept


def trim_read(read_, namespaces, source, destination):
    """What was read, of what is left."""
    kubernetes = read_.get("kubernetes", {})
    kinds = [k for k in kubernetes.get("kinds", []) if k not in CORE and k not in ("namespaces", "gatewayclasses")]
    queries = [CORE[k].format(n) for k in kubernetes.get("kinds", []) if k in CORE for n in sorted(namespaces)]
    small = {"kubernetes": {"kinds": kinds, "queries": queries}}
    if source is not None:
        small["source"] = {"paths": source}
    if destination is not None:
        small["destination"] = {"paths": destination}
    return small


def measured(case):
    truth = case["truth"]
    used = {(x["cluster"], x["host"]) for x in truth["observations"] if x["side"] == "source"}
    used = sorted((c, h) for c, h in used if c not in ("-", ""))
    also = {(x["status"], x["flags"], x["details"]) for x in truth["observations"]
            if x["flags"] != "-" or not x["details"].startswith("via_upstream")}
    if truth["outcome"] == "reaches":
        truth = {**truth, "status": 200, "details": "via_upstream"}
    return {**only(truth, "outcome", "flags", "details", "from"), "status": truth["status"] or 0,
            "logged": [dict(zip(("status", "flags", "details"), x)) for x in sorted(also)],
            "used": [dict(zip(("cluster", "host"), x)) for x in used]}


def arguments(capture, ask):
    given = ["--snapshot", str(capture), *([ask["from"]] if ask.get("from") else []), ask["to"],
             "--path", ask["path"], "--method", ask["method"]]
    for header in ask.get("headers", []):
        given += ["-H", header]
    return given + (["--protocol", ask["protocol"]] if ask.get("protocol") else []) + (["--tls"] if ask.get("tls")
                                                                                       else [])


def verify(capture, out, ask):
    tool = os.environ.get("MESH_WHY")
    for form in ("text", "wide", "json") if tool else ():
        full, small = (subprocess.run([tool, *arguments(d, ask), "-o", form], capture_output=True, check=False)
                       for d in (capture, out))
        if (full.stdout, full.returncode) != (small.stdout, small.returncode):
            sys.stdout.write(full.stdout.decode() + "\n--- trimmed ---\n" + small.stdout.decode())
            raise SystemExit(f"{out.name}: the trimmed snapshot answers differently ({form})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--finding")
    parser.add_argument("--also", action="append", default=[])
    parser.add_argument("--differs")
    parser.add_argument("--destination", action="store_true")
    parser.add_argument("--control-plane", action="store_true")
    given = parser.parse_args()
    capture, out = given.capture, given.out
    case, manifest = read(capture / "case.json"), read(capture / "snapshot.json")
    ask = {k: v for k, v in case["ask"].items() if v not in (None, False) and k != "ip"}
    for folder in ("source", "destination"):
        shutil.rmtree(out / folder, ignore_errors=True)
    items = read(capture / "objects.json")["items"]
    source = destination = None
    names = [re.split("[.:]", x)[0] for x in (ask.get("from"), ask["to"]) if x]
    namespaces = {p["namespace"] for p in (manifest.get("source"), manifest.get("destination")) if p}
    if (capture / "source" / "config_dump.json").exists():
        path = Touched(ask, read(capture / "source" / "config_dump.json"), items)
        namespaces |= path.namespaces
        source = copy_proxy(capture, out, "source", path.source())
    if given.destination and (capture / "destination" / "config_dump.json").exists():
        node = read(capture / "destination" / "server_info.json").get("node", {})
        is_gateway = node.get("id", "").startswith("router~")
        keep = (lambda section, element: True) if is_gateway else is_inbound
        destination = copy_proxy(capture, out, "destination", keep, quiet)
    pods = [p for p in (manifest.get("source"), manifest.get("destination")) if p]
    if given.control_plane and source is not None:
        source += copy_control_plane(capture, out, [f"{p['name']}.{p['namespace']}" for p in pods])
    write(out / "objects.json", {"apiVersion": "v1", "kind": "List", "items": trim_objects(items, namespaces, names)}, 2)
    unread = [u for u in manifest.get("unread", []) if "ConfigDump" not in (u.get("query") or u["what"])]
    small = {**only(manifest, "schema", "tool", "time"), "ask": ask, **only(manifest, "source", "destination"),
             "read": trim_read(manifest["read"], namespaces, source, destination), "unread": unread}
    if given.control_plane:
        small["read"]["controlplane"] = {"paths": sorted({f"/debug/syncz?namespace={p['namespace']}" for p in pods})}
    if source is None:
        small["source"] = {**small["source"], "without_proxy": True}
    write(out / "snapshot.json", small, 3)
    expected = {"ask": ask, "measured": measured(case), "finding": given.finding, "also": given.also,
                "blame": case["cause"]["objects"]}
    if case.get("outcomes"):
        expected["outcomes"] = case["outcomes"]
    if given.differs:
        expected["differs"] = given.differs
    if case.get("report"):
        expected["report"] = case["report"]
    write(out / "case.json", expected, 3)
    if source is not None:  # Older captures do not say that A has no proxy.
        verify(capture, out, ask)
    size = sum(f.stat().st_size for f in out.rglob("*.json") if f.name != "expect.json")
    print(f"{out.name}: {size // 1000} kB")


if __name__ == "__main__":
    main()
