"""What servers answer when asked about themselves, as far as it is read."""

from __future__ import annotations

from typing import TypeVar

import msgspec

_T = TypeVar("_T")


class Meta(msgspec.Struct):
    """What llama.cpp adds to a model of the list."""

    n_ctx: int | None = None


class Status(msgspec.Struct):
    """What a llama.cpp router adds: `loaded`, `loading`, `unloaded`, ..."""

    value: str = ""


class Model(msgspec.Struct):
    """One of `/v1/models`."""

    id: str = ""
    owned_by: str | None = None
    meta: Meta | None = None
    status: Status | None = None
    max_model_len: int | None = None  # vLLM, SGLang
    context_length: int | None = None  # OpenRouter, Together and others

    @property
    def length(self) -> int | None:
        """Its context in tokens, where the list says it."""
        return self.max_model_len or (self.meta.n_ctx if self.meta else None) or self.context_length


class Models(msgspec.Struct):
    """`/v1/models`."""

    data: list[Model]


class Generation(msgspec.Struct, frozen=True):
    """A slot's settings."""

    n_ctx: int | None = None


class Modalities(msgspec.Struct):
    """What llama.cpp's model takes besides words."""

    vision: bool = False
    audio: bool = False


class TemplateCaps(msgspec.Struct):
    """What llama.cpp's chat template can say."""

    supports_tools: bool | None = None


class Props(msgspec.Struct):
    """llama.cpp's `/props`."""

    default_generation_settings: Generation
    total_slots: int | None = None
    modalities: Modalities | None = None
    chat_template_caps: TemplateCaps | None = None


class Instance(msgspec.Struct):
    """A model in LM Studio's memory."""

    id: str = ""
    config: dict[str, object] = {}


class LmModel(msgspec.Struct):
    """One of LM Studio's `/api/v1/models`."""

    key: str
    type: str = "llm"
    loaded_instances: list[Instance] = []
    max_context_length: int | None = None
    capabilities: dict[str, object] | None = None


class LmModels(msgspec.Struct):
    """LM Studio's `/api/v1/models`."""

    models: list[LmModel]

    def named(self, name: str) -> LmModel | None:
        """The model of that name, or the one that is loaded under it."""
        for model in self.models:
            if name == model.key or any(name == each.id for each in model.loaded_instances):
                return model
        return None


class GeminiModel(msgspec.Struct, rename="camel"):
    """Gemini's page of a model."""

    input_token_limit: int | None = None


class ClaudeModel(msgspec.Struct):
    """Anthropic's page of a model."""

    max_input_tokens: int | None = None


class Pointsman(msgspec.Struct):
    """A gateway like this one, at `/`."""

    name: str


class OllamaVersion(msgspec.Struct):
    """Ollama's `/api/version`."""

    version: str


def read(body: bytes, kind: type[_T]) -> _T | None:
    """A body as `kind`; None where it is something else."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
