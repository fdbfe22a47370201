//! Codes of `istioctl analyze`; `pkg/config/analysis/msg/messages.yaml` of Istio.

use crate::explain::topic::Entry;

pub(in crate::explain) const ISTIO: &[Entry] = &[
    Entry {
        name: "IST0101",
        title: "Something that an object refers to does not exist.",
        means: "What is missing stands in the message: a host, a subset, a gateway, a selector's pods, a secret. Of a \
                route's host, port or subset it means that no cluster is made for the destination, and the client \
                gets 503 NC.",
        fix: "Create what is named, or name what exists. A short host is looked up in the object's own namespace.",
        findings: &[
            "subset-not-defined",
            "no-such-service",
            "no-such-port",
            "virtual-service-not-bound",
            "mirror-to-nowhere",
        ],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0102",
        title: "The namespace is not enabled for injection.",
        means: "Pods of the namespace get no proxy. A without one sends plaintext, which a STRICT B closes; and no \
                rule of the mesh is applied at A.",
        fix: "Label the namespace (`istio-injection=enabled`, or the revision's label), and restart the pods.",
        findings: &["mtls-required"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0103",
        title: "A pod has no proxy, although it should have one.",
        means: "The pod was made before its namespace was labeled, or injection failed. It sends plaintext, and takes \
                no mutual TLS.",
        fix: "Restart the workload; then look at the events of its ReplicaSet.",
        findings: &["mtls-required", "connections-fail", "mutual-tls-to-plaintext"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0106",
        title: "An object breaks the rules of its kind.",
        means: "The control plane ignores the object, or a part of it, so that nothing of it is in the proxy.",
        fix: "Correct the field that the message names.",
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0107",
        title: "An annotation stands on the wrong kind of object.",
        means: "It has no effect there. Of annotations that keep ports or addresses from the proxy, the connection \
                then goes where nobody means it to.",
        fix: "Put the annotation on the pod's template.",
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0108",
        title: "An annotation is not known.",
        means: "It has no effect: misspelled, or of another release.",
        fix: "Correct its name.",
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0109",
        title: "Two VirtualServices of the mesh have the same host.",
        means: "Only the older one counts for sidecars. Rules of the other have no effect: the wrong route, or none.",
        fix: "Merge the two objects.",
        findings: &["virtual-service-ignored", "no-route-matched", "subset-not-defined"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0110",
        title: "Two Sidecars select the same pod.",
        means: "The older one decides what the pod's proxy sees. A Service that only the other lists is unknown to A.",
        fix: "Let one Sidecar select the pod.",
        findings: &["registry-only", "unknown-host-passthrough"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0111",
        title: "Two Sidecars of a namespace have no selector.",
        means: "The older one decides for the whole namespace.",
        fix: "Merge the two objects.",
        findings: &["registry-only", "unknown-host-passthrough"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0112",
        title: "A destination has several ports, and none is named.",
        means: "The route does not say which port of the Service is meant, so it leads to a cluster that is not there.",
        fix: "Name the port: `destination.port.number`.",
        findings: &["no-such-port", "cluster-not-there"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0116",
        title: "Services of one workload disagree about a port's protocol.",
        means: "B's proxy has one filter chain for the pod's port. The older Service decides whether it is HTTP, so \
                that policies and metrics of the other do not fit.",
        fix: "Give the port the same protocol in each Service.",
        findings: &["denied-by-policy", "protocol-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0118",
        title: "A port's name does not say its protocol.",
        means: "The proxy guesses from the first bytes. A protocol in which the server speaks first hangs until the \
                guess is given up.",
        fix: "Name the port `http-…`, `tcp-…`, `grpc-…`, or set `appProtocol`.",
        findings: &["protocol-not-taken", "requests-failed-so-far"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0123",
        title: "A namespace has two labels of injection.",
        means: "Which one counts is not certain, so pods may have no proxy, or one of another revision.",
        fix: "Keep one label.",
        findings: &["mtls-required"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0125",
        title: "The value of an annotation is not valid.",
        means: "It has no effect, or injection fails.",
        fix: "Correct the value.",
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0127",
        title: "An object selects no workload.",
        means: "A policy that is meant to protect, or to allow, does not. Of an ALLOW policy it means that requests \
                are denied which it should let in.",
        fix: "Correct the selector's labels.",
        findings: &["denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0128",
        title: "A DestinationRule speaks TLS and checks no certificate.",
        means: "Requests pass. A's proxy takes any certificate: a mistake in the host's name shows nowhere.",
        fix: "Set `tls.caCertificates` and `subjectAltNames`.",
        findings: &["certificate-not-accepted"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0129",
        title: "A DestinationRule checks no certificate on one port.",
        means: "Requests pass. A's proxy takes any certificate on that port.",
        fix: "Set `caCertificates` in `portLevelSettings`.",
        findings: &["certificate-not-accepted"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0130",
        title: "A rule of a VirtualService is never reached.",
        means: "An earlier rule takes every request that this one is for. Requests go elsewhere than this rule says.",
        fix: "Put the narrower rule first.",
        findings: &["no-route-matched", "route-answers-itself"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0131",
        title: "A match of a VirtualService repeats an earlier one.",
        means: "Requests go where the earlier rule says.",
        fix: "Remove one of the two.",
        findings: &["no-route-matched"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0132",
        title: "A VirtualService's host is not among its Gateway's.",
        means: "The gateway has no virtual host for it, and answers 404 NR.",
        fix: "Add the host to `spec.servers[].hosts` of the Gateway, or correct it in the VirtualService.",
        findings: &["virtual-service-not-bound", "no-route-matched"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0133",
        title: "An object is odd, and accepted.",
        means: "The message says what is odd; the object has an effect, and maybe not the one that is meant.",
        fix: "Correct the field that the message names.",
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0134",
        title: "A ServiceEntry of TCP has no address.",
        means: "Its listener takes the port at every address, so that connections to other hosts on that port go to \
                it.",
        fix: "Give it `addresses`, or name the protocol HTTP or TLS.",
        findings: &["unknown-host-passthrough", "registry-only"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0137",
        title: "Two Services of a workload give one target port two numbers.",
        means: "Which Service's rules the proxy of B takes is not certain.",
        fix: "Let the Services agree.",
        findings: &["denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0138",
        title: "One certificate serves several Gateways.",
        means: "Browsers send requests for the second host over the connection to the first (HTTP/2), whose listener \
                has no route for it: 404 NR, now and then.",
        fix: "Put the hosts into one Gateway, or give each a certificate of its own.",
        findings: &["no-route-matched"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0140",
        title: "A subset has no effect for requests of a gateway.",
        means: "The VirtualService is bound to the mesh alone, so requests that come from outside do not follow it.",
        fix: "Bind it to the gateway too: `spec.gateways`.",
        findings: &["virtual-service-not-bound", "no-route-matched"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0143",
        title: "An application listens on localhost only.",
        means: "B's proxy dials the pod's address, and nobody listens there: UF at B, 503 at A. No release reports \
                the code any more.",
        fix: "Listen on 0.0.0.0, or set `defaultEndpoint: 127.0.0.1:PORT` in a Sidecar's ingress.",
        findings: &["application-does-not-listen", "application-listens-on-loopback-only", "connections-fail"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0144",
        title: "An application runs as user 1337.",
        means: "That is the proxy's own user, whose connections are not redirected: the mesh never sees them.",
        fix: "Let the application run as another user.",
        findings: &["mtls-required"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0145",
        title: "Two Gateways have the same selector, port and hosts.",
        means: "The older one counts, and the other's routes are not there: 404 NR, or the wrong certificate.",
        fix: "Merge them, or give them other hosts.",
        findings: &["no-route-matched", "virtual-service-not-bound"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0146",
        title: "A Deployment asks for `image: auto` and is not injected.",
        means: "Its pods cannot start, or have no proxy.",
        fix: "Label the pods or their namespace for injection.",
        findings: &["no-endpoints"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0147",
        title: "A pod asks for `image: auto` and was not injected.",
        means: "The pod cannot pull an image of that name, so the gateway is not there.",
        fix: "Label the pod or its namespace for injection, and make it again.",
        findings: &["no-endpoints"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0149",
        title: "A route asks for a claim, and nothing reads tokens.",
        means: "Without a RequestAuthentication for the gateway no claim is known, so the route takes no request: 404 \
                NR.",
        fix: "Create a RequestAuthentication for the gateway's pods.",
        findings: &["no-route-matched"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0150",
        title: "A port of an ExternalName Service has a bad name.",
        means: "As a port of TCP it takes that port at every address, so that connections to other hosts go to it.",
        fix: "Name the port for its protocol: `http-…`, `tls-…`.",
        findings: &["unknown-host-passthrough"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0151",
        title: "An EnvoyFilter is placed relative to another, without a priority.",
        means: "Whether it is applied depends on the order of objects.",
        fix: "Set `priority`, or use INSERT_FIRST.",
        findings: &["envoy-filter-removes-the-cluster"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0152",
        title: "An EnvoyFilter replaces what cannot be replaced.",
        means: "The patch has no effect.",
        fix: "REPLACE is for HTTP and network filters only; use MERGE or REMOVE and ADD.",
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0153",
        title: "An EnvoyFilter adds where nothing can be added.",
        means: "The patch has no effect.",
        fix: "Use MERGE for routes.",
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0154",
        title: "An EnvoyFilter removes where nothing can be removed.",
        means: "The patch has no effect.",
        fix: "Change the object that the route is made of.",
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0155",
        title: "An EnvoyFilter is relative, and for one proxy version.",
        means: "During an upgrade it is applied to some proxies and not to others.",
        fix: "Set `priority`, or use INSERT_FIRST.",
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0158",
        title: "Pods run another proxy than would be injected now.",
        means: "The proxies are of several releases. What an old one does not know it refuses or ignores.",
        fix: "Restart the workloads.",
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0161",
        title: "A Gateway's credential is not valid.",
        means: "The secret is not there, or has no certificate and key. The listener has no certificate, and closes \
                connections.",
        fix: "Create the secret in the namespace of the gateway's pods.",
        findings: &["certificate-missing", "no-listener"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0162",
        title: "A Gateway's port is not among its Service's.",
        means: "The proxy listens, and nobody gets there through the Service.",
        fix: "Add the port to the gateway's Service.",
        findings: &["no-listener", "no-such-port"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0165",
        title: "A VirtualService names a gateway that Istio made by itself.",
        means: "The binding may go away with the next release, and with it the route.",
        fix: "Use an HTTPRoute.",
        findings: &["no-route-matched"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0166",
        title: "A policy selects a Gateway of the Gateway API by labels.",
        means: "The selector has no effect there, so the policy is not applied.",
        fix: "Use `targetRefs`.",
        findings: &["denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0167",
        title: "A policy has no effect.",
        means: "Nothing that it is for is there: mostly a layer 7 policy without a waypoint.",
        fix: "The message says why; bind it to what enforces it.",
        findings: &["denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0170",
        title: "A Service differs between clusters.",
        means: "Clusters of one mesh disagree about its ports or kind. The proxies merge what they get.",
        fix: "Make the Services alike.",
        findings: &["no-such-port"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0171",
        title: "A condition of an object's status is false.",
        means: "A Gateway or a route was not accepted, or what it refers to was not resolved: its routes are not in \
                the proxy, or answer 500.",
        fix: "The condition's reason says which: no listener allows it, no such backend, no ReferenceGrant.",
        findings: &["no-such-service", "no-route-matched", "no-listener", "route-not-attached"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0173",
        title: "A subset selects no pods.",
        means: "The subset's cluster is empty, and Envoy answers 503 UH.",
        fix: "Correct the subset's labels, or the pods'.",
        findings: &["subset-selects-no-pods"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0174",
        title: "A DestinationRule is for a host that does not exist.",
        means: "The rule is never applied: no subsets, no TLS, no limits of it.",
        fix: "Correct `spec.host`; a short name is of the rule's own namespace.",
        findings: &["subset-not-defined"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0176",
        title: "A kind of the Gateway API is too old for this Istio.",
        means: "Istio does not look at its objects, so their routes are not there.",
        fix: "Upgrade the CRDs.",
        findings: &["no-route-matched", "no-listener"],
        ..Entry::EMPTY
    },
    Entry {
        name: "IST0177",
        title: "ServiceEntries of one host disagree about a protocol.",
        means: "One of them counts; of the other nothing is in the proxy.",
        fix: "Merge them.",
        findings: &["no-endpoints", "protocol-not-taken"],
        ..Entry::EMPTY
    },
];
