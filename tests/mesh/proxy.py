"""A pod's Envoy: what it holds, by its admin endpoint, and what it logged."""

import json
import re
from urllib.parse import quote

from host import ROOT, inside, run

# Istio's default text format, by the position of what is compared.
TOKEN = re.compile(r'\[[^\]]*\]|"(?:[^"\\]|\\.)*"|\S+')
FIELDS = {
    "request": 1,
    "status": 2,
    "flags": 3,
    "details": 4,
    "termination": 5,
    "transportFailure": 6,
    "agent": 12,
    "host": 15,
    "cluster": 16,
    "own": 17,  # the address that it dials from
    "client": 19,
    "route": 21,
}


class Proxy:
    def __init__(self, pod):
        self.pod = pod
        self._log = ROOT / "log" / f"{pod['proxy']}.log"
        self._read = self._log.stat().st_size

    def text(self, path):
        curl = ("curl", "-sS", "-f", "-g", "-m", "20", f"http://127.0.0.1:15000{path}")
        return run(*inside(self.pod["netns"], *curl)).stdout

    def json(self, path):
        return json.loads(self.text(path))

    # --- what it holds ----------------------------------------------------------------------

    def config(self, resource, name):
        """The entries of a part of its configuration that have this name."""
        pattern = quote(f"^{re.escape(name)}$", safe="")
        return self.json(f"/config_dump?resource={resource}&name_regex={pattern}").get(
            "configs", []
        )

    def routes(self, port):
        """The route configuration of a port, as one text to look for something in."""
        return json.dumps(self.config("dynamic_route_configs", str(port)))

    def cluster(self, name):
        return json.dumps(self.config("dynamic_active_clusters", name))

    def drains(self):
        """Whether connections are left that go by what it held before."""
        pattern = quote(r"^listener_manager\.total_(filter_chains|listeners)_draining$", safe="")
        found = self.json(f"/stats?format=json&type=Gauges&filter={pattern}")["stats"]
        return any(gauge["value"] for gauge in found)

    def hosts(self, cluster):
        pattern = quote(f"^{re.escape(cluster)}$", safe="")
        found = self.json(f"/clusters?format=json&filter={pattern}").get("cluster_statuses", [])
        return [host for one in found for host in one.get("host_statuses", [])]

    # --- what it logged ---------------------------------------------------------------------

    def forget_log(self):
        """What is in the access log now is not read again."""
        self._read = self._log.stat().st_size

    def log_lines(self):
        with open(self._log, "rb") as log:
            log.seek(self._read)
            lines = log.read().decode(errors="replace").splitlines()
        return [line for line in lines if parsed(line)]


def parsed(line):
    """An access-log line by its fields; None for what is something else."""
    tokens = TOKEN.findall(line)
    if len(tokens) < 22 or not re.match(r"\[\d{4}-\d\d-\d\dT", line) or not tokens[2].isdigit():
        return None
    entry = {name: tokens[at].strip('"') for name, at in FIELDS.items()}
    return {**entry, "status": int(entry["status"])}


def counter(host, name):
    """A counter of a host; Envoy leaves zeros out of the value."""
    return next((int(s.get("value", 0)) for s in host.get("stats", []) if s["name"] == name), 0)
