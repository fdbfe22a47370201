"""Start and stop the cluster: etcd, the API server and its controllers, kwok, and istiod."""

import json
import os
import re
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import kubelet
import parts
from api import GATEWAY, KUBECONFIG, apply, kubectl, listed, write_users
from host import (
    DESK,
    NET,
    ROOT,
    add_namespace,
    folders,
    inside,
    lock,
    names_of,
    run,
    start,
    stop_all,
    until,
)

BIN = ROOT / "bin"
PODS = "10.244.0.0/24"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AUDIT = ROOT / "log" / "audit.jsonl"  # what the users of the tool asked of the API server


@contextmanager
def running(at_end=lambda error: None):
    """The mesh, from `up` to `down` whatever ends it; `at_end` is called while there are logs."""
    held = lock()
    for number in SIGNALS:
        signal.signal(number, interrupted)
    error = None
    try:
        parts.build()
        up()
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        at_end(error)
        if os.environ.get("MESH_WHY_KEEP") == "1":
            print(f"the mesh is left up; this ends it: {Path(__file__).with_name('mesh.py')} down")
        else:
            down()
        held.close()


def interrupted(number, _):
    print(f"mesh: {signal.Signals(number).name}, taking it down", file=sys.stderr, flush=True)
    raise SystemExit(128 + number)


def up():
    stop_all()
    folders()
    parts.place(BIN)
    network()
    api_server()
    node()
    istio()


def down():
    stop_all()


def network():
    """The bridge that everybody is on. Without a hardware address of its own it takes the lowest
    of its ports', and each pod that changed that would cut it off until everybody asks anew for it
    (a minute and more)."""
    run("ip", "netns", "add", NET)
    for command in (
        "link set lo up",
        "link add br0 address 02:00:00:00:00:01 type bridge",
        f"addr add {GATEWAY}/16 dev br0",
        "link set br0 up",
    ):
        run("ip", "-n", NET, *command.split())
    add_namespace(DESK, "10.244.254.1")
    names_of(DESK).write_text("127.0.0.1 localhost\n")


def api_server():
    pki = ROOT / "pki"
    run("openssl", "genrsa", "-out", pki / "sa.key", "2048")
    run("openssl", "rsa", "-in", pki / "sa.key", "-pubout", "-out", pki / "sa.pub")
    write_users(pki)
    audit = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [{"level": "Metadata", "users": ["reader", "dev", "guest"]}, {"level": "None"}],
    }
    (pki / "audit.json").write_text(json.dumps(audit))
    etcd = "http://127.0.0.1:2379"
    start("etcd", [
        "etcd",
        "--data-dir", ROOT / "etcd",
        "--listen-client-urls", etcd,
        "--advertise-client-urls", etcd,
        "--listen-peer-urls", "http://127.0.0.1:2380",
        "--unsafe-no-fsync",
    ])  # fmt: skip
    start("kube-apiserver", [
        BIN / "kube-apiserver",
        f"--etcd-servers={etcd}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        f"--cert-dir={pki}",
        f"--token-auth-file={pki}/tokens.csv",
        "--authorization-mode=RBAC",
        "--allow-privileged",
        "--bind-address=0.0.0.0",
        "--secure-port=6443",
        f"--advertise-address={GATEWAY}",
        "--kubelet-preferred-address-types=InternalIP",
        "--enable-aggregator-routing=true",  # reach webhooks at their pods: there is no kube-proxy
        "--profiling=false",
        "--feature-gates=WatchList=false",  # etcd 3.4 has no watch progress: watches would break
        f"--audit-policy-file={pki}/audit.json",
        f"--audit-log-path={AUDIT}",
    ])  # fmt: skip
    until("the API server", lambda: kubectl("get", "--raw", "/readyz") == "ok", pause=0.1)
    start("kube-controller-manager", [
        BIN / "kube-controller-manager",
        f"--kubeconfig={KUBECONFIG}",
        f"--service-account-private-key-file={pki}/sa.key",
        f"--root-ca-file={pki}/apiserver.crt",
        "--leader-elect=false",
        "--use-service-account-credentials=false",
    ])  # fmt: skip


def node():
    """A node of kwok's, whose pods are ready at once; kubelet.py gives them their processes."""
    pki, stage = ROOT / "pki", parts.BIN / "kwok-stage"
    kubectl("apply", "-f", parts.BIN / "kwok-crd")
    files = (
        "pod/fast/pod-ready.yaml",
        "pod/fast/pod-delete.yaml",
        "node/fast/node-initialize.yaml",
        "node/heartbeat/node-heartbeat.yaml",
    )
    stages = [a for file in files for a in ("-f", stage / file)]
    until("the kinds of kwok", lambda: kubectl("apply", *stages), 30)
    start("kwok", [
        BIN / "kwok",
        f"--kubeconfig={KUBECONFIG}",
        "--manage-all-nodes",
        f"--cidr={PODS}",
        f"--node-ip={GATEWAY}",
        "--node-port=10250",
        "--enable-crds=Stage,PortForward",
        "--server-address=0.0.0.0:10250",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
    ])  # fmt: skip
    labels = {
        "topology.kubernetes.io/region": "r1",
        "topology.kubernetes.io/zone": "z1",
        "kubernetes.io/hostname": "node-0",
    }
    meta = {"name": "node-0", "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": labels}
    apply([{"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {"podCIDR": PODS}}])


def istio():
    """Istiod and its injector, by Istio's own manifests, on our node and with upstream's Envoy."""
    text = run(
        parts.BIN / "istioctl", "manifest", "generate",
        "--set", "profile=minimal",
        "--set", "meshConfig.accessLogFile=/dev/stdout",
        "--set", f"meshConfig.defaultConfig.binaryPath={BIN / 'envoy'}",
        "--set", "meshConfig.defaultConfig.drainDuration=2s",
    ).stdout  # fmt: skip
    # Upstream's Envoy has none of Istio's own filters.
    text = text.replace(
        "defaultProviders:\n      metrics:\n      - prometheus", "defaultProviders: {}"
    )
    without = {"PILOT_ENABLE_ALPN_FILTER": "false", "PILOT_ENABLE_METADATA_EXCHANGE": "false"}
    env = "".join(
        f'        - name: {name}\n          value: "{value}"\n' for name, value in without.items()
    )
    objects = []
    for one in re.split(r"^---", text, flags=re.M):
        if re.search(r"^kind: HorizontalPodAutoscaler", one, re.M):
            continue
        if re.search(r"^kind: Deployment", one, re.M):
            one = one.replace("        - name: PLATFORM\n", env + "        - name: PLATFORM\n")
            one = one.replace(
                "      serviceAccountName: istiod",
                "      nodeName: node-0\n      serviceAccountName: istiod",
            )
        objects.append(one)
    kubectl("create", "namespace", "istio-system")
    kubectl("apply", "--server-side", "-f", parts.BIN / "gateway-api-crd.yaml")
    kubectl("apply", "--server-side", "-f", "-", stdin="\n---\n".join(objects))
    until("istiod's pod", kubelet.sync)
    probe = (
        "curl",
        "-sf",
        "-o",
        "/dev/null",
        f"http://{kubelet.named('istiod')['address']}:8080/ready",
    )
    until("istiod", lambda: run(*inside(NET, *probe), ok=False).returncode == 0)
    until("the injector", lambda: all(
        hook["clientConfig"].get("caBundle")
        for webhooks in listed("mutatingwebhookconfigurations")
        for hook in webhooks["webhooks"]
    ))  # fmt: skip
