"""A conversation as a value: what was said, what goes with it, what it took. Pure."""

from __future__ import annotations

import base64
import mimetypes
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias
from uuid import uuid4

import msgspec

from pointsman.cli.chat.client import Record
from pointsman.errors import BadRequest
from pointsman.formats import data_urls
from pointsman.tokens import estimate_tokens


class ImageUrl(msgspec.Struct):
    """Where an image is; here always a `data:` address."""

    url: str


class Part(msgspec.Struct, omit_defaults=True):
    """A part of a question, as OpenAI's format has it."""

    type: Literal["text", "image_url"]
    text: str | None = None
    image_url: ImageUrl | None = None


#: A text, or texts and images.
Content: TypeAlias = str | list[Part]


class Turn(msgspec.Struct):
    """A question and its answer, as far as it came."""

    question: Content
    answer: str
    request_id: str = ""


class Saved(msgspec.Struct):
    """A conversation as it is kept in a file."""

    turns: list[Turn]
    system: str = ""
    model: str = "auto"
    parameters: dict[str, object] = {}


@dataclass
class Totals:
    """What the answers of this session took, in US dollars; those of unknown price are counted."""

    answers: int = 0
    cost: Decimal = Decimal(0)
    baseline: Decimal = Decimal(0)
    unpriced: int = 0
    by_place: dict[str, int] = field(default_factory=dict)

    def add(self, record: Record | None, place: str) -> None:
        """Count an answer; `place` is `local`, `cloud` or `cache`."""
        self.answers += 1
        self.by_place[place] = self.by_place.get(place, 0) + 1
        if record is None or record.cost is None:
            self.unpriced += 1
            return
        self.cost += record.cost
        self.baseline += record.cost + (record.saved or Decimal(0))

    @property
    def saved(self) -> Decimal:
        """Less than the baseline would have cost."""
        return self.baseline - self.cost


@dataclass
class Talk:
    """A conversation that goes on."""

    #: What `model` says from now on.
    model: str = "auto"
    system: str = ""
    #: They reach the model as they are.
    parameters: dict[str, object] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    #: Parts that go along with the next question.
    attached: list[Part] = field(default_factory=list)
    #: The last question, whether or not it was answered.
    asked: Content | None = None
    #: By which the gateway knows that requests belong together.
    session: str = field(default_factory=lambda: uuid4().hex)

    def question(self, text: str) -> Content:
        """`text` with what was attached, which is used up by that."""
        attached, self.attached = self.attached, []
        return [*attached, Part("text", text)] if attached else text

    def body(self, question: Content, model: str | None = None) -> dict[str, object]:
        """The chat request that asks `question` after all that was said."""
        messages: list[dict[str, object]] = (
            [{"role": "system", "content": self.system}] if self.system else []
        )
        for turn in self.turns:
            messages += [
                {"role": "user", "content": turn.question},
                {"role": "assistant", "content": turn.answer},
            ]
        messages.append({"role": "user", "content": question})
        return {"model": model or self.model, "messages": messages, **self.parameters}

    @property
    def tokens(self) -> int:
        """What has been said, in tokens, estimated from the text."""
        said = (text for turn in self.turns for text in (words(turn.question), turn.answer))
        return sum(map(estimate_tokens, (self.system, *said)))

    def clear(self) -> None:
        """Forget what was said; the model, the system prompt and the parameters stay."""
        self.turns, self.attached, self.asked = [], [], None
        self.session = uuid4().hex

    def saved(self) -> bytes:
        """As a file."""
        saved = Saved(self.turns, self.system, self.model, self.parameters)
        return msgspec.json.format(msgspec.json.encode(saved), indent=2) + b"\n"

    def restore(self, file: bytes) -> None:
        """Go on where the file ends. Raises BadRequest where it holds no conversation."""
        try:
            saved = msgspec.json.decode(file, type=Saved)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadRequest(f"it holds no conversation: {error}") from error
        self.clear()
        self.turns, self.system = saved.turns, saved.system
        self.model, self.parameters = saved.model, dict(saved.parameters)
        self.asked = saved.turns[-1].question if saved.turns else None


def typed(content: Content) -> str:
    """A question without what was attached."""
    return content if isinstance(content, str) else content[-1].text or ""


def words(content: Content) -> str:
    """The text of a question, with the texts that were attached."""
    if isinstance(content, str):
        return content
    return "\n".join(part.text for part in content if part.text is not None)


def part_of(name: str, file: bytes) -> Part:
    """A file as part of a question: an image, or text under its name.

    Raises BadRequest where it is neither.
    """
    kind = mimetypes.guess_type(name)[0] or ""
    if kind.startswith("image/"):
        url = data_urls.write(kind, base64.b64encode(file).decode())
        return Part("image_url", image_url=ImageUrl(url))
    try:
        text = file.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"{name} is neither text in UTF-8 nor an image") from error
    return Part("text", f"{name}:\n```\n{text.rstrip()}\n```")
