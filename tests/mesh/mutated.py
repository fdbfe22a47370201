"""One mutation after another is applied to the sound mesh; real requests are held against the tool.

A question whose requests still arrive may get no certain finding. One whose requests do not arrive
has to be told so, and the finding that comes first names the object and the field that was changed,
or a condition says what is open. Where the printed fix is data, it is applied, and has to help.
"""

import collections
import os
import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import api
import kubelet
import sound
from arrival import GATHERED, arrive
from broad import AT_ONCE, measure
from chance import enough
from compare import differences
from fixes import as_it_is, patched, steps
from host import ROOT, Failed
from mutations import sample
from pairs import question
from shop import SHOP

SEED = int(os.environ.get("MESH_WHY_SEED", "8082"))
MUTATIONS = int(os.environ.get("MESH_WHY_MUTATIONS", "16"))
SAVED = ROOT / "desk" / "mutations"
HELPS = os.environ.get("MESH_WHY_FIXES") != "0"


@dataclass
class Told:
    """What one question met under one mutation, and what the tool said of it."""

    pair: object
    truth: dict
    answer: object
    wrong: list = field(default_factory=list)
    names: str = ""  # what of the mutation the first finding names
    helped: str = ""  # whether the printed fix does

    @property
    def breaks(self):
        return self.truth["outcome"] != "reaches"


def prepare():
    api.apply(SHOP)
    kubelet.settle()
    base = sound.rules(kubelet.named("mainframe")["address"])
    api.apply(base)
    arrive()
    return base


def apply(base, mutation):
    """Applies it; returns why the API server did not want it, if it did not."""
    if mutation.after is None:
        api.delete([base[mutation.place]])
    else:
        try:
            api.apply([mutation.after])
        except Failed as error:
            return str(error).strip().splitlines()[-1]
    services(mutation.key[0])
    arrive()
    return ""


def restore(base, mutation):
    api.apply([base[mutation.place]])
    services(mutation.key[0])
    arrive()


def services(kind):
    """What only a kubelet does for Services: addresses and names, once their endpoints are there."""
    if kind == "Service":
        time.sleep(GATHERED)
        kubelet.settle()


# --- what it does ---------------------------------------------------------------------------


def looked_at(mutation, measured, luck):
    """The questions that go by the object, and those that break; and one more."""
    name = mutation.key[3]
    places = [
        place
        for place, (_, by) in enumerate(sound.QUESTIONS)
        if name in by or measured[place]["outcome"] != "reaches"
    ]
    rest = [place for place in range(len(sound.QUESTIONS)) if place not in places]
    return places + luck.sample(rest, min(1, len(rest)))


def ask(tool, places):
    shutil.rmtree(SAVED, ignore_errors=True)
    SAVED.mkdir(parents=True)

    def one(place):
        pair = sound.QUESTIONS[place][0]
        return tool.ask(*question(pair), "--save", str(saved(pair)))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, places))


def saved(pair):
    """Where the snapshot of a question is."""
    return SAVED / next(
        f"{place:02}" for place, (one, _) in enumerate(sound.QUESTIONS) if one.key == pair.key
    )


def look(tool, mutation, luck):
    """Every question measured, those that it may concern asked."""
    measured = measure([pair for pair, _ in sound.QUESTIONS])
    places = looked_at(mutation, measured, luck)
    found = []
    for place, answer in zip(places, ask(tool, places), strict=True):
        told = judged(sound.QUESTIONS[place][0], measured[place], answer, mutation)
        # Where chance decides, a few requests show one side of it.
        if told.wrong and (answer.json or {}).get("outcome") == "partial":
            pair = replace(told.pair, times=enough(0.3))
            told = judged(pair, measure([pair])[0], answer, mutation)
        # On a busy machine a client gives up before any proxy has the request: that is no truth yet.
        elif told.wrong and told.breaks and not told.truth["observations"]:
            told = judged(told.pair, measure([told.pair])[0], answer, mutation)
        found.append(told)
    return found


def judged(pair, truth, answer, mutation):
    told = Told(pair, truth, answer)
    said = answer.json
    if said is None:
        told.wrong = [str(answer)]
        return told
    if truth["outcome"] == "fails" and (not truth["observations"] or decided_by_objects(said)):
        pair = replace(pair, sure="fails")  # no proxy has a say in it
    # Where the name has gone, the tool follows the request as if it still resolved.
    gone = said["outcome"] == "fails" and set(truth["client"]) == {"no such name"}
    if said["outcome"] != "unknown" and not gone:
        told.wrong = differences(pair, truth, answer.code, said)
    if told.breaks:
        told.names = named_by(mutation, said)
        # What an application makes of what it gets no proxy knows beforehand; that it failed so far is said.
        if said["outcome"] == "reaches" and any(f["id"] in DOUBTS for f in said["findings"]):
            told.wrong = []
    return told


def decided_by_objects(said):
    """A Service that is not there, or lacks the port: that ends it, whatever a proxy makes of the address."""
    ids = ("no-such-service", "no-such-port")
    is_nobodys = (said["response"] or {}).get("from") == "none"
    return is_nobodys and any(finding["id"] in ids for finding in said["findings"][:1])


DOUBTS = ("requests-failed-so-far", "gateway-without-service")


def named_by(mutation, said):
    """What the first finding names of it: field, object, another finding does, or nothing."""
    findings = said["findings"]
    for place, finding in enumerate(findings):
        fixes = [fix["object"] | fix for fix in finding["fix"] if fix["object"]]
        own = [one for one in [*finding["objects"], *fixes] if key(one) == mutation.key]
        # What is gone is no object to name; that it is not there is said.
        if mutation.after is None and place == 0 and mutation.key[3] in finding["why"]:
            return "field"
        if own and place == 0:
            return "field" if any(near(one, mutation) for one in own) else "object"
        if own:
            return "later"
    return "nothing" if findings else "no finding"


def key(named):
    """An object that is named, as a mutation's is."""
    return named["kind"], named["apiVersion"].partition("/")[0], named["namespace"], named["name"]


def near(named, mutation):
    """Whether one field lies in the other; where the whole object is gone, any field will do."""
    one, other = steps(named["field"] or ""), list(mutation.path)
    shorter = min(len(one), len(other))
    # Of what is to be added the field is the nearest that there is.
    enough_of_it = shorter > 1 or named.get("op") == "add"
    return not other or enough_of_it and one[:shorter] == other[:shorter]


# --- what the printed fix does --------------------------------------------------------------


def mend(tool, told):
    """Applies the first fix of the first finding that is data; whether the request arrives then."""
    findings = (told.answer.json or {}).get("findings", [])
    for fix in findings[0]["fix"] if findings else ():
        if not fix["object"] or fix["object"]["kind"] in ANEW:
            continue
        now = as_it_is(fix["object"])
        if new := patched(fix, now):
            return made(tool, told, new, now)
    return ""


ANEW = ("Namespace", "Pod", "Deployment")  # after whose change pods start anew


def made(tool, told, new, before):
    """Makes the change, sends and asks again, and undoes it."""
    try:
        api.apply([new])
    except Failed:
        return "not taken"
    services(new["kind"])
    arrive()
    truth = measure([told.pair])[0]
    said = tool.ask(*question(told.pair)).json or {}
    api.apply([before]) if before else api.delete([new])
    services(new["kind"])
    arrive()
    if truth["outcome"] != "reaches":
        return f"no: {(said.get('findings') or [{}])[0].get('id', said.get('outcome'))} next"
    return "yes" if said.get("outcome") == "reaches" else "yes, and not told so"


# --- all of them ----------------------------------------------------------------------------


class Confusion:
    """What became of all, and what was said."""

    def __init__(self):
        self.counts = collections.Counter()
        self.fixes = collections.Counter()

    def add(self, told):
        said = told.answer.json or {}
        row = "breaks" if told.breaks else "works"
        outcome = said.get("outcome", "no answer")
        self.counts[(row, outcome, told.names)] += 1

    def show(self):
        print(f"{'traffic':<8}{'the tool':<10}{'the first finding names':<25}{'questions':>10}")
        for (row, outcome, names), count in sorted(self.counts.items()):
            print(f"{row:<8}{outcome:<10}{names:<25}{count:>10}")
        for helps, count in sorted(self.fixes.items()):
            print(f"the printed fix helps: {helps or 'it is advice':<25}{count:>10}")


def mutated(tool, report, keep):
    """All of it; `keep` is told of what is wrong, to write down what was seen."""
    base = prepare()
    luck = random.Random(SEED)
    sound_first(tool, report)
    confusion, refused, wrong = Confusion(), 0, 0
    for number, mutation in enumerate(sample(base, luck, MUTATIONS)):
        if apply(base, mutation):
            refused += 1
            continue
        found = look(tool, mutation, luck)
        for told in found:
            confusion.add(told)
            if told.wrong:
                wrong += 1
                report.check(f"mutation {mutation}: {told.pair}", told.wrong)
                keep(number, mutation, told, saved(told.pair))
        help_one(tool, found, confusion)
        restore(base, mutation)
    confusion.show()
    report.check(
        f"mutations: {MUTATIONS} of seed {SEED}, {refused} not taken by the API server",
        [f"{wrong} questions are answered wrong"] if wrong else [],
    )
    api.delete([one for one in base if one["kind"] != "Service"])


def help_one(tool, found, confusion):
    """Of the questions that a mutation breaks, the first: its fix is made. The others break by the same change."""
    broken = [told for told in found if told.breaks and not told.wrong]
    if broken and HELPS:
        broken[0].helped = mend(tool, broken[0])
        confusion.fixes[broken[0].helped.partition(":")[0]] += 1


def sound_first(tool, report):
    """Without a mutation everything arrives, and nothing is certain."""
    measured = measure([pair for pair, _ in sound.QUESTIONS])
    answers = ask(tool, range(len(sound.QUESTIONS)))
    for (pair, _), truth, answer in zip(sound.QUESTIONS, measured, answers, strict=True):
        said = answer.json
        found = [str(answer)] if said is None else differences(pair, truth, answer.code, said)
        if truth["outcome"] != "reaches":
            found.append(f"it does not arrive: {truth['client']} {truth['observations'][:2]}")
        report.check(f"sound: {pair}", found)
