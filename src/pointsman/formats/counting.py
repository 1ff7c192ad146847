"""Tokens, counted by us where nobody says how many they are."""

from __future__ import annotations

import msgspec

from pointsman.tokens import BYTES_PER_TOKEN
from pointsman.types import ModelRequest, Usage

#: The chat template's markers around each message, in tokens.
TOKENS_PER_MESSAGE = 4
#: A 1024x1024 image at high detail (OpenAI's pricing page: 85 + 4 tiles of 170).
TOKENS_PER_IMAGE = 765
#: A page of a PDF, text and picture (Anthropic's guide to PDFs: 1,500-3,000 for the text alone);
#: how many there are is guessed from the size.
TOKENS_PER_PAGE = 3000
_BYTES_PER_PAGE = 100_000
#: Sound: 32 tokens a second (Gemini's guide to audio; OpenAI takes 10), at 64 kbit a second in base64.
_SOUND_PER_TOKEN = 333
#: What files have to be called to be read as text.
_TEXT = ("text/", "application/json", "application/xml")
#: More tokens than this in one reply is a mistake of the upstream's, not a figure.
MOST_TOKENS = 1_000_000_000
#: What upstreams call the service that everybody gets for the listed price.
_USUAL = frozenset(
    {"", "auto", "default", "standard", "standard_only", "on_demand", "global", "not_available"}
)
_LONGEST_SERVICE = 32
#: Members by which clients ask for another service (OpenAI's, Anthropic's).
_SERVICE_MEMBERS = ("service_tier", "speed", "inference_geo")


def file_tokens(data: str | None, media_type: str = "") -> int:
    """Tokens of a document in base64; of one that only its provider has, those of a page."""
    size = len(data or "")
    if media_type.startswith(_TEXT):
        return tokens_in(size * 3 // 4)
    return TOKENS_PER_PAGE * (1 + size // _BYTES_PER_PAGE)


def sound_tokens(data: str) -> int:
    """Tokens of sound in base64, whatever its format: rather too many."""
    return -(-len(data) // _SOUND_PER_TOKEN)


def tokens_in(size: int) -> int:
    """Tokens in so many bytes of text."""
    return -(-size // BYTES_PER_TOKEN)


def counted(prompt_tokens: int, produced_bytes: int) -> Usage:
    """Our own count of a reply, marked as such."""
    return Usage(prompt_tokens, tokens_in(produced_bytes), estimated=True)


def figure(said: object) -> int:
    """A count that is nice to have: 0 where it is missing or can't be."""
    if isinstance(said, bool) or not isinstance(said, int):
        return 0
    return said if 0 <= said <= MOST_TOKENS else 0


def services(*said: object) -> tuple[str, ...]:
    """Of an upstream's words for how it served a request, those that may change its price."""
    words = (word.strip().lower() for word in said if isinstance(word, str))
    return tuple(word for word in words if word not in _USUAL and len(word) <= _LONGEST_SERVICE)


def services_wanted(request: ModelRequest) -> tuple[str, ...]:
    """Of a request's words for how it wants to be served, those that may change its price."""
    members = request.members
    stated = [members[name] for name in _SERVICE_MEMBERS if name in members]
    return services(*map(msgspec.json.decode, stated)) if stated else ()
