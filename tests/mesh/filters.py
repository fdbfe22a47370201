"""The wide mesh as it is with Istio's own filters, which upstream's Envoy has not.

A second istiod, which leaves nothing out, is asked what it would send each proxy. In the snapshot
that was saved of each pair, that takes the place of what the proxies hold; all else stays as it was
read. The tool has to say of it what it said of the pair itself, but for what B makes of the ALPN
that it sees.
"""

import json
import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import api
import kubelet
from ads import Subscription
from broad import saved
from capture import ADMIN, LEFT_OUT, write
from dumps import RESOURCES, as_envoy, camel, named, put_in, routes_of
from host import NET, ROOT, Failed, add_namespace, inside, remove_namespace, run, stop, until
from pairs import question
from proxy import Proxy

SECOND = f"{NET}-second"  # the network namespace of the second istiod
ADDRESS = "10.244.254.2"
HOME = ROOT / "desk" / "filters"
WHOLE, RUNTIME = ADMIN["config_dump.json"], ADMIN["runtime.json"]
AT_ONCE = 2  # of the tool
PROXIES_AT_ONCE = 4
# The names of fields, as Envoy prints them and as istiod and istioctl do.
ENVOYS, ISTIOCTLS = "envoys", "istioctls"
SELDOM = 3  # one of so many pairs is asked in the latter, too
WANTED = {
    "envoy.tcp.metadataexchange.config.MetadataExchange",
    "io.istio.http.peer_metadata.Config",
    "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
    "stats.PluginConfig",
}

# --- the second istiod ----------------------------------------------------------------------

WITHOUT = ("PILOT_ENABLE_ALPN_FILTER", "PILOT_ENABLE_METADATA_EXCHANGE")  # is the first
# It writes configuration, and changes nothing in the cluster.
QUIET = {
    "POD_NAME": "istiod-second",
    "INJECTION_WEBHOOK_CONFIG_NAME": "",
    "VALIDATION_WEBHOOK_CONFIG_NAME": "",
}
# A service that every proxy knows: no cluster comes in addition.
COLLECTOR = {"service": "carts-v1.store.svc.cluster.local", "port": 8080}
MESH = {
    "enableTracing": True,
    "defaultProviders": {
        "metrics": ["prometheus"],
        "tracing": ["spans"],
        "accessLogging": ["envoy"],
    },
    "extensionProviders": [
        {"name": "spans", "zipkin": COLLECTOR},
        {"name": "calls", "envoyHttpAls": COLLECTOR},
        {"name": "records", "envoyOtelAls": COLLECTOR},
    ],
}
PATH_TAG = {
    "match": {"metric": "REQUEST_COUNT"},
    "tagOverrides": {"path": {"value": "request.url_path"}},
}
TELEMETRY = {
    "apiVersion": "telemetry.istio.io/v1",
    "kind": "Telemetry",
    "metadata": {"name": "mesh", "namespace": "istio-system"},
    "spec": {
        "metrics": [{"providers": [{"name": "prometheus"}], "overrides": [PATH_TAG]}],
        "tracing": [{"providers": [{"name": "spans"}], "randomSamplingPercentage": 10}],
        "accessLogging": [{"providers": [{"name": n} for n in ("envoy", "calls", "records")]}],
    },
}


@contextmanager
def second_istiod():
    """An istiod that leaves nothing out, beside the mesh's own; no proxy goes by it."""
    remove_namespace(SECOND)
    add_namespace(SECOND, ADDRESS)
    here = {"netns": SECOND, "name": QUIET["POD_NAME"], "processes": []}
    try:
        kubelet.start_containers(second_pod(), here)
        ready = ("curl", "-sf", "-o", "/dev/null", "http://127.0.0.1:8080/ready")
        until("the second istiod", lambda: run(*inside(SECOND, *ready), ok=False).returncode == 0)
        yield
    finally:
        for name in here["processes"]:
            stop(name)
        remove_namespace(SECOND)


def second_pod():
    """The pod of the mesh's istiod, with another MeshConfig and what that one leaves out.

    The Telemetry object is a file that only this one reads: in the API the first would see it."""
    objects, config = HOME / "objects", HOME / "mesh.yaml"
    objects.mkdir(parents=True, exist_ok=True)
    (objects / "telemetry.yaml").write_text(json.dumps(TELEMETRY))
    own = api.get("configmap", "istio", "-n", "istio-system")["data"]["mesh"]
    own = own.replace("defaultProviders: {}\n", "")
    more = MESH | {"configSources": [{"address": "k8s://"}, {"address": f"fs://{objects}"}]}
    lines = [f"{key}: {json.dumps(value)}" for key, value in more.items()]
    config.write_text("\n".join([own, *lines, ""]))
    pod = api.get("pod", kubelet.named("istiod")["name"], "-n", "istio-system")
    container = pod["spec"]["containers"][0]
    container["args"] += ["--meshConfig", str(config)]
    container["env"] = [e for e in container["env"] if e["name"] not in {*WITHOUT, *QUIET}]
    container["env"] += [{"name": name, "value": value} for name, value in QUIET.items()]
    return pod


def given(pod, real):
    """What the second istiod would send a proxy: its own dump of that."""
    own = as_envoy(dump(kubelet.named("istiod")["netns"], pod))
    if other := misprinted(own, real):
        raise Failed(f"{pod['name']} prints what it was sent in another way: {', '.join(other)}")

    def come(*kinds):
        """The dump of the second, once it has what that of the first has."""
        found = dump(SECOND, pod)
        for kind in kinds:
            if other := named(own, kind).keys() ^ named(found, kind, camel).keys():
                raise Failed(f"{kind} of one istiod alone: {', '.join(sorted(other))}")
        return found

    wants = Subscription(node_of(pod), SECOND)
    try:
        wants.want("clusters")
        wants.want("listeners")
        first = until(f"listeners of {pod['name']}", lambda: come("clusters", "listeners"), 10)
        wants.want("routes", sorted(routes_of(first)))
        return until(f"routes of {pod['name']}", lambda: come(*RESOURCES), 10)
    finally:
        wants.close()


def node_of(pod):
    """How the proxy names itself, without what its build is made of."""
    node = Proxy(pod).json("/server_info")["node"]
    node.pop("extensions", None)
    return node


def dump(namespace, pod):
    """What the istiod in a network namespace would send a proxy that is connected to it."""
    query = f"proxyID={pod['name']}.{pod['namespace']}"
    url = f"http://127.0.0.1:8080/debug/config_dump?{query}"
    return json.loads(run(*inside(namespace, "curl", "-sSf", "-m", "20", "-g", url)).stdout)


def misprinted(own, real):
    """What we would print otherwise than the proxy does, of what the mesh's istiod sent it."""
    found = []
    for kind in RESOURCES:
        held = named(real, kind)
        for name, (holder, key) in named(own, kind).items():
            there, _ = held.get(name, ({}, key))
            if there.get(key) != holder[key]:
                found.append(name)
    return found


# --- snapshots ------------------------------------------------------------------------------


def prepare(pods):
    """HOME/NAMES/POD/ for each proxy: all that it would hold, and its runtime, which matters to
    HTTP alone. Returns the types of extensions that the second istiod adds."""
    with second_istiod(), ThreadPoolExecutor(PROXIES_AT_ONCE) as pool:
        return set().union(*pool.map(prepare_one, pods))


def prepare_one(pod):
    real = Proxy(pod).json(WHOLE)
    real["configs"] = [c for c in real["configs"] if not c["@type"].endswith(LEFT_OUT)]
    runtime = Proxy(pod).json(RUNTIME)
    new = given(pod, real)
    full = put_in(real, as_envoy(new))
    for names, config in ((ENVOYS, full), (ISTIOCTLS, put_in(real, new, camel))):
        folder = HOME / names / pod["name"]
        folder.mkdir(parents=True)
        (folder / "config_dump.json").write_text(json.dumps(config))
        (folder / "runtime.json").write_text(json.dumps(runtime))
    return types_of(full) - types_of(real)


def types_of(config):
    return set(re.findall(r'type\.googleapis\.com/([\w.]+)"', json.dumps(config)))


def proxies_of(number):
    """folder of a proxy in the snapshot of this pair -> the pod's name"""
    folder = saved(number)
    if not (folder / "snapshot.json").is_file():
        return {}
    snapshot = json.loads((folder / "snapshot.json").read_text())
    pods = {side: snapshot[side] for side in ("source", "destination") if side in snapshot}
    more = enumerate(snapshot.get("destinations", []), 2)
    pods |= {f"destination-{place}": pod for place, pod in more}
    return {f: pod["name"] for f, pod in pods.items() if (folder / f / "config_dump.json").exists()}


def folder_of(number, names):
    """The snapshot of this pair, with its proxies as they are in HOME/NAMES."""
    folder = HOME / "asked" / names / f"{number:03}"
    shutil.copytree(saved(number), folder, copy_function=os.link)
    snapshot = json.loads((folder / "snapshot.json").read_text())
    for name, pod in proxies_of(number).items():
        for file in (HOME / names / pod).iterdir():
            (folder / name / file.name).unlink(missing_ok=True)
            os.link(file, folder / name / file.name)
        snapshot["read"][name]["paths"] += [WHOLE, RUNTIME]
    (folder / "snapshot.json").unlink()
    write(folder / "snapshot.json", snapshot)
    return folder


# --- answers --------------------------------------------------------------------------------

SAME, ALPN, OTHER = "the same", "but for ALPN", "another"
# What is B's own choice by the ALPN that it sees: HTTP, or bytes.
BY_ALPN = ("filter_chain", "route_config", "virtual_host", "route", "route_index")


def with_filters(tool, pairs, said, report):
    """Asks all pairs of whose snapshot there is a proxy; `said` is what the tool said of each."""
    began = time.monotonic()
    shutil.rmtree(HOME, ignore_errors=True)
    numbers = [number for number in range(len(pairs)) if proxies_of(number)]
    names = sorted({name for number in numbers for name in proxies_of(number).values()})
    met = prepare([kubelet.named(name) for name in names])
    counts = dict.fromkeys((SAME, ALPN, OTHER), 0)
    for number, answers in zip(numbers, ask(tool, pairs, numbers), strict=True):
        verdict, found = judge(said[number], *answers)
        counts[verdict] += 1
        if found:
            report.check(f"filters: {pairs[number]}", found)
            kept = report.folder() / "filters" / f"{number:03}"
            shutil.copytree(saved(number), kept / "without")
            shutil.copytree(HOME / "asked" / ENVOYS / f"{number:03}", kept / "with")
    show(counts, len(names), met, time.monotonic() - began)
    wrong = [f"{counts[OTHER]} are answered otherwise"] if counts[OTHER] else []
    report.check(f"filters: {len(numbers)} pairs", wrong if numbers else ["none has a proxy"])
    lacking = sorted(WANTED - met)
    report.check("filters: all of Istio's are met", [f"no {', '.join(lacking)}"] if lacking else [])
    report.check("filters: B sees another ALPN", [] if counts[ALPN] else ["in no pair"])


def ask(tool, pairs, numbers):
    """The answers to each of these pairs with the filters; of some in both names."""

    def one(number):
        ways = (ENVOYS,) if number % SELDOM else (ENVOYS, ISTIOCTLS)
        folders = [folder_of(number, names) for names in ways]
        return [tool.replay("--snapshot", str(f), *question(pairs[number])) for f in folders]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, numbers))


def show(counts, proxies, met, seconds):
    row = "{:<24}{:>9}{:>7}{:>10}{:>14}{:>9}"
    print(row.format("Istio's own filters", "proxies", "pairs", *counts))
    print(row.format("", proxies, sum(counts.values()), *counts.values()))
    print(f"filters: {seconds:.0f} s; met: {', '.join(sorted(met))}", flush=True)


def judge(without, full, *again):
    """One of SAME, ALPN and OTHER, and what is another."""
    found, verdict = unlike(without, full), SAME
    if found:
        found, verdict = unlike(without, full, seen_by_b), ALPN
    for one in again:
        found += [f"in istioctl's names: {what}" for what in unlike(full, one, one_spelling)]
    return (OTHER if found else verdict), found


def unlike(one, other, left_out=lambda value: value):
    """What two answers differ in, but for where it was read."""
    if one.json is None or other.json is None:
        return [str(one if one.json is None else other)]
    before, after = (left_out(without_evidence(answer.json)) for answer in (one, other))
    keys = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    found = [] if one.code == other.code else [f"exit code {one.code}, then {other.code}"]
    if keys:
        said = f"{before.get('summary')!r}, then {after.get('summary')!r}"
        found.append(f"other {', '.join(keys)}: {said}")
    return found


def without_evidence(value):
    if isinstance(value, list):
        return [without_evidence(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: without_evidence(one) for key, one in value.items() if key != "evidence"}


def one_spelling(answer):
    """An answer in which fields that are quoted have one name, whichever of the two was read."""
    words = re.sub(r"(?<=[a-z])[A-Z]", lambda m: f"_{m[0].lower()}", json.dumps(answer))
    return json.loads(words)


def seen_by_b(answer):
    """An answer without what B's proxy chooses by the ALPN that it sees."""
    for told in (answer, *answer.get("branches", [])):
        rows = told.get("walk", [])
        told["walk"] = [
            row
            for row in rows
            if row["side"] == "source" or row["stage"] not in ("filter-chain", "route")
        ]
        for there in (told.get("decision") or {}).get("destinations", []):
            for name in BY_ALPN:
                (there.get("decision") or {}).pop(name, None)
    return answer
