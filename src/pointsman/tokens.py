"""Token estimates for text whose tokenizer we do not have. A leaf.

Four bytes of English or code are about one token in current vocabularies; in scripts without
spaces a character is about one. The upstream's own count always wins over this one.
"""

from __future__ import annotations

BYTES_PER_TOKEN = 4
_WIDE_FROM = "\u2e80"  # CJK radicals: from here on, about one token a character


def estimate_tokens(text: str) -> int:
    """Tokens of `text`, at least 1 unless it is empty."""
    if not text:
        return 0
    if text.isascii():
        return -(-len(text) // BYTES_PER_TOKEN)
    wide = sum(char >= _WIDE_FROM for char in text)
    return wide + -(-(len(text) - wide) // BYTES_PER_TOKEN)
