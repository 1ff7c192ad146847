"""The canonical form as a chat request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from pointsman.conversation import (
    Addressee,
    Conversation,
    Encoded,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Sampling,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from pointsman.formats.chat import calls, parts, tools
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.chat.thinking import spoken
from pointsman.formats.losses import Losses
from pointsman.formats.proofs import is_marked
from pointsman.formats.reasoning import effort_wanted
from pointsman.types import Json


def encode(conversation: Conversation, to: Addressee, quirks: Quirks) -> Encoded:
    """The request, translated. Raises Inexpressible for what chat can't say."""
    losses = Losses.of(conversation, to, "OpenAI chat")
    body: dict[str, Json] = {
        "model": to.model,
        "messages": _Writer(quirks, losses).messages(conversation.messages),
    }
    body |= tools.write(conversation.tools, conversation.tool_choice, quirks, losses)
    stated: dict[str, Json] = _sampling(conversation.sampling, quirks, losses)
    if "tools" in body:
        stated["parallel_tool_calls"] = conversation.parallel_tool_calls
    if conversation.output is not None:
        stated["response_format"] = tools.write_output(conversation.output)
    if conversation.reasoning is not None:
        stated |= _reasoning(conversation.reasoning, quirks, losses)
    if quirks.verbosity:
        stated["verbosity"] = conversation.verbosity
    elif conversation.verbosity is not None:
        losses.leave_out("verbosity")
    stated["user"] = conversation.user
    body |= {
        name: member for name, member in stated.items() if member is not None and losses.keeps(name)
    }
    if conversation.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return Encoded(msgspec.json.encode(body | dict(to.extra)), losses.left_out)


def _sampling(wish: Sampling, quirks: Quirks, losses: Losses) -> dict[str, Json]:
    stated: dict[str, Json] = {
        quirks.limit_member: wish.max_tokens,
        "temperature": wish.temperature,
        "top_p": wish.top_p,
        "stop": list(wish.stop) or None,
        "n": wish.n,
        "seed": wish.seed,
        "frequency_penalty": wish.frequency_penalty,
        "presence_penalty": wish.presence_penalty,
        "logit_bias": dict(wish.logit_bias) if wish.logit_bias else None,
    }
    if wish.logprobs and losses.keeps("logprobs"):
        stated |= {"logprobs": True, "top_logprobs": wish.top_logprobs}
    local: dict[str, Json] = {"top_k": wish.top_k, "min_p": wish.min_p}
    if quirks.local_sampling:
        return stated | local
    for name, member in local.items():
        if member is not None:
            losses.refuse(name)
    return stated


def _reasoning(wish: Reasoning, quirks: Quirks, losses: Losses) -> dict[str, Json]:
    """OpenRouter's object takes an effort or a budget, not both; other servers take efforts."""
    if wish.adaptive:
        losses.leave_out("adaptive_thinking")
    if not quirks.reasoning_object:
        if wish.visible is not None:
            losses.leave_out("reasoning.visible")
        return {"reasoning_effort": effort_wanted(wish)}
    stated: dict[str, Json] = {}
    if wish.budget_tokens is not None and wish.effort != "none":
        stated["max_tokens"] = wish.budget_tokens
    elif wish.effort is not None:
        stated["effort"] = wish.effort
    if wish.visible is not None:
        stated["exclude"] = not wish.visible
    return {"reasoning": stated or None}


@dataclass(slots=True)
class _Writer:
    """Writes messages in order."""

    quirks: Quirks
    losses: Losses
    #: Parts of tool results that stand in no tool message: they follow in one of the user's.
    attached: list[Json] = field(default_factory=list)

    def messages(self, messages: Sequence[Message]) -> list[Json]:
        written: list[Json] = []
        for message in messages:
            results = [part for part in message.parts if isinstance(part, ToolResult)]
            written += [self._result(result) for result in results]
            rest = tuple(part for part in message.parts if not isinstance(part, ToolResult))
            if rest or not results:
                written += self._attachments()
                written.append(self._message(message, rest))
        return [*written, *self._attachments()]

    def _message(self, message: Message, content: tuple[Part, ...]) -> Json:
        if message.role == "assistant":
            return self._assistant(message, content)
        known = message.role != "developer" or self.quirks.developer_role
        written: dict[str, Json] = {
            "role": message.role if known else "system",
            "content": self._content(content),
        }
        return written | ({"name": message.name} if message.name else {})

    def _assistant(self, message: Message, said: tuple[Part, ...]) -> Json:
        known = Text | Thinking | Refusal | ToolCall
        for part in said:
            if not isinstance(part, known):
                self._refuse(part)
        texts = [part for part in said if isinstance(part, Text)]
        called: list[Json] = [self._call(part) for part in said if isinstance(part, ToolCall)]
        refusal = "".join(part.text for part in said if isinstance(part, Refusal))
        content = self._content(texts, between="") if texts else None
        if content is None and not called and not refusal:
            content = ""
        written: dict[str, Json] = {"role": "assistant", "content": content}
        written |= {"name": message.name} if message.name else {}
        written |= {"refusal": refusal} if refusal else {}
        written |= self._thinking([part for part in said if isinstance(part, Thinking)])
        return written | ({"tool_calls": called} if called else {})

    def _refuse(self, part: Part) -> None:
        """The assistant's words are text only."""
        if isinstance(part, Opaque):
            self.losses.refuse_opaque(part)
        else:
            kind = type(part).__name__.lower()
            self.losses.refuse("assistant_content", f"`{kind}` in the assistant's words")

    def _thinking(self, thoughts: list[Thinking]) -> dict[str, Json]:
        """Thoughts with another provider's mark say nothing to this one."""
        taken = [thought for thought in thoughts if not is_marked(thought.signature)]
        if not self.quirks.reasoning_history:
            taken = []
        if len(taken) < len(thoughts):
            self.losses.leave_out("thinking")
        return spoken(taken) if taken else {}

    def _call(self, call: ToolCall) -> Json:
        written = calls.write(call)
        if call.signature is not None and not self.quirks.reasoning_history:
            del written["extra_content"]
            self.losses.leave_out("thought_signature")
        return written

    def _result(self, result: ToolResult) -> Json:
        if result.is_error:
            self.losses.leave_out("is_error")
        texts = [part for part in result.parts if isinstance(part, Text)]
        others = [part for part in result.parts if not isinstance(part, Text)]
        if others:
            self.attached.append({"type": "text", "text": f"(returned by call {result.call_id})"})
            self.attached += list(self._parts(others))
        return {
            "role": "tool",
            "tool_call_id": result.call_id,
            "content": self._content(texts),
        }

    def _attachments(self) -> list[Json]:
        attached, self.attached = self.attached, []
        return [{"role": "user", "content": attached}] if attached else []

    def _content(self, content: Sequence[Part], between: str = "\n") -> Json:
        """Words alone are one string, which every server takes; the rest are parts."""
        texts = [part for part in content if isinstance(part, Text)]
        cached = any(text.cache_control is not None for text in texts)
        if len(texts) < len(content) or (cached and self.quirks.cache_control):
            return list(self._parts(content))
        if cached:
            self.losses.leave_out("cache_control")
        return between.join(text.text for text in texts)

    def _parts(self, content: Sequence[Part]) -> Iterator[Json]:
        for part in content:
            written = parts.write(part, self.losses, self.quirks)
            if written:
                yield written
