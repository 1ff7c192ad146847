"""Token estimates for text whose tokenizer we do not have. A leaf.

Four bytes of UTF-8 are about one token in current vocabularies: four letters of English or code,
a little more than one character of Chinese or Hindi. The upstream's own count always wins.
"""

from __future__ import annotations

BYTES_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """Tokens of `text`, at least 1 unless it is empty."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
