//! Codes of Kiali; `models/istio_validation.go` there.

use crate::explain::topic::Entry;

pub(in crate::explain) const KIALI: &[Entry] = &[
    Entry {
        name: "KIA0002",
        title: "Two objects of a kind, in a namespace, have no selector.",
        means: "For Sidecars and policies only one counts, or the two mix.",
        fix: "Merge them.",
        findings: &["registry-only", "denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0003",
        title: "Two objects of a kind are for one workload.",
        means: "Which one counts is not certain, or the two mix.",
        fix: "Let one of them select the workload.",
        findings: &["registry-only", "denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0004",
        title: "An object selects no workload.",
        means: "It has no effect.",
        fix: "Correct the selector's labels.",
        findings: &["denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0005",
        title: "An object is exported to a namespace that does not exist.",
        means: "Nobody in the namespace that is meant sees the object.",
        fix: "Correct `exportTo`.",
        findings: &["subset-not-defined", "registry-only"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0101",
        title: "A rule names a namespace that does not exist.",
        means: "The rule never matches, so what it should allow is denied.",
        fix: "Correct `source.namespaces`.",
        findings: &["denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0102",
        title: "A rule names a method that does not exist.",
        means: "The rule never matches.",
        fix: "Use a method of HTTP; of gRPC name the path.",
        findings: &["denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0104",
        title: "A rule names a host that does not exist.",
        means: "The rule never matches.",
        fix: "Correct `operation.hosts`.",
        findings: &["denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0105",
        title: "A rule asks for an identity where there is no mutual TLS.",
        means: "Plaintext has no principal and no namespace, so the rule never matches.",
        fix: "Speak mutual TLS, or ask for something else.",
        findings: &["denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0106",
        title: "A rule names a service account that does not exist.",
        means: "The rule never matches.",
        fix: "Correct the principal: TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT.",
        findings: &["denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0107",
        title: "A rule names a service account of another cluster.",
        means: "The rule matches as long as the trust domains agree.",
        fix: "Compare the trust domains.",
        findings: &["denied-by-policy"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0201",
        title: "Two DestinationRules are for one host and subset.",
        means: "Only the first one's policy counts: TLS, limits and outlier detection may be another's.",
        fix: "Merge them.",
        findings: &["subset-not-defined", "mtls-required"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0202",
        title: "A DestinationRule is for a host that does not exist.",
        means: "The rule is never applied.",
        fix: "Correct `spec.host`.",
        findings: &["subset-not-defined"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0203",
        title: "A subset's labels are on no pod.",
        means: "The subset's cluster is empty, and Envoy answers 503 UH.",
        fix: "Correct the subset's labels, or the pods'.",
        findings: &["subset-selects-no-pods"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0204",
        title: "Another DestinationRule decides about TLS.",
        means: "A rule that is nearer hides the TLS of this one.",
        fix: "Put the TLS into the rule that counts.",
        findings: &["mtls-required"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0205",
        title: "Mutual TLS is sent mesh-wide, and not taken.",
        means: "A DestinationRule asks for mutual TLS, and no PeerAuthentication of the mesh allows it. Proxies take \
                it by default; pods without a proxy do not.",
        fix: "Create the PeerAuthentication, or drop the DestinationRule.",
        findings: &["mutual-tls-to-plaintext", "tls-of-the-rule-fails", "connections-fail"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0206",
        title: "Mutual TLS is sent in a namespace, and not taken.",
        means: "The same as KIA0205 for one namespace.",
        fix: "Create the PeerAuthentication, or drop the DestinationRule.",
        findings: &["mutual-tls-to-plaintext", "tls-of-the-rule-fails", "connections-fail"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0207",
        title: "TLS is turned off at A, and B takes nothing else.",
        means: "A DestinationRule disables mutual TLS, and a PeerAuthentication is STRICT: 503 UC.",
        fix: "Drop `mode: DISABLE`.",
        findings: &["mtls-required"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0208",
        title: "TLS is turned off at A, and the whole mesh wants it.",
        means: "A DestinationRule disables mutual TLS, and the mesh's PeerAuthentication is STRICT: 503 UC.",
        fix: "Drop `mode: DISABLE`.",
        findings: &["mtls-required"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0209",
        title: "A subset has no labels.",
        means: "It is the whole Service: requests go to every pod.",
        fix: "Give the subset labels.",
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0301",
        title: "Two Gateways have the same host and port.",
        means: "The older one counts: 404 NR, or the wrong certificate.",
        fix: "Merge them.",
        findings: &["no-route-matched"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0302",
        title: "A Gateway selects no workload.",
        means: "No proxy listens for it.",
        fix: "Correct `spec.selector`.",
        findings: &["virtual-service-not-bound", "no-listener"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0401",
        title: "Mutual TLS is required mesh-wide, and not sent.",
        means: "Without automatic mutual TLS A's proxies need a DestinationRule that asks for it.",
        fix: "Turn automatic mutual TLS on, or create the DestinationRule.",
        findings: &["mtls-required"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0501",
        title: "Mutual TLS is required in a namespace, and not sent.",
        means: "The same as KIA0401 for one namespace.",
        fix: "Turn automatic mutual TLS on, or create the DestinationRule.",
        findings: &["mtls-required"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0505",
        title: "Mutual TLS is off in a namespace, and sent.",
        means: "The PeerAuthentication is DISABLE, and a DestinationRule asks for mutual TLS: 503 UF.",
        fix: "Let the two agree.",
        findings: &["mutual-tls-to-plaintext", "tls-of-the-rule-fails", "connections-fail"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0506",
        title: "Mutual TLS is off mesh-wide, and sent.",
        means: "The same as KIA0505 for the whole mesh.",
        fix: "Let the two agree.",
        findings: &["mutual-tls-to-plaintext", "tls-of-the-rule-fails", "connections-fail"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0601",
        title: "A port's name does not say its protocol.",
        means: "The proxy guesses from the first bytes; rules for HTTP may have no effect.",
        fix: "Name the port PROTOCOL or PROTOCOL-SUFFIX.",
        findings: &["protocol-not-taken", "requests-failed-so-far"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0602",
        title: "A port's `appProtocol` is not known.",
        means: "The proxy guesses from the first bytes.",
        fix: "Use a protocol that Istio knows.",
        findings: &["protocol-not-taken"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA0701",
        title: "No container has the Service's target port.",
        means: "By name: the port has no endpoints, and Envoy answers 503 UH. By number: connections are refused.",
        fix: "Correct `targetPort`, or the container's port.",
        findings: &[
            "port-without-endpoints",
            "connections-fail",
            "application-does-not-listen",
            "application-listens-on-loopback-only",
        ],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1004",
        title: "A Sidecar's egress names a host that does not exist.",
        means: "The host that is meant stays unknown to A: 502 under REGISTRY_ONLY, else plaintext that is passed \
                through.",
        fix: "Correct the host: NAMESPACE/HOST.",
        findings: &["registry-only", "unknown-host-passthrough"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1006",
        title: "The mesh's default Sidecar has a selector.",
        means: "It is not a default then, so that A sees more or less than is meant.",
        fix: "Drop `workloadSelector`.",
        findings: &["registry-only"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1007",
        title: "A Sidecar does not say what becomes of unknown hosts.",
        means: "ALLOW_ANY or REGISTRY_ONLY: it cannot be told from the object.",
        fix: "Set `outboundTrafficPolicy.mode`.",
        findings: &["registry-only", "unknown-host-passthrough"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1101",
        title: "A VirtualService leads to a host that does not exist.",
        means: "There is no cluster for it, and Envoy answers 503 NC.",
        fix: "Correct `destination.host`, or create the Service.",
        findings: &["no-such-service", "mirror-to-nowhere"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1102",
        title: "A VirtualService names a Gateway that does not exist.",
        means: "No gateway has its routes: 404 NR.",
        fix: "Correct `spec.gateways`: NAMESPACE/NAME.",
        findings: &["virtual-service-not-bound", "no-route-matched"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1104",
        title: "A weight is the only one.",
        means: "It counts as 100, whatever it says.",
        fix: "Drop the weight.",
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1105",
        title: "A destination is there twice in a route.",
        means: "Its share is the sum.",
        fix: "Merge the two.",
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1106",
        title: "Two VirtualServices have the same host.",
        means: "Only the older one counts for sidecars.",
        fix: "Merge them.",
        findings: &["virtual-service-ignored", "no-route-matched", "subset-not-defined"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1107",
        title: "A VirtualService names a subset that does not exist.",
        means: "There is no cluster for it, and Envoy answers 503 NC.",
        fix: "Define the subset in the host's DestinationRule.",
        findings: &["subset-not-defined"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1201",
        title: "A ServiceEntry lacks addresses of its WorkloadEntries.",
        means: "Clients that dial those addresses are not taken for the host's.",
        fix: "Add the addresses.",
        findings: &["unknown-host-passthrough"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1211",
        title: "Two ServiceEntries are for one host.",
        means: "One of them decides how the host is resolved; the endpoints of the other may be missing.",
        fix: "Merge them.",
        findings: &["no-endpoints", "mtls-required"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1301",
        title: "No policy covers a workload.",
        means: "Every request is let in. It cannot be the reason for a denial.",
        fix: "Nothing to fix for this request.",
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1401",
        title: "A route names a Gateway that does not exist.",
        means: "No gateway has it: 404 NR.",
        fix: "Correct `parentRefs`.",
        findings: &["route-not-attached", "no-route-matched"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1402",
        title: "A route of the Gateway API leads to no Service.",
        means: "There is no cluster for it, and Envoy answers 500 NC.",
        fix: "Correct `backendRefs`, or create the Service.",
        findings: &["no-such-service", "route-not-attached"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1501",
        title: "Two Gateways have the same host and port.",
        means: "One of them counts, or the two mix.",
        fix: "Merge them.",
        findings: &["no-route-matched"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1502",
        title: "Two Gateways have the same address.",
        means: "One of them gets the connections.",
        fix: "Give each an address of its own.",
        findings: &["no-listener"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1503",
        title: "Two listeners of a Gateway are alike.",
        means: "One of them is refused, and its routes are not there.",
        fix: "Give each another host, port or protocol.",
        findings: &["no-route-matched", "no-listener"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1504",
        title: "A Gateway's class does not exist.",
        means: "Nobody makes a proxy of it.",
        fix: "Correct `gatewayClassName`.",
        findings: &["no-listener"],
        ..Entry::EMPTY
    },
    Entry {
        name: "KIA1601",
        title: "A ReferenceGrant is for a namespace that does not exist.",
        means: "Routes of the namespace that is meant may not use the Service.",
        fix: "Correct `from[].namespace`.",
        findings: &["no-such-service"],
        ..Entry::EMPTY
    },
];
