"""A whole configuration of LiteLLM."""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.errors import ConfigError
from pointsman.onboarding.became import Imported
from pointsman.onboarding.draft import merged
from pointsman.onboarding.litellm.aliases import Aliases
from pointsman.onboarding.litellm.entries import Entries, PriceOf
from pointsman.onboarding.litellm.settings import Rest


def imported(
    config: object, tiers: tuple[str, ...], price_of: PriceOf, environment: Mapping[str, str]
) -> Imported:
    """What a parsed configuration of LiteLLM says. Raises ConfigError where it is none.

    LiteLLM has no tiers: local models get the lowest, the dearest cloud model the highest, the
    others the middle one; without a local one the cheapest is the lowest.
    """
    listed = config.get("model_list") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(listed, list):
        raise ConfigError("it is no configuration of LiteLLM: there is no list `model_list`")
    rest = Rest(config)
    entries = Entries(tiers, environment, first_byte_s=rest.first_byte_s)
    for entry in listed:
        entries.take(entry)
    entries.share_out(price_of)
    aliases = Aliases(entries.named, config)
    aliases.take()
    rest.take()
    tables = (*entries.tables, *aliases.tables, *rest.tables)
    return Imported(merged(tables), (*entries.became, *aliases.became, *rest.became))
