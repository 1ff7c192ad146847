"""Which kinds of secrets and personal data a conversation holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from pointsman.routing.privacy import (
    cards,
    contacts,
    credentials,
    ids,
    keys,
    people,
    phones,
    sessions,
)
from pointsman.routing.privacy.patterns import Pattern, compile_all, spans_of
from pointsman.routing.privacy.view import Span, View
from pointsman.types import Turn

#: `secrets`: keys, passwords and payment cards; `personal`: people's data as well.
Level: TypeAlias = Literal["off", "secrets", "personal"]

#: Where in a view what it is about is.
Rule: TypeAlias = Callable[[View], Iterator[Span]]

_SECRETS: Mapping[str, tuple[Rule, ...]] = {
    "api_key": (keys.find_keys,),
    "private_key": (keys.find_private_keys,),
    "password": (keys.find_address_passwords, credentials.find_passwords),
    "token": (credentials.find_tokens, sessions.find_cookies, sessions.find_signatures),
    "card_number": (cards.find_cards,),
}
_PERSONAL: Mapping[str, tuple[Rule, ...]] = {
    "iban": (ids.find_ibans,),
    "email": (contacts.find_emails,),
    "phone": (phones.find_phones,),
    "national_id": (ids.find_national_ids, people.find_named_ids),
    "birth_date": (people.find_birth_dates,),
    "passport": (people.find_passports,),
    "medical_record": (people.find_medical_records,),
    "bank_account": (people.find_bank_accounts,),
}
_RULES: Mapping[Level, Mapping[str, tuple[Rule, ...]]] = {
    "off": {},
    "secrets": _SECRETS,
    "personal": {**_SECRETS, **_PERSONAL},
}


class Place(NamedTuple):
    """Where something was found in a text: begin and end as a slice has them."""

    start: int
    end: int
    kind: str


class Detector:
    """Finds secrets and personal data in what people wrote.

    Of a conversation only turns of the role `user` are read, all of their text, in time linear in
    its length. What matched is neither returned nor kept. `patterns` are regular expressions in RE2's syntax by the
    name of what they find; they are matched at every level but `off`. Raises `ConfigError` where
    one can't be used.
    """

    def __init__(self, level: Level = "secrets", patterns: Mapping[str, str] | None = None) -> None:
        self.level = level
        self._rules = _RULES[level]
        self._patterns: Mapping[str, Pattern] = compile_all(patterns or {})

    def find(self, turns: Sequence[Turn]) -> tuple[str, ...]:
        """The kinds found, each once, in a fixed order; empty where nothing was."""
        if self.level == "off":
            return ()
        texts = [turn.text for turn in turns if turn.role == "user" and turn.text]
        views = [View(text) for text in texts]
        found = list(self._built_in(views))
        found += [name for name, pattern in self._patterns.items() if _any(pattern, texts, views)]
        return tuple(dict.fromkeys(found))

    def _built_in(self, views: Sequence[View]) -> Iterator[str]:
        for kind, rules in self._rules.items():
            if any(True for view in views for rule in rules for _ in rule(view)):
                yield kind

    def places(self, text: str) -> Sequence[Place]:
        """Where in a text each of them is; they may overlap, and come in no order.

        A place may be longer than what was found in it, and a secret may be found more than once.
        """
        if self.level == "off":
            return ()
        view = View(text)
        found = [
            Place(*view.in_written(*span), kind)
            for kind, rules in self._rules.items()
            for rule in rules
            for span in rule(view)
        ]
        for name, pattern in self._patterns.items():
            found += [Place(*span, name) for span in spans_of(pattern, text)]
            if view.text != text:
                spans = spans_of(pattern, view.text)
                found += [Place(*view.in_written(*span), name) for span in spans]
        return found


def _any(pattern: Pattern, texts: Sequence[str], views: Sequence[View]) -> bool:
    """A pattern sees each text as it was written, and as the built-in rules see it."""
    return any(
        pattern.search(text.encode("utf-8", "replace")) is not None
        for written, view in zip(texts, views, strict=True)
        for text in dict.fromkeys((written, view.text))
    )
