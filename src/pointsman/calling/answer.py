"""What a call of a deployment gave, and who gave it."""

from __future__ import annotations

import msgspec

from pointsman.calling import faults
from pointsman.calling.exchange import Whole
from pointsman.calling.line import Line
from pointsman.calling.stream import EventRelay, RawRelay
from pointsman.types import Attempt, Usage, Verdict


class Answer(msgspec.Struct, frozen=True):
    """Who answered, and with what."""

    line: Line
    #: When this attempt began and, once it had a slot, was sent; in monotonic seconds.
    started: float
    sent: float
    content: Whole | EventRelay | RawRelay
    #: Of the prompt, by our own count.
    prompt_tokens: int
    #: Seconds for which it was held back since, for a better one.
    held_s: float = 0.0
    #: Names of what the client sent and the upstream was not told.
    left_out: tuple[str, ...] = ()
    #: What the verifier said of it; None where nobody looked.
    verdict: Verdict | None = None
    #: Set where the attempt has ended already, before its answer was given out.
    attempt: Attempt | None = None

    @property
    def usage(self) -> Usage | None:
        """What was used so far, as far as the upstream says; probably, where it does not."""
        usage = self.content.usage
        return None if usage is None else self.line.estimates.of(usage, self.prompt_tokens)

    def learn(self) -> None:
        """Take note of what the whole reply says it used."""
        if (usage := self.content.usage) is not None:
            produced = self.content.produced if isinstance(self.content, EventRelay) else None
            self.line.estimates.learn(usage, self.prompt_tokens, produced)

    @property
    def content_type(self) -> str | None:
        """Of a body that is passed on as it came; None where the client's format has its own."""
        return None if isinstance(self.content, EventRelay) else self.content.content_type

    @property
    def other_model(self) -> str | None:
        """The model that the upstream says it served, where that is not the one asked for."""
        return faults.other_model(self.line.deployment.model, self.content.model)
