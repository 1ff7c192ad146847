"""Whether an answer has the form that was asked for: JSON, code that parses, a language. Pure."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from itertools import islice

from pointsman.conversation import OutputFormat
from pointsman.types import Json

#: Characters and blocks of an answer in which code is looked for, and how deep a schema is followed.
_LONGEST_CODE, _MOST_BLOCKS = 20_000, 20
_DEEPEST = 6
#: Brackets inside each other from which code isn't parsed.
_DEEPEST_BRACKETS = 60
#: Words of an answer from which its language can be told, and the share of them that tells.
_FEW_WORDS = 12
#: Characters of a prompt that gives more than a few words to translate.
_SOME_TEXT = 120
_SPOKEN, _UNSPOKEN = 0.12, 0.03

_FENCE = re.compile(r"```([\w+#-]{0,20})[^\n]{0,80}\n(.*?)(?:```|\Z)", re.DOTALL)
_PYTHON = ("python", "py", "python3")
_NOT_PLAIN = re.compile(r"^\s*(?:>>>|\.\.\.|[%!$]|In \[)", re.MULTILINE)
_ESCAPE = re.compile(r"\\.")
_WORD = re.compile(r"[^\W\d_]+")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}

#: The commonest words of languages that share the Latin script.
_COMMON: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "english": "the of and to in is that it for was with as are this you be have not by",
        "german": "der die das und ist nicht ein eine mit für auf den dem zu von sich auch wird sie",
        "french": "le la les des est une que dans pour qui sur pas avec par sont et du au ce",
        "spanish": "el la los las que es una por con para del se como más pero sus y en su",
        "italian": "il di che è la per una con non sono del della gli anche come più nel dei i",
        "portuguese": "o que não uma com para os por mais das dos como mas foi ao ele é do da",
        "dutch": "de het een van en is dat niet op te zijn voor met aan ook wordt er bij",
    }.items()
}
_SCRIPTS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(f"[{span}]")
    for name, span in {
        "chinese": "\u4e00-\u9fff",
        "japanese": "\u3040-\u30ff",
        "korean": "\uac00-\ud7af",
        "russian": "\u0400-\u04ff",
        "arabic": "\u0600-\u06ff",
        "hindi": "\u0900-\u097f",
        "greek": "\u0370-\u03ff",
        "hebrew": "\u0590-\u05ff",
    }.items()
}
_LANGUAGES = {
    "english|englisch|anglais|inglés": "english",
    "german|deutsch|auf deutsch|allemand": "german",
    "french|français|französisch": "french",
    "spanish|español|spanisch": "spanish",
    "italian|italiano": "italian",
    "portuguese|português": "portuguese",
    "dutch|nederlands": "dutch",
    "chinese|mandarin": "chinese",
    "japanese": "japanese",
    "korean": "korean",
    "russian": "russian",
    "arabic": "arabic",
    "hindi": "hindi",
    "greek": "greek",
    "hebrew": "hebrew",
}
_WANTED = re.compile(
    r"\b(?:answer|respond|reply|write|written|explain|antworte|réponds?|responde|translate\b.{0,60}?\binto"
    r"|translate\b.{0,60}?\bto)\b[^.\n]{0,60}?\b(?:in|auf|en|into|to)?\s?"
    r"\b(" + "|".join(_LANGUAGES) + r")\b",
    re.IGNORECASE,
)


def json_fault(text: str, output: OutputFormat) -> str | None:
    """What is wrong with the JSON that was asked for: `invalid_json`, `missing_member` or None."""
    try:
        value = json_of(text)
    except ValueError:
        return "invalid_json"
    if output.kind == "json_object":
        return None if isinstance(value, dict) else "invalid_json"
    return None if _fits(value, output.schema, 0) else "missing_member"


def json_of(text: str) -> Json:
    """The JSON that an answer is, fenced or not. Raises ValueError where it is none."""
    body = text.strip()
    fenced = _FENCE.fullmatch(body)
    try:
        value: Json = json.loads(fenced[2] if fenced else body)
    except RecursionError as error:
        raise ValueError("too deep") from error
    return value


def begins_as_json(text: str) -> bool:
    """Whether the first part of an answer can become JSON, fenced or not."""
    return text.lstrip()[:1] in ("{", "[", "`", "")


def code_fault(text: str) -> str | None:
    """`broken_code` where a block that calls itself Python does not parse."""
    for block in islice(_FENCE.finditer(text[:_LONGEST_CODE]), _MOST_BLOCKS):
        whole = block.end() < _LONGEST_CODE
        if whole and block[1].lower() in _PYTHON and not _parses(block[2]):
            return "broken_code"
    return None


def wanted_language(prompt: str) -> str | None:
    """The language that a prompt names for its answer; a few words are translated in any."""
    named = _WANTED.search(prompt)
    if named is None or (len(prompt) < _SOME_TEXT and named[0].lower().startswith("translate")):
        return None
    word = named[1].lower()
    return next(name for words, name in _LANGUAGES.items() if word in words.split("|"))


def language_of(text: str) -> str | None:
    """The language of a text with enough words to tell; None where it isn't clear."""
    letters = max(1, sum(map(str.isalpha, text)))
    scripts = {name: len(signs.findall(text)) for name, signs in _SCRIPTS.items()}
    if scripts["japanese"] > 0.1 * letters:
        return "japanese"
    name = max(scripts, key=scripts.__getitem__)
    if scripts[name] > 0.4 * letters:
        return name
    words = [word.lower() for word in _WORD.findall(text)]
    if len(words) < _FEW_WORDS:
        return None
    shares = {name: _spoken(words, common) for name, common in _COMMON.items()}
    best = max(shares, key=shares.__getitem__)
    return best if shares[best] >= _SPOKEN else None


def speaks(text: str, language: str) -> bool:
    """False where a text is clearly in another language than `language`."""
    found = language_of(text)
    if found is None or found == language:
        return True
    if language in _SCRIPTS:
        return _SCRIPTS[language].search(text) is not None
    words = [word.lower() for word in _WORD.findall(text)]
    return _spoken(words, _COMMON[language]) > _UNSPOKEN


def _spoken(words: list[str], common: frozenset[str]) -> float:
    return sum(word in common for word in words) / max(1, len(words))


def _parses(code: str) -> bool:
    """Whether Python can read it; what is no plain program is let pass."""
    if _NOT_PLAIN.search(code) or _deep(code):
        return True
    try:
        # An escape that Python does not know is a warning, and no fault.
        ast.parse(_ESCAPE.sub("__", code.replace("\\\n", "  ")))
    except (SyntaxError, ValueError):
        return False
    except (RecursionError, MemoryError):
        return True
    return True


def _deep(code: str) -> bool:
    depth = 0
    for sign in code:
        depth += (sign in "([{") - (sign in ")]}")
        if depth > _DEEPEST_BRACKETS:
            return True
    return False


def _fits(value: Json, schema: Json, depth: int) -> bool:
    """Types, required members and choices of a schema; what else it says is let pass."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return True
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        return False
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if kind is not None and not any(_is(value, name) for name in kinds):
        return False
    if isinstance(value, dict):
        return _has_members(value, schema, depth)
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        return all(_fits(item, items, depth + 1) for item in value)
    return True


def _has_members(value: dict[str, Json], schema: dict[str, Json], depth: int) -> bool:
    required = schema.get("required")
    if isinstance(required, list) and not all(name in value for name in required):
        return False
    members = schema.get("properties")
    if not isinstance(members, dict):
        return True
    return all(_fits(value[name], members[name], depth + 1) for name in members if name in value)


def _is(value: Json, kind: Json) -> bool:
    if not isinstance(kind, str) or kind not in _TYPES:
        return True
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])
