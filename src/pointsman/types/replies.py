"""What upstreams and the gateway answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Protocol

import msgspec

from pointsman.types.access import UNLIMITED, Standing
from pointsman.types.books import Settlement
from pointsman.types.caching import NOT_LOOKED_UP, Lookup
from pointsman.types.decisions import Decision, Deployment, Verdict
from pointsman.types.words import Capability, DeploymentState, Lack, Location, Outcome


class ProviderReply(msgspec.Struct, frozen=True):
    """What an upstream answered: status and headers now, the body as it comes.

    Whoever holds it closes it: `await reply.chunks.aclose()` gives the connection back.
    """

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes, None]


class Health(msgspec.Struct, frozen=True):
    """What a look at a deployment's server showed."""

    state: DeploymentState
    detail: str = ""
    context_length: int | None = None
    capabilities: frozenset[Capability] | None = None
    #: Requests that it serves at once; None where it does not say.
    slots: int | None = None
    #: Where prompts really go; None where it does not say.
    location: Location | None = None
    #: What is missing, where that is known to be the reason.
    lacks: Lack | None = None


class ByteStream(Protocol):
    """A streamed body. Whoever takes it closes it, read or not."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces, once."""

    async def close(self, outcome: Outcome = "client_left") -> bytes:
        """Nobody reads on: the client left, or the gateway stops. Idempotent.

        What a client of a gateway that stops is still to be sent, to the last; empty where that
        has no words in the stream's format.
        """


class Reply(msgspec.Struct, frozen=True):
    """What goes back to the client."""

    request_id: str
    decision: Decision
    #: The deployment that answers.
    deployment: Deployment
    attempts: int
    reason: str
    status: int
    content_type: str
    #: A whole body, or a stream that settles its entry when it ends or is closed.
    body: bytes | ByteStream
    #: Names of what the client sent and the upstream was not told.
    left_out: tuple[str, ...] = ()
    #: What the verifier said of the first answer; None where nobody looked.
    verdict: Verdict | None = None
    lookup: Lookup = NOT_LOOKED_UP
    #: None for a stream: it is not known yet.
    settlement: Settlement | None = None
    #: What is left of the caller's limits.
    standing: Standing = UNLIMITED
