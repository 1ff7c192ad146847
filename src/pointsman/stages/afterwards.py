"""Who hears of a reply when it was given: prompts are kept, hits checked, signals collected."""

from __future__ import annotations

from pointsman.cache.flight import Recording
from pointsman.cache.lookup import Found
from pointsman.calling.delivery import Tap
from pointsman.stages.collecting import Collecting
from pointsman.stages.comparing import Comparing
from pointsman.stages.prompt_keeping import PromptKeeping
from pointsman.stages.rechecking import Answer, Rechecking
from pointsman.types import Call, Reply


class Afterwards:
    """Tells all of them. Nobody waits for what they do."""

    def __init__(
        self,
        prompts: PromptKeeping,
        *,
        rechecking: Rechecking | None = None,
        collecting: Collecting | None = None,
        comparing: Comparing | None = None,
    ) -> None:
        """None is what nobody wants."""
        self._prompts = prompts
        self._rechecking = rechecking
        self._collecting = collecting
        self._comparing = comparing
        if collecting is not None and comparing is not None:
            collecting.watch = comparing.answered

    def begin(self, answer: Answer) -> None:
        """`answer` is how models are asked again."""
        for each in (self._rechecking, self._comparing):
            if each is not None:
                each.answer = answer

    def hit(self, call: Call, found: Found) -> None:
        """A reply of the cache was given."""
        self._prompts.hit(call, found)
        if self._rechecking is not None:
            self._rechecking.hit(call, found)

    def unanswered(self, call: Call) -> None:
        """There was no answer."""
        self._prompts.unanswered(call)

    def tap(self, call: Call, reply: Reply, recording: Recording) -> Tap:
        """Hears a fresh reply to its end; `recording` hears it first, and has its books then."""
        tap = self._prompts.tap(call, recording)
        return (
            tap if self._collecting is None else self._collecting.tap(call, reply, recording, tap)
        )
