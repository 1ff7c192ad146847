"""Proofs of thinking, and whose they are.

Anthropic's are base64 and go through clients as they are. Others carry their provider's mark while
a client holds them (`gemini:`, `responses:`), so that each comes back to who gave it and to nobody
else: a provider refuses what it did not sign.
"""

from __future__ import annotations


def is_marked(proof: str | None) -> bool:
    """Whether a proof carries a provider's mark; base64 has no colon."""
    return proof is not None and ":" in proof
