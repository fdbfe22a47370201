"""The Kubernetes API of the mesh, as its administrator sees it, and the users that it knows."""

import json

from host import DESK, ROOT, inside, run

GATEWAY = "10.244.255.1"  # the bridge, and the API server on it
SERVER = f"https://{GATEWAY}:6443"
KUBECONFIG = ROOT / "kubeconfig"

# user -> groups. The tool is asked as `reader`, who may do anything: what it does not do, it did
# not because it was forbidden to. `dev` and `guest` have what shop.yaml grants them: little, none.
USERS = {"admin": "system:masters", "reader": "system:masters", "dev": "people", "guest": "people"}


def write_users(folder):
    """The API server's token file, and a kubeconfig with a context for each user."""
    (folder / "tokens.csv").write_text(
        "".join(f"{u}-token,{u},{u},{g}\n" for u, g in USERS.items())
    )
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "admin",
        "clusters": [
            {
                "name": "mesh",
                "cluster": {
                    "server": SERVER,
                    "certificate-authority": str(folder / "apiserver.crt"),
                },
            }
        ],
        "users": [{"name": u, "user": {"token": f"{u}-token"}} for u in USERS],
        "contexts": [
            {"name": u, "context": {"cluster": "mesh", "user": u, "namespace": "shop"}}
            for u in USERS
        ],
    }
    KUBECONFIG.write_text(json.dumps(config))


def kubectl(*argv, stdin=None, ok=True):
    return run(
        *inside(DESK, "kubectl", "--kubeconfig", KUBECONFIG, *argv), stdin=stdin, ok=ok
    ).stdout


def get(*argv):
    return json.loads(kubectl("get", *argv, "-o", "json"))


def listed(*argv):
    return get(*argv, "-A")["items"]


def apply(objects):
    """Apply a list of objects, or a text of YAML."""
    text = (
        objects
        if isinstance(objects, str)
        else json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    )
    return kubectl("apply", "-f", "-", stdin=text)


def delete(objects):
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    return kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)
