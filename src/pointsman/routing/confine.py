"""What must stay local: because of what a prompt holds, or because somebody says so. Pure.

Settings and requests can only tighten what holds for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pointsman.errors import BadRequest
from pointsman.routing.privacy import Detector, Level
from pointsman.types import Confined, ModelRequest, Principal, PrivacyWish, Turn

#: What a key, an organisation or a request may ask for; `local` looks at nothing and stays local.
_ORDER: tuple[PrivacyWish, ...] = ("off", "secrets", "personal", "local")


class Confinement(msgspec.Struct, frozen=True):
    """Decides what must stay local."""

    #: By level; `off` and `local` need none.
    detectors: Mapping[Level, Detector]
    level: PrivacyWish = "secrets"
    by_organisation: Mapping[str, PrivacyWish] = msgspec.field(default_factory=dict)
    by_key: Mapping[str, PrivacyWish] = msgspec.field(default_factory=dict)

    def of(self, request: ModelRequest, principal: Principal, asked: str | None) -> Confined | None:
        """Why a request must stay local; None where it need not.

        `asked` is the request's own wish. Raises BadRequest where it is none.
        """
        wished = _wish(asked)
        own = (
            self.by_organisation.get(principal.organisation),
            self.by_key.get(principal.key),
            principal.grant.privacy,
        )
        held = max((self.level, *(wish for wish in own if wish)), key=_ORDER.index)
        if "local" in {held, wished}:
            return Confined((), "key" if held == "local" else "request")
        level = max(held, wished or "off", key=_ORDER.index)
        if level == "off" or level == "local":  # noqa: PLR1714 - narrows the type
            return None
        unscored = [Turn("user", text) for text in request.private_texts]
        kinds = self.detectors[level].find([*request.turns, *unscored])
        return Confined(kinds, "prompt") if kinds else None


def _wish(asked: str | None) -> PrivacyWish | None:
    if asked is None:
        return None
    wish = next((wish for wish in _ORDER if wish == asked.strip().lower()), None)
    if wish is None:
        raise BadRequest(
            f"x-pointsman-privacy: {asked[:40]!r} is none of {', '.join(_ORDER)}; "
            "`local` keeps the request on local deployments",
            param="x-pointsman-privacy",
        )
    return wish
