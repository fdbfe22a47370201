"""The wide mesh: every pair of the table is sent for real, and asked of the tool."""

import collections
import concurrent.futures
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import api
import kubelet
import wide
from arrival import in_sync
from compare import differences
from host import ROOT, inside, run, until
from kubelet import APP_USER, named, state
from pairs import question, request, sender, table
from proxy import Proxy, parsed
from traffic import truth

CLIENT = Path(__file__).with_name("client.py").read_text()
AT_ONCE = 2  # of the tool
SAVED = ROOT / "desk" / "wide"
UNKNOWN_AT_MOST = 0.03  # whether an application without a proxy answers, no proxy knows


def prepare():
    """The workloads, then the rules; until every proxy has all of them."""
    api.apply(wide.WORKLOADS)
    kubelet.settle()
    api.apply(wide.rules(named("outside")["address"]))
    time.sleep(1)  # istiod gathers changes before it sends them
    until("every proxy has everything", in_sync, 60)


# --- what really happens --------------------------------------------------------------------


def measure(pairs):
    """What became of each pair, in their order."""
    proxies = [Proxy(pod) for pod in state().values() if pod["proxy"]]
    agents = [f"pair-{i}-" for i in range(len(pairs))]
    senders = sorted({sender(pair) for pair in pairs})
    answers = [None] * len(pairs)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for places, given in pool.map(lambda s: send(s, pairs, agents), senders):
            for place, answer in zip(places, given, strict=True):
                answers[place] = answer
    time.sleep(2.5)  # Envoy writes its log once a second
    lines = Lines(proxies)
    found = []
    for pair, agent, answer in zip(pairs, agents, answers, strict=True):
        here = named(sender(pair))["address"]
        own = {f"{here}:{port}" for _, _, port in answer if port}
        seen, raw = lines.of(agent, own)
        found.append(truth(named(pair.source), pair, [a[:2] for a in answer], seen, raw))
    return found


def send(source, pairs, agents):
    """Everything that a source asks, in one process of it; returns (places, answers)."""
    places = [i for i, pair in enumerate(pairs) if sender(pair) == source]
    asked = [request(pairs[i], agents[i]) for i in places]
    command = inside(named(source)["netns"], "python3", "-c", CLIENT, user=APP_USER)
    return places, json.loads(run(*command, stdin=json.dumps(asked)).stdout)


class Lines:
    """What all proxies logged, to be looked up by the request that it is about."""

    def __init__(self, proxies):
        self.by_agent, self.by_client = (collections.defaultdict(list) for _ in range(2))
        for proxy in proxies:
            for line in proxy.log_lines():
                entry = parsed(line)
                self.by_agent[entry["agent"]].append((proxy.pod, entry, line))
                if entry["agent"] == "-":  # TCP, or no HTTP at all
                    self.by_client[entry["client"]].append((proxy.pod, entry, line))

    def of(self, agent, clients):
        """By its agent; where it is only bytes, by the connection that it came in on."""
        found = list(self.by_agent[agent])
        left = {*clients, *(entry["own"] for _, entry, _ in found)}
        known = set()
        while left - known:
            client = min(left - known)
            known.add(client)
            more = self.by_client.get(client, [])
            found += more
            left |= {entry["own"] for _, entry, _ in more if entry["own"] != "-"}
        return [one[:2] for one in found], [(pod["name"], line) for pod, _, line in found]


# --- what the tool says ---------------------------------------------------------------------


def ask(tool, pairs):
    shutil.rmtree(SAVED, ignore_errors=True)
    SAVED.mkdir()

    def one(number, pair):
        return tool.ask(*question(pair), "--save", str(saved(number)))

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(len(pairs)), pairs))


def saved(number):
    """Where the snapshot of the pair of this number is."""
    return SAVED / f"{number:03}"


def judge(pair, measured, answer):
    """right, unknown or wrong, and why."""
    said = answer.json
    if said is None:
        return "wrong", [str(answer)]
    if said.get("outcome") == "unknown" and answer.code == 3:
        return "unknown", said.get("unchecked") or [said.get("summary")]
    if measured["outcome"] == "fails" and not measured["observations"]:
        pair = replace(pair, sure="fails")  # no proxy had a say in it
    found = differences(pair, measured, answer.code, said)
    return ("wrong", found) if found else ("right", [])


def broad(tool, report, keep):
    """Asks everything; `keep` is told of each pair that is wrong, to write down what was seen.

    Returns the pairs and the answers; of each the tool's own snapshot is saved."""
    prepare()
    pairs = table()
    measured = measure(pairs)
    answers = ask(tool, pairs)
    counts = collections.defaultdict(collections.Counter)
    reasons = []
    for number, (pair, truly, answer) in enumerate(zip(pairs, measured, answers, strict=True)):
        verdict, why = judge(pair, truly, answer)
        counts[pair.feature][verdict] += 1
        if verdict == "wrong":
            report.check(f"wide: {pair}", why)
            keep(number, pair, truly, answer)
        if verdict == "unknown":
            reasons.append(f"{pair}: {'; '.join(map(str, why))}")
    show(counts, reasons)
    wrong = sum(c["wrong"] for c in counts.values())
    report.check(f"wide: {len(pairs)} pairs", [f"{wrong} are wrong"] if wrong else [])
    few = len(reasons) <= UNKNOWN_AT_MOST * len(pairs)
    report.check("wide: hardly anything is unknown", [] if few else [f"{len(reasons)} are"])
    return pairs, answers


def show(counts, reasons):
    row = "{:<24}{:>7}{:>7}{:>9}{:>7}"
    print(row.format("wide mesh", "pairs", "right", "unknown", "wrong"))
    for feature, one in [*counts.items(), ("all", sum(counts.values(), collections.Counter()))]:
        print(row.format(feature, one.total(), one["right"], one["unknown"], one["wrong"]))
    for reason in sorted(reasons):
        print(f"unknown {reason}")
    total = sum(counts.values(), collections.Counter())
    print(f"unknown: {100 * total['unknown'] / total.total():.1f} %", flush=True)
