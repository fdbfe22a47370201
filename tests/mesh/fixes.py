"""A printed fix, made as it is printed: a patch of the object, the field, and what it should hold."""

import copy
import re

import api
from host import Failed

# What the API server adds to an object, and what istiod says of it.
ADDED = (
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "generation",
    "managedFields",
)
OF_KUBECTL = "kubectl.kubernetes.io/"


def patched(fix, now):
    """The object as the fix wants it; None where the fix is advice, or does not say what it wants.

    `now` is the object as it is, or None where there is none.

    >>> rule = {"kind": "Sidecar", "metadata": {"name": "x"}, "spec": {"egress": [{"hosts": ["./*"]}]}}
    >>> fix = {"object": {}, "op": "add", "field": "spec.egress[0].hosts", "want": "shop/*"}
    >>> patched(fix, rule)["spec"]
    {'egress': [{'hosts': ['./*', 'shop/*']}]}
    >>> patched(fix | {"op": "replace", "want": ["*/*"]}, rule)["spec"]
    {'egress': [{'hosts': ['*/*']}]}
    >>> patched(fix | {"op": "remove", "field": "spec.egress", "want": None}, rule)["spec"]
    {}
    >>> patched(fix | {"field": "spec", "want": {"mode": {"x": 1}}}, rule)["spec"]["mode"]
    {'x': 1}
    >>> patched(fix | {"want": None}, rule)
    """
    if not fix["object"] and fix["object"] != {} or (fix["want"] is None and fix["op"] != "remove"):
        return None
    if now is None:
        return created(fix)
    if not fix["field"]:  # the whole object goes
        return None
    new = copy.deepcopy(now)
    *path, last = steps(fix["field"])
    holder = new
    for step in path:
        holder = holder[step]
    if fix["op"] == "remove":
        del holder[last]
    elif fix["op"] == "replace" or last not in holder:
        holder[last] = fix["want"]
    else:
        holder[last] = merged(holder[last], fix["want"])
    return new


def created(fix):
    """An object that was not there; where it has no name it can have any."""
    named = fix["object"]
    if fix["op"] != "add" or not isinstance(fix["want"], dict) or "spec" not in fix["want"]:
        return None
    meta = {"name": named["name"] or "as-the-fix-says"}
    if named["namespace"]:
        meta["namespace"] = named["namespace"]
    return {
        "apiVersion": named["apiVersion"],
        "kind": named["kind"],
        "metadata": meta,
        **fix["want"],
    }


def merged(is_there, want):
    if isinstance(is_there, list):
        return [*is_there, want] if not isinstance(want, list) else [*is_there, *want]
    if isinstance(is_there, dict) and isinstance(want, dict):
        return {
            **is_there,
            **{
                key: merged(is_there[key], value) if key in is_there else value
                for key, value in want.items()
            },
        }
    return want


def steps(field):
    """
    >>> steps("spec.http[0].route")
    ['spec', 'http', 0, 'route']
    >>> steps("metadata.annotations['a.example/b'].c")
    ['metadata', 'annotations', 'a.example/b', 'c']
    """
    found = re.findall(r"\[(\d+)\]|\['([^']*)'\]|([^.\[\]]+)", field)
    return [int(number) if number else quoted or key for number, quoted, key in found]


def as_it_is(named):
    """The object of a fix, by the API server; None where there is none."""
    group = named["apiVersion"].rpartition("/")[0]
    kind = f"{named['kind'].lower()}.{group}" if group else named["kind"].lower()
    where = ("-n", named["namespace"]) if named["namespace"] else ()
    try:
        found = api.get(kind, named["name"], *where) if named["name"] else None
    except (ValueError, Failed):
        return None
    if found is None:
        return None
    meta = {key: value for key, value in found["metadata"].items() if key not in ADDED}
    if own := {
        k: v for k, v in meta.pop("annotations", {}).items() if not k.startswith(OF_KUBECTL)
    }:
        meta["annotations"] = own
    return {key: value for key, value in found.items() if key != "status"} | {"metadata": meta}
