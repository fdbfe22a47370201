"""When a change has come to every proxy, and none goes by what was before."""

import json
import time

import kubelet
from host import Failed, inside, run, until
from proxy import Proxy

SYNC = "/debug/syncz"
GATHERED = 0.8  # seconds; istiod gathers changes for a while before it sends them


def arrive():
    """Until every proxy has what was applied, and none goes by what was before."""
    time.sleep(GATHERED)
    until("every proxy has everything", in_sync, 30, 0.1)
    until("nothing goes by what was before", settled, 30, 0.2)


def in_sync():
    """Every proxy has answered what it was sent: it has it, or it has refused it."""
    if behind := [
        f"{proxy['proxy']}: {kind}"
        for proxy in sync_state()
        for kind, one in proxy["resources"].items()
        if one.get("sent") != one.get("acked") and not one.get("lastError")
    ]:
        raise Failed("; ".join(behind))
    return True


def settled():
    """Connections on old filter chains, made before a change, would be served by the old rules."""
    return not any(Proxy(pod).drains() for pod in kubelet.state().values() if pod["proxy"])


def sync_state():
    istiod = kubelet.named("istiod")
    return json.loads(
        run(
            *inside(istiod["netns"], "curl", "-sf", "-m", "20", f"http://127.0.0.1:15014{SYNC}")
        ).stdout
    )


def workloads(objects):
    """What only a kubelet does: addresses and names of Services, once their endpoints are there."""
    if any(one["kind"] in ("Service", "EndpointSlice", "Deployment") for one in objects):
        time.sleep(GATHERED)
        kubelet.settle()
