"""Headers in, what the caller wants of the cache out; and what the operator's rules leave of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.cache.request import wish
from pointsman.cache.rules import Rule, Rules
from pointsman.errors import BadRequest
from pointsman.types import CacheWish, Principal


@pytest.mark.parametrize(
    ("header", "wished"),
    [
        ("off", CacheWish("off")),
        ("exact", CacheWish("exact")),
        ("Semantic", CacheWish("semantic")),
        ("semantic; exact", CacheWish("exact")),
        ("no-store", CacheWish(keep=False)),
        ("exact, no-store", CacheWish("exact", keep=False)),
        (
            "semantic; max-age=60; min-similarity=0.97",
            CacheWish("semantic", max_age_s=60, min_similarity=0.97),
        ),
        ("", CacheWish()),
    ],
)
def test_what_is_wished(header, wished):
    assert wish({"x-pointsman-cache": header}) == wished


@pytest.mark.parametrize(
    ("header", "wished"),
    [
        ("no-store", CacheWish("off", keep=False)),
        ("no-cache", CacheWish("off")),
        ("max-age=0", CacheWish(max_age_s=0)),
        ("private, stale-if-error=9, max-age=nine", CacheWish()),
    ],
)
def test_http_has_words_for_it_as_well(header, wished):
    assert wish({"cache-control": header}) == wished


@pytest.mark.parametrize(
    "header", ["always", "max-age", "max-age=-1", "max-age=nan", "min-similarity=2", "off=1"]
)
def test_what_nobody_understands_is_refused_and_named(header):
    with pytest.raises(BadRequest, match="x-pointsman-cache") as refused:
        wish({"x-pointsman-cache": header})
    assert refused.value.param == "x-pointsman-cache"


def test_tags():
    assert wish({"x-pointsman-cache-tags": "docs, team:a ,docs"}).tags == ("docs", "team:a")
    for bad in ("two words", "x" * 65, ",".join(map(str, range(17)))):
        with pytest.raises(BadRequest, match="x-pointsman-cache-tags"):
            wish({"x-pointsman-cache-tags": bad})


@given(st.text(max_size=40))
def test_a_header_is_understood_or_refused(header):
    try:
        wish({"x-pointsman-cache": header, "cache-control": header})
    except BadRequest:
        return


ANYBODY = Principal("acme", "key_1")
TIERS = ["off", "exact", "semantic"]
ORDER = {"off": 0, "shadow": 1, "asked": 1, "on": 2}


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("semantic", ["off", "shadow", "asked", "on"])
@pytest.mark.parametrize("tier", [None, *TIERS])
def test_nobody_gets_more_than_the_operator_allows(exact, semantic, tier):
    allowed = Rules(default=Rule(exact, semantic)).of(ANYBODY, "auto", CacheWish(tier))
    assert allowed.exact <= exact
    assert ORDER[allowed.semantic] <= max(ORDER[semantic], 2 if semantic == "asked" else 0)
    if tier in {"off", "exact"}:
        assert allowed.semantic == "off"
    if tier == "off":
        assert allowed.is_off


def test_asked_is_for_those_who_ask():
    rules = Rules(default=Rule(semantic="asked"))
    assert rules.of(ANYBODY, "auto", CacheWish()).semantic == "off"
    assert rules.of(ANYBODY, "auto", CacheWish("semantic")).semantic == "on"


def test_routes_organisations_and_keys():
    rules = Rules(
        default=Rule(semantic="off"),
        routes={"auto": Rule(semantic="on")},
        organisations={"bank": "exact"},
        keys={"key_2": "off"},
    )
    assert rules.of(ANYBODY, "auto", CacheWish()).semantic == "on"
    assert rules.of(ANYBODY, "strong", CacheWish()).semantic == "off"
    assert rules.of(Principal("bank", "key_1"), "auto", CacheWish()) == Rule(semantic="off")
    assert rules.of(Principal("acme", "key_2"), "auto", CacheWish()).is_off
