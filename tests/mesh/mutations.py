"""Changes of one field each, of a mesh in which all is well, by chance from a seed.

What a change is worth is not known beforehand: real requests tell. The tool has to say what they
met; where they break, it has to name what was changed; where they do not, nothing is certain.
"""

import copy
import json
from dataclasses import dataclass

# Other things that a field of this name may say.
VOCABULARY = {
    "mode": ("STRICT", "PERMISSIVE", "DISABLE", "SIMPLE", "ISTIO_MUTUAL", "REGISTRY_ONLY", "ALLOW_ANY"),
    "protocol": ("HTTP", "TCP", "TLS", "HTTPS", "GRPC", "HTTP2"),
    "resolution": ("STATIC", "DNS", "NONE"),
    "location": ("MESH_INTERNAL", "MESH_EXTERNAL"),
    "action": ("ALLOW", "DENY"),
    "type": ("PathPrefix", "Exact", "RegularExpression"),
    "from": ("All", "Same"),
    "simple": ("ROUND_ROBIN", "RANDOM", "LEAST_REQUEST", "PASSTHROUGH"),
    "method": ("GET", "POST"),
    "namespace": ("shop", "billing", "legacy", "edge"),
    "gatewayClassName": ("istio", "istio-remote"),
    "version": ("v1", "v2", "v3"),
    "host": ("product-service", "inventory", "payment", "payment.billing.svc.cluster.local"),
    "name": ("http", "tcp", "grpc", "search", "payment", "v1", "v2"),
    "appProtocol": ("tcp", "http", "https"),
}  # fmt: skip
MATCHES = ("exact", "prefix", "regex")
FIELDS = {"metadata": ("labels",), "spec": None}  # what of an object is changed; None: all of it


@dataclass(frozen=True)
class Mutation:
    place: int  # of the object in the list
    key: tuple  # kind, group, namespace, name
    path: tuple  # keys and indices
    what: str  # in words
    after: dict | None  # the object; None: it is gone

    @property
    def field(self):
        return dotted(self.path)

    def __str__(self):
        kind, _, namespace, name = self.key
        return f"{kind} {namespace}/{name} {self.field}: {self.what}"


def dotted(path):
    """
    >>> dotted(("spec", "http", 0, "match"))
    'spec.http[0].match'
    """
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def every(objects):
    """All of the changes of all of the objects."""
    for place, one in enumerate(objects):
        yield Mutation(place, key_of(one), (), "removed", None)
        for path, what, after in changes(one):
            yield Mutation(place, key_of(one), path, what, after)


def key_of(one):
    """What makes it another object."""
    meta = one["metadata"]
    return one["kind"], one["apiVersion"].partition("/")[0], meta.get("namespace", ""), meta["name"]


def changes(one):
    for path, value in nodes(one.get("spec", {}), ("spec",)):
        if len(path) > 1:
            yield path, "removed", without(one, path)
        for what, other in others(path, value):
            yield path, what, replaced(one, path, other)
        if path[-1] in MATCHES:
            for match in MATCHES:
                if match != path[-1]:
                    new = replaced(without(one, path), (*path[:-1], match), value)
                    yield path, f"is {match}", new


def nodes(value, path):
    yield path, value
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, below in inner:
        yield from nodes(below, (*path, key))


def others(path, value):
    """What could stand there instead."""
    key = next((key for key in reversed(path) if isinstance(key, str)), "")
    match value:
        case bool():
            yield str(not value).lower(), not value
        case int():
            yield from ((str(n), n) for n in (value + 1, 0))
        case str():
            known = [word for word in VOCABULARY.get(key, ()) if word != value]
            yield from ((word, word) for word in known)
            yield f"{value}-x", f"{value}-x"
            yield value[:-1], value[:-1]
        case list() if value:
            yield "[]", []
            if len(value) > 1:
                yield "the other way round", value[::-1]
        case dict() if value and len(path) > 1:
            yield "{}", {}


def without(one, path):
    new = copy.deepcopy(one)
    del at(new, path[:-1])[path[-1]]
    return new


def replaced(one, path, value):
    new = copy.deepcopy(one)
    at(new, path[:-1])[path[-1]] = value
    return new


def at(value, path):
    for key in path:
        value = value[key]
    return value


def sample(objects, random, number):
    """So many of all, each object as likely as another, and each once."""
    found = {}
    for one in every(objects):
        found.setdefault(one.place, {}).setdefault(json.dumps(one.after, sort_keys=True), one)
    pools = [random.sample(list(pool.values()), len(pool)) for pool in found.values()]
    chosen = []
    while len(chosen) < number and any(pools):
        for pool in pools:
            if pool:
                chosen.append(pool.pop())
    return chosen[:number]
