"""What a scripted upstream says where it was not told what to say. Pure.

Short, deterministic, about the question, and open about being scripted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

GIST_WORDS = 8  # words of the question that are repeated in the answer
RESULT_CHARACTERS = 200  # of a tool's result that are repeated in the answer

_CODE = re.compile(
    r"\b(code|function|class|python|javascript|typescript|rust|sql|bug|regex|script|compile)\b|```"
)
_TRANSLATION = re.compile(r"\b(translate|translation)\b")
_GREETING = re.compile(r"\W*(hi|hello|hey|good (morning|evening))\b")
_NAME = re.compile(r"[a-z]+")
_WORD = re.compile(r"[^\W_]+")


def answer(question: str, *, images: int = 0, choice: int = 0) -> str:
    """An answer to `question`; the `choice` among several makes each read differently."""
    about = gist(question) or "nothing"
    lowered = question.lower()
    if _CODE.search(lowered):
        text = (
            f'Here is a scripted sketch for "{about}":\n\n'
            f"```python\ndef {_identifier(about)}() -> None:\n"
            f'    """Made without a model, so it does nothing yet."""\n```'
        )
    elif _TRANSLATION.search(lowered):
        text = f'A translation would stand here for "{about}"; this reply is scripted.'
    elif _GREETING.match(lowered):
        text = "Hello! This is a scripted reply; no model was asked."
    elif question.rstrip().endswith("?"):
        text = f'You asked "{about}" This reply is scripted, so the answer is left to a model.'
    else:
        text = f'I have read "{about}". This reply is scripted; no model was asked.'
    if images:
        text += f" It came with {images} image{'s' if images > 1 else ''}."
    return text if choice == 0 else f"{text} This is choice {choice + 1}."


def tool_answer(results: Sequence[tuple[str, str]]) -> str:
    """An answer that mentions what each tool (name, result) returned."""
    said = " ".join(
        f"The tool {name} returned: {result.strip()[:RESULT_CHARACTERS]}."
        for name, result in results
    )
    return f"{said} This reply is scripted."


def of_length(text: str, words: int) -> str:
    """`text` said over and over, until it has this many words."""
    pieces = text.split()
    return " ".join((pieces * (words // len(pieces) + 1))[:words])


def gist(text: str) -> str:
    """The first words of `text`."""
    words = text.split()
    return " ".join(words[:GIST_WORDS]) + (" ..." if len(words) > GIST_WORDS else "")


def words(text: str) -> frozenset[str]:
    """The words of a text or of an identifier, in lower case."""
    return frozenset(_WORD.findall(text.lower()))


def _identifier(text: str) -> str:
    return "_".join(["sketch", *_NAME.findall(text.lower())[:4]])
