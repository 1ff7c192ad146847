"""`/dashboard/session`: sign in with a key, and sign out."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from pointsman.access.authenticate import refuse_other_pages
from pointsman.access.sessions import Session, cookie_name
from pointsman.errors import AuthenticationFailed, Forbidden
from pointsman.server.bodies import SignIn, read
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.types import Principal

#: Neither scripts nor other sites' pages get to use it; it ends with the browser.
_COOKIE_RULES = "Path=/; HttpOnly; SameSite=Strict"


async def session(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Who is signed in at the dashboard, and the token that its requests must carry."""
    return _as_it_is(gateway, incoming.headers)


async def sign_in(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Trade a key for a session: a cookie that no script can read."""
    asked = await read(incoming.body, SignIn)
    headers = incoming.headers
    refuse_other_pages(headers, silent=True)
    if gateway.access.lets_anybody_in:
        return _as_it_is(gateway, headers)
    token, begun = gateway.sign_ins.begin(asked.key)
    gateway.sign_ins.end(headers)
    told = _told(gateway, gateway.access.holder(begun.digest), begun)
    return _with_cookie(told, f"{token}; {_COOKIE_RULES}", headers)


async def sign_out(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """End the session."""
    headers = incoming.headers
    if gateway.sign_ins.session(headers) is not None:
        gateway.sign_ins.authenticate(incoming.method, headers)
        gateway.sign_ins.end(headers)
    told = _as_it_is(gateway, headers)
    return _with_cookie(told, f"; {_COOKIE_RULES}; Max-Age=0", headers)


def _as_it_is(gateway: Gateway, headers: Mapping[str, str]) -> Outgoing:
    try:
        principal = gateway.sign_ins.authenticate("GET", headers)
    except (AuthenticationFailed, Forbidden):
        return _told(gateway, None, None)
    return _told(gateway, principal, gateway.sign_ins.session(headers))


def _told(gateway: Gateway, principal: Principal | None, begun: Session | None) -> Outgoing:
    who = principal and {
        "organisation": principal.organisation,
        "key": principal.key,
        "role": principal.grant.role,
    }
    said = as_json(
        {
            "needs_key": not gateway.access.lets_anybody_in,
            "signed_in": principal is not None,
            "principal": who,
            "csrf": begun and begun.csrf,
            "version": gateway.version,
            "baseline": gateway.baseline,
        }
    )
    return replace(said, headers={"cache-control": "no-store"})


def _with_cookie(outgoing: Outgoing, value: str, headers: Mapping[str, str]) -> Outgoing:
    """Where the page came by HTTPS, as its browser or the proxy in front says, so must the cookie."""
    is_https = (
        headers.get("origin", "").startswith("https://")
        or headers.get("x-forwarded-proto", "") == "https"
    )
    cookie = f"{cookie_name(headers)}={value}{'; Secure' if is_https else ''}"
    return replace(outgoing, headers={**outgoing.headers, "set-cookie": cookie})
