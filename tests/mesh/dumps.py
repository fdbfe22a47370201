"""Config dumps: the resources in them, and the two ways to spell the names of their fields."""

import copy
import json
import re

# kind -> (its part of the dump, its list there, where an entry has the resource)
RESOURCES = {
    "clusters": ("Clusters", "dynamic_active_clusters", ("cluster",)),
    "listeners": ("Listeners", "dynamic_listeners", ("active_state", "listener")),
    "routes": ("Routes", "dynamic_route_configs", ("route_config",)),
}


def named(config, kind, spelled=str):
    """name -> (what holds the resource, the key that it is under)"""
    part, field, steps = RESOURCES[kind]
    *way, key = map(spelled, steps)
    found = {}
    for section in config["configs"]:
        if not section["@type"].endswith(f".{part}ConfigDump"):
            continue
        for entry in section.get(spelled(field), []):
            for step in way:
                entry = entry[step]
            found[entry[key]["name"]] = entry, key
    return found


def put_in(real, new, spelled=str):
    """A proxy's dump, with the resources of another in the place of its own."""
    result = copy.deepcopy(real)
    for kind in RESOURCES:
        there = named(result, kind)
        for name, (holder, key) in named(new, kind, spelled).items():
            own, own_key = there[name]
            own[own_key] = holder[key]
    return result


def routes_of(config):
    """The names by which listeners ask for routes, in a dump of istiod's."""
    return set(re.findall(r'"routeConfigName": "([^"]+)"', json.dumps(config)))


def as_envoy(value):
    """A dump of istiod's with the names of fields that Envoy prints."""
    if isinstance(value, list):
        return [as_envoy(one) for one in value]
    if not isinstance(value, dict):
        return value
    free = str(value.get("@type", "")).endswith(".TypedStruct")  # its value is no message
    return {
        snake(key): one if free and key == "value" else as_envoy(one) for key, one in value.items()
    }


def snake(key):
    """What is no field's name (an extension's, a label's) stays as it is."""
    if not key.isalnum() or key == "tlsMode":
        return key
    words = re.sub(r"(?<=[a-z])(?=100|128|5xx)", "_", key)  # words that begin with a digit
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda m: f"_{m[0].lower()}", words)


def camel(key):
    return re.sub(r"_(.)", lambda m: m[1].upper(), key)
