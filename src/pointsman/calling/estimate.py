"""How many tokens a deployment makes of what we count, learned from the replies that say it.

We have no model's tokenizer: our own count is a token per four bytes. A reply that was cut before
its upstream said what it used is booked by that count times what the deployment's other replies had
for each token of it, so that the sum over many is right, whatever the model, the language and what
the upstream adds to a prompt. It stays marked as estimated.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from pointsman.formats.counting import tokens_in
from pointsman.types import Usage

#: Counted tokens for which our own count is taken as right before anything was learned.
_PRIOR = 64.0
#: Counted tokens that are remembered; older ones fade, since models behind a name change.
_REMEMBERED = 2_000_000.0
#: One reply may say at most so many times what we counted, or so little: else it is not believed.
_FAR = 8.0


@dataclass(slots=True)
class _Share:
    """What is stated for each token that we count."""

    stated: float
    counted: float = _PRIOR

    def learn(self, counted: int, stated: int, *, least: float = 0.0) -> None:
        self.stated += min(max(stated, counted * least), counted * _FAR)
        self.counted += counted
        if self.counted > _REMEMBERED:
            self.stated /= 2
            self.counted /= 2

    def of(self, counted: int) -> int:
        return round(counted * self.stated / self.counted)


def _as_counted() -> _Share:
    return _Share(_PRIOR)


def _none() -> _Share:
    return _Share(0.0)


@dataclass(slots=True)
class Estimates:
    """Of one deployment."""

    _input: _Share = field(default_factory=_as_counted)
    _cached: _Share = field(default_factory=_none)
    _written: _Share = field(default_factory=_none)
    _output: _Share = field(default_factory=_as_counted)

    def learn(self, stated: Usage, prompt_tokens: int, produced: int | None) -> None:
        """A whole reply's figures, beside our count of its prompt.

        `produced` are the reply's bytes; None where they were not counted.
        """
        if stated.estimated:
            return
        self._input.learn(prompt_tokens, stated.input_tokens, least=1 / _FAR)
        self._cached.learn(prompt_tokens, stated.cached_tokens)
        self._written.learn(prompt_tokens, stated.written_tokens)
        if produced is not None:
            self._output.learn(tokens_in(produced), stated.output_tokens, least=1 / _FAR)

    def of(self, usage: Usage, prompt_tokens: int) -> Usage:
        """What was probably used; what the upstream has said stays as it is.

        `prompt_tokens` is our count of the prompt, which `usage` has where nothing else was said.
        """
        if not usage.estimated:
            return usage
        probable = replace(usage, output_tokens=self._output.of(usage.output_tokens))
        if usage.input_tokens != prompt_tokens:
            return probable
        read = self._input.of(prompt_tokens)
        cached = min(read, self._cached.of(prompt_tokens))
        written = min(read - cached, self._written.of(prompt_tokens))
        return replace(probable, input_tokens=read, cached_tokens=cached, written_tokens=written)
