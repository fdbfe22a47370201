"""What the mesh saw of the tool: the API server's audit log, and what Envoys' admin was asked."""

import json
import re

from cluster import AUDIT
from host import ROOT

READ_ONLY = {
    "/", "/certs", "/clusters", "/config_dump", "/contention", "/help", "/init_dump", "/listeners",
    "/memory", "/ready", "/runtime", "/server_info", "/stats",
}  # fmt: skip


def requests():
    """(user, verb, resource, name or path) of everything that the users of the tool asked for."""
    seen = []
    for line in AUDIT.read_text().splitlines():
        event = json.loads(line)
        about = event.get("objectRef", {})
        resource = "/".join(filter(None, (about.get("resource"), about.get("subresource"))))
        seen.append(
            (
                event["user"]["username"],
                event["verb"],
                resource,
                about.get("name") or event["requestURI"],
            )
        )
    return seen


def not_a_read(request):
    """Forwarding a port is how the admin endpoint is reached; nothing else has to be created."""
    _, verb, resource, _ = request
    if resource == "pods/portforward":
        return verb not in ("get", "create")
    return verb not in ("get", "list") or "/" in resource


def about_secrets(request):
    return request[2].startswith("secrets")


def admin_requests():
    """(method, path) of everything that Envoys' admin endpoints were asked through a forward."""
    seen = []
    for file in sorted((ROOT / "admin").glob("*.asked")):
        lines = file.read_bytes().decode(errors="replace")
        seen += re.findall(r"^([A-Z]+) (\S+) HTTP/1\.[01]\r?$", lines, re.M)
    return seen


def changes_envoy(request):
    method, path = request
    return method != "GET" or path.partition("?")[0] not in READ_ONLY or "usedonly_reset" in path


def whole_dump(request):
    """The cost of an answer follows the path of the request: a thing is asked for by its name."""
    path, _, query = request[1].partition("?")
    return (
        path == "/config_dump"
        and "name_regex=" not in query
        and "mask=bootstrap.node." not in query
    )


def given_bytes():
    """How much the admin endpoints answered, in all."""
    return sum(file.stat().st_size for file in (ROOT / "admin").glob("*.given"))
