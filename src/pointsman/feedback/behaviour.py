"""What users do after an answer, and what that says of it. Pure.

Only hashes are compared, and no text is remembered. Two requests belong together where one goes on
from where the other stood: the turns before are the same. Agents ask for several things at once
under one session's name, so the name alone does not do.

That somebody gives up can't be seen: who was helped goes, too. What can be seen is that an answer
was stopped before its end (`left`, see `collecting`).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from pointsman.feedback.moods import Mood, mood
from pointsman.types import Principal, Turn

#: The share of their words that two turns have in common from which on one is the other, said anew.
ALIKE = 0.5
#: With fewer words, nobody can tell; more are pasted or made by a program, not said anew.
_FEWEST_WORDS, _MOST_WORDS = 3, 100
#: Letters from which on a word means something; it needs no list of those that don't.
_MEANS = 4
#: Characters of a turn that are read.
_READ = 4_000
#: Characters of a reply by which it is known again.
_KNOWN_BY = 500

_WORD = re.compile(r"[^\W\d_]+|\d+")
_INSTRUCTIONS = frozenset({"system", "developer"})


class Place(msgspec.Struct, frozen=True):
    """Where in a conversation a human turn stands, and which it is."""

    #: Of all turns before it.
    before: int
    said: int


class Move(msgspec.Struct, frozen=True):
    """A request, as far as it shows what somebody does. All are hashes."""

    here: Place
    #: The human turn before; None where there is none.
    last: Place | None
    #: What stands between the two in the name of the model; None where nothing does.
    answered: int | None
    #: A person waits for the answer, and no tool came between.
    by_hand: bool
    words: frozenset[int]
    #: Other numbers are another question.
    numbers: frozenset[int]
    mood: Mood | None
    #: A tier or deployment was named.
    forced: bool


class Given(msgspec.Struct, frozen=True):
    """An answer, and the move that it was given to."""

    request_id: str
    move: Move
    #: Of the tier that answered, counted from the lowest.
    level: int
    #: The hash of the answer; None where it is not known.
    reply: int | None


def move_of(turns: Sequence[Turn], *, forced: bool) -> Move | None:
    """What a request does; None where nobody said anything in it."""
    spoken = [turn for turn in turns if turn.role not in _INSTRUCTIONS]
    human = [at for at, turn in enumerate(spoken) if turn.role == "user"]
    if not human:
        return None
    at, text = human[-1], spoken[human[-1]].text
    before = human[-2] if len(human) > 1 else None
    words = _WORD.findall(text[:_READ].lower())
    answers = [turn.text for turn in spoken[before:at] if turn.role == "assistant"]
    return Move(
        here=_place(spoken, at),
        last=None if before is None else _place(spoken, before),
        answered=reply_hash(answers[-1]) if answers else None,
        by_hand=spoken[-1].role == "user",
        words=frozenset(hash(word) for word in words if len(word) >= _MEANS),
        numbers=frozenset(hash(word) for word in words if word[0].isdecimal()),
        mood=mood(text) if before is not None else None,
        forced=forced,
    )


def reply_hash(text: str) -> int:
    """By which an answer is known again, whatever a client did to its blanks."""
    return hash("".join(text[: 2 * _KNOWN_BY].split())[:_KNOWN_BY])


def _place(turns: Sequence[Turn], at: int) -> Place:
    said = [hash((turn.role, turn.text.strip())) for turn in turns[: at + 1]]
    return Place(hash(tuple(said[:-1])), said[-1])


class Memory:
    """The last answer at each place of each conversation, as far back as is remembered."""

    def __init__(self, most: int = 10_000) -> None:
        """Remembers the `most` last ones."""
        self._most = most
        self._given: OrderedDict[tuple[str, str, str, int], Given] = OrderedDict()

    def told(
        self, principal: Principal, session: str | None, move: Move, level: int
    ) -> tuple[str, dict[str, float]] | None:
        """The request whose answer this move says something of, and the parts; see `signals`.

        `session` is the client's own name for it; `level` the tier that answers now. Without a
        name, two people may begin with the same words: then only what goes on from the very answer
        counts.
        """
        if not move.by_hand:
            return None
        same = self._given.get(self._key(principal, session, move.here.before))
        if same is not None and (session is not None or move.last is not None):
            found = _instead(same.move, move)
            if found:
                return same.request_id, found | _overruled(same, move, level)
        if move.last is None:
            return None
        before = self._given.get(self._key(principal, session, move.last.before))
        if before is None or before.move.here != move.last:
            return None
        if session is None and (before.reply is None or before.reply != move.answered):
            return None
        return before.request_id, _next(before.move, move) | _overruled(before, move, level)

    def note(self, principal: Principal, session: str | None, given: Given) -> None:
        """It was answered. In a tool loop, the last answer is the one that counts."""
        key = self._key(principal, session, given.move.here.before)
        loop = self._given.get(key)
        if not given.move.by_hand and loop is not None and loop.move.here == given.move.here:
            given = replace(given, move=loop.move)
        self._given[key] = given
        self._given.move_to_end(key)
        if len(self._given) > self._most:
            self._given.popitem(last=False)

    @staticmethod
    def _key(principal: Principal, session: str | None, before: int) -> tuple[str, str, str, int]:
        return principal.organisation, principal.key, session or "", before


def _instead(before: Move, after: Move) -> dict[str, float]:
    """What was sent in place of something else: the same again, or the same in other words."""
    if after.here == before.here:
        return {"regenerated": 0.0}
    return _rephrased(before, after)


def _next(before: Move, after: Move) -> dict[str, float]:
    """What was said next."""
    if after.here.said == before.here.said:
        return {"repeated": 0.0}
    if after.mood == "complains":
        return {"complained": 0.0}
    if after.mood == "thanks":
        return {"thanked": 1.0}
    return _rephrased(before, after) or {"went_on": 1.0}


def _rephrased(before: Move, after: Move) -> dict[str, float]:
    """The more alike the two are, the surer it is; nothing where there is something new in it."""
    sizes = len(before.words), len(after.words)
    if min(sizes) < _FEWEST_WORDS or max(sizes) > _MOST_WORDS or before.numbers != after.numbers:
        return {}
    alike = len(before.words & after.words) / len(before.words | after.words)
    return {"rephrased": (1.0 - alike) / (2.0 * (1.0 - ALIKE))} if alike >= ALIKE else {}


def _overruled(given: Given, after: Move, level: int) -> dict[str, float]:
    """Somebody who had left the choice names a stronger tier."""
    overrules = after.forced and not given.move.forced and level > given.level
    return {"overruled": 0.0} if overrules else {}
