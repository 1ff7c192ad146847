"""Tokens, as this format counts them: input without what the prompt cache had, or was given."""

from __future__ import annotations

import msgspec

from pointsman.formats.counting import figure, services, tokens_in
from pointsman.types import Json, Usage


class _Details(msgspec.Struct):
    thinking_tokens: int | None = None


class Stated(msgspec.Struct):
    """The figures of a `usage` object; None where it does not give one."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: _Details | None = None
    cache_creation: object = None
    server_tool_use: object = None
    service_tier: object = None
    speed: object = None
    inference_geo: object = None

    def updated(self, later: Stated) -> Stated:
        """These figures, with those that came later in the stream in their place."""
        return Stated(
            *(
                old if new is None else new
                for old, new in zip(
                    msgspec.structs.astuple(self), msgspec.structs.astuple(later), strict=True
                )
            )
        )

    @property
    def of_input(self) -> Stated:
        """Without the output, which a stream's first figures only guess at."""
        return msgspec.structs.replace(self, output_tokens=None, output_tokens_details=None)

    def usage(self, prompt_tokens: int, produced: int) -> Usage:
        """In our terms; what it does not state is our count.

        `prompt_tokens` were estimated, `produced` are the bytes of the reply.
        """
        details = self.output_tokens_details
        cached = self.cache_read_input_tokens or 0
        written = self.cache_creation_input_tokens or 0
        total = (self.input_tokens or 0) + cached + written
        output = self.output_tokens
        return Usage(
            input_tokens=total or prompt_tokens,
            output_tokens=tokens_in(produced) if output is None else output,
            cached_tokens=cached,
            written_tokens=written,
            reasoning_tokens=(details.thinking_tokens if details else 0) or 0,
            estimated=not total or output is None,
            written_1h_tokens=_figure_in(self.cache_creation, "ephemeral_1h_input_tokens"),
            searches=_figure_in(self.server_tool_use, "web_search_requests"),
            service=services(self.service_tier, self.speed, self.inference_geo),
        )


def _figure_in(details: object, name: str) -> int:
    return figure(details.get(name)) if isinstance(details, dict) else 0


def stated(usage: object) -> Stated:
    """The figures of a `usage` object; none where it is not one."""
    try:
        found = msgspec.convert(usage, Stated, strict=False)
    except msgspec.ValidationError:
        return Stated()
    figures = msgspec.structs.astuple(found)[:4]
    return Stated() if any(figure is not None and figure < 0 for figure in figures) else found


def written(usage: Usage) -> dict[str, Json]:
    """A `usage` object, with every member that Anthropic's schema requires."""
    rest = usage.input_tokens - usage.cached_tokens - usage.written_tokens
    return {
        "input_tokens": max(0, rest),
        "cache_creation": None,
        "cache_creation_input_tokens": usage.written_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
        "inference_geo": None,
        "server_tool_use": None,
        "service_tier": None,
    }
