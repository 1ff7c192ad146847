"""Which command mends what, by kind of server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from shlex import quote
from urllib.parse import urlsplit

from pointsman.config import ModelSettings
from pointsman.types import Lack

#: Tokens of context that serve an agent well.
ROOMY = 32_768

_STARTS: Mapping[str, str] = {
    "ollama": "ollama serve",
    "lmstudio": "lms server start --port {port}",
    "llamacpp": "llama-server -m <file>.gguf --port {port}",
    "vllm": "vllm serve {model} --port {port}",
    "sglang": "python -m sglang.launch_server --model-path {model} --port {port}",
    "docker": "docker desktop enable model-runner --tcp {port}",
}
_FETCHES: Mapping[str, str] = {
    "ollama": "ollama pull {model}",
    "lmstudio": "lms get {model}",
    "docker": "docker model pull {model}",
}
_WIDENS: Mapping[str, str] = {
    "ollama": f"OLLAMA_CONTEXT_LENGTH={ROOMY} ollama serve",
    "lmstudio": f"lms load {{model}} --context-length {ROOMY}",
    "llamacpp": f"llama-server -m <file>.gguf --port {{port}} -c {ROOMY}",
    "vllm": f"vllm serve {{model}} --port {{port}} --max-model-len {ROOMY}",
    "sglang": "python -m sglang.launch_server --model-path {model} --port {port} "
    f"--context-length {ROOMY}",
    "docker": f"docker model configure --context-size {ROOMY} {{model}}",
}
_REFERENCE = re.compile(r"\$\{(\w+)\}")


def lacking(name: str, model: ModelSettings, what: Lack) -> str:
    """What brings a deployment its server, its key or its model."""
    match what:
        case "server":
            start = _STARTS.get(model.provider) if model.where == "local" else None
            return _filled(start or "curl -sS {address}", model)
        case "key":
            return key(name, model)
        case "model":
            return _filled(_FETCHES.get(model.provider) or "curl -sS {address}/models", model)


def key(name: str, model: ModelSettings) -> str:
    """Where its key belongs."""
    stated = model.api_key.get_secret_value() if model.api_key is not None else ""
    reference = _REFERENCE.fullmatch(stated)
    usual = () if model.base_url and model.provider != "azure" else model.preset.keys
    variable = reference[1] if reference else next(iter(usual), None)
    if variable is not None and (reference or not stated):
        return f"export {variable}=<your key>"
    return f'[models."{name}"] api_key = "${{<NAME>}}"'


def wider(name: str, model: ModelSettings) -> str:
    """What gives it more context."""
    command = _WIDENS.get(model.provider)
    line = f'[models."{name}"] context_length = {ROOMY}, if the model was trained for it'
    return _filled(command, model) if command else line


def _filled(command: str, model: ModelSettings) -> str:
    address = model.address or ""
    port = urlsplit(address).port or 80
    return command.format(model=quote(model.model), port=port, address=address)
