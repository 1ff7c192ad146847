"""One request on its way, for whoever watches: its id for logs, its trace for upstreams. A leaf."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from pointsman.types import Entry

#: Of W3C's Trace Context; versions after 00 may go on behind a hyphen.
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_INVALID_VERSION = "ff"
_SAMPLED, _RANDOM = 0x01, 0x02
#: Characters of `tracestate` that are passed on; W3C asks for 512 at least.
_LONGEST_STATE = 1024


class Trace(msgspec.Struct, frozen=True):
    """A place in a trace, as W3C's Trace Context has it."""

    #: 32 and 16 hexadecimal digits.
    trace_id: str
    span_id: str
    flags: int = 0
    #: What other systems keep there; passed on unread.
    state: str = ""

    @property
    def sampled(self) -> bool:
        """Whether who began it records it."""
        return bool(self.flags & _SAMPLED)

    @property
    def headers(self) -> Mapping[str, str]:
        """As an upstream is told of it."""
        parent = {"traceparent": f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"}
        return {**parent, "tracestate": self.state} if self.state else parent

    def child(self) -> Trace:
        """The next place below this one."""
        return replace(self, span_id=os.urandom(8).hex())


def new_trace(*, sampled: bool) -> Trace:
    """A trace that begins here."""
    return Trace(os.urandom(16).hex(), os.urandom(8).hex(), _SAMPLED * sampled | _RANDOM)


def received(traceparent: str, tracestate: str) -> Trace | None:
    """What a client's headers say; None where they say nothing that can be understood."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    is_void = not trace_id.strip("0") or not span_id.strip("0")
    if is_void or version == _INVALID_VERSION or (version == "00" and more):
        return None
    is_fit = len(tracestate) <= _LONGEST_STATE and tracestate.isascii() and tracestate.isprintable()
    known = int(flags, 16) & (_SAMPLED | _RANDOM)
    return Trace(trace_id, span_id, known, tracestate if is_fit else "")


class Sent(msgspec.Struct, frozen=True):
    """One call of a deployment, as its trace knows it."""

    deployment: str
    span_id: str
    #: Nanoseconds since 1970.
    at_ns: int


@dataclass(slots=True)
class Journey:
    """A request from its first byte to the last byte of its reply."""

    method: str
    #: Where it stands in its trace; None where nobody traces it.
    trace: Trace | None = None
    #: The span that it hangs below; None where the trace begins here.
    parent_id: str | None = None
    #: We record it: what we call hangs below us, and not below our client.
    recorded: bool = False
    #: Upstreams are told of the trace.
    tells: bool = True
    #: Nanoseconds since 1970.
    started_ns: int = field(default_factory=time.time_ns)
    #: The path as it stands in the table of paths; empty until it is known, and where it is none.
    route: str = ""
    #: Of the reply; 0 until there is one.
    status: int = 0
    request_id: str = ""
    #: The kind of error that was its answer; empty where it was none of ours.
    error: str = ""
    sent: list[Sent] = field(default_factory=list)
    #: What is in the books of it, once it is settled.
    entry: Entry | None = None

    def call(self, deployment: str) -> Mapping[str, str]:
        """The headers for a call of that deployment, which is noted."""
        if self.trace is None:
            return {}
        below = self.trace
        if self.recorded:
            below = self.trace.child()
            self.sent.append(Sent(deployment, below.span_id, time.time_ns()))
        return below.headers if self.tells else {}


#: The request that is served here; None outside of any.
CURRENT: ContextVar[Journey | None] = ContextVar("journey", default=None)


def served(request_id: str, route: str) -> None:
    """Say who serves the current request, and under which id."""
    journey = CURRENT.get()
    if journey is not None:
        journey.request_id, journey.route = request_id, route


def failed(error: BaseException) -> None:
    """Say that the current request is answered with that error."""
    journey = CURRENT.get()
    if journey is not None:
        journey.error = type(error).__name__


def trace_headers(deployment: str) -> Mapping[str, str]:
    """What an upstream is told of the trace that this call belongs to; empty where it has none."""
    journey = CURRENT.get()
    return {} if journey is None else journey.call(deployment)
