"""One fault: what is done to the mesh, what has to be said of it, and how it comes and goes."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field

import api
import kubelet
from arrival import arrive, settled, workloads
from asked import Asked
from host import until
from proxy import Proxy


@dataclass
class Fault(Asked):
    name: str
    to: str  # as the tool is asked
    source: str = "order-service"
    namespace: str = "shop"  # of the source
    client: str = ""  # who sends, where the source is a gateway
    destination: str = "product-service-v1"  # the pod whose proxy a capture holds; empty: none
    prepare: Callable = lambda: None  # what the objects rest on
    restore: Callable = lambda: None  # what prepare did to the machine is undone
    objects: list = field(default_factory=list)
    scale: str = ""  # the Deployment that is scaled to zero
    holds: Callable | None = None  # whether the proxies have it; given the source's, or None
    heat: Callable = lambda proxy, send: True  # what has to happen first; called until true
    path: str = "/"
    method: str = "GET"
    headers: tuple = ()
    tcp: bool = False
    speaks: str = ""  # tls, http1, http2 or grpc; where nothing is said HTTP/1.1, and the tool takes what the port says
    enforce: Callable = lambda new: (
        lambda: None
    )  # what nobody does here of a changed object, and how to undo it
    address: Callable | None = None  # of a host that no name service knows
    requests: int = 6
    logged: bool = True  # the requests get as far as the proxy
    finding: str = ""
    blame: tuple = ()  # (kind, namespace, name): a finding names one of these
    at: str = ""  # a field that is named
    spared: tuple = ()  # as blame: none of these is named
    sure: str = ""  # the outcome, where objects decide it and not the proxy


@contextmanager
def imposed(fault, send=lambda: None):
    """The fault, from when the source's proxy holds it until it does not any more."""
    source = kubelet.named(fault.source)
    proxy = Proxy(source) if source["proxy"] else None
    try:
        fault.prepare()
        if fault.objects:
            api.apply(fault.objects)
        if fault.scale:
            scaled(fault.scale, 0)
        changed(fault, proxy)
        until(f"{fault.name}: nothing goes by what was before", settled, 30, 0.2)
        until(f"{fault.name}: it shows", lambda: fault.heat(proxy, send), 40, 0.2)
        yield
    except SystemExit:  # the whole mesh ends
        raise
    except BaseException:
        undo(fault, proxy)
        raise
    undo(fault, proxy)


def undo(fault, proxy):
    fault.restore()
    if fault.objects:
        api.delete(fault.objects)
    if fault.scale:
        scaled(fault.scale, 1)
    if fault.holds and (fault.objects or fault.scale):
        until(f"{fault.name}: the proxy is rid of it", lambda: not fault.holds(proxy), 30, 0.2)
    else:
        changed(fault, proxy)


def changed(fault, proxy):
    """Until the proxies have it: as it says itself, else when all of them have everything."""
    if fault.holds:
        until(f"{fault.name}: the proxy holds it", lambda: fault.holds(proxy), 30, 0.2)
    elif fault.objects:
        workloads(fault.objects)
        arrive()


def scaled(name, replicas):
    api.kubectl("scale", "deployment", name, "-n", "shop", f"--replicas={replicas}")
    kubelet.settle()
