"""Who does what to whom: the same words with their places exchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pointsman.cache.guard.lists import Phrase, Tongue
from pointsman.cache.guard.reading import STEM, Reading

_ARTICLE = "the"
_EVEN = "&"  # joins without telling the one from the other: "and", "or"
#: Pronouns that tell who acts from whom it is done to, English and German, by person.
_DOES = {"i": "1", "he": "m", "we": "p", "they": "t", "ich": "1", "er": "m", "wir": "p", "she": "f"}
_SUFFERS = {"me": "1", "him": "m", "us": "p", "them": "t", "her": "f"} | {
    "mich": "1",
    "mir": "1",
    "ihn": "m",
    "ihm": "m",
    "uns": "p",
}
_LONGEST = 24  # tokens between what two texts start and end with alike
_IDLE = frozenset({",", ".", "?", "!", ":", ";", "\u3002", "\uff0c", "\u0964"})


def order(x: Reading, y: Reading, tongue: Tongue) -> bool:
    """Whether two things have exchanged their places."""
    if x.has("symmetric") or y.has("symmetric"):
        return False
    if x.stems == y.stems:
        ours, theirs = _spoken(x, tongue), _spoken(y, tongue)
        if _exchanged(ours, theirs) or _exchanged(_without(ours), _without(theirs)):
            return True
        if _redirected(x, y, tongue) or _acts_on(x, y):
            return True
    return x.has("target") and y.has("target") and _turned(x, y, tongue)


def _spoken(reading: Reading, tongue: Tongue) -> list[str]:
    """The text without marks; articles, known names and joints by what they mean."""
    spoken = []
    end = 0
    for at, token in enumerate(reading.tokens):
        phrase = reading.phrases.get(at)
        if at < end or token.text in _IDLE:
            continue
        if token.text in tongue.articles:
            spoken.append(_ARTICLE)
            continue
        meant = _meant(phrase) if phrase is not None else None
        if phrase is not None and meant is not None:
            end = at + 1 + len(phrase.rest)
        spoken.append(meant or token.text[:STEM])
    return spoken


def _without(spoken: Sequence[str]) -> list[str]:
    return [word for word in spoken if word != _ARTICLE]


def _meant(phrase: Phrase) -> str | None:
    """What a phrase stands for, where other words may stand for the same."""
    for tag in phrase.tags:
        if tag.kind == "name":
            return tag.of
        if tag.kind == "even":
            return _EVEN
    return None


def _exchanged(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether the texts differ in that two runs of words around a third are exchanged."""
    if len(ours) != len(theirs) or ours == theirs:
        return False
    start = 0
    while ours[start] == theirs[start]:
        start += 1
    end = len(ours)
    while ours[end - 1] == theirs[end - 1]:
        end -= 1
    one, other = tuple(ours[start:end]), tuple(theirs[start:end])
    if len(one) > _LONGEST or sorted(one) != sorted(other):
        return False
    size = len(one)
    for first in range(1, size - 1):
        if one[:first] != other[size - first :]:
            continue
        for last in range(1, size - first):
            if (
                one[size - last :] != other[:last]
                or one[first : size - last] != other[last : size - first]
            ):
                continue
            return not any(word == _EVEN for word in one[first : size - last])
    return False


def _redirected(x: Reading, y: Reading, tongue: Tongue) -> bool:
    """Whether one text leads from what the other leads to: "to my account", "from my account"."""
    (sources, targets), (others, aims) = _led(x, tongue), _led(y, tongue)
    return bool((sources & aims) - (targets | others) or (targets & others) - (sources | aims))


def _acts_on(x: Reading, y: Reading) -> bool:
    """Whether somebody does in one text what is done to them in the other: "he sues", "sues him"."""
    (does, suffers), (acts, bears) = _persons(x), _persons(y)
    done, borne = (does - acts, acts - does), (suffers - bears, bears - suffers)
    return bool(done[0] & borne[1] or done[1] & borne[0])


def _persons(reading: Reading) -> tuple[Counter[str], Counter[str]]:
    """Who does something, and to whom something is done, as far as pronouns tell, and how often."""
    said = [token.text for token in reading.tokens]
    does = Counter(_DOES[word] for word in said if word in _DOES)
    return does, Counter(_SUFFERS[word] for word in said if word in _SUFFERS)


def _led(reading: Reading, tongue: Tongue) -> tuple[frozenset[str], frozenset[str]]:
    """The nearest words with content that the text leads from, and to."""
    sources: set[str] = set()
    targets: set[str] = set()
    for at, phrase in reading.phrases.items():
        if _is(phrase.tags, "source"):
            sources |= _near(reading, at, 1, tongue)
        elif _is(phrase.tags, "target"):
            targets |= _near(reading, at, 1, tongue)
    return frozenset(sources), frozenset(targets)


def _turned(x: Reading, y: Reading, tongue: Tongue) -> bool:
    """Whether what one text leads from, the other leads to, and the other way round."""
    ours, theirs = _ends(x, tongue), _ends(y, tongue)
    if ours is None or theirs is None:
        return False
    (a, b), (c, d) = ours, theirs
    return bool(a & d and b & c and not a & c and not b & d)


def _ends(reading: Reading, tongue: Tongue) -> tuple[frozenset[str], frozenset[str]] | None:
    """What the text leads from and to: `convert A to B`, `to B from A`."""
    sources = [at for at, phrase in reading.phrases.items() if _is(phrase.tags, "source")]
    targets = [at for at, phrase in reading.phrases.items() if _is(phrase.tags, "target")]
    for target in targets:
        after = _near(reading, target, 1, tongue)
        before = [_near(reading, source, 1, tongue) for source in sources] or [
            _near(reading, target, -1, tongue)
        ]
        if after and before[0]:
            return before[0], after
    return None


def _is(tags: Sequence[tuple[str, str, int]], kind: str) -> bool:
    return any(tag[0] == kind for tag in tags)


def _near(reading: Reading, at: int, step: int, tongue: Tongue) -> frozenset[str]:
    """The nearest words with content before or after a phrase, at most two."""
    found: list[str] = []
    place = at + step + (len(reading.phrases[at].rest) if step > 0 else 0)
    while 0 <= place < len(reading.tokens) and len(found) < 1:
        token = reading.tokens[place]
        phrase = reading.phrases.get(place)
        if phrase is not None and (_is(phrase.tags, "source") or _is(phrase.tags, "target")):
            break
        if token.kind in {"word", "han"} and token.text not in tongue.function_words:
            found.append(token.text[:STEM])
        elif token.kind == "mark" and token.raw in _IDLE:
            break
        place += step
    return frozenset(found)
