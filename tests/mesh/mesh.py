#!/usr/bin/env python3
"""A whole service mesh on one machine, with no container engine and no way out.

Real: etcd, the Kubernetes API server and controllers, kwok (the node, the life cycle of pods, the
kubelet's port-forward), istiod with its own manifests and injector, pilot-agent, Envoy, and
Istio's capture. Ours: a process for each container, in a network namespace for each pod.

  mesh.py build           build what is missing (12 minutes, once) into the user's cache
  mesh.py up | down       start, stop
  mesh.py shop            apply the shop, the applications that the tests use
  mesh.py apply FILE...   kubectl apply, then wait until all of it runs
  mesh.py sync            start the processes of new pods, stop those of gone ones
  mesh.py sh CMD...       run a command where a user of the cluster sits (KUBECONFIG is set)
  mesh.py exec POD CMD... run a command in a pod's network, as its application's user
"""

import os
import sys

sys.dont_write_bytecode = True

import cluster  # noqa: E402
import kubelet  # noqa: E402
import parts  # noqa: E402
import shop  # noqa: E402
from api import KUBECONFIG, apply, kubectl  # noqa: E402
from host import DESK, Failed, inside, lock  # noqa: E402


def main(argv):
    match argv:
        case ["build"]:
            parts.build()
        case ["up"]:
            with lock():
                parts.build()
                cluster.up()
        case ["down"]:
            with lock():
                cluster.down()
        case ["sync"]:
            print(kubelet.sync())
        case ["shop"]:
            apply(shop.SHOP)
            kubelet.settle()
        case ["apply", *files] if files:
            for file in files:
                print(kubectl("apply", "-f", file), end="")
            kubelet.settle()
        case ["sh", *command] if command:
            path = f"{parts.BIN}:{os.environ['PATH']}"
            os.execvpe(
                "ip",
                inside(DESK, *command),
                {**os.environ, "KUBECONFIG": str(KUBECONFIG), "PATH": path},
            )
        case ["exec", pod, *command] if command:
            there = kubelet.named(pod)
            if not there:
                raise Failed(f"no pod {pod} runs")
            os.execvp("ip", inside(there["netns"], *command, user=kubelet.APP_USER))
        case _:
            raise Failed(__doc__)


if __name__ == "__main__":
    if why := parts.why_not():
        sys.exit(f"mesh: not here: {why}")
    try:
        main(sys.argv[1:])
    except Failed as error:
        sys.exit(str(error))
