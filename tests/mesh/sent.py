"""Faults that only some requests meet: who sends them, and what is sent, decides."""

from fault import Fault
from identity import SOURCE, from_, peers, policy
from shapes import istio, of

PAYMENT = "payment.billing.svc.cluster.local"
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket")


def sent(name, *objects, **more):
    """A fault of the payment service, which has one pod."""
    return Fault(name, "payment.billing:8080", destination="payment", objects=list(objects), **more)


SENT = [
    sent(
        "application-of-the-proxys-user",
        peers("billing", "STRICT"),
        source="courier",
        finding="mtls-required",
        blame=(("Pod", "shop", "courier"),),
        at="spec.containers[0].securityContext.runAsUser",
        logged=False,
    ),
    sent(
        "client-address-behind-proxies",
        of("billing", policy(from_(remoteIpBlocks=["203.0.113.0/24"]), app="payment")),
        headers=("X-Forwarded-For: 203.0.113.9, 198.51.100.7",),
        finding="denied-by-policy",
        blame=(("AuthorizationPolicy", "billing", "who"),),
        at=f"{SOURCE}.remoteIpBlocks",
    ),
    sent(
        "websocket-over-upgraded-http2",
        istio(
            "DestinationRule",
            "payment",
            host=PAYMENT,
            trafficPolicy={"connectionPool": {"http": {"h2UpgradePolicy": "UPGRADE"}}},
        ),
        path="/ws",
        headers=UPGRADE,
        finding="request-not-taken",
        blame=(("DestinationRule", "shop", "payment"),),
        at="spec.trafficPolicy.connectionPool.http.h2UpgradePolicy",
    ),
]
