"""What an Ollama server says of its models and of itself, read. Nothing here is spent or changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from pointsman.errors import UpstreamBroken
from pointsman.types import Capability, Health

_T = TypeVar("_T")
_D = TypeVar("_D")

#: Ollama's words for what Pointsman routes by.
_CAPABILITIES: Mapping[str, Capability] = {"tools": "tools", "vision": "vision", "audio": "audio"}
#: What every model has: grammars and probabilities are the server's work.
_ALWAYS: frozenset[Capability] = frozenset({"json_schema", "logprobs"})


class Listed(msgspec.Struct, frozen=True):
    """A model that the server has: one of `/api/tags`."""

    name: str
    family: str = ""
    parameter_size: str = ""
    quantization: str = ""
    #: Bytes on disk; small for what runs elsewhere.
    size: int = 0
    context_length: int | None = None
    #: Ollama's words (`completion`, `tools`, `vision`, ...); None where the server is too old to say.
    capabilities: frozenset[str] | None = None
    #: Where it runs, if not here.
    remote_host: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether prompts stay on this server: Ollama passes those for cloud models on."""
        return self.remote_host is None and not is_cloud_name(self.name)


class Shown(msgspec.Struct, frozen=True):
    """What `/api/show` says of a model."""

    #: What it was trained for, in tokens.
    context_length: int | None = None
    #: What it is loaded with where a request does not say (`PARAMETER num_ctx`).
    num_ctx: int | None = None
    #: Ollama's words; None in servers before 0.6.4, which first said them.
    capabilities: frozenset[str] | None = None
    remote_host: str | None = None

    @property
    def thinks(self) -> bool | None:
        """Whether `think` may be asked of it; None where it is not known."""
        return None if self.capabilities is None else "thinking" in self.capabilities

    @property
    def embeds(self) -> bool:
        """Whether it makes embeddings and no text."""
        able = self.capabilities or frozenset()
        return "embedding" in able and "completion" not in able


class Loaded(msgspec.Struct, frozen=True):
    """A model in memory: one of `/api/ps`."""

    name: str
    #: What it was loaded with; None where the server is too old to say.
    context_length: int | None = None
    #: Bytes, all of it and the part that is on accelerators.
    size: int = 0
    size_vram: int = 0


class _Details(msgspec.Struct):
    family: str | None = None
    parameter_size: str | None = None
    quantization_level: str | None = None
    context_length: int | None = None


class _Tag(msgspec.Struct):
    name: str = ""
    model: str = ""
    size: int | None = None
    details: _Details | None = None
    capabilities: list[str] | None = None
    remote_model: str | None = None
    remote_host: str | None = None
    context_length: int | None = None
    size_vram: int | None = None


class _Tags(msgspec.Struct):
    models: list[_Tag] | None


class _Show(msgspec.Struct):
    details: _Details | None = None
    model_info: dict[str, object] | None = None
    parameters: str | None = None
    capabilities: list[str] | None = None
    remote_model: str | None = None
    remote_host: str | None = None


class _Version(msgspec.Struct):
    version: str


def is_cloud_name(name: str) -> bool:
    """Whether a model's name alone says that it runs in Ollama's cloud: `x:cloud`, `x:7b-cloud`."""
    tag = name.rpartition(":")[2]
    return tag == "cloud" or (":" in name and tag.endswith("-cloud"))


def full_name(name: str) -> str:
    """A model's name with its tag: `latest` where it has none."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def listed(body: bytes) -> tuple[Listed, ...]:
    """The models that the server has, from `/api/tags`. Raises UpstreamBroken."""
    return tuple(_listed(each) for each in _as(body, _Tags).models or ())


def running(body: bytes) -> tuple[Loaded, ...]:
    """The models in memory, from `/api/ps`. Raises UpstreamBroken."""
    return tuple(
        Loaded(each.name or each.model, each.context_length, each.size or 0, each.size_vram or 0)
        for each in _as(body, _Tags).models or ()
    )


def show(body: bytes) -> Shown:
    """What the server says of one model, from `/api/show`. Raises UpstreamBroken."""
    read = _as(body, _Show)
    if read.details is None and read.model_info is None and read.capabilities is None:
        raise UpstreamBroken("not what Ollama shows of a model")
    return Shown(
        _trained_for(read.model_info or {}),
        _num_ctx(read.parameters or ""),
        None if read.capabilities is None else frozenset(read.capabilities),
        read.remote_host or read.remote_model or None,
    )


def version(body: bytes) -> str:
    """The server's version, from `/api/version`. Raises UpstreamBroken."""
    return _as(body, _Version).version


def capabilities(words: frozenset[str] | None) -> frozenset[Capability] | None:
    """Ollama's words for what a model can do, in Pointsman's; None where it is not known."""
    if words is None:
        return None
    return _ALWAYS | {_CAPABILITIES[word] for word in words if word in _CAPABILITIES}


def health(model: str, *, tags: bytes, loaded: bytes, shown: bytes) -> Health:
    """How a model stands, from the bodies of `/api/tags`, `/api/ps` and `/api/show`.

    Its context is the one that it is loaded with; else the one in its parameters; else what it was
    trained for, which a server short of memory will not give it unless asked (`num_ctx`).
    """
    name = full_name(model)
    mine = next((each for each in _or(listed, tags, ()) if full_name(each.name) == name), None)
    about = _or(show, shown, None)
    if about is None and mine is not None:
        about = Shown(mine.context_length, None, mine.capabilities, mine.remote_host)
    if about is None:
        said = f"has no model {model}: `ollama pull {model}` fetches it"
        return Health("down", said, lacks="model")
    able = capabilities(about.capabilities)
    if about.remote_host or is_cloud_name(model) or (mine and not mine.is_local):
        length = about.context_length
        return Health("up", "runs in Ollama's cloud", length, able, location="cloud")
    now = next((each for each in _or(running, loaded, ()) if full_name(each.name) == name), None)
    if now is None:
        return Health("cold", "loads on demand", about.num_ctx or about.context_length, able)
    return Health("up", "loaded", now.context_length or about.num_ctx, able)


def _listed(tag: _Tag) -> Listed:
    details = tag.details or _Details()
    return Listed(
        tag.name or tag.model,
        details.family or "",
        details.parameter_size or "",
        details.quantization_level or "",
        tag.size or 0,
        details.context_length,
        None if tag.capabilities is None else frozenset(tag.capabilities),
        tag.remote_host or tag.remote_model or None,
    )


def _trained_for(info: Mapping[str, object]) -> int | None:
    """`<architecture>.context_length`; of several, the model's own."""
    named = f"{info.get('general.architecture')}.context_length"
    names = [named, *(name for name in info if name.endswith(".context_length"))]
    lengths = (info.get(name) for name in names)
    return next((each for each in lengths if isinstance(each, int) and each > 0), None)


def _num_ctx(parameters: str) -> int | None:
    """Of lines such as `num_ctx    8192`."""
    for line in parameters.splitlines():
        match line.split():
            case ["num_ctx", figure] if figure.isdecimal():
                return int(figure)
    return None


def _as(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamBroken(f"not Ollama's words: {error}") from error


def _or(read: Callable[[bytes], _T], body: bytes, otherwise: _D) -> _T | _D:
    """What a body says, or a stand-in where it is no such body: servers differ in age."""
    try:
        return read(body)
    except UpstreamBroken:
        return otherwise
