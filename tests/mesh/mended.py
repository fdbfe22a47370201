"""The first fix that is printed for a fault, made: the request has to arrive then, and to be told so.

A fix is data, and applied as a patch of its object. What no patch can do, such as to start an
application, and what only the client can do, is advice.
"""

import collections
import json
import time
from dataclasses import dataclass

import api
import kubelet
from arrival import arrive, workloads
from fixes import as_it_is, patched
from host import Failed
from tool import question
from traffic import measure

# Fixes that are printed first and do not help as yet; one that does fails the run, until it is struck off here.
OPEN = {"registry-only-tcp": "the mesh lets it out then, and nothing listens there"}
ANEW = ("Namespace", "Pod")  # after whose change pods start anew
TRIES = 4  # what a worker still holds goes within seconds


@dataclass
class Row:
    fault: str
    fix: str
    made: str
    helped: str = ""
    why: str = ""


def mend(fault, tool, said):
    """A row of the table; None where nothing has to be mended."""
    findings = [f for f in said.get("findings", []) if "behind" not in f]
    if said.get("outcome") == "reaches":
        return None
    fix = next((fix for finding in findings[:1] for fix in finding["fix"]), None)
    if not fix:
        return Row(fault.name, "none", "no")
    words = told(fix)
    if fix["object"] and fix["object"]["kind"] in ANEW:
        return Row(fault.name, words, "restarts")
    now = as_it_is(fix["object"]) if fix["object"] else None
    if now and fix["op"] == "remove" and not fix["field"]:
        return gone(fault, tool, words, now)
    new = patched(fix, now) if fix["object"] else None
    if not new:
        return Row(fault.name, words, "advice")
    try:
        api.apply([new])
    except Failed as error:
        return Row(fault.name, words, "not taken", "no", str(error).strip()[-200:])
    undo = fault.enforce(new)
    try:
        come([new])
        return looked(fault, tool, words, "as data")
    finally:
        undo()
        api.apply([now]) if now else api.delete([new])
        come([new])


def gone(fault, tool, words, now):
    api.delete([now])
    try:
        come([now])
        return looked(fault, tool, words, "as data")
    finally:
        api.apply([now])
        come([now])


def come(objects):
    if any(one["kind"] == "Deployment" for one in objects):
        time.sleep(1)
        kubelet.settle()
    workloads(objects)
    arrive()


def looked(fault, tool, words, made):
    """Sends and asks again."""
    for _ in range(TRIES):
        truth = measure(fault)
        if arrives(fault, truth):
            break
        time.sleep(1)
    said = tool.ask(*question(fault)).json or {}
    if not arrives(fault, truth):
        after = (said.get("findings") or [{}])[0].get("id", said.get("outcome"))
        return Row(fault.name, words, made, "no", f"{truth['client']}, then {after}")
    if said.get("outcome") != ("reaches" if truth["outcome"] == "reaches" else "answered"):
        return Row(fault.name, words, made, "not told so", said.get("summary", "no answer"))
    return Row(fault.name, words, made, "yes")


def arrives(fault, truth):
    """A preflight is a question to the proxy: its answer is what is wanted."""
    answered = truth["details"] == "cors_response" and truth["status"] == 200
    return truth["outcome"] == "reaches" or (fault.method == "OPTIONS" and answered)


def told(fix):
    """A fix in few words."""
    if not fix["object"]:
        return fix["text"][:90]
    named = fix["object"]
    want = json.dumps(fix["want"])[:60]
    return (
        f"{named['kind']} {named['namespace']}/{named['name']} {fix['op']} {fix['field']}: {want}"
    )


def show(rows, report):
    """The table; a fix that was made and does not help is a fault of ours."""
    for row in rows:
        print(f"fix {row.fault:<44}{row.made:<10}{row.helped:<12}{row.fix} {row.why}", flush=True)
    counts = collections.Counter((row.made, row.helped) for row in rows)
    for (made, helped), count in sorted(counts.items()):
        print(f"fixes made {made:<10} helped {helped:<12}{count:>4}")
    helped = {row.fault for row in rows if row.helped == "yes"}
    wrong = {row.fault for row in rows if row.helped in ("no", "not told so")}
    found = [f"no help: {name}" for name in sorted(wrong - {*OPEN})]
    found += [f"helps, and is said to be open: {name}" for name in sorted(helped & {*OPEN})]
    report.check(f"fixes: {len(helped)} of {len(rows)} help", found)
