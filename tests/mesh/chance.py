"""How often a request has to be sent, so that no run fails by chance."""

import math

RUN = 1e-6  # so often may a run fail by chance
PAIRS = 1000  # more than the mesh has of requests that chance decides on


def enough(share):
    """Requests after which something of this share was left out only by a chance of RUN / PAIRS.

    One request leaves it out with 1 - share, so n of them with (1 - share) ** n.

    >>> enough(0.4), enough(0.5)
    (41, 30)
    >>> all((1 - p) ** enough(p) <= RUN / PAIRS < (1 - p) ** (enough(p) - 1) for p in (0.1, 0.3, 0.5))
    True
    """
    return math.ceil(math.log(RUN / PAIRS) / math.log(1 - share))
