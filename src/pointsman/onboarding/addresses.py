"""Addresses as they may stand in a configuration: with no secret in them."""

from __future__ import annotations


def without_password(url: str) -> str:
    """`http://host/v1` for `http://user:secret@host/v1`; anything else as it is."""
    scheme, there, rest = url.partition("://")
    if not there:
        return url
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
