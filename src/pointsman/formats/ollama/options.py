"""Ollama's `options`: how the reply is drawn, and how the model is run."""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.conversation import Sampling
from pointsman.errors import BadRequest
from pointsman.formats.losses import Losses, Notes
from pointsman.types import Json

#: How the server runs the model; the answer does not hang on it.
_RUNNING = frozenset(
    {"num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "num_keep", "numa", "low_vram"}
    | {"f16_kv", "vocab_only", "logits_all", "embedding_only", "use_mmap", "use_mlock"}
    | {"draft_num_predict"}
)
#: Options that change nothing at these values.
_NEUTRAL: Mapping[str, float] = {
    "repeat_penalty": 1,
    "repeat_last_n": 0,
    "typical_p": 1,
    "tfs_z": 1,
    "mirostat": 0,
}
#: Options that only say how Mirostat goes about it.
_MIROSTAT = frozenset({"mirostat_tau", "mirostat_eta"})
_SAMPLING = frozenset(
    {"temperature", "top_p", "top_k", "min_p", "seed", "stop", "num_predict"}
    | {"frequency_penalty", "presence_penalty"}
)
#: Every option there is.
OPTIONS = frozenset(_RUNNING | _NEUTRAL.keys() | _MIROSTAT | _SAMPLING | {"penalize_newline"})


def is_set(name: str, member: Json) -> bool:
    """Whether a member says anything: Ollama is written in Go, where null, 0 and "" are not set."""
    del name
    return bool(member)


def read(options: dict[str, Json], notes: Notes) -> Sampling:
    """How the reply is to be drawn. Raises BadRequest that names the option at fault."""
    idle = {name for name, value in _NEUTRAL.items() if options.get(name) == value}
    if not options.get("mirostat"):
        idle |= _MIROSTAT
    notes.rest(options, _SAMPLING, _RUNNING | idle, place="options.")
    limit, seed, top_k = (_whole(options, name) for name in ("num_predict", "seed", "top_k"))
    return Sampling(
        max_tokens=limit if limit and limit > 0 else None,  # -1: no limit, -2: fill the context
        temperature=_number(options, "temperature"),
        top_p=_number(options, "top_p"),
        top_k=top_k if top_k and top_k > 0 else None,
        min_p=_number(options, "min_p") or None,
        stop=_stop(options.get("stop")),
        seed=None if seed == -1 else seed,
        frequency_penalty=_number(options, "frequency_penalty"),
        presence_penalty=_number(options, "presence_penalty"),
    )


def write(wish: Sampling, losses: Losses) -> dict[str, Json]:
    """The options for a wish. Raises Inexpressible for what there is no option for."""
    stated: dict[str, Json] = {
        "num_predict": wish.max_tokens,
        "temperature": wish.temperature,
        "top_p": wish.top_p,
        "top_k": wish.top_k,
        "min_p": wish.min_p,
        "stop": list(wish.stop) or None,
        "seed": wish.seed,
        "frequency_penalty": wish.frequency_penalty,
        "presence_penalty": wish.presence_penalty,
    }
    if wish.n is not None and wish.n > 1:
        losses.refuse("n")
    if wish.logit_bias:
        losses.refuse("logit_bias")
    return {
        name: member
        for name, member in stated.items()
        if member is not None and losses.keeps("max_tokens" if name == "num_predict" else name)
    }


def _number(options: dict[str, Json], name: str) -> float | None:
    value = options.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"`options.{name}` must be a number", param=f"options.{name}")
    return value


def _whole(options: dict[str, Json], name: str) -> int | None:
    """Ollama cuts off what follows the point."""
    value = _number(options, name)
    return None if value is None else int(value)


def _stop(value: Json) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value or []
    if isinstance(found, list):
        texts = [text for text in found if isinstance(text, str)]
        if len(texts) == len(found):
            return tuple(texts)
    raise BadRequest("`options.stop` must be an array of strings", param="options.stop")
