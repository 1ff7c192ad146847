"""How many requests may be inside at once, and how long one may wait to be let in. Pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

#: Requests that are let in however far behind the process is: waiting for upstreams costs nothing.
FEW = 64
#: Beats on end that must have been late before fewer are let in: a single pause means nothing.
_LATE_BEATS = 5
#: What remains of the requests inside, each time that they prove to be too many.
_FEWER = 0.9
#: By which part of itself the bound grows again, a beat.
_MORE = 0.1
#: What remains of the longest wait under a load that lasts.
_LASTING = 0.1
#: What clients say of how long they wait, with what makes it seconds: our own header, and that of
#: OpenAI's and Anthropic's libraries.
_STATED = {"x-pointsman-deadline-ms": 0.001, "x-stainless-timeout": 1.0}


class Room(NamedTuple):
    """For how many requests there is room."""

    #: That many are let in in any case: the deployments serve them at once.
    least: int
    #: That many where nothing speaks against it.
    most: float


def patience(headers: Mapping[str, str], most_s: float) -> float:
    """Seconds that a request may wait for its turn: `most_s`, or less where its client says so."""
    for name, second in _STATED.items():
        stated = headers.get(name)
        if stated is not None:
            most_s = min(most_s, _seconds(stated) * second)
    return most_s


def worth_waiting(most_s: float, crowded_s: float) -> float:
    """Seconds of expected wait for which a request is still taken into the queue.

    A burst is waited out. Where the queue has not been empty for as long as one may wait, it is no
    burst: then only a short queue is kept, or whoever waits in it would be served when their clients
    have given up.
    """
    return most_s if crowded_s < most_s else most_s * _LASTING


def _seconds(stated: str) -> float:
    """A positive number; what is none bounds nothing."""
    try:
        number = float(stated)
    except ValueError:
        return math.inf
    return number if number > 0 else math.inf


class Bound:
    """How many requests may be inside, by how far the event loop is behind its work.

    Waiting for upstreams costs nothing, so a loop on time bounds nothing. Where it is late for half
    a second on end, fewer than are inside are let in, and more again, a little each beat, when it
    is not: work is not begun that would only make all of it later.
    """

    def __init__(self, late_s: float) -> None:
        """The loop is behind from so many seconds on."""
        self._late_s = late_s
        self._lags = deque[float](maxlen=_LATE_BEATS)
        self._bound: int | None = None

    def beat(self, lag_s: float, inside: int, room: Room) -> int:
        """The bound from now on: the loop was late by `lag_s`, with so many `inside`."""
        most = int(room.most)
        self._lags.append(lag_s)
        if len(self._lags) == _LATE_BEATS and min(self._lags) > self._late_s:
            self._lags.clear()
            self._bound = max(FEW, room.least, int(inside * _FEWER))
        elif self._bound is not None and lag_s <= self._late_s:
            self._bound += math.ceil(self._bound * _MORE)
        if self._bound is None or self._bound >= most:
            self._bound = None
            return most
        return self._bound
