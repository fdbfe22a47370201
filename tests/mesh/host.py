"""Processes and network namespaces of this machine.

Everything that is started is written down with its start time, so that a later run stops exactly
that, even after the machine has given the number to somebody else.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

# Envoy and the applications run as users of their own, who cannot enter a private home.
ROOT = Path(os.environ.get("MESH_WHY_MESH_ROOT", Path(tempfile.gettempdir()) / "mesh-why-mesh"))
# The namespace of the control plane; those of pods begin with it. A second mesh has another, and its own ROOT.
NET = os.environ.get("MESH_WHY_MESH_NET", "mesh-why")
DESK = f"{NET}-desk"  # where a user sits: has the API server in reach and nothing else
BUSY = 4  # so much longer than a machine takes that has nothing else to do
FOLDERS = ("log", "admin", "pid", "pods", "etcd", "pki", "bin", "desk")


class Failed(Exception):
    """Something that had to work did not."""


class Busy(Failed):
    """Somebody else uses the mesh right now."""


def run(*argv, ok=True, stdin=None, env=None, **more):
    """Run a command to its end; with ok, a failure is an error that shows its output."""
    argv = [str(a) for a in argv]
    done = subprocess.run(
        argv, input=stdin, text=True, capture_output=True, env={**os.environ, **(env or {})}, **more
    )
    if ok and done.returncode:
        said = f"{done.stdout[-1500:]}{done.stderr[-3000:]}"
        raise Failed(f"{' '.join(argv)[:300]}: exit code {done.returncode}\n{said}")
    return done


def inside(namespace, *argv, user=None):
    """The command line that runs argv in a network namespace, as a user by number."""
    drop = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    return ["ip", "netns", "exec", namespace, *drop, *map(str, argv)]


def until(what, check, seconds=90.0, pause=0.3):
    """Wait for check to be true, and return what it returned. On a busy machine all takes longer."""
    seconds *= BUSY
    end = time.monotonic() + seconds
    why = ""
    while time.monotonic() < end:
        try:
            if result := check():
                return result
        except Failed as error:
            why = f": {error}"
        time.sleep(pause)
    raise Failed(f"timed out after {seconds:.0f} s: {what}{why}{starved()}")


def starved():
    """What to raise, where an Envoy died for want of an inotify instance."""
    died = "assert failure: inotify_fd_ >= 0"
    if not any(died in log.read_text(errors="replace") for log in (ROOT / "log").glob("*.log")):
        return ""
    return (
        "; an Envoy got no inotify instance: `sysctl fs.inotify.max_user_instances=1024` has more"
    )


def folders():
    """Make the run-time folders; one that somebody else owns is not used."""
    ROOT.mkdir(mode=0o755, exist_ok=True)
    if ROOT.is_symlink() or ROOT.stat().st_uid != os.getuid():
        raise Failed(f"{ROOT} belongs to somebody else; set MESH_WHY_MESH_ROOT")
    for name in FOLDERS:
        (ROOT / name).mkdir(exist_ok=True)


def lock():
    """Hold the mesh of this machine: there is one. The lock ends with the process."""
    folders()
    handle = open(ROOT / "lock", "w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Busy(f"another run holds the mesh at {ROOT}") from None
    return handle


# --- processes ------------------------------------------------------------------------------


def start(name, argv, namespace=NET, user=None, cwd=None, env=None):
    """Start a process in the background, its output in log/NAME.log."""
    path = ROOT / "log" / f"{name}.log"
    log = open(path, "ab")
    path.chmod(0o666)  # Envoy opens /dev/stdout again, as its own user
    process = subprocess.Popen(
        inside(namespace, *argv, user=user),
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        start_new_session=True,
    )
    log.close()
    (ROOT / "pid" / name).write_text(f"{process.pid} {born(process.pid)}")


def pid_of(name):
    """The process that was started under this name."""
    return int((ROOT / "pid" / name).read_text().split()[0])


def born(pid):
    """When a process started, in the kernel's ticks; None when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def stop(name):
    """Stop a process that start() wrote down, with all of its group."""
    file = ROOT / "pid" / name
    if not file.exists():
        return
    pid, when = file.read_text().split()
    if born(pid) == when:
        with suppress(ProcessLookupError):
            os.killpg(int(pid), signal.SIGKILL)
    file.unlink()


def stop_all():
    """Stop every process of an earlier or of this run, and remove its namespaces."""
    for file in (ROOT / "pid").glob("*"):
        stop(file.name)
    for name in run("ip", "netns", "list", ok=False).stdout.split():
        if name == NET or name.startswith(f"{NET}-"):
            remove_namespace(name)
    for name in FOLDERS:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    (ROOT / "kubeconfig").unlink(missing_ok=True)


# --- namespaces -----------------------------------------------------------------------------


def add_namespace(name, address, gateway=None):
    """A namespace on the bridge. Its default route ends there: no packet leaves the machine."""
    veth = "mw" + name.removeprefix(f"{NET}-")[:12]
    run("ip", "netns", "add", name)
    run("ip", "-n", NET, "link", "add", veth, "type", "veth", "peer", "name", "eth0", "netns", name)
    run("ip", "-n", NET, "link", "set", veth, "master", "br0", "up")
    for command in ("link set lo up", f"addr add {address}/16 dev eth0", "link set eth0 up"):
        run("ip", "-n", name, *command.split())
    # As in a container: applications are no root, and may listen on 80.
    everybody = "echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start"
    run(*inside(name, "sh", "-c", everybody))
    if gateway:
        run("ip", "-n", name, "route", "add", "default", "via", gateway)
    names_of(name).parent.mkdir(parents=True, exist_ok=True)
    # A name that the hosts file lacks does not exist: refused at once, not silent for seconds.
    names_of(name).with_name("resolv.conf").write_text("nameserver 127.0.0.1\n")


def remove_namespace(name):
    """Remove one of ours, and what still runs in it (only what we started can)."""
    for pid in run("ip", "netns", "pids", name, ok=False).stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    run("ip", "netns", "del", name, ok=False)
    shutil.rmtree(names_of(name).parent, ignore_errors=True)


def names_of(namespace):
    """The file that `ip netns exec` mounts as /etc/hosts."""
    return Path("/etc/netns") / namespace / "hosts"
