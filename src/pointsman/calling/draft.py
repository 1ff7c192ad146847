"""A draft: the answer of a cheap tier before it is given out, with all that is known of it. Pure."""

from __future__ import annotations

import msgspec

from pointsman.conversation import Finish, OutputFormat


class Draft(msgspec.Struct, frozen=True):
    """The evidence that a verdict rests on."""

    #: The last human text.
    prompt: str
    #: The reply's text.
    text: str
    #: Why the reply ended; None where it has not yet. `length` speaks against a draft, so where the
    #: client's own `max_tokens` ended it, as any model's reply would have been, say `stop`.
    finish: Finish | None = "stop"
    #: False where only the first part of the reply was seen.
    complete: bool = True
    tool_calls: int = 0
    #: JSON that was asked for.
    output: OutputFormat | None = None
    #: Natural logarithms of the tokens' probabilities, where the server gives them.
    logprobs: tuple[float, ...] = ()
    #: 0-1, how far a second sample agrees (`calling.agreement`); None where none was drawn.
    agreement: float | None = None
    #: Mean log-probability per token under a local model; None where it was not asked.
    likelihood: float | None = None
