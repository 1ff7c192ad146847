"""Requests as Ollama's documentation and its Python client (0.6.3) send them."""

import json

import pytest
from tests.formats.ollama.words import NOW

from pointsman.conversation import Addressee, Image, Message, Reasoning, Sampling, Text
from pointsman.errors import BadRequest
from pointsman.formats.ollama.format import (
    GenerateClient,
    GenerateUpstream,
    OllamaClient,
    OllamaUpstream,
)
from pointsman.formats.ollama.load import load_asked, load_reply
from pointsman.types import ModelRequest, Turn

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HI = {"role": "user", "content": "why is the sky blue?"}


def chat(**more: object) -> ModelRequest:
    body = {"model": "llama3.2", "messages": [HI], **more}
    return OllamaClient().parse(json.dumps(body).encode())


def generate(**more: object) -> ModelRequest:
    body = {"model": "llama3.2", "prompt": "why is the sky blue?", **more}
    return GenerateClient().parse(json.dumps(body).encode())


def test_a_chat_streams_unless_it_is_told_not_to() -> None:
    request = chat()

    assert (request.format, request.model, request.stream) == ("ollama", "llama3.2", True)
    assert request.turns == (Turn("user", "why is the sky blue?"),)
    assert request.include_usage
    assert not chat(stream=False).stream
    assert chat(stream=None).stream


def test_what_a_request_needs_and_how_long_its_reply_may_be() -> None:
    picture = {"role": "user", "content": "what is this?", "images": [PNG]}
    tool = {"type": "function", "function": {"name": "now", "parameters": {}}}

    request = chat(
        messages=[HI, picture],
        tools=[tool],
        format={"type": "object"},
        logprobs=True,
        options={"num_predict": 100},
    )

    assert request.needs == {"vision", "tools", "json_schema", "logprobs"}
    assert request.max_output_tokens == 100
    assert request.input_tokens > 765
    assert chat(format="json", options={"num_predict": -1}).needs == frozenset()
    assert chat(options={"num_predict": -1}).max_output_tokens is None


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"model": ""}, "model"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": ["hi"]}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "images": "x"}]}, "messages[0].images"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "1"}]}]},
            "messages[0].tool_calls[0].function",
        ),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"format": "yaml"}, "format"),
        ({"format": ["json"]}, "format"),
        ({"think": 1}, "think"),
        ({"options": []}, "options"),
        ({"options": {"temperature": "hot"}}, "options.temperature"),
        ({"options": {"stop": [1]}}, "options.stop"),
        ({"logprobs": 1}, "logprobs"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, object], param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        chat(**wrong)

    assert refused.value.param == param


def test_options_are_read_as_what_they_ask_of_the_reply() -> None:
    options = {
        "num_ctx": 8192,
        "num_predict": 64,
        "temperature": 0.2,
        "top_k": 40,
        "min_p": 0,
        "seed": 7,
        "stop": "END",
        "repeat_penalty": 1.1,
        "mirostat": 0,
        "mirostat_tau": 5.0,
        "typical_p": 1.0,
    }

    said = OllamaClient().conversation(chat(options=options, keep_alive="5m", truncate=False))

    assert said.sampling == Sampling(64, 0.2, top_k=40, stop=("END",), seed=7)
    assert set(said.advisory) == {
        "keep_alive",
        "options.num_ctx",
        "options.mirostat_tau",
        "options.typical_p",
    }
    assert said.foreign == ("options.repeat_penalty",)


@pytest.mark.parametrize(
    ("think", "meant"),
    [
        (True, Reasoning("medium")),
        (False, Reasoning("none")),
        ("low", Reasoning("low")),
        ("max", Reasoning("max")),
        (None, None),
    ],
)
def test_think(think: object, meant: Reasoning | None) -> None:
    assert OllamaClient().conversation(chat(think=think)).reasoning == meant


def test_a_prompt_is_a_conversation_of_one_turn() -> None:
    request = generate(system="Be brief.", images=[PNG], context=[1, 2, 3], suffix="", raw=False)

    said = GenerateClient().conversation(request)

    assert request.turns == (Turn("system", "Be brief."), Turn("user", "why is the sky blue?"))
    assert request.needs == {"vision"}
    assert said.messages == (
        Message("system", (Text("Be brief."),)),
        Message("user", (Image("image/png", PNG), Text("why is the sky blue?"))),
    )
    assert said.advisory == ("context",)
    assert said.foreign == ()


def test_prompts_that_bypass_the_conversation_are_foreign() -> None:
    request = generate(suffix="    return result", template="{{ .Prompt }}", raw=True)

    assert GenerateClient().conversation(request).foreign == ("suffix", "template", "raw")


@pytest.mark.parametrize(
    ("keep_alive", "wanted"),
    [
        (None, "load"),
        ("10m", "load"),
        (-1, "load"),
        (0, "unload"),
        ("0", "unload"),
        ("0s", "unload"),
    ],
)
def test_without_messages_or_a_prompt_a_model_is_loaded_or_unloaded(
    keep_alive: object, wanted: str
) -> None:
    assert load_asked(chat(messages=[], keep_alive=keep_alive)) == wanted
    assert load_asked(generate(prompt="", keep_alive=keep_alive)) == wanted
    assert load_asked(chat(keep_alive=keep_alive)) is None
    assert load_asked(generate(keep_alive=keep_alive)) is None


def test_loading_is_answered_in_one_line() -> None:
    head = {"model": "llama3.2", "created_at": "2026-11-21T12:00:00Z"}

    assert json.loads(load_reply("llama3.2", NOW)) == head | {
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "load",
    }
    assert json.loads(
        load_reply("llama3.2", NOW, unload=True, format_name="ollama_generate")
    ) == head | {"response": "", "done": True, "done_reason": "unload"}


def test_nothing_to_answer_is_no_conversation() -> None:
    with pytest.raises(BadRequest):
        OllamaClient().conversation(chat(messages=[]))
    with pytest.raises(BadRequest):
        GenerateClient().conversation(generate(prompt=""))


def test_a_request_passes_through_but_for_its_model() -> None:
    body = b'{"model":"auto", "messages":[ {"role":"user","content":"h\\u0069"} ],"options":{"a":1.50}}'
    request = OllamaClient().parse(body)

    plain = OllamaUpstream().pass_through(request, Addressee("qwen3:8b"))

    assert plain.left_out == ()
    assert plain.body == (
        b'{"model":"qwen3:8b","messages":[ {"role":"user","content":"h\\u0069"} ],'
        b'"options":{"a":1.50}}'
    )


def test_what_is_configured_is_set_where_it_belongs() -> None:
    to = Addressee(
        "qwen3:8b",
        drop=frozenset({"shift", "seed"}),
        extra={"num_ctx": 8192, "keep_alive": "1h", "options": {"num_gpu": 1}},
    )

    passed = GenerateUpstream().pass_through(
        generate(shift=True, options={"seed": 1, "top_k": 2}), to
    )

    sent = json.loads(passed.body)
    assert sent["options"] == {"top_k": 2, "num_gpu": 1, "num_ctx": 8192}
    assert sent["keep_alive"] == "1h"
    assert "shift" not in sent
    assert passed.left_out == ("shift", "seed")
