"""What a generateContent reply holds: a whole one, or a stream's chunk. They have one shape."""

from __future__ import annotations

import msgspec

from pointsman.conversation import Finish
from pointsman.errors import UpstreamBroken
from pointsman.formats.counting import figure, tokens_in
from pointsman.types import Json, Usage

NOTHING = msgspec.Raw()

_FINISHES: dict[str, Finish] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
#: The model failed to say what it wanted to, mostly a call that does not parse. What there is, is
#: no answer, and another try may well be one.
_FAILURES = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
    }
)


class FunctionCall(msgspec.Struct):
    """A call; older models give it no id."""

    name: str = ""
    id: str | None = None
    args: msgspec.Raw = NOTHING

    @property
    def arguments(self) -> str:
        """Its arguments as JSON without the spaces between, so that a stream says the same."""
        given = bytes(self.args)
        return msgspec.json.format(given, indent=-1).decode() if given else "{}"


class Part(msgspec.Struct, rename="camel"):
    """A piece of what was said. The last four are media and tools that nobody asked for."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    inline_data: msgspec.Raw = NOTHING
    file_data: msgspec.Raw = NOTHING
    executable_code: msgspec.Raw = NOTHING
    code_execution_result: msgspec.Raw = NOTHING

    def check(self) -> None:
        """Raises UpstreamBroken for what no client's format can say."""
        others = (
            self.inline_data,
            self.file_data,
            self.executable_code,
            self.code_execution_result,
        )
        if any(bytes(other) for other in others):
            raise UpstreamBroken("a reply with media or code in it, which can't be translated")


class Content(msgspec.Struct):
    """Parts of a candidate; none where it was withheld."""

    parts: list[Part] | None = None


class Token(msgspec.Struct, rename="camel"):
    """A token and how likely it was."""

    token: str = ""
    log_probability: float | None = None

    def openai(self) -> dict[str, Json]:
        """It in OpenAI's words. Google does not say its bytes, and not all tokens are text."""
        likely = -9999.0 if self.log_probability is None else self.log_probability
        return {"token": self.token, "logprob": likely, "bytes": None}


class Alternatives(msgspec.Struct):
    """What else could have stood in a token's place."""

    candidates: list[Token] | None = None


class Logprobs(msgspec.Struct, rename="camel"):
    """`logprobsResult`: two lists, as long as the text has tokens."""

    chosen_candidates: list[Token] | None = None
    top_candidates: list[Alternatives] | None = None

    def openai(self) -> list[Json]:
        """OpenAI's `logprobs.content`."""
        content: list[Json] = []
        chosen = self.chosen_candidates or []
        top = self.top_candidates or []
        for i, token in enumerate(chosen):
            others = (top[i].candidates or []) if i < len(top) else []
            alternatives: list[Json] = [other.openai() for other in others]
            content.append({**token.openai(), "top_logprobs": alternatives})
        return content


class Candidate(msgspec.Struct, rename="camel"):
    """One answer, or more of it."""

    content: Content | None = None
    index: int = 0
    finish_reason: str | None = None
    logprobs_result: Logprobs | None = None

    @property
    def parts(self) -> list[Part]:
        """What it says."""
        return (self.content.parts if self.content else None) or []

    def finish(self, *, called: bool) -> Finish | None:
        """Why it ended; None where it goes on. `called`: it holds tool calls.

        Raises UpstreamBroken where the model failed.
        """
        reason = self.finish_reason
        if not reason or reason == "FINISH_REASON_UNSPECIFIED":
            return None
        if reason in _FAILURES:
            raise UpstreamBroken(f"the model's reply ended with {reason}")
        finish = _FINISHES.get(reason, "other")
        return "tool_calls" if called and finish in {"stop", "other"} else finish


class PromptFeedback(msgspec.Struct, rename="camel"):
    """Set where the prompt was blocked; there is no candidate then."""

    block_reason: str | None = None


class Chunk(msgspec.Struct, rename="camel"):
    """A whole reply, or a chunk of one."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: msgspec.Raw = NOTHING
    model_version: str | None = None
    response_id: str | None = None
    error: msgspec.Raw = NOTHING

    @property
    def blocked(self) -> bool:
        """The prompt was not let through."""
        return bool(self.prompt_feedback and self.prompt_feedback.block_reason)

    @property
    def failed(self) -> bool:
        """Whether it is an error in a reply's place."""
        return bytes(self.error) not in {b"", b"null"}


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    prompt_tokens_details: object = None
    candidates_tokens_details: object = None


_CHUNK = msgspec.json.Decoder(Chunk)
_USAGE = msgspec.json.Decoder(_Usage, strict=False)


def decode(data: bytes) -> Chunk:
    """A reply or a chunk of one. Raises UpstreamBroken where it is none."""
    try:
        return _CHUNK.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamBroken(f"not a Gemini reply: {error}") from error


def usage_of(metadata: bytes, prompt_tokens: int, said: int, thought: int) -> Usage:
    """The upstream's figures, or our count, marked as estimated: of what it does not say.

    Google's prompt includes what was cached, its candidates exclude what was thought. `said` and
    `thought` are bytes; chunks in the middle of a stream may leave the candidates' count out.
    """
    try:
        usage = _USAGE.decode(metadata) if metadata else None
    except msgspec.DecodeError:
        usage = None
    if usage is None or usage.prompt_token_count < 0:
        return Usage(
            input_tokens=prompt_tokens,
            output_tokens=tokens_in(said + thought),
            reasoning_tokens=tokens_in(thought),
            estimated=True,
        )
    reasoning = usage.thoughts_token_count or 0
    answered = usage.candidates_token_count
    return Usage(
        input_tokens=usage.prompt_token_count + (usage.tool_use_prompt_token_count or 0),
        output_tokens=(tokens_in(said) if answered is None else answered) + reasoning,
        cached_tokens=usage.cached_content_token_count or 0,
        reasoning_tokens=reasoning,
        estimated=answered is None and said > 0,
        audio_input_tokens=_of("AUDIO", usage.prompt_tokens_details),
        audio_output_tokens=_of("AUDIO", usage.candidates_tokens_details),
        image_input_tokens=_of("IMAGE", usage.prompt_tokens_details),
        image_output_tokens=_of("IMAGE", usage.candidates_tokens_details),
    )


def _of(modality: str, shares: object) -> int:
    """How many of the tokens are of this modality."""
    return sum(
        figure(share.get("tokenCount"))
        for share in (shares if isinstance(shares, list) else ())
        if isinstance(share, dict) and share.get("modality") == modality
    )
