"""Whether a gateway is about to end."""

from __future__ import annotations


class Draining:
    """Asked by whoever says whether the gateway is ready."""

    #: No load balancer is to send it more; what comes all the same is served.
    begun = False
