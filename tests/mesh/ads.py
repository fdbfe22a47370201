"""A proxy's subscription to istiod, which only says what the proxy wants.

What istiod would send it is read elsewhere, in istiod's own dump: nobody looks at what arrives.
"""

import struct
import subprocess

from host import Failed, inside

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
TYPES = {
    "clusters": "envoy.config.cluster.v3.Cluster",
    "listeners": "envoy.config.listener.v3.Listener",
    "routes": "envoy.config.route.v3.RouteConfiguration",
}


class Subscription:
    """What a node wants of an istiod in this network namespace, until it is closed."""

    def __init__(self, node, namespace, port=15010):
        self._node = encoded_node(node)
        grpc = ("-H", "content-type: application/grpc", "-H", "te: trailers")
        quiet = ("-sS", "--no-progress-meter", "-o", "/dev/null")
        # `.` is standard input as well, but curl takes answers while there is nothing on it.
        self._curl = subprocess.Popen(
            inside(
                namespace, "curl", *quiet, "--http2-prior-knowledge", "-X", "POST", *grpc,
                "-T", ".", f"http://127.0.0.1:{port}{METHOD}",
            ),
            stdin=subprocess.PIPE,
        )  # fmt: skip

    def want(self, kind, names=()):
        """All of a kind, or those of these names."""
        request = chunk(2, self._node) + chunk(4, f"type.googleapis.com/{TYPES[kind]}".encode())
        request += b"".join(chunk(3, name.encode()) for name in names)
        try:
            self._curl.stdin.write(b"\0" + struct.pack(">I", len(request)) + request)
            self._curl.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"istiod ended the stream: curl {self._curl.wait()}") from None

    def close(self):
        self._curl.kill()
        self._curl.wait()
        self._curl.stdin.close()


# --- protobuf, as much as a node needs ------------------------------------------------------


def encoded_node(node):
    """envoy.config.core.v3.Node, of its JSON in /server_info."""
    place = node.get("locality", {})
    places = [place.get(key, "").encode() for key in ("region", "zone", "sub_zone")]
    return (
        chunk(1, node["id"].encode())
        + chunk(2, node["cluster"].encode())
        + chunk(3, encoded_struct(node.get("metadata", {})))
        + chunk(4, b"".join(chunk(number, name) for number, name in enumerate(places, 1)))
    )


def encoded_struct(fields):
    """google.protobuf.Struct."""
    entries = (chunk(1, key.encode()) + chunk(2, encoded_value(v)) for key, v in fields.items())
    return b"".join(chunk(1, entry) for entry in entries)


def encoded_value(value):
    """google.protobuf.Value."""
    match value:
        case None:
            return b"\x08\x00"
        case bool():
            return b"\x20" + bytes([value])
        case int() | float():
            return b"\x11" + struct.pack("<d", value)
        case str():
            return chunk(3, value.encode())
        case dict():
            return chunk(5, encoded_struct(value))
        case list():
            return chunk(6, b"".join(chunk(1, encoded_value(one)) for one in value))


def chunk(number, content):
    """A field of bytes, text or a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number):
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])
