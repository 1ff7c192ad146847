"""A legacy completion request: checked, seen, and put as a conversation where that is sound."""

from __future__ import annotations

import msgspec

from pointsman.conversation import Conversation, Message, Text
from pointsman.errors import BadRequest
from pointsman.formats import members, strict_json
from pointsman.formats.chat import decode
from pointsman.formats.losses import Notes
from pointsman.tokens import estimate_tokens
from pointsman.types import Capability, Json, ModelRequest, Turn

_READ = frozenset(
    {"model", "prompt", "stream", "stream_options", "user", "max_tokens", "temperature", "top_p"}
    | {"top_k", "min_p", "stop", "n", "seed", "frequency_penalty", "presence_penalty"}
    | {"logit_bias"}
)
#: Members that ask for nothing when they have these values.
_EMPTY: dict[str, tuple[Json, ...]] = {"suffix": ("",), "echo": (False,), "best_of": (0, 1)}


def parse(body: bytes) -> ModelRequest:
    """A checked view of a completion request's body. Raises BadRequest that names the member.

    Members that Pointsman does not know are left alone: they reach the model.
    """
    value = strict_json.decode(body)
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object with `model` and `prompt`")
    model = members.text(value, "model")
    if not model:
        raise BadRequest(
            '`model` must be a string; send "auto" to let Pointsman choose', param="model"
        )
    stream = members.flag(value, "stream")
    limit = members.whole(value, "max_tokens")
    texts, tokens = prompts(value, "prompt")
    suffix = members.text(value, "suffix") or ""
    return ModelRequest(
        model=model,
        turns=tuple(Turn("user", text) for text in texts),
        members=members.raw(body),
        private_texts=(suffix,) if suffix else (),
        needs=_needs(value),
        stream=stream,
        include_usage=members.usage_wish(value),
        input_tokens=sum(map(estimate_tokens, (*texts, suffix))) + tokens,
        max_output_tokens=limit if limit and limit > 0 else None,
        format="completions",
        user=members.end_user(value),
        choices=_choices(value),
    )


def prompts(value: dict[str, Json], name: str) -> tuple[tuple[str, ...], int]:
    """The texts in a prompt, and how many tokens stand there by their numbers.

    A prompt is a string, an array of strings, an array of tokens, or an array of such arrays.
    Raises BadRequest where it is none of them, or empty.
    """
    prompt = value.get(name)
    if isinstance(prompt, str):
        return (prompt,), 0
    entries = prompt if isinstance(prompt, list) else []
    texts = tuple(entry for entry in entries if isinstance(entry, str))
    if texts and len(texts) == len(entries):
        return texts, 0
    rows = entries if all(isinstance(entry, list) for entry in entries) else [entries]
    tokens = [token for row in rows if isinstance(row, list) for token in row]
    if not tokens or not all(isinstance(t, int) and not isinstance(t, bool) for t in tokens):
        raise BadRequest(
            f"`{name}` must be a string, an array of strings, or one or more arrays of tokens",
            param=name,
        )
    return (), len(tokens)


def conversation(request: ModelRequest) -> Conversation:
    """The request in full. A single text is what a user says.

    What only a completion can do stays foreign: tokens as prompts, several prompts, `suffix`,
    `echo`, `best_of`, `logprobs` in this format's shape. Raises BadRequest.
    """
    value: dict[str, Json] = {
        name: msgspec.json.decode(raw) for name, raw in request.members.items()
    }
    notes = Notes()
    asked = {name: each for name, each in value.items() if each not in _EMPTY.get(name, ())}
    notes.strangers(asked, _READ, decode.EXTENSIONS | {"logprobs"})
    decode.note_options(value, notes)
    if len(request.turns) != 1:
        notes.matter("prompt")
    drawn = {name: each for name, each in asked.items() if name in _READ}
    return Conversation(
        messages=tuple(Message("user", (Text(turn.text),)) for turn in request.turns),
        sampling=decode.sampling(drawn, notes),
        stream=request.stream,
        user=members.text(value, "user"),
        advisory=notes.advisory,
        foreign=notes.foreign,
    )


def _choices(value: dict[str, Json]) -> int:
    """Replies that are written, given out or not: `n`, or `best_of`, for each prompt."""
    each = max(members.whole(value, name) or 1 for name in ("n", "best_of"))
    match value["prompt"]:
        case [str() | list(), *_] as several:
            return each * len(several)
        case _:
            return each


def _needs(value: dict[str, Json]) -> frozenset[Capability]:
    needs: set[Capability] = set()
    if (members.whole(value, "n", least=1) or 1) > 1:
        needs.add("n")
    if members.whole(value, "logprobs") is not None:
        needs.add("logprobs")
    return frozenset(needs)
