"""What a node does, without containers: a network namespace for each pod, a process for each
container of it, names and service addresses as cluster DNS and kube-proxy would give them.

The node, the life cycle of pods and the kubelet's port-forward are kwok's.
"""

import hashlib
import json
import re
import shutil
from pathlib import Path

import parts
from api import GATEWAY, KUBECONFIG, apply, kubectl, listed
from host import (
    NET,
    ROOT,
    add_namespace,
    inside,
    names_of,
    remove_namespace,
    run,
    start,
    stop,
    until,
)

PROXY_USER, APP_USER = 1337, 1000
FORWARDED = (15000, 15010, 15012, 15014, 15020, 15021, 8080, *range(8081, 8091))
APP = Path(__file__).with_name("app.py").read_text()


def state():
    """uid -> what runs of that pod"""
    file = ROOT / "pods" / "state.json"
    return json.loads(file.read_text()) if file.exists() else {}


def named(name):
    """The running pod of that name, or whose name begins so."""
    pods = state().values()
    exact = [p for p in pods if p["name"] == name]
    return next(iter(exact or [p for p in pods if p["name"].startswith(name)]), None)


def sync():
    """Start the processes of new pods, stop those of gone ones; returns how many pods run."""
    have = state()
    objects = listed("pods,services,endpointslices")
    pods = {o["metadata"]["uid"]: o for o in objects if o["kind"] == "Pod" and runs(o)}
    for uid in [u for u in have if u not in pods]:
        for name in have[uid]["processes"]:
            stop(name)
        remove_namespace(have.pop(uid)["netns"])
    fresh = [u for u in pods if u not in have]
    for uid in fresh:
        have[uid] = start_pod(pods[uid])
    write_names(have.values(), objects)
    for uid in fresh:
        start_containers(pods[uid], have[uid])
    write_service_addresses(have.values(), objects)
    (ROOT / "pods" / "state.json").write_text(json.dumps(have))
    return len(have)


def runs(pod):
    status = pod["status"]
    return (
        status.get("podIP")
        and status.get("phase") == "Running"
        and "deletionTimestamp" not in pod["metadata"]
    )


def settle(seconds=90.0):
    """Wait until every workload is as it is wanted, and every proxy is ready."""

    def settled():
        for owner in filter(is_ours, listed("deployments,statefulsets")):
            status, wanted = owner["status"], owner["spec"].get("replicas", 1)
            if status.get("observedGeneration", 0) < owner["metadata"]["generation"]:
                return False
            if status.get("updatedReplicas", 0) != wanted or status.get("replicas", 0) != wanted:
                return False
        pods = filter(is_ours, listed("pods"))
        if sync() != sum("deletionTimestamp" not in pod["metadata"] for pod in pods):
            return False
        return all(ready(pod) for pod in state().values() if pod["proxy"])

    until("workloads and their proxies", settled, seconds)


def is_ours(one):
    """Not what istiod makes for a Gateway that names no pods: there is no scheduler for it."""
    return "gateway.networking.k8s.io/gateway-name" not in one["metadata"].get("labels", {})


def ready(pod):
    probe = ("curl", "-sf", "-m", "1", "-o", "/dev/null", "http://127.0.0.1:15021/healthz/ready")
    return run(*inside(pod["netns"], *probe), ok=False).returncode == 0


# --- pods -----------------------------------------------------------------------------------


def start_pod(pod):
    meta, address = pod["metadata"], pod["status"]["podIP"]
    netns = f"{NET}-{hashlib.sha256(meta['uid'].encode()).hexdigest()[:8]}"
    remove_namespace(netns)  # what a sync that failed half-way left
    add_namespace(netns, address, gateway=GATEWAY)
    forward_ports(meta, netns)
    return {
        "namespace": meta["namespace"],
        "name": meta["name"],
        "address": address,
        "netns": netns,
        "proxy": "",
        "user": APP_USER,  # of the application
        "processes": [],
    }


def forward_ports(meta, netns):
    """What kubectl port-forward reaches. The admin port writes down what it was asked and gave."""

    def command(port):
        log = ROOT / "admin" / f"{meta['namespace']}_{meta['name']}"
        dump = ["-r", f"{log}.asked", "-R", f"{log}.given"] if port == 15000 else []
        return inside(netns, "socat", *dump, "-", f"TCP:127.0.0.1:{port}")

    forwards = [{"ports": [port], "command": command(port)} for port in FORWARDED]
    name = {"name": meta["name"], "namespace": meta["namespace"]}
    apply(
        [
            {
                "apiVersion": "kwok.x-k8s.io/v1alpha1",
                "kind": "PortForward",
                "metadata": name,
                "spec": {"forwards": forwards},
            }
        ]
    )


def start_containers(pod, here):
    spec, netns = pod["spec"], here["netns"]
    for container in spec.get("initContainers", []) + spec["containers"]:
        home = ROOT / "pods" / netns / container["name"]
        home.mkdir(parents=True, exist_ok=True)
        for mount in container.get("volumeMounts", []):
            fill_volume(pod, mount, home)
        env = {e["name"]: env_value(e, pod) for e in container.get("env", [])}
        argv = [
            re.sub(r"\$\((\w+)\)", lambda m, env=env: env.get(m[1], m[0]), a)
            for a in container.get("command", []) + container.get("args", [])
        ]
        name = f"{netns}-{container['name']}"
        image = container["image"]
        user = None
        if "proxyv2" in image and "istio-iptables" in argv:
            capture = argv[argv.index("istio-iptables") :]
            done = run(*inside(netns, ROOT / "bin" / "pilot-agent", *capture))
            (ROOT / "log" / f"{name}.log").write_text(done.stdout + done.stderr)
            continue
        if "proxyv2" in image:
            prepare_proxy(home)
            argv, user = [ROOT / "bin" / "pilot-agent", *argv], PROXY_USER
            here["proxy"] = name
        elif "pilot" in image:
            env["KUBECONFIG"] = str(KUBECONFIG)
            argv = [ROOT / "bin" / "pilot-discovery", *argv, "--kubeconfig", KUBECONFIG]
        else:
            serves = argv or [f"http:{p['containerPort']}" for p in container.get("ports", [])]
            user = container.get("securityContext", {}).get("runAsUser", APP_USER)
            argv, here["user"] = ["python3", "-c", APP, here["name"], *serves], user
        start(
            name, argv, namespace=netns, user=user, cwd=home, env={**env, "HOSTNAME": here["name"]}
        )
        here["processes"].append(name)


def prepare_proxy(home):
    """The files that pilot-agent expects of its image, relative to where it stands."""
    template = home / "var/lib/istio/envoy"
    template.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(parts.BIN / "envoy_bootstrap.json", template / "envoy_bootstrap_tmpl.json")
    (home / "etc/istio/proxy").mkdir(parents=True, exist_ok=True)
    run("chown", "-R", f"{PROXY_USER}:{PROXY_USER}", home)


def env_value(entry, pod):
    came = entry.get("valueFrom", {})
    if "fieldRef" in came:
        return field(pod, came["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in came:
        return "2"
    return entry.get("value", "")


def field(pod, path):
    if entry := re.match(r"metadata\.(labels|annotations)\['(.+)'\]$", path):
        return pod["metadata"].get(entry[1], {}).get(entry[2], "")
    value = pod
    for key in path.split("."):
        value = value.get(key, {}) if isinstance(value, dict) else {}
    return value if isinstance(value, str) else ""


def fill_volume(pod, mount, home):
    volume = next((v for v in pod["spec"].get("volumes", []) if v["name"] == mount["name"]), {})
    folder = home / mount["mountPath"].lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    meta = pod["metadata"]
    for source in volume.get("projected", {}).get("sources", []):
        token = source.get("serviceAccountToken", {})
        if "audience" in token:
            account = pod["spec"].get("serviceAccountName", "default")
            made = kubectl(
                "create", "token", account, "-n", meta["namespace"],
                "--audience", token["audience"], "--duration", "24h",
                "--bound-object-kind", "Pod", "--bound-object-name", meta["name"],
            )  # fmt: skip
            (folder / token["path"]).write_text(made.strip())
    if "configMap" in volume:
        found = kubectl(
            "get",
            "configmap",
            volume["configMap"]["name"],
            "-n",
            meta["namespace"],
            "-o",
            "json",
            ok=False,
        )
        for key, text in json.loads(found or "{}").get("data", {}).items():
            (folder / key).write_text(text)
    for item in volume.get("downwardAPI", {}).get("items", []):
        pairs = meta.get(item["fieldRef"]["fieldPath"].split(".")[1], {})
        (folder / item["path"]).write_text(
            "\n".join(f"{k}={json.dumps(v)}" for k, v in sorted(pairs.items()))
        )


# --- names and addresses of services --------------------------------------------------------


def ready_endpoints(objects):
    """(namespace, service, port name) -> addresses"""
    found = {}
    for o in objects:
        if o["kind"] != "EndpointSlice":
            continue
        service = o["metadata"].get("labels", {}).get("kubernetes.io/service-name")
        for port in o.get("ports") or []:
            found.setdefault(
                (o["metadata"]["namespace"], service, port.get("name", "")), []
            ).extend(
                f"{address}:{port['port']}"
                for endpoint in o.get("endpoints") or []
                if endpoint["conditions"].get("ready", True)
                for address in endpoint["addresses"]
            )
    return found


def write_names(pods, objects):
    """In the place of cluster DNS, and of the names outside."""
    known = [*service_names(pods, objects), *endpoint_names(objects), *outside_names(objects)]
    addresses = {}
    for address, name, namespace in known:
        addresses.setdefault((name, namespace), []).append(address)
    for service in of_kind("Service", objects):
        target = address_key(service["spec"].get("externalName", ""))
        meta = service["metadata"]
        known += [(a, meta["name"], meta["namespace"]) for a in addresses.get(target, [])]
    for pod in pods:
        lines = ["127.0.0.1 localhost"]
        for address, name, namespace in known:
            full = f"{name}.{namespace}"
            own = f" {name}" if namespace == pod["namespace"] else ""
            of_service = f"{full}.svc.cluster.local {full}.svc {full}{own}"
            lines.append(f"{address} {of_service if namespace else name}")
        names_of(pod["netns"]).write_text("\n".join(lines) + "\n")


def of_kind(kind, objects):
    return (o for o in objects if o["kind"] == kind)


def service_names(pods, objects):
    """(address, name, namespace). Istiod by its pod: its clients are not redirected to it."""
    istiod = next((p["address"] for p in pods if p["name"].startswith("istiod")), None)
    for service in of_kind("Service", objects):
        address, name = service["spec"].get("clusterIP", "None"), service["metadata"]["name"]
        if address != "None":
            yield istiod if name == "istiod" else address, name, service["metadata"]["namespace"]


def endpoint_names(objects):
    """Services without an address go by those of their pods, and a pod with a name by that too."""
    headless = {
        (o["metadata"]["name"], o["metadata"]["namespace"])
        for o in of_kind("Service", objects)
        if o["spec"].get("clusterIP") == "None"
    }
    for part in of_kind("EndpointSlice", objects):
        name = part["metadata"].get("labels", {}).get("kubernetes.io/service-name")
        namespace = part["metadata"]["namespace"]
        for endpoint in part.get("endpoints") or []:
            if (name, namespace) not in headless or not endpoint["conditions"].get("ready", True):
                continue
            for address in endpoint["addresses"]:
                yield address, name, namespace
                if "hostname" in endpoint:
                    yield address, f"{endpoint['hostname']}.{name}", namespace


def outside_names(objects):
    """Names of no service: what an annotation says of its pod, `name` or `name=address`."""
    for pod in of_kind("Pod", objects):
        for one in pod["metadata"].get("annotations", {}).get("names", "").split():
            name, _, address = one.partition("=")
            yield address or pod["status"].get("podIP", "0.0.0.0"), name, ""


def address_key(host):
    """A host as (name, namespace) of its service; of no namespace where it is none's."""
    service = host.removesuffix(".svc.cluster.local")
    return tuple(service.rsplit(".", 1)) if service != host else (host, "")


def write_service_addresses(pods, objects):
    """In the place of kube-proxy: behind Istio's own rules, to a ready endpoint at random."""
    rules, endpoints = [], ready_endpoints(objects)
    for o in objects:
        if o["kind"] != "Service" or o["spec"].get("clusterIP", "None") == "None":
            continue
        for port in o["spec"].get("ports", []):
            there = endpoints.get(
                (o["metadata"]["namespace"], o["metadata"]["name"], port.get("name", "")), []
            )
            rules += [
                f"-A MESH_SERVICES -d {o['spec']['clusterIP']} -p tcp --dport {port['port']}"
                f" -m statistic --mode random --probability {1 / (len(there) - i):.6f}"
                f" -j DNAT --to-destination {address}"
                for i, address in enumerate(there)
            ]
    text = "\n".join(["*nat", ":MESH_SERVICES - [0:0]", *rules, "COMMIT", ""])
    for pod in pods:
        if pod.get("rules") == text:
            continue
        run(*inside(pod["netns"], "iptables-restore", "--noflush"), stdin=text)
        if "rules" not in pod:
            run(
                *inside(
                    pod["netns"], "iptables", "-t", "nat", "-A", "OUTPUT", "-j", "MESH_SERVICES"
                )
            )
        pod["rules"] = text
