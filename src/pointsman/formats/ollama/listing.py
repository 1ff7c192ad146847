"""What a client of Ollama's asks a server about itself: its models, and its version.

Figures that nobody knows are empty or 0, as for Ollama's own cloud models.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

import msgspec

from pointsman.formats.ollama.reply import timestamp
from pointsman.types import Capability, Json, Task

#: The release whose API this is (seen October 2026). Clients ask for one new enough to know a
#: feature: VS Code's chat wants 0.6.4 at least, for `capabilities`.
VERSION = "0.35.1"
#: For how long Ollama keeps a model loaded where nobody says (its FAQ).
_KEEP_ALIVE = timedelta(minutes=5)


class Model(msgspec.Struct, frozen=True):
    """A model on offer."""

    name: str
    #: Its architecture (`llama`, `qwen3`).
    family: str = ""
    #: Such as `7.6B`, and `Q4_K_M`.
    parameter_size: str = ""
    quantization: str = ""
    #: Bytes.
    size: int = 0
    #: In tokens.
    context_length: int | None = None
    #: Ollama's words: see `capabilities`.
    capabilities: tuple[str, ...] = ("completion",)
    loaded: bool = False
    #: Where prompts go if not to this machine: clients tell such models apart.
    remote_host: str | None = None


def capabilities(
    able: AbstractSet[Capability] | None,
    tasks: AbstractSet[Task] = frozenset({"chat"}),
    *,
    thinks: bool = False,
) -> tuple[str, ...]:
    """What a deployment can do, in Ollama's words. Where it is not known (None), it is not denied."""
    if "chat" not in tasks:
        return ("embedding",) if "embeddings" in tasks else ()
    known: tuple[Capability, ...] = ("tools", "vision", "audio")
    found = [each for each in known if (able is None and each != "audio") or each in (able or ())]
    return ("completion", *found, *(("thinking",) if thinks else ()))


def tags(models: Sequence[Model], time: datetime) -> bytes:
    """`/api/tags`: every model. `time` stands for when they last changed."""
    return msgspec.json.encode(
        {
            "models": [
                _model(model)
                | {"modified_at": timestamp(time), "capabilities": list(model.capabilities)}
                | _remote(model)
                for model in models
            ]
        }
    )


def running(models: Sequence[Model], time: datetime) -> bytes:
    """`/api/ps`: the models that are loaded."""
    return msgspec.json.encode(
        {
            "models": [
                _model(model)
                | {
                    "expires_at": timestamp(time + _KEEP_ALIVE),
                    "size_vram": 0,
                    "context_length": model.context_length or 0,
                }
                for model in models
                if model.loaded
            ]
        }
    )


def show(model: Model, time: datetime) -> bytes:
    """`/api/show`: all about one model."""
    family = model.family or "pointsman"
    info: dict[str, Json] = {
        "general.architecture": family,
        "general.basename": model.name,
    }
    parameters = ""
    if model.context_length is not None:
        info[f"{family}.context_length"] = model.context_length
        parameters = f"num_ctx {model.context_length}"
    return msgspec.json.encode(
        {
            "modelfile": f"FROM {model.name}\n",
            "parameters": parameters,
            "template": "{{ .Prompt }}",
            "details": _details(model),
            "model_info": info,
            "capabilities": list(model.capabilities),
            "modified_at": timestamp(time),
        }
        | _remote(model)
    )


def version() -> bytes:
    """`/api/version`."""
    return msgspec.json.encode({"version": VERSION})


def _model(model: Model) -> dict[str, Json]:
    return {
        "name": model.name,
        "model": model.name,
        "size": model.size,
        # Of the name: there are no weights here to take one of.
        "digest": hashlib.sha256(model.name.encode()).hexdigest(),
        "details": _details(model),
    }


def _details(model: Model) -> dict[str, Json]:
    details: dict[str, Json] = {
        "parent_model": "",
        "format": "gguf",
        "family": model.family,
        "families": [model.family] if model.family else [],
        "parameter_size": model.parameter_size,
        "quantization_level": model.quantization,
    }
    if model.context_length is not None:
        details["context_length"] = model.context_length
    return details


def _remote(model: Model) -> dict[str, Json]:
    if model.remote_host is None:
        return {}
    return {"remote_model": model.name, "remote_host": model.remote_host}
