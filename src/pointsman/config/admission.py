"""Settings of `[load]`: how much is let in at once."""

from __future__ import annotations

from pydantic import Field

from pointsman.config.deployment import Section


class LoadSettings(Section):
    """What is let in at once, and how long the rest may wait for that."""

    #: Requests to models that are open at once, replies included. Where not given, as many as the
    #: process may have files for, which is two each, and no more than all deployments together serve
    #: and let wait.
    max_in_flight: int | None = Field(default=None, ge=1)
    #: Requests that wait for another to end; further ones are told at once when to come back.
    queue: int = Field(default=256, ge=0)
    #: Seconds that one waits for that at most.
    max_wait_s: float = Field(default=1.0, gt=0)
    #: Seconds that the process may be behind its work, for half a second on end, before fewer
    #: requests are let in.
    max_lag_s: float = Field(default=0.25, gt=0)
