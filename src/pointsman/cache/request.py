"""What a caller says of the cache: `x-pointsman-cache`, its tags, and HTTP's Cache-Control. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import get_args

from msgspec.structs import replace

from pointsman.errors import BadRequest
from pointsman.types import CacheTier, CacheWish

HEADER = "x-pointsman-cache"
TAGS_HEADER = "x-pointsman-cache-tags"
#: Tags of one reply, and characters of one.
MOST_TAGS = 16
LONGEST_TAG = 64

_TIERS: tuple[CacheTier, ...] = get_args(CacheTier)
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
_UNWISHED = CacheWish()


def wish(headers: Mapping[str, str]) -> CacheWish:
    """What the headers (names in lower case) ask for. Raises BadRequest that names the header.

    `x-pointsman-cache: semantic; max-age=3600; min-similarity=0.97; no-store`. HTTP's own
    `Cache-Control` counts as far as it tightens: no-store, no-cache, max-age.
    """
    own, standard = headers.get(HEADER), headers.get("cache-control")
    tags = headers.get(TAGS_HEADER)
    if own is None and standard is None and tags is None:
        return _UNWISHED
    wished = _standard(standard or "")
    for name, value in _directives(own or ""):
        wished = _heard(wished, name, value)
    return replace(wished, tags=_tags(tags or ""))


def _standard(header: str) -> CacheWish:
    """Only what every proxy understands; what is malformed or unknown is not ours to refuse."""
    wished = CacheWish()
    for name, value in _directives(header):
        if name == "no-store":
            wished = replace(wished, tier="off", keep=False)
        elif name == "no-cache":
            wished = replace(wished, tier="off")
        elif name == "max-age" and value.isascii() and value.isdigit():
            wished = replace(wished, max_age_s=float(value[:12]))
    return wished


def _heard(wished: CacheWish, name: str, value: str) -> CacheWish:
    """With one directive more."""
    match name:
        case "off" | "exact" | "semantic" if not value:
            lowest = wished.tier or "semantic"
            return replace(wished, tier=min(lowest, _tier(name), key=_TIERS.index))
        case "no-store" if not value:
            return replace(wished, keep=False)
        case "max-age":
            age = _number(name, value, most=math.inf)
            before = age if wished.max_age_s is None else wished.max_age_s
            return replace(wished, max_age_s=min(age, before))
        case "min-similarity":
            lowest_yet = wished.min_similarity or 0.0
            return replace(wished, min_similarity=max(_number(name, value, most=1.0), lowest_yet))
    raise BadRequest(
        f"{HEADER} takes off, exact or semantic, and no-store, max-age=SECONDS and "
        f"min-similarity=COSINE, not {name[:64]!r}",
        param=HEADER,
    )


def _tier(name: str) -> CacheTier:
    return next(tier for tier in _TIERS if tier == name)


def _directives(header: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"[;,]", header):
        name, _, value = part.partition("=")
        if name.strip():
            yield name.strip().lower(), value.strip().strip('"')


def _number(name: str, value: str, *, most: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number <= most:
        upper = "" if math.isinf(most) else f" to {most:g}"
        raise BadRequest(
            f"{HEADER}: {name} must be a number from 0{upper}, not {value[:64]!r}", param=HEADER
        )
    return number


def _tags(header: str) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(filter(None, (tag.strip() for tag in header.split(",")))))
    for tag in tags:
        if len(tag) > LONGEST_TAG or not _TAG.fullmatch(tag):
            raise BadRequest(
                f"{TAGS_HEADER}: {tag[:LONGEST_TAG]!r} is no tag: up to {LONGEST_TAG} letters, "
                "digits and . _ : / @ + -",
                param=TAGS_HEADER,
            )
    if len(tags) > MOST_TAGS:
        raise BadRequest(f"{TAGS_HEADER}: at most {MOST_TAGS} tags", param=TAGS_HEADER)
    return tags
