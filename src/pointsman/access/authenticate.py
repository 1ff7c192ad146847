"""Who is asking: the key that a request shows, and who may ask before there is any. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from pointsman.errors import AuthenticationFailed, Forbidden


def shown_key(headers: Mapping[str, str]) -> bytes | None:
    """The key as it was sent, as `Authorization: Bearer` or `x-api-key`; None where there is none.

    `headers` by names in lower case, decoded as Latin-1. Raises AuthenticationFailed for two keys
    that differ.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    other = headers.get("x-api-key", "").strip()
    if bearer and other and bearer != other:
        raise AuthenticationFailed("`Authorization` and `x-api-key` hold different keys: send one")
    shown = bearer or other
    return shown.encode("latin-1", "backslashreplace") if shown else None


def refuse_foreign_pages(headers: Mapping[str, str], origins: Collection[str] = ()) -> None:
    """Without a key, only this machine may ask: no foreign page, under no borrowed name.

    A browser states the page's origin; a page that had its own name resolved to this machine
    (DNS rebinding) shows in the host, and who comes through a tunnel or a proxy in what that adds.
    Pages of `origins` may ask; `*` is any. Raises AuthenticationFailed.
    """
    if not all(map(_is_this_machine, _hops(headers))):
        raise AuthenticationFailed(
            "who comes from elsewhere, through a proxy or a tunnel, may not ask without a key: "
            "`pointsman keys create --admin` makes one"
        )
    origin = headers.get("origin")
    if "*" in origins or origin in origins:
        return
    stated = [f"//{headers.get('host', 'localhost')}"] + ([] if origin is None else [origin])
    if not all(_is_this_machine(address) for address in stated):
        raise AuthenticationFailed(
            "a web page from elsewhere, or a host name that is not this machine's, may not ask "
            "without a key: `pointsman keys create --admin` makes one"
        )


def refuse_other_pages(headers: Mapping[str, str], *, silent: bool) -> None:
    """What a browser sends along with a cookie must come from a page of this gateway's.

    The browser says so itself (`Sec-Fetch-Site`); older ones, and those on a plain HTTP address,
    name the page's origin. Where neither is said, `silent` lets it pass. Raises Forbidden.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        is_own = site in {"same-origin", "none"}
    elif origin is not None:
        is_own = origin.partition("://")[2].lower() == headers.get("host", "").lower() != ""
    else:
        is_own = silent
    if not is_own:
        raise Forbidden("this may only be asked by a page of this gateway's own")


def _hops(headers: Mapping[str, str]) -> Iterator[str]:
    """For whom proxies ask, as they say in one way or another (`Forwarded`: RFC 7239): addresses."""
    for name in ("x-forwarded-for", "x-real-ip"):
        for hop in filter(None, map(str.strip, headers.get(name, "").split(","))):
            is_bare = hop.count(":") > 1 and not hop.startswith("[")  # of the sixth version
            yield f"//[{hop}]" if is_bare else f"//{hop}"
    for part in headers.get("forwarded", "").replace(",", ";").split(";"):
        name, _, hop = part.strip().partition("=")
        if name.lower() == "for":
            yield "//" + hop.strip('"')


def _is_this_machine(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
        named = host == "localhost" or host.endswith(".localhost")
        return named or ipaddress.ip_address(host).is_loopback
    except ValueError:  # neither an address nor one of our names
        return False
