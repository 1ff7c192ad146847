"""What the heuristic scorer looks at: which text, how long, and how it is built."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from pointsman.scoring.lexicon import Lexicon, Reading, flattened, fold, has_any, tokenise
from pointsman.tokens import estimate_tokens
from pointsman.types import Turn

#: Earlier user turns a short "yes, go on" may go back to.
CONTEXT_TURNS = 2
#: Tokens at each end of a prompt in which cues and structure are looked for. Orders stand at
#: the head or the tail; what lies between is material.
REACH = 250
_LONGEST_CONTINUATION = 80  # characters

_FENCE = re.compile("```|~~~")
_INLINE_CODE = re.compile("`[^`\n]{1,200}`")
_TABLE = re.compile(r"^ {0,8}\|? {0,8}:?-{3,}:? {0,8}\|", re.MULTILINE)
_JSON = re.compile(r'[{,]\s*"[^"\n]{1,80}"\s*:')
_ITEM = re.compile(r"[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]")
_FORMULA = re.compile(r"\$[^$\n]{1,200}\$|\\(?:frac|sum|int|begin|sqrt|lim)\b|[∑∫∂∇√∀∃∈≤≥]")
_FORMULA_SIGNS = "$\\∑∫∂∇√∀∃∈≤≥"
_QUESTION = re.compile("[?\uff1f\u061f]+")  # also full-width and Arabic
_NOT_SINGLE = ("??", "\uff1f", "\u061f")


class Structure(msgspec.Struct, frozen=True):
    """How a text is built, in counts; each is taken when it is asked for."""

    prose: str
    code_blocks: int

    @property
    def tables(self) -> int:
        """Tables, by the line below their heads."""
        return len(_TABLE.findall(self.prose)) if "|" in self.prose else 0

    @property
    def json_members(self) -> int:
        """Names of members of JSON objects."""
        return len(_JSON.findall(self.prose)) if '"' in self.prose else 0

    @property
    def items(self) -> int:
        """Items of lists."""
        return sum(map(bool, map(_ITEM.match, self.prose.split("\n"))))

    @property
    def formulas(self) -> int:
        """Formulas, or signs that only formulas have."""
        return len(_FORMULA.findall(self.prose)) if has_any(self.prose, _FORMULA_SIGNS) else 0

    @property
    def questions(self) -> int:
        """Question marks; several in a row are one."""
        single = not any(map(self.prose.__contains__, _NOT_SINGLE))
        return self.prose.count("?") if single else len(_QUESTION.findall(self.prose))


class Features(msgspec.Struct, frozen=True):
    """Everything the five signals are computed from."""

    tokens: int
    structure: Structure
    #: What was read: the prose, or its ends, in one line.
    read: str
    #: The cues in the prose that asks; code and material to be worked on are left out.
    reading: Reading


def extract(text: str, lexicon: Lexicon) -> Features:
    """Read the text that is to be scored. Linear in its length."""
    prose, code_blocks = _split_code(text)
    flat = flattened(text)
    flat_prose = flat if prose is text else flattened(prose)
    tokens = estimate_tokens(flat)
    reach = REACH * len(flat) // max(1, tokens) + 1
    read = _ends(flat_prose, reach)
    reading = lexicon.read(fold(read))
    return Features(
        tokens=tokens,
        structure=Structure(_ends(prose, reach), code_blocks),
        read=read,
        reading=_without_material(reading, prose[:reach]),
    )


def scored_text(turns: Sequence[Turn], lexicon: Lexicon) -> str:
    """The last user turn; where it only says "yes, go on", the user turn that it continues."""
    said = [turn.text for turn in turns if turn.role == "user"][-1 - CONTEXT_TURNS :]
    if len(said) == 1:
        return said[0]
    for text in reversed(said):
        if len(text) > _LONGEST_CONTINUATION or not lexicon.is_continuation(fold(text)):
            return text
    return said[-1] if said else ""


def _split_code(text: str) -> tuple[str, int]:
    """The text without fenced and inline code, and how many fences were opened."""
    if "`" not in text and "~" not in text:
        return text, 0
    segments = _FENCE.split(text)
    return _INLINE_CODE.sub(" ", "\n".join(segments[::2])), len(segments) // 2


def _ends(text: str, reach: int) -> str:
    return text if len(text) <= 2 * reach else f"{text[:reach]}\n{text[-reach:]}"


def _without_material(reading: Reading, prose: str) -> Reading:
    """Drop the cues in what a first order such as "translate" is to be applied to.

    The material begins at the first colon or opening quote after that order, or with the
    second paragraph.
    """
    for cue, at in reading.hits:
        if ("simple", "material") in cue.tags:
            ends = (reading.opener_after(at), _first_paragraph(prose, at))
            return reading.until(min((end for end in ends if end), default=len(reading.tokens)))
        if "complex" in cue.sections:
            break
    return reading


def _first_paragraph(prose: str, after: int) -> int | None:
    """How many tokens the first paragraph has, if it holds token `after` and is not the last."""
    first, separator, _ = prose.strip().partition("\n\n")
    if not separator:
        return None
    end = len(tokenise(fold(first)))
    return end if end > after else None
