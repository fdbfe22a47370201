"""Send real requests from A's application, and read off both sides' logs what became of them."""

import collections
import re
import time
import uuid

from host import Failed, inside, run, until
from kubelet import named, state
from proxy import Proxy, parsed

H2 = "--http2-prior-knowledge"
CALL = ("-H", "content-type: application/grpc", "-H", "te: trailers", "--data-binary", "")
SAME = ("status", "flags", "details", "termination", "transportFailure", "cluster", "host", "route")


def measure(fault):
    """What happens to the requests of a fault; the lines of the logs are the judge."""
    source = named(fault.source)
    proxies = [Proxy(pod) for pod in state().values() if pod["proxy"]]
    agent = f"probe-{uuid.uuid4().hex[:8]}"
    answers = [send(client(fault), fault, agent) for _ in range(fault.requests)]
    expected = fault.requests if source["proxy"] and fault.logged else 0
    seen, lines = [], []

    def logged():
        seen[:], lines[:] = [], []
        for proxy in proxies:
            for line in proxy.log_lines():
                entry = parsed(line)
                if entry["agent"] in (agent, "-"):  # TCP has no agent; health checks have another
                    seen.append((proxy.pod, entry))
                    lines.append((proxy.pod["name"], line))
        return sum(pod["name"] == source["name"] for pod, _ in seen) >= expected

    # Envoy writes its log once a second; B's lines are hardly later than that.
    time.sleep(1.6)
    until(f"{source['name']}'s access log", logged, 15)
    return truth(source, fault, answers, seen, lines)


def sender(fault):
    """Sends a request of a fault that is not counted."""
    return lambda: send(client(fault), fault, "warm-up")


def client(fault):
    """The pod that sends: A itself, but for a gateway, which only passes on what others send."""
    return named(fault.client or fault.source)


def send(pod, fault, agent):
    """One request; returns (what the client saw, the application that answered or None)."""
    host, port = fault.host, fault.port
    if fault.tcp:
        argv = ("sh", "-c", f"echo hello | socat -t 3 -T 5 - TCP:{host}:{port},connect-timeout=5")
        done = run(*inside(pod["netns"], *argv, user=pod["user"]), ok=False)
        app = done.stdout.split(" ")[0] if done.stdout.endswith("hello\n") else None
        return (f"echo {app}" if app else f"socat {done.returncode}"), app
    argv = ["curl", "-sS", "-i", "-g", "-m", "8", "-A", agent, "-X", fault.method]
    for header in fault.headers:
        argv += ["-H", header]
    argv += {"tls": ["-k"], "http2": [H2], "grpc": [H2, *CALL]}.get(fault.speaks, [])
    if fault.client:
        argv += ["--connect-to", f"{host}:{port}:{fault.source}.{fault.namespace}:{port}"]
    if fault.address:
        argv += ["--resolve", f"{host}:{port}:{fault.address()}"]
    scheme = "https" if fault.speaks == "tls" else "http"
    done = run(
        *inside(pod["netns"], *argv, f"{scheme}://{host}:{port}{fault.path}", user=pod["user"]),
        ok=False,
    )
    if done.returncode:
        return f"curl {done.returncode}", None
    status = re.match(r"HTTP/\S+ (\d+)", done.stdout)
    if not status:
        raise Failed(f"curl said {done.stdout[:200]!r}")
    app = re.search(r"^x-pod: (\S+)", done.stdout, re.M | re.I)
    return f"http {status[1]}", app and app[1]


def truth(source, fault, answers, seen, lines):
    counts = collections.Counter()
    for pod, entry in seen:
        # Who asks itself is on both sides.
        ours = pod["name"] == source["name"] and not entry["cluster"].startswith("inbound|")
        side = "source" if ours else "destination"
        counts[(side, pod["name"], *(entry[f] for f in SAME))] += 1
    observed = [
        dict(zip(("side", "proxy", *SAME), key)) | {"count": n} for key, n in counts.items()
    ]
    observed.sort(key=lambda o: (o["side"] != "source", -o["count"], o["proxy"], str(o)))
    apps = collections.Counter(app for _, app in answers if app)
    answered = sum(apps.values())
    response, side = failing(observed)
    return {
        "outcome": "reaches" if answered == len(answers) else "partial" if answered else "fails",
        "requests": len(answers),
        "answered": answered,
        "apps": dict(sorted(apps.items())),
        "status": response["status"] if response else None,
        "flags": flags(response["flags"]) if response else [],
        "details": response["details"] if response else "",
        "from": side,
        "client": dict(collections.Counter(client for client, _ in answers)),
        "observations": observed,
        "log": [{"proxy": name, "line": line} for name, line in lines[:6]],
    }


def failing(observed):
    """The line that tells the failure: the destination's where it was the one that answered."""
    told = [o for o in observed if not plain(o)]
    for side, name in (("source", "source proxy"), ("destination", "destination proxy")):
        if mine := [o for o in told if o["side"] == side]:
            return max(mine, key=lambda o: o["count"]), name
    return None, "none"


def plain(entry):
    """An entry of a request that was handed on, and answered, as far as this proxy saw; or whose
    bytes were, and then the other side ended the connection."""
    reset = entry["status"] == 0 and entry["flags"] == "UR"
    passed = entry["flags"] == "-" and entry["details"] in ("via_upstream", "-")
    return (passed or reset) and entry["termination"] == "-"


def flags(text):
    return [f for f in text.split(",") if f != "-"]
