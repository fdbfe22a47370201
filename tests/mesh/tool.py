"""The program under test, run as its users run it: from outside the mesh, as a Kubernetes user."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from api import KUBECONFIG
from host import DESK, ROOT, inside

REPOSITORY = Path(__file__).resolve().parents[2]
PLUGIN = "kubectl-mesh_why"
PATIENCE = 60


def find():
    """The binary: MESH_WHY_BIN, or what Cargo built last for release, or for debugging."""
    if given := os.environ.get("MESH_WHY_BIN"):
        return Path(given).resolve() if Path(given).is_file() else None
    target = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target")
    return next(
        (path for kind in ("release", "debug") if (path := target / kind / PLUGIN).is_file()), None
    )


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        try:
            value = json.loads(self.out)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def __str__(self):
        return f"exit code {self.code}, stdout {self.out[:200]!r}, stderr {self.err[:400]!r}"


class Tool:
    def __init__(self, binary):
        self.home = ROOT / "desk"
        plugins = self.home / "plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        (plugins / PLUGIN).symlink_to(binary)
        self.binary = plugins / PLUGIN
        self.env = {
            "PATH": f"{plugins}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "KUBECONFIG": str(KUBECONFIG),
        }

    def ask(self, *argv, user="reader"):
        return self._run(self.binary, *argv, "--context", user)

    def plugin(self, *argv, user="reader"):
        return self._run("kubectl", "mesh-why", *argv, "--context", user)

    def replay(self, *argv):
        return self._run(self.binary, *argv)

    def _run(self, *argv):
        command = inside(DESK, *argv)
        try:
            done = subprocess.run(
                command,
                env=self.env,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as late:
            return Answer(
                124, (late.stdout or b"").decode(errors="replace"), f"no answer in {PATIENCE} s"
            )
        return Answer(
            done.returncode,
            done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"),
        )


def question(fault):
    """The tool's arguments for a fault."""
    argv = [
        fault.source,
        fault.asked,
        "-n",
        fault.namespace,
        "--path",
        fault.path,
        "--method",
        fault.method,
    ]
    for header in fault.headers:
        argv += ["-H", header]
    if fault.tcp:
        argv += ["--protocol", "tcp"]
    if fault.speaks:
        argv += ["--tls"] if fault.speaks == "tls" else ["--protocol", fault.speaks]
    return [*argv, "-o", "json"]
