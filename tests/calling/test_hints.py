"""What gateways tell each other of upstreams, and what comes of it."""

from __future__ import annotations

from pointsman.calling.blame import blame
from pointsman.calling.breaker import Breaker
from pointsman.calling.hints import Hint, Hints, heed
from pointsman.calling.line import Line
from pointsman.calling.rest import Rests
from pointsman.calling.slots import Slots
from pointsman.clock import ManualClock
from pointsman.conversation import Addressee
from pointsman.errors import UpstreamRefused, UpstreamTimeout
from pointsman.formats import registry
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.translate import Speech
from pointsman.providers.scripted import ScriptedProvider
from pointsman.types import Deployment


class House:
    """One gateway: its lines, and what it says of them."""

    def __init__(self, clock: ManualClock, *, is_shared: bool = True) -> None:
        self.clock = clock
        self.rests = Rests()
        self.hints = Hints()
        self.said: list[Hint] = []
        self.hints.tell = self.said.append
        self.lines = {
            name: self._line(name, group, is_shared=is_shared)
            for name, group in (("haiku", "a key"), ("opus", "a key"), ("gpt", "another"))
        }

    def _line(self, name: str, group: str, *, is_shared: bool) -> Line:
        speech = Speech(registry.CLIENTS, registry.upstreams(("chat",), Quirks()), Addressee(name))
        return Line(
            Deployment(name, "openai", name, "simple", "cloud"),
            ScriptedProvider(name, clock=self.clock),
            speech,
            Slots(None, 1, self.clock),
            quota_group=group,
            is_shared=is_shared,
        )

    def fails(self, name: str) -> None:
        self.lines[name].breaker.enter(self.clock.monotonic())
        blame(self.lines[name], UpstreamTimeout("late"), self.rests, self.hints, self.clock)

    def hears(self, hint: Hint) -> None:
        heed(hint, self.lines.values(), self.rests, self.clock.monotonic())

    def states(self) -> list[str]:
        return [line.breaker.state(self.clock.monotonic()) for line in self.lines.values()]


def test_where_one_has_opened_the_first_failure_opens_that_of_the_same_server_and_model() -> None:
    clock = ManualClock()
    here, there = House(clock), House(clock)
    here.fails("haiku")
    here.fails("haiku")
    assert here.said == []
    here.fails("haiku")
    [hint] = here.said
    assert hint.for_s == Breaker.COOL_DOWN_S
    there.hears(hint)
    assert there.states() == ["closed"] * 3  # it may be the way there that is cut
    assert there.said == []  # hearsay is not passed on

    there.fails("gpt")
    there.fails("haiku")
    assert there.states() == ["open", "closed", "closed"]
    assert [each.for_s for each in there.said] == [Breaker.COOL_DOWN_S]


def test_each_time_that_it_opens_is_told() -> None:
    clock = ManualClock()
    here = House(clock)
    for _ in range(3):
        here.fails("gpt")
    clock.advance(2)
    here.fails("gpt")
    assert [each.for_s for each in here.said] == [2.0, 4.0]


def test_a_hint_expires_and_an_answer_ends_it() -> None:
    clock = ManualClock()
    there = House(clock)
    breaker = there.lines["gpt"].breaker
    for ends in (lambda: clock.advance(2), lambda: breaker.succeeded(clock.monotonic())):
        breaker.succeeded(clock.monotonic())
        breaker.hint(clock.monotonic(), 2.0)
        ends()
        there.fails("gpt")
        assert there.states()[2] == "closed"


def test_a_hint_makes_no_open_breaker_stay_open_longer() -> None:
    clock = ManualClock()
    here = House(clock)
    for _ in range(3):
        here.fails("gpt")
    here.hears(Hint(here.said[0].what, here.said[0].of, 60.0))
    assert here.lines["gpt"].breaker.wait(clock.monotonic()) == Breaker.COOL_DOWN_S


def test_retry_after_counts_for_all_that_share_the_providers_limits() -> None:
    clock = ManualClock()
    here, there = House(clock), House(clock)
    refused = UpstreamRefused(429, {"retry-after": "9"})
    blame(here.lines["haiku"], refused, here.rests, here.hints, clock)
    for hint in here.said:
        there.hears(hint)
    assert there.rests.wait("a key", clock.monotonic()) == 9.0
    assert there.rests.wait("another", clock.monotonic()) == 0.0
    assert "a key" not in str(here.said)


def test_nobody_is_left_alone_for_long_on_hearsay() -> None:
    clock = ManualClock()
    here, there = House(clock), House(clock)
    for for_s in (3600.0, -1.0, float("nan")):
        here.hints.rests(here.lines["gpt"], for_s)
    for hint in [*here.said, Hint("rest", "unknown", 5.0)]:
        there.hears(hint)
    assert there.rests.wait("another", clock.monotonic()) == 60.0


def test_a_server_of_this_machine_alone_is_nobody_elses() -> None:
    clock = ManualClock()
    here, there = House(clock, is_shared=False), House(clock, is_shared=False)
    for _ in range(3):
        here.fails("haiku")
    assert here.said == []
    shared = House(clock)
    for _ in range(3):
        shared.fails("haiku")
    there.hears(shared.said[0])
    there.fails("haiku")
    assert there.states()[0] == "closed"
