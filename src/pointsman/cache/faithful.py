"""Whether the cache could say all that a reply said, or some of it would be lost. Pure.

Providers put more into replies than any common form can hold: citations, pictures, sound. A reply
is compared with what would be replayed of it, member by member; one that would lose something is
not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from pointsman.formats.translate import splitter
from pointsman.formats.wire import Framing
from pointsman.types import Json

#: Members that say nothing of the answer: ids, times, counts, what was asked for. Whatever is not
#: named here counts.
_BOOKKEEPING = frozenset(
    {
        "id", "object", "created", "created_at", "completed_at", "model", "usage", "type", "index",
        "system_fingerprint", "service_tier", "provider", "timings", "x_groq", "obfuscation",
        "prompt_filter_results", "content_filter_results", "native_finish_reason", "role", "event",
        "sequence_number", "item_id", "output_index", "content_index", "summary_index", "logprob",
        "total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration",
        "eval_count", "eval_duration", "context", "kv_transfer_params", "remote_host", "token_ids",
        "remote_model", "container", "context_management", "stop_details", "phase", "moderation",
    }
)  # fmt: skip
#: What the Responses format repeats of its request.
_ECHOED = frozenset(
    {
        "background", "error", "incomplete_details", "instructions", "max_output_tokens",
        "max_tool_calls", "metadata", "parallel_tool_calls", "previous_response_id", "prompt",
        "prompt_cache_key", "prompt_cache_retention", "reasoning", "safety_identifier", "store",
        "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation",
        "user", "frequency_penalty", "presence_penalty", "billing", "conversation",
    }
)  # fmt: skip
#: Says that the answer is complete. A reply without any is not known to be.
_ENDS = frozenset({"finish_reason", "stop_reason", "done_reason", "status"})


def lost(said: bytes, replayed: bytes, framing: Framing | None) -> str | None:
    """A member that was said and would not be replayed; None where all would be.

    Both are whole bodies, or streams of that framing.
    """
    before, after = _members(said, framing), _members(replayed, framing)
    missing = before - after
    unsaid = {path for path in after - before if path.rpartition(".")[2] in _ENDS}
    return min(missing | unsaid, default=None)


def _members(body: bytes, framing: Framing | None) -> frozenset[str]:
    values = [body] if framing is None else _events(body, framing)
    return frozenset(path for each in values for path in _paths(_decoded(each)))


def _events(body: bytes, framing: Framing) -> Iterable[bytes]:
    events = splitter(framing).feed(body)
    return (event.data for event in events if event.data and event.data != b"[DONE]")


def _decoded(data: bytes) -> Json:
    value: Json = msgspec.json.decode(data)
    return value


def _paths(value: Json, path: str = "") -> Iterator[str]:
    """The paths of all members that hold something and count; places in arrays are not told apart."""
    if isinstance(value, dict):
        for name, member in value.items():
            echoed = name in _ECHOED and path in {"", ".response"}
            if name not in _BOOKKEEPING and not echoed:
                yield from _paths(member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from _paths(member, path)
    elif value not in (None, "", False):
        yield path
