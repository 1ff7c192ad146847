"""What the truth test asks and what it is to be answered: case by case, the same in every run."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from typing import Literal

from pointsman.providers.scripted import Script
from pointsman.types import Usage

#: `leaves`: the client does, in the middle; `retried`: the upstream fails once; `failed over`: the
#: first deployment fails for good; `breaks`: the first reply is cut when all of it was written.
Way = Literal["stays", "leaves", "retried", "failed over", "breaks"]

WAYS: tuple[tuple[Way, float], ...] = (
    ("leaves", 0.10),
    ("retried", 0.05),
    ("failed over", 0.05),
    ("breaks", 0.02),
    ("stays", 0.78),
)
STREAMED, SILENT, THINKING, CACHING = 0.5, 0.05, 0.3, 0.4
#: Mostly those that open no breaker, which would refuse the others.
_FAULTS = (429, 429, 429, 500, 502, 503)
_VOCABULARY = (
    "a an the of to in we it is was for night train coast station harbour ticket conductor "
    "timetable carriage evening luggage passenger platform departure whistle lantern signal "
    "quietly slowly across behind between through mountains reservation"
)
_WORDS = _VOCABULARY.split()
_NAME = re.compile(rb"Case (\d+)[.]")


@dataclass(frozen=True)
class Case:
    """One request and what becomes of it."""

    number: int
    way: Way
    stream: bool
    #: What the client asks for: a tier or a deployment.
    asked: str
    prompt: str
    reply: str
    thoughts: str
    #: The upstream says what it used.
    says: bool
    #: Shares of the prompt that its cache had, and was given.
    cached: float
    written: float
    #: Words that a client who leaves has heard.
    leaves_after: int
    fault: int

    @property
    def usage(self) -> Usage:
        """What the upstream uses, by its own tokens: a word is one, and a message takes three."""
        said, thought = len(self.reply.split()), len(self.thoughts.split())
        read = len(self.prompt.split()) + 3
        return Usage(
            input_tokens=read,
            output_tokens=said + thought,
            cached_tokens=int(read * self.cached),
            written_tokens=int(read * self.written),
            reasoning_tokens=thought,
        )

    @property
    def _written(self) -> bytes:
        """A whole reply up to where all that the model wrote has come, and nothing of its usage."""
        message = {"role": "assistant", "reasoning_content": self.thoughts, "content": self.reply}
        whole = json.dumps({"choices": [{"index": 0, "message": message}]}).encode()
        return whole.removesuffix(b"}]}")

    def script(self, model: str, *, first: bool, pace_s: float) -> Script:
        """How the upstream answers a call for `model`, which may be the `first` for this case.

        `pace_s` lies between two words of a reply that is left.
        """
        if (self.way == "retried" and first) or (self.way == "failed over" and model == "small"):
            return Script(status=self.fault)
        if self.way == "breaks" and first:
            return Script(body=self._written, cut_at_byte=len(self._written))
        return Script(
            reply=self.reply,
            reasoning=self.thoughts or None,
            usage=self.usage,
            no_usage=not self.says,
            chunk_delay_s=pace_s if self.way == "leaves" else 0.0,
        )


def case(number: int, seed: int = 20261121) -> Case:
    """The case of that number."""
    chance = random.Random(seed * 1_000_003 + number)  # noqa: S311 - the same in every run
    (way,) = chance.choices([way for way, _ in WAYS], [share for _, share in WAYS])
    stream = way == "leaves" or (chance.random() < STREAMED and way != "breaks")
    asked = {"retried": chance.choice(("large", "small", "spare")), "failed over": "simple"}.get(
        way
    )
    thinking, caching = chance.random() < THINKING, chance.random() < CACHING
    lengths = (40, 110) if way == "leaves" else (8, 40)
    reply, thoughts = _text(chance, *lengths), _text(chance, 2, 12) if thinking else ""
    heard = len(reply.split()) + len(thoughts.split())
    return Case(
        number=number,
        way=way,
        stream=stream,
        asked=asked or chance.choice(("large", "simple", "spare")),
        prompt=f"Case {number}.{_text(chance, 10, 200)}",
        reply=reply,
        thoughts=thoughts,
        says=way == "leaves" or chance.random() >= SILENT,
        cached=chance.uniform(0.1, 0.6) if caching else 0.0,
        written=chance.uniform(0.0, 0.3) if caching else 0.0,
        leaves_after=chance.randint(2, heard * 4 // 5),
        fault=chance.choice(_FAULTS),
    )


def number_of(body: bytes) -> int:
    """The case that a request's body asks for."""
    found = _NAME.search(body)
    assert found is not None, body[:200]
    return int(found[1])


def _text(chance: random.Random, least: int, most: int) -> str:
    """So many words, each with a space before it."""
    return "".join(f" {chance.choice(_WORDS)}" for _ in range(chance.randint(least, most)))
