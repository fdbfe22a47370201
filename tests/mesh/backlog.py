"""What is answered wrong as yet."""

# What is answered wrong as yet, with what is wrong: one that is right fails the run, until it is struck off here.
OPEN = {
    "tcp-subset-not-defined": "a route of TCP names no object",
    "gateway-of-tls-is-sent-plaintext": "the Gateway is not named",
    "gateway-does-not-see-the-virtual-service": "exportTo is not looked at",
    "http-route-of-weight-zero": "the weight is not named",
    "denied-from-outside-of-a-namespace": "the rule is named, its condition is not",
    "denied-but-for-a-path": "the rule is named, its condition is not",
    "principal-in-plaintext": "why A has no principal is not said",
    "target-port-of-nobody": "the port has no index",
    "service-exported-to-nobody": "the annotation of the Service is not looked at",
    "entry-without-endpoints": "spec.hosts is named instead",
    "entry-whose-name-does-not-resolve": "the address has no index",
}
