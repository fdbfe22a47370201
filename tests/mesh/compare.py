"""Hold what the tool said against what was measured."""

import re

SCHEMA = "mesh-why/v1"
EXIT = {"reaches": 0, "answered": 1, "fails": 1, "partial": 1, "unknown": 3}


def same_words(details):
    """Response code details as they compare: without their arguments, in one alphabet."""
    return re.sub(r"[\s_-]+", "_", re.split(r"[{|:\[]", details or "")[0].strip().lower()).strip(
        "_"
    )


def flag_set(flags):
    """Flags as they compare: in no order."""
    return frozenset(flags or [])


def outcome(fault, truth):
    """What happened, in the words of the contract."""
    if fault.sure:
        return fault.sure
    if (
        truth["outcome"] == "fails"
        and truth["details"] in ("direct_response", "cors_response")
        and 0 < truth["status"] < 400
    ):
        return "answered"
    return truth["outcome"]


def differences(fault, truth, code, said):
    """Each way in which the answer is not what was measured; none when it is right."""
    wanted = outcome(fault, truth)
    found = []
    if said.get("schema") != SCHEMA:
        found.append(f"schema {said.get('schema')!r}")
    if said.get("outcome") != wanted:
        found.append(
            f"outcome {said.get('outcome')}, measured {wanted}: {said.get('summary')!r},"
            f" unchecked {said.get('unchecked')}"
        )
    if code != EXIT.get(said.get("outcome")):
        found.append(f"exit code {code} for {said.get('outcome')}")
    found += responses(fault, truth, said, wanted)
    if not fault.sure:
        found += where(truth, said)
    found += causes(fault, said, wanted)
    return found


def responses(fault, truth, said, wanted):
    response = said.get("response")
    if wanted == "unknown":
        return []
    if wanted == "reaches":
        return [f"response {response} of a request that arrives"] if response else []
    if fault.sure:
        origin = (response or {}).get("from")
        return [] if origin == "none" else [f"response from {origin!r}, not none"]
    measured = {(truth["status"], flag_set(truth["flags"]), same_words(truth["details"]))}
    for seen in truth["observations"]:
        if seen["flags"] != "-" or seen["details"] != "via_upstream":
            for details in (seen["details"], seen["termination"]):
                measured.add(
                    (
                        seen["status"],
                        flag_set(seen["flags"].replace("-", "").split(",")) - {""},
                        same_words(details),
                    )
                )
    clusters = (said.get("decision") or {}).get("clusters") or []
    given = [response or {}, *(cluster.get("response") or {} for cluster in clusters)]
    told = {
        (r.get("status"), flag_set(r.get("flags")), same_words(r.get("details")))
        for r in given
        if r
    }
    if not any(alike(t, m) for t in told for m in measured):
        return [f"response {show(told)}, measured {show(measured)}"]
    # A handshake that a proxy ends is in no log: the client alone tells of it.
    is_handshake = not truth["observations"] and "curl 35" in truth["client"]
    if response and response.get("from") != truth["from"] and not is_handshake:
        return [f"response from {response.get('from')!r}, measured {truth['from']!r}"]
    return []


def alike(told, measured):
    """TCP has no status and no details: null is then as good as what the log has."""
    return (
        (told[0] or 0) == (measured[0] or 0)
        and told[1] == measured[1]
        and (told[2] == measured[2] or not measured[2] or (not told[2] and not measured[0]))
    )


def show(answers):
    shown = ((status, sorted(flags), details) for status, flags, details in answers)
    return sorted(shown, key=str)


def where(truth, said):
    """The clusters and hosts that were used are among those that the tool foretold."""
    decision = said.get("decision")
    if not decision:
        asked = any(seen["side"] == "source" for seen in truth["observations"])
        return ["no decision of a proxy that had the request"] if asked else []
    clusters = {cluster.get("name"): cluster for cluster in decision.get("clusters") or []}
    found = []
    for seen in truth["observations"]:
        if seen["side"] != "source" or seen["cluster"] == "-":
            continue
        if seen["cluster"] not in clusters:
            found.append(f"cluster {seen['cluster']} was used, said {sorted(map(str, clusters))}")
            continue
        endpoints = clusters[seen["cluster"]].get("endpoints") or []
        eligible = {e.get("address") for e in endpoints if e.get("eligible", True)}
        # An original-destination cluster has no endpoints of its own.
        if seen["host"] != "-" and endpoints and seen["host"] not in eligible:
            found.append(f"host {seen['host']} was used, eligible {sorted(map(str, eligible))}")
    return sorted(set(found))


def causes(fault, said, wanted):
    # What stops the request only once another fault is repaired is no part of the answer.
    findings = [f for f in said.get("findings") or [] if "behind" not in f]
    ids = [f.get("id") for f in findings]
    found = []
    if fault.finding and fault.finding not in ids:
        found.append(f"findings {ids} without {fault.finding}")
    titles = [f.get("title", "") for f in findings if f.get("id") == fault.finding]
    if wanted not in ("reaches", "unknown") and not all(told(t, said["summary"]) for t in titles):
        found.append(f"line 1 is {said['summary']!r}, without {titles}")
    if wanted == "reaches":
        certain = [f.get("id") for f in findings if f.get("certainty") == "certain"]
        if certain:
            found.append(f"certain {certain} of what works")
    elif fault.blame:
        named = [o for f in findings for o in f.get("objects") or []]
        objects = {(o.get("kind"), o.get("namespace"), o.get("name")) for o in named}
        if not any(blamed(one, objects) for one in fault.blame):
            found.append(f"objects {sorted(map(str, objects))}, none of {list(fault.blame)}")
        found += [f"{one} is named" for one in fault.spared if blamed(one, objects)]
        fields = {o.get("field") for o in named}
        if fault.at and fault.at not in fields:
            found.append(f"fields {sorted(map(str, fields))} without {fault.at}")
    return found


def told(title, summary):
    """Line 1 has the title, in which long names may be cut in the middle."""
    titled, said = title.split(), summary.split()
    starts = range(len(said) - len(titled) + 1)
    return any(all(map(shortened, said[at:], titled)) for at in starts)


def shortened(word, whole):
    """A word of line 1 that is the whole word, or its two ends."""
    start, cut, end = word.partition("…")
    if not cut:
        return word == whole
    return len(word) <= len(whole) and whole.startswith(start) and whole.endswith(end)


def blamed(wanted, objects):
    """Pods and slices have generated names: those begin with the application's."""
    kind, namespace, name = wanted
    generated = kind in ("Pod", "EndpointSlice")
    return any(
        (k, ns) == (kind, namespace) and (n == name or generated and str(n).startswith(f"{name}-"))
        for k, ns, n in objects
    )
