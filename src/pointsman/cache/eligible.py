"""Which requests may have the reply to a similar one; the others only to the same. Pure.

What depends on the moment, on attachments, or on chance has no reply that another one may have.
"""

from __future__ import annotations

import re

import msgspec

from pointsman.types import Json, ModelRequest

#: Up to this, replies to one prompt are much alike; above it, variety is what is wanted.
HIGH_TEMPERATURE = 1.0
#: Characters of a last user turn: more than any embedder's window.
LONGEST = 4_000
#: Words of a prompt below which it means what stands before it (`yes`, `go on`), or nothing.
_FEWEST_LETTERS = 6

#: Members that make a request more than a question: asked for, they bypass the semantic tier.
_MORE = ("tools", "functions", "suffix", "raw", "images", "logprobs", "top_logprobs", "modalities")
_EMPTY = frozenset({b"null", b"[]", b"{}", b"false", b'""', b"0"})
_TOOL_ROLES = frozenset({"tool", "function"})
_NUMBER_MEMBERS = ("n", "candidate_count")

#: Words by which an answer is true for a while only. By language: en, de, es, fr, hi, zh.
_MOMENT = re.compile(
    r"""\b(?:
      today|todays|tonight|tomorrow|yesterday|now|nowadays|currently|latest|newest
    | right\ now|at\ the\ moment|up\ to\ date|breaking|just\ now
    | exchange\ rates?|(?:stock|share)\ prices?
    | price\ of\ (?:bitcoin|ethereum|gold|silver|oil|gas|petrol|diesel)
    | (?:this|next|coming|current)\ (?:second|minute|hour|morning|afternoon|evening|night
      |day|week|weekend|month|quarter|year|season|spring|summer|autumn|fall|winter|election
      |monday|tuesday|wednesday|thursday|friday|saturday|sunday)
    | what(?:'s|\ is)?\ (?:the\ )?(?:time|date|day)\ (?:is\ it|in|at)|what\ time\ is\ it
    | last\ (?:night|monday|tuesday|wednesday|thursday|friday|saturday|sunday)
    | weather|forecast|live\ score|current\ (?:price|time|president|version|score|rate|news)
    | heute|morgen|gestern|jetzt|derzeit|aktuell\w*|momentan|neueste\w*|(?:diese|letzte|nächste)[rsnm]?\ \w+
    | hoy|mañana|ayer|ahora|actual|actualmente|última\w*|últimos?|esta\ (?:semana|noche|mañana)|este\ (?:mes|año)
    | aujourd.hui|demain|hier|maintenant|actuellement|dernière?s?|derniers?|cette\ (?:semaine|année)|ce\ (?:mois|soir)
    )\b
    | आज | कल | अभी | परसों | नवीनतम | वर्तमान
    | 今天 | 明天 | 昨天 | 现在 | 目前 | 最新 | 最近 | 今年 | 去年 | 明年 | 本周 | 本月 | 当前
    """,
    re.VERBOSE | re.IGNORECASE,
)
#: What was pasted rather than asked: code, logs, data.
_CODE = re.compile(
    r"```|^(?: {4}|\t)\S.*[;{}()=]|^[^\S\n]*(?:import|def|class|#include|SELECT)\b.*$", re.MULTILINE
)
_LONG_NUMBER = re.compile(r"\d[\d\s.,-]{10,}\d")


def objection(request: ModelRequest) -> str | None:
    """Why a request gets no reply to a similar one; None where it may. In one word."""
    members = request.members
    if request.task != "chat" or request.needs - {"json_schema"}:
        return "attachments"
    for name in _MORE:
        if members.get(name, b"null").strip() not in _EMPTY:
            return "tools" if name in {"tools", "functions"} else name
    if any(turn.role in _TOOL_ROLES for turn in request.turns):
        return "tools"
    if any(_number(members.get(name)) > 1 for name in _NUMBER_MEMBERS):
        return "n"
    if (temperature(request) or 0.0) > HIGH_TEMPERATURE:
        return "temperature"
    return None


def turn_objection(turn: str) -> str | None:
    """The same for the words of its last user turn."""
    if len(turn) > LONGEST:
        return "long"
    if sum(map(str.isalpha, turn[:1000])) < _FEWEST_LETTERS and turn.isascii():
        return "short"
    if _CODE.search(turn):
        return "code"
    if _LONG_NUMBER.search(turn):
        return "numbers"
    if _MOMENT.search(turn):
        return "time"
    return None


def temperature(request: ModelRequest) -> float | None:
    """What it asks for, in OpenAI's or in Ollama's place; None where it leaves that open."""
    stated: Json = msgspec.json.decode(request.members.get("temperature", b"null"))
    if stated is None:
        options: Json = msgspec.json.decode(request.members.get("options", b"null"))
        stated = options.get("temperature") if isinstance(options, dict) else None
    return float(stated) if isinstance(stated, int | float) else None


def _number(raw: bytes | None) -> float:
    """A member's number; 0 where it is none."""
    value = None if raw is None else msgspec.json.decode(raw)
    return float(value) if isinstance(value, int | float) else 0.0
