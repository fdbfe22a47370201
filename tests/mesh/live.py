"""Checks beside the verdict, each made while a fault (or none) is in the mesh.

Each returns what differs: nothing when all is well.
"""

import json
import re
import shutil

from api import get
from host import ROOT
from kubelet import named
from tool import question

# What a saved snapshot never holds; the third is how every token begins.
SECRET = re.compile(
    r'PRIVATE KEY|"kind": ?"Secret"|eyJhbGciOi|managedFields|BootstrapConfigDump|private_key'
)


def kubectl_plugin(tool, _):
    """As kubectl runs it, for somebody who may look at pods and forward ports, and no more."""
    answer = tool.plugin(
        "order-service", "product-service:8082", "-n", "shop", "-o", "json", user="dev"
    )
    return expect(answer, 0, outcome="reaches")


def plain_text(tool, fault):
    """Line 1 is the whole verdict; nothing of the terminal's colors goes into a pipe."""
    summary = (tool.ask(*question(fault)).json or {}).get("summary")
    answer = tool.plugin("order-service", "product-service:8082", "-n", "shop", user="dev")
    first = answer.out.partition("\n")[0]
    found = [] if answer.code == 0 else [answer]
    if first[2:] != summary:
        found.append(f"line 1 {first!r}, summary {summary!r}")
    if "\x1b" in answer.out:
        found.append("colors in a pipe")
    return found


def few_rights(tool, fault):
    """Objects only name the cause: without a right to see them the verdict stands."""
    answer = tool.ask(*question(fault), user="dev")
    found = expect(answer, 1, outcome="fails")
    status = ((answer.json or {}).get("response") or {}).get("status")
    return found + ([] if status == 503 else [f"response.status {status}, not 503"])


def no_rights(tool, fault):
    """Nothing can be read: one error, which says what is not allowed."""
    answer = tool.ask(*question(fault), user="guest")
    found = [] if answer.code == 3 else [f"exit code {answer.code}, not 3"]
    if answer.out:
        found.append(f"stdout {answer.out[:200]!r}")
    try:
        if json.loads(answer.err)["error"]["exit"] != 3:
            found.append(f"the error has another exit code: {answer.err!r}")
    except (ValueError, KeyError):
        found.append(f"stderr is not one error: {answer.err!r}")
    if not re.search(r"\b(get|list)\b.*\bpods\b|\bpods\b.*\b(get|list)\b", answer.err, re.S):
        found.append(f"stderr does not name the verb and the resource: {answer.err!r}")
    if "panicked" in answer.err:
        found.append("it panicked")
    return found


def names_of_a(tool, _):
    """However A is named, it is the same pod."""
    pod = named("order-service")["name"]
    ways = (
        [f"pod/{pod}"], [pod], ["deploy/order-service"], ["deploy/order-service.shop"],
        ["svc/order-service"], ["order-service.shop"], ["-l", "app=order-service"],
        ["rs/" + pod.rpartition("-")[0]],
    )  # fmt: skip
    return same_request(
        tool, [[*way, "product-service:8082"] for way in ways], "source", "name", pod
    )


def names_of_b(tool, _):
    """However B is named, its address is the same."""
    address = get("service", "product-service", "-n", "shop")["spec"]["clusterIP"]
    ways = (
        "product-service:8082", "product-service:http", "product-service.shop:8082",
        "product-service.shop.svc.cluster.local:8082", "http://product-service:8082/",
        f"{address}:8082",
    )  # fmt: skip
    return same_request(tool, [["order-service", way] for way in ways], "address", None, address)


def same_request(tool, questions, field, inner, wanted):
    found = []
    for argv in questions:
        answer = tool.ask(*argv, "-n", "shop", "-o", "json")
        wrong = expect(answer, 0, outcome="reaches")
        value = ((answer.json or {}).get("request") or {}).get(field)
        value = (value or {}).get(inner) if inner else value
        if not wrong and value != wanted:
            wrong = [f"request.{field} {value!r}, not {wanted!r}"]
        found += [f"{' '.join(argv)}: {one}" for one in wrong]
    return found


def saved_and_replayed(tool, fault):
    """What was read, written down and read again, gives the same answer, and holds no secret."""
    folder = ROOT / "desk" / "saved"
    shutil.rmtree(folder, ignore_errors=True)
    live = tool.ask(*question(fault), "--save", str(folder))
    if live.json is None or not (folder / "snapshot.json").is_file():
        return [f"nothing saved: {live}"]
    again = tool.replay("--snapshot", str(folder), *question(fault))
    found = [] if again.code == live.code else [f"exit code {live.code}, replayed {again.code}"]
    replayed = again.json or {}
    for key in sorted({*live.json, *replayed}):
        before, after = live.json.get(key), replayed.get(key)
        if before != after:
            found.append(f"{key}: {str(before)[:200]}, replayed {str(after)[:200]}")
    for file in folder.rglob("*.json"):
        if secret := SECRET.search(file.read_text()):
            found.append(f"{file.name} holds {secret[0]}")
    return found


def no_decision(tool, fault):
    """A has no proxy: there is no decision of one."""
    answer = tool.ask(*question(fault))
    if answer.json is None:
        return [answer]
    decision = answer.json.get("decision", "absent")
    return [] if decision is None else [f"decision {str(decision)[:200]}"]


def expect(answer, code, **values):
    if answer.json is None:
        return [answer]
    found = [] if answer.code == code else [f"exit code {answer.code}, not {code}"]
    return found + [
        f"{k} {answer.json.get(k)!r}, not {v!r}"
        for k, v in values.items()
        if answer.json.get(k) != v
    ]


# fault -> checks made while it lasts
CHECKS = {
    "healthy": {
        "as a plugin of kubectl, with few rights": kubectl_plugin,
        "as text": plain_text,
        "with no rights": no_rights,
        "ways to name A": names_of_a,
        "ways to name B": names_of_b,
        "healthy, saved and replayed": saved_and_replayed,
    },
    "subset-not-defined": {
        "subset-not-defined, with few rights": few_rights,
        "subset-not-defined, saved and replayed": saved_and_replayed,
    },
    "no-proxy": {"no-proxy, no decision": no_decision},
    "no-proxies": {"no-proxies, no decision": no_decision},
}
