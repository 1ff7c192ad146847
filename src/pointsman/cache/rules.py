"""What the operator allows the cache to do, and what is left of it for one request. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from pointsman.cache.identity import Realm
from pointsman.types import CacheTier, CacheWish, Principal, SemanticMode


class Rule(msgspec.Struct, frozen=True):
    """What the cache may do for requests of one kind."""

    exact: bool = True
    semantic: SemanticMode = "off"
    #: Seconds for which a reply is kept.
    ttl_s: float = 86_400.0

    def within(self, tier: CacheTier | None) -> Rule:
        """No more than that tier; None is no bound."""
        match tier:
            case "off":
                return replace(self, exact=False, semantic="off")
            case "exact":
                return replace(self, semantic="off")
        return self

    def for_wish(self, wish: CacheWish) -> Rule:
        """As one caller wants it: less, or what is there for those who ask."""
        rule = self.within(wish.tier)
        if rule.semantic != "asked":
            return rule
        return replace(rule, semantic="on" if wish.tier == "semantic" else "off")

    @property
    def is_off(self) -> bool:
        """It does nothing at all."""
        return not self.exact and self.semantic == "off"


class Rules(msgspec.Struct, frozen=True):
    """All that the operator says of the cache."""

    default: Rule = Rule()
    #: By route: what is asked for (`auto`, a tier, a deployment).
    routes: Mapping[str, Rule] = msgspec.field(default_factory=dict)
    #: The most that an organisation or a key may use.
    organisations: Mapping[str, CacheTier] = msgspec.field(default_factory=dict)
    keys: Mapping[str, CacheTier] = msgspec.field(default_factory=dict)
    #: Keys of an organisation share replies.
    shared: bool = True
    epoch: str = ""
    ignored: frozenset[str] = frozenset()

    def of(self, principal: Principal, route: str, wish: CacheWish) -> Rule:
        """What the cache may do for a request."""
        rule = self.routes.get(route, self.default)
        rule = rule.within(self.organisations.get(principal.organisation))
        return rule.within(self.keys.get(principal.key)).for_wish(wish)

    def realm(self, principal: Principal) -> Realm:
        """Within which its reply may be shared.

        A key that may not use every model gets nobody else's: that may be of one of those.
        """
        grant = principal.grant
        shared = self.shared and grant.models is None and grant.tiers is None
        return Realm(
            principal.organisation,
            "" if shared else principal.key,
            self.epoch,
            self.ignored,
        )
