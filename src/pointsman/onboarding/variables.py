"""A `.env` of another router, taken over: each variable becomes a setting, or it is said why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pointsman.onboarding.became import Became, Imported
from pointsman.onboarding.draft import Table, merged
from pointsman.onboarding.variable_models import MODEL_VARIABLES, deployments
from pointsman.types import Json

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_HOUR_S = 3600.0
_HIGHEST_SCORE = 100.0
_HIGHEST_PORT = 65535

#: A setting, and what to say of it.
_Set = tuple[tuple[str, ...], dict[str, Json], str]


def imported(variables: Mapping[str, str], tiers: tuple[str, ...]) -> Imported:
    """The settings that these variables say; empty ones say nothing. `tiers`: the lowest first."""
    stated = {name: value.strip() for name, value in variables.items() if value.strip()}
    tables, became = deployments(stated, tiers)
    for name, value in stated.items():
        if name in MODEL_VARIABLES or name not in _PLAIN:
            continue
        rival = _BEATEN.get(name)
        if rival in stated and _is_usable(rival, stated[rival]):
            became.append(Became(name, f"left: {rival} says it, too", taken=False))
            continue
        try:
            path, members, words = _PLAIN[name](value)
        except ValueError as error:
            became.append(Became(name, f"left: {error}", taken=False))
            continue
        if members:
            tables.append(Table(path, members, name))
        became.append(Became(name, words, taken=bool(members)))
    return Imported(merged(tables), (*became, *_others(stated)))


def _is_usable(name: str, value: str) -> bool:
    try:
        _PLAIN[name](value)
    except ValueError:
        return False
    return True


def _others(stated: Mapping[str, str]) -> Iterator[Became]:
    strange = [name for name in stated if name not in MODEL_VARIABLES and name not in _PLAIN]
    if strange:
        some = ", ".join(sorted(strange)[:5]) + (", ..." if len(strange) > 5 else "")  # noqa: PLR2004
        yield Became(
            f"{len(strange)} other", f"left: nothing here is called so ({some})", taken=False
        )


def _number(value: str, low: float, high: float) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"{value!r} is no number") from None
    if number < low and high == float("inf"):
        raise ValueError(f"{value} is less than {low:g}")
    if not low <= number <= high:
        raise ValueError(f"{value} is not between {low:g} and {high:g}")
    return number


def _whole(value: str, low: int, high: float = float("inf")) -> int:
    number = _number(value, low, high)
    if not number.is_integer():
        raise ValueError(f"{value} is no whole number")
    return int(number)


def _switch(value: str) -> bool:
    if value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise ValueError(f"{value!r} is neither true nor false")


def _local_tokens(value: str) -> _Set:
    tokens = _whole(value, 1)
    said = f"[routing] max_local_tokens = {tokens}: longer prompts prefer a cloud model"
    return ("routing",), {"max_local_tokens": tokens}, said


def _threshold(value: str) -> _Set:
    score = _number(value, 0, _HIGHEST_SCORE)
    score = score * _HIGHEST_SCORE if score <= 1 else score
    said = (
        f"[routing] escalate = {{ score = {score:g} }}: of 100, by another scorer, so look with "
        "`pointsman route` whether it suits; without it the scorer's own line counts"
    )
    return ("routing",), {"escalate": {"score": score}}, said


def _similarity(value: str) -> _Set:
    cosine = _number(value, 0, 1)
    said = f"[cache] min_similarity = {cosine:g}: the lowest cosine that is looked at"
    return ("cache",), {"min_similarity": cosine}, said


def _ttl(unit_s: float) -> Callable[[str], _Set]:
    def read(value: str) -> _Set:
        seconds = _number(value, 0, 315_360_000 / unit_s) * unit_s
        if not seconds:
            return ("cache",), {"exact": False}, "[cache] exact = false: nothing was kept"
        return ("cache",), {"ttl_s": seconds}, f"[cache] ttl_s = {seconds:g}"

    return read


def _judged(value: str) -> _Set:
    if not _switch(value):
        return ("routing",), {}, "nothing to set: the learned scorer asks no model"
    said = '[routing] scorer = "judge": a model rates each prompt; the learned scorer costs less'
    return ("routing",), {"scorer": "judge"}, said


def _semantic(value: str) -> _Set:
    if not _switch(value):
        return ("cache",), {"semantic": "off"}, '[cache] semantic = "off"'
    said = '[cache] semantic = "on": needs `pointsman models pull minilm`'
    return ("cache",), {"semantic": "on"}, said


def _database(value: str) -> _Set:
    scheme = value.partition(":")[0].lower()
    if scheme in {"postgres", "postgresql"}:
        said = '[ledger] url = "${DATABASE_URL}": the books get tables of their own there'
        return ("ledger",), {"url": "${DATABASE_URL}"}, said
    if scheme.startswith("postgresql+"):
        raise ValueError("without a driver, as postgresql://..., it may be the url of [ledger]")
    raise ValueError("the books are in a file of their own, or in PostgreSQL")


def _redis(value: str) -> _Set:
    if value.partition(":")[0].lower() not in {"redis", "rediss", "unix"}:
        raise ValueError("it is no address of a Redis")
    said = '[cache] store = "redis", url = "${REDIS_URL}"'
    return ("cache",), {"store": "redis", "url": "${REDIS_URL}"}, said


def _host(value: str) -> _Set:
    said = f'[server] host = "{value}"'
    if value not in {"127.0.0.1", "localhost", "::1"}:
        said += ": reached from elsewhere, so it needs a key: `pointsman keys create --admin`"
    return ("server",), {"host": value}, said


def _port(value: str) -> _Set:
    port = _whole(value, 0, _HIGHEST_PORT)
    return ("server",), {"port": port}, f"[server] port = {port}"


def _log(value: str) -> _Set:
    decisions = "text" if _switch(value) else "off"
    return ("log",), {"decisions": decisions}, f'[log] decisions = "{decisions}"'


#: By variable: what it becomes. Raises ValueError with the reason why it can't.
_PLAIN: Mapping[str, Callable[[str], _Set]] = {
    "MAX_LOCAL_TOKENS": _local_tokens,
    "COMPLEXITY_THRESHOLD": _threshold,
    "CACHE_SIMILARITY_THRESHOLD": _similarity,
    "CACHE_TTL_HOURS": _ttl(_HOUR_S),
    "CACHE_TTL_SECONDS": _ttl(1.0),
    "USE_LLM_ROUTER": _judged,
    "USE_SEMANTIC_CACHE": _semantic,
    "DATABASE_URL": _database,
    "REDIS_URL": _redis,
    "HOST": _host,
    "PORT": _port,
    "SERVER_PORT": _port,
    "LOG_DECISIONS": _log,
}
#: Of two that say the same, the one that counts.
_BEATEN = {"CACHE_TTL_HOURS": "CACHE_TTL_SECONDS", "SERVER_PORT": "PORT"}
