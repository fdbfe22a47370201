#!/usr/bin/env python3
"""What an answer costs in a big mesh, against asking istioctl the same by hand.

  bench_live.py [--services N] [--times N]       1000 services of 2 endpoints, 7 times
  bench_live.py --far MS[,MS...]                 instead: the shop alone, and an API server that is so far away

Both are asked in turns, in the same mesh, through the same API server. Bytes are counted where the
user sits: all that came in on the network interface, TLS and Kubernetes objects included; `admin`
is the part that the proxy's admin endpoint sent. MESH_WHY_BIN and MESH_WHY_KEEP are those of `run`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

sys.dont_write_bytecode = True

import api  # noqa: E402
import cluster  # noqa: E402
import kubelet  # noqa: E402
import parts  # noqa: E402
import watched  # noqa: E402
from shapes import PRODUCT  # noqa: E402
from host import DESK, ROOT, Failed, inside, run, until  # noqa: E402
from proxy import Proxy  # noqa: E402
from shop import SHOP, namespace  # noqa: E402
from tool import Tool, find  # noqa: E402

PORTS = (8082, 8083, 8084, 8085)  # a quarter of the services shares the port that is asked for


def crowd(count):
    """Services that select nothing, and their endpoints, which nobody ever calls."""
    for i in range(count):
        name, port = f"service-{i:05}", PORTS[i % len(PORTS)]
        meta = {"name": name, "namespace": "crowd"}
        ports = [{"name": "http", "port": port}]
        yield {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": ports}}
        addresses = [f"10.{250 + n}.{i // 250}.{i % 250 + 1}" for n in (0, 1)]
        yield {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**meta, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "ports": ports,
            "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in addresses],
        }


def settle_crowd(count):
    api.apply([namespace("crowd", {})])
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(crowd(count))})
    api.kubectl("create", "-f", "-", stdin=objects)
    proxy = Proxy(kubelet.named("order-service"))

    def arrived():
        return proxy.text("/clusters?filter=crowd").count("::rq_total::") >= 2 * count

    until("all of it in the proxy", arrived, 300, 2)


def received():
    links = json.loads(run("ip", "-n", DESK, "-s", "-j", "link", "show", "eth0").stdout)
    return links[0]["stats64"]["rx"]["bytes"]


class Cost:
    def __init__(self):
        self.seconds, self.bytes, self.admin = [], [], []

    def of(self, ask):
        before, admin, began = received(), watched.given_bytes(), time.monotonic()
        ask()
        self.seconds.append(time.monotonic() - began)
        self.bytes.append(received() - before)
        self.admin.append(watched.given_bytes() - admin)

    def row(self, name):
        median = statistics.median
        took = [1000 * f(self.seconds) for f in (median, min, max)]
        milliseconds = "{:,.0f} ms ({:,.0f} to {:,.0f})".format(*took)
        return (
            f"{name:<24}{median(self.bytes):>14,.0f}{median(self.admin):>14,.0f}   {milliseconds}"
        )


def chain():
    """The three commands that somebody types who knows where to look."""
    pod = kubelet.named("order-service")
    a = f"{pod['name']}.{pod['namespace']}"
    return [
        ("istioctl route", ["route", a, "--name", "8082"]),
        ("istioctl cluster", ["cluster", a, "--fqdn", PRODUCT]),
        ("istioctl endpoint", ["endpoint", a, "--cluster", f"outbound|8082||{PRODUCT}"]),
    ]


def istioctl(argv):
    command = inside(
        DESK,
        parts.BIN / "istioctl",
        "proxy-config",
        *argv,
        "-o",
        "json",
        "--kubeconfig",
        api.KUBECONFIG,
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode or len(done.stdout) < 10:
        raise Failed(f"istioctl {' '.join(argv)}: {done.stdout[:200]}{done.stderr[:500]}")


def mesh_why(tool):
    answer = tool.ask("order-service", "product-service:8082", "-n", "shop", "-o", "json")
    if answer.json is None or answer.json.get("outcome") != "reaches":
        raise Failed(f"mesh-why: {answer}")


def compare(binary, services, times):
    api.apply(
        [
            o
            for o in SHOP
            if o["kind"] != "Deployment" or o["metadata"]["name"].startswith(("order", "product"))
        ]
    )
    kubelet.settle()
    settle_crowd(services)
    tool, steps = Tool(binary), chain()
    ours, theirs, each = Cost(), Cost(), {name: Cost() for name, _ in steps}

    def ask_chain():
        for name, argv in steps:
            each[name].of(lambda argv=argv: istioctl(argv))

    for turn in range(times + 1):
        if turn == 1:  # the first one only warms up
            for cost in (ours, theirs, *each.values()):
                cost.__init__()
        pair = [(ours, lambda: mesh_why(tool)), (theirs, ask_chain)]
        for cost, ask in pair if turn % 2 else reversed(pair):
            cost.of(ask)
    print(f"{services} services of 2 endpoints, {times} times in turns, medians")
    print(f"{'':<24}{'bytes':>14}{'admin':>14}   time (least to most)")
    print(ours.row("mesh-why"))
    print(theirs.row("istioctl, all three"))
    for name, cost in each.items():
        print(cost.row(f"  {name}"))
    by = [
        statistics.median(b / a for a, b in zip(mine, other, strict=True))
        for mine, other in (
            (ours.bytes, theirs.bytes),
            (ours.admin, theirs.admin),
            (ours.seconds, theirs.seconds),
        )
    ]
    print("istioctl / mesh-why: bytes {:.1f}, admin {:.1f}, time {:.1f} (by pairs)".format(*by))


# --- a far API server -------------------------------------------------------------------------

LISTEN = 7443
FAR = ROOT / "far.kubeconfig"
QUESTIONS = {
    "a request (--exact)": ["--exact"],
    "any request": [],
}


@contextmanager
def far(kind, how):
    """An API server behind `far.py`; FAR is the kubeconfig for it."""
    server = api.GATEWAY
    config = json.loads(api.KUBECONFIG.read_text())
    for one in config["clusters"]:
        one["cluster"] |= {"server": f"https://127.0.0.1:{LISTEN}", "tls-server-name": server}
    FAR.write_text(json.dumps(config))
    script = Path(__file__).with_name("far.py")
    proxy = subprocess.Popen(
        inside(DESK, sys.executable, script, server, 6443, LISTEN, kind, how), text=True
    )
    probe = f"import socket; socket.create_connection(('127.0.0.1', {LISTEN})).close()"
    try:
        until("the proxy", lambda: not run(*inside(DESK, sys.executable, "-c", probe)).returncode)
        yield
    finally:
        proxy.terminate()
        proxy.wait()


def timed(argv, env=None):
    began = time.monotonic()
    done = subprocess.run(
        inside(DESK, *argv), capture_output=True, env={**os.environ, **(env or {})}
    )
    if done.returncode not in (0, 1) or not done.stdout:
        raise Failed(f"{argv}: {done.stdout[:200]}{done.stderr[:500]}")
    return 1000 * (time.monotonic() - began)


def ask_far(tool, more):
    argv = [tool.binary, "order-service", "product-service:8082", "-n", "shop", "-o", "json"]
    return [*argv, *more, "--context", "reader", "--kubeconfig", FAR]


def from_far(binary, distances, times):
    api.apply(SHOP)
    kubelet.settle()
    tool = Tool(binary)
    waves = ROOT / "waves"
    for name, more in QUESTIONS.items():
        with far("waves", str(waves)):
            timed(ask_far(tool, more))
        print(f"{name}: {int(waves.read_text()) - 1} round trips beyond the handshakes", flush=True)
    commands = [
        [parts.BIN / "istioctl", "proxy-config", *argv, "-o", "json", "--kubeconfig", FAR]
        for _, argv in chain()
    ]
    print(f"{times} times in turns, medians\n{'round trip':<12}", *QUESTIONS, "istioctl", sep="   ")
    for distance in distances:
        took = {name: [] for name in [*QUESTIONS, "istioctl"]}
        with far("delay", str(distance / 2000)):
            for turn in range(times + 1):
                row = {name: timed(ask_far(tool, more)) for name, more in QUESTIONS.items()}
                row["istioctl"] = sum(timed(command) for command in commands)
                if turn:  # the first one only warms up
                    for name, milliseconds in row.items():
                        took[name].append(milliseconds)
        figures = (f"{statistics.median(all_):,.0f} ms" for all_ in took.values())
        print(f"{distance} ms".ljust(12), *figures, sep="   ", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--services", type=int, default=1000)
    options.add_argument("--times", type=int, default=7)
    options.add_argument("--far", help="round trips in milliseconds, separated by commas")
    given = options.parse_args()
    if why := parts.why_not():
        print(f"bench: skipped: {why}")
        return
    binary = find()
    if not binary:
        sys.exit("no binary; build it with `cargo build --release`")
    with cluster.running():
        if given.far:
            return from_far(binary, [int(ms) for ms in given.far.split(",")], given.times)
        compare(binary, given.services, given.times)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"bench: {error}")
