"""The judge: a model that is asked how hard a prompt is.

It is asked through a callable, so that each question is a planned and gated call like any other;
docs/explanation/the-judge.md has the whole story.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol, TypeAlias

from msgspec.structs import replace

from pointsman.errors import BadRequest, BudgetExceeded
from pointsman.ports import Clock, Observer, Scorer
from pointsman.scoring.features import scored_text
from pointsman.scoring.judge_words import (
    EXCERPT_BYTES,
    Nonsense,
    Style,
    contributions,
    question,
    total,
)
from pointsman.scoring.lexicon import Lexicon
from pointsman.types import Score, Turn

VERSION = "1"
#: After this many requests in a row without an answer, the judge is left alone for a while, so
#: that a dead or drowned one does not cost each request the deadline.
_FAILURES_IN_A_ROW = 3
_REST_S = 10.0
#: How long a question that was taken back may take to note what it had spent.
_GRACE_S = 0.25

_Answer: TypeAlias = "Mapping[str, float] | Exception"


class Ask(Protocol):
    """Puts a question to the judge's deployment."""

    async def __call__(self, body: bytes) -> str:
        """The reply's text to an OpenAI chat request's body, which names no model.

        Raises PointsmanError where there is none.
        """


class JudgeResting(Exception):
    """The judge failed repeatedly and is not asked for a while."""


@dataclass(slots=True)
class _Question:
    """One that is being asked, and by how many requests its answer is awaited."""

    task: asyncio.Task[_Answer]
    waiting: int = 0


#: What is no fault of the judge's: we may not ask it.
_OUR_NO = (BadRequest, BudgetExceeded)


class Judge:
    """Scores by a model's opinion; where that is not to be had in time, by the fallback's.

    The answer is one of five ratings or a label (`style`), bound by a schema, see `judge_words`.
    Only value and parts are the judge's; domain, topics and dimensions stay the fallback's, so that
    floors hold whatever a model says. Equal questions are asked once at a time, and the last
    `remembered` answers are kept; failures never are.
    """

    def __init__(
        self,
        fallback: Scorer,
        lexicon: Lexicon,
        clock: Clock,
        observer: Observer,
        *,
        style: Style = "ratings",
        deadline_s: float = 2.0,
        excerpt_bytes: int = EXCERPT_BYTES,
        remembered: int = 4096,
    ) -> None:
        """`deadline_s` bounds how long a request waits; the observer is told of each fault."""
        self._fallback = fallback
        self._lexicon = lexicon
        self._clock = clock
        self._observer = observer
        self._style: Style = style
        self._deadline_s = deadline_s
        self._excerpt_bytes = excerpt_bytes
        self._most = remembered
        self._remembered: dict[bytes, Mapping[str, float]] = {}
        self._open: dict[bytes, _Question] = {}
        self._failures = 0
        self._resting_until = 0.0

    async def score(self, turns: Sequence[Turn], ask: Ask) -> Score:
        """Score the text that the fallback would score; never raises but when cancelled.

        Where the judge gave no usable answer, the score is the fallback's and its `stands_in` says
        why. It is the fallback's alone where that has a fault or there is nothing to judge.
        """
        plain = self._fallback.score(turns)
        text = scored_text(turns, self._lexicon)
        if plain.fault is not None or not text.strip():
            return plain
        answer = await self._answer(question(text, self._style, self._excerpt_bytes), ask)
        if isinstance(answer, Exception):
            if not isinstance(answer, BudgetExceeded):  # it is told to who has none left
                self._observer.fault("judge", answer)
            missing = [f"judge: {_reason(answer)}", plain.stands_in]
            return replace(plain, stands_in=", ".join(filter(None, missing)))
        return replace(
            plain,
            value=total(answer),
            parts=answer,
            scorer="judge",
            version=VERSION,
            suffices=(),
            stands_in=None,
        )

    async def _answer(self, body: bytes, ask: Ask) -> _Answer:
        key = blake2b(body, digest_size=16).digest()
        known = self._remembered.pop(key, None)
        if known is not None:
            self._remembered[key] = known  # now the latest used
            return known
        if self._clock.monotonic() < self._resting_until:
            return JudgeResting("the judge failed repeatedly and rests")
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await self._asked_once(key, body, ask)
        except TimeoutError as error:
            answer = error
        if isinstance(answer, Exception):
            self._note_failure(answer)
        else:
            self._failures = 0
            self._remember(key, answer)
        return answer

    async def _asked_once(self, key: bytes, body: bytes, ask: Ask) -> _Answer:
        """Join whoever asks the same now; the last to leave unanswered takes the question back."""
        asked = self._open.get(key)
        if asked is None:
            asked = self._open[key] = _Question(asyncio.create_task(self._put(body, ask)))
        asked.waiting += 1
        try:
            return await asyncio.shield(asked.task)
        finally:
            asked.waiting -= 1
            if not asked.waiting:
                del self._open[key]
                asked.task.cancel()
                await asyncio.wait([asked.task], timeout=_GRACE_S)

    async def _put(self, body: bytes, ask: Ask) -> _Answer:
        try:
            return contributions(await ask(body), self._style)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported and survived
            return error

    def _remember(self, key: bytes, answer: Mapping[str, float]) -> None:
        self._remembered[key] = answer
        while len(self._remembered) > self._most:
            del self._remembered[next(iter(self._remembered))]

    def _note_failure(self, error: Exception) -> None:
        """Count it where it is the judge's: nonsense comes in time, a refusal from ourselves."""
        if isinstance(error, Nonsense):
            self._failures = 0
        elif not isinstance(error, _OUR_NO):
            self._failures += 1
        if self._failures >= _FAILURES_IN_A_ROW:
            self._resting_until = self._clock.monotonic() + _REST_S


def _reason(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "timeout"
        case Nonsense():
            return "nonsense"
        case JudgeResting():
            return "resting"
        case BudgetExceeded():
            return str(error.code)
        case _:
            return type(error).__name__
