"""Ready configuration for libraries, agents and editors, as text to be copied."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping

import msgspec

from pointsman.onboarding.clients import (
    CLIENTS,
    CODEX_PROVIDER,
    Gateway,
    Recipe,
    codex_config,
    opencode_config,
)

#: What an editor may send; Zed cuts conversations off there.
_EDITOR_CONTEXT = 128_000


class Snippet(msgspec.Struct, frozen=True):
    """What to put where."""

    title: str
    #: The file, the program or the place in the settings that it belongs to.
    where: str
    text: str


def _openai(to: Gateway) -> Snippet:
    text = f"""\
from openai import OpenAI

client = OpenAI(base_url={json.dumps(to.base_url)}, api_key={json.dumps(to.key)})

response = client.responses.create(model={json.dumps(to.model)}, input="What is Python?")
print(response.output_text)
"""
    return Snippet("OpenAI's library for Python", "a program; `pip install openai`", text)


def _openai_node(to: Gateway) -> Snippet:
    text = f"""\
import OpenAI from "openai";

const client = new OpenAI({{ baseURL: {json.dumps(to.base_url)}, apiKey: {json.dumps(to.key)} }});
const response = await client.responses.create({{
  model: {json.dumps(to.model)},
  input: "What is Python?",
}});
console.log(response.output_text);
"""
    return Snippet("OpenAI's library for Node", "a program; `npm install openai`", text)


def _anthropic(to: Gateway) -> Snippet:
    text = f"""\
from anthropic import Anthropic

client = Anthropic(base_url={json.dumps(to.address)}, api_key={json.dumps(to.key)})

message = client.messages.create(
    model={json.dumps(to.model)},
    max_tokens=256,
    messages=[{{"role": "user", "content": "What is Python?"}}],
)
print(message.content[0].text)
"""
    return Snippet("Anthropic's library for Python", "a program; `pip install anthropic`", text)


def _anthropic_node(to: Gateway) -> Snippet:
    text = f"""\
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({{ baseURL: {json.dumps(to.address)}, apiKey: {json.dumps(to.key)} }});
const message = await client.messages.create({{
  model: {json.dumps(to.model)},
  max_tokens: 256,
  messages: [{{ role: "user", content: "What is Python?" }}],
}});
console.log(message.content[0].text);
"""
    where = "a program; `npm install @anthropic-ai/sdk`"
    return Snippet("Anthropic's library for Node", where, text)


def _langchain(to: Gateway) -> Snippet:
    text = f"""\
from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    model={json.dumps(to.model)}, base_url={json.dumps(to.base_url)}, api_key={json.dumps(to.key)}
)
print(model.invoke("What is Python?").text)
"""
    return Snippet("LangChain", "a program; `pip install langchain-openai`", text)


def _claude_code(to: Gateway) -> Snippet:
    return Snippet("Claude Code", "the shell that starts it", _shell(CLIENTS["claude"](to)))


def _codex(to: Gateway) -> Snippet:
    top, provider = codex_config(to)
    (variables,) = _exports(CLIENTS["codex"](to))
    text = f"""\
# in the shell that starts it: {variables}
{_toml(top)}
[{CODEX_PROVIDER}]
{_toml(provider)}"""
    return Snippet("Codex", "~/.codex/config.toml; `model` goes before every table", text)


def _opencode(to: Gateway) -> Snippet:
    text = json.dumps(opencode_config(to), indent=2) + "\n"
    return Snippet("opencode", "opencode.json, or ~/.config/opencode/opencode.json", text)


def _shell(recipe: Recipe) -> str:
    """What a client needs, to be read by a shell."""
    unset = f"unset {' '.join(sorted(recipe.without))}\n" if recipe.without else ""
    return "".join(f"{line}\n" for line in _exports(recipe)) + unset


def _exports(recipe: Recipe) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in recipe.environment.items()]


def _toml(table: Mapping[str, str]) -> str:
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items())


def _continue(to: Gateway) -> Snippet:
    text = f"""\
name: Pointsman
version: 1.0.0
schema: v1
models:
  - name: Pointsman
    provider: openai
    model: {json.dumps(to.model)}
    apiBase: {json.dumps(to.base_url)}
    apiKey: {json.dumps(to.key)}
    roles: [chat, edit, apply]
  - name: Completions
    provider: openai
    model: local
    apiBase: {json.dumps(to.base_url)}
    apiKey: {json.dumps(to.key)}
    roles: [autocomplete]
"""
    return Snippet("Continue", "~/.continue/config.yaml", text)


def _open_webui(to: Gateway) -> Snippet:
    text = f"""\
export OPENAI_API_BASE_URL={to.base_url}
export OPENAI_API_KEY={to.key}
export DEFAULT_MODELS={to.model}
export ENABLE_FORWARD_USER_INFO_HEADERS=true
"""
    return Snippet("Open WebUI", "the shell that starts it", text)


def _cline(to: Gateway) -> Snippet:
    text = f"""\
API Provider: OpenAI Compatible
Base URL:     {to.base_url}
API Key:      {to.key}
Model ID:     {to.model}
"""
    return Snippet("Cline", "its settings, by hand", text)


def _zed(to: Gateway) -> Snippet:
    model = {"name": to.model, "display_name": "Pointsman", "max_tokens": _EDITOR_CONTEXT}
    provider = {"api_url": to.base_url, "available_models": [model]}
    settings = {"language_models": {"openai_compatible": {"Pointsman": provider}}}
    where = "settings.json; the key goes into its settings page"
    return Snippet("Zed", where, json.dumps(settings, indent=2) + "\n")


def _curl(to: Gateway) -> Snippet:
    body = {"model": to.model, "messages": [{"role": "user", "content": "What is Python?"}]}
    text = f"""\
curl {to.base_url}/chat/completions \\
  -H 'authorization: Bearer {to.key}' \\
  -H 'content-type: application/json' \\
  -d '{json.dumps(body)}'
"""
    return Snippet("curl", "a shell", text)


SNIPPETS: Mapping[str, Callable[[Gateway], Snippet]] = {
    "openai": _openai,
    "openai-node": _openai_node,
    "anthropic": _anthropic,
    "anthropic-node": _anthropic_node,
    "langchain": _langchain,
    "claude-code": _claude_code,
    "codex": _codex,
    "opencode": _opencode,
    "continue": _continue,
    "open-webui": _open_webui,
    "cline": _cline,
    "zed": _zed,
    "curl": _curl,
}
