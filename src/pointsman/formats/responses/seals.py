"""Proofs of other providers, carried to a client and back in `encrypted_content`.

Other formats have signatures on thinking, redacted thinking and signatures on tool calls; clients of
this one keep a reasoning item's `encrypted_content` as it is. What stands in it is sealed with a
word of ours, so that it is told from what a responses upstream encrypted itself, which says nothing
to any other provider.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

#: `call` is the signature of the function call that follows the reasoning item.
Kind: TypeAlias = Literal["thinking", "redacted", "call"]

MARK = "pointsman:"
_KINDS: tuple[Kind, ...] = ("thinking", "redacted", "call")


def sealed(kind: Kind, proof: str) -> str:
    """`encrypted_content` that carries a proof."""
    return f"{MARK}{kind}:{proof}"


def of_thinking(proof: str | None, *, redacted: bool) -> str:
    """`encrypted_content` for thinking; that nothing proves it is sealed as well."""
    return sealed("redacted" if redacted else "thinking", proof or "")


def opened(content: str | None) -> tuple[Kind, str] | None:
    """The proof in `encrypted_content`; None where it is not ours."""
    for kind in _KINDS:
        prefix = f"{MARK}{kind}:"
        if content is not None and content.startswith(prefix):
            return kind, content.removeprefix(prefix)
    return None
