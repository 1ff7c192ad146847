"""Prompts that hold secrets or personal data, and ordinary ones that hold neither.

Values come from Faker and, for keys, from a seeded generator; the texts are letters, tickets,
forms, logs, tables, code and chat in eight languages. Nothing here belongs to anybody.
"""

from __future__ import annotations

import base64
import random
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from faker import Faker
from tests.support.private_texts import SECRET_TEXTS, TEXTS

LOCALES = {
    "en": ("en_US", "en_GB", "en_IN"),
    "de": ("de_DE",),
    "fr": ("fr_FR",),
    "es": ("es_ES",),
    "pt": ("pt_BR",),
    "it": ("it_IT",),
}
#: What the level `secrets` is there for; all others need `personal`.
SECRETS = ("card_number", "api_key", "private_key", "password", "token")
_BASE62 = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt, and what it holds."""

    kind: str
    text: str
    #: Everything of that and other kinds, as it stands in the text.
    values: tuple[str, ...]


class Values:
    """Values of one locale, from one seed."""

    def __init__(self, locale: str, seed: int) -> None:
        self.locale = locale
        self.fake = Faker(locale)
        self.fake.seed_instance(seed)
        self.random = random.Random(seed)  # noqa: S311

    def _some(self, alphabet: str, length: int) -> str:
        return "".join(self.random.choices(alphabet, k=length))

    def card_number(self) -> str:
        number = str(self.fake.credit_card_number())
        if len(number) == 16 and self.random.random() < 0.5:
            return self.random.choice("  -").join(number[i : i + 4] for i in range(0, 16, 4))
        return number

    def api_key(self) -> str:
        some, pick = self._some, self.random.choice
        return pick(
            (
                f"sk-{some(_BASE62, 48)}",
                f"sk-proj-{some(_BASE62 + '-_', 74)}",
                f"sk-ant-api03-{some(_BASE62 + '-_', 93)}AA",
                f"AKIA{some(string.ascii_uppercase + '234567', 16)}",
                f"ghp_{some(_BASE62, 36)}",
                f"github_pat_{some(_BASE62, 22)}_{some(_BASE62, 59)}",
                f"glpat-{some(_BASE62 + '-_', 20)}",
                f"xoxb-{some(string.digits, 12)}-{some(string.digits, 12)}-{some(_BASE62, 24)}",
                f"AIza{some(_BASE62 + '-_', 35)}",
                f"sk_live_{some(_BASE62, 24)}",
                f"hf_{some(string.ascii_letters, 34)}",
                f"npm_{some(_BASE62, 36)}",
                f"pypi-AgEIcHlwaS5vcmc{some(_BASE62 + '-_', 80)}",
                f"SG.{some(_BASE62 + '-_', 22)}.{some(_BASE62 + '-_', 43)}",
                f"SK{some('0123456789abcdef', 32)}",
                f"{some('123456789', 10)}:AA{some(_BASE62 + '-_', 33)}",
                f"dop_v1_{some('0123456789abcdef', 64)}",
                f"eyJhbGciOiJIUzI1NiJ9.eyJ{some(_BASE62, 40)}.{some(_BASE62 + '-_', 43)}",
            )
        )

    def private_key(self) -> str:
        body = base64.b64encode(self.random.randbytes(300)).decode()
        lines = "\n".join(body[i : i + 64] for i in range(0, len(body), 64))
        name = self.random.choice(("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "))
        return f"-----BEGIN {name}PRIVATE KEY-----\n{lines}\n-----END {name}PRIVATE KEY-----"

    def password(self) -> str:
        return str(self.fake.password(length=self.random.randint(9, 16)))

    def token(self) -> str:
        pick = self.random.choice
        alphabet = pick((_BASE62, "0123456789abcdef", _BASE62 + "+/"))
        return self._some(alphabet, pick((32, 40, 64)))

    def iban(self) -> str:
        number = str(self.fake.iban())
        if self.random.random() < 0.5:
            return _in_fours(number)
        return number

    def email(self) -> str:
        fake, pick = self.fake, self.random.choice
        return str(pick((fake.email, fake.free_email, fake.company_email, fake.safe_email))())

    def phone(self) -> str:
        return str(self.fake.phone_number())

    def national_id(self) -> str:
        fake, pick = self.fake, self.random.choice
        makers: dict[str, tuple[str, ...]] = {
            "de_DE": ("rvnr", "kvnr"),
            "es_ES": ("nif", "nie", "nuss"),
            "pt_BR": ("cpf", "ssn"),
            "en_IN": ("aadhaar_id",),
        }
        number = str(getattr(fake, pick(makers.get(self.locale, ("ssn",))))())
        return _in_fours(number) if self.locale == "en_IN" else number

    def birth_date(self) -> str:
        shape = {"en_US": "%m/%d/%Y", "de_DE": "%d.%m.%Y"}.get(self.locale, "%d/%m/%Y")
        return str(self.fake.date_of_birth(minimum_age=1, maximum_age=90).strftime(shape))

    def passport(self) -> str:
        return str(self.fake.passport_number())

    def medical_record(self) -> str:
        return self.fake.bothify("??######", letters="ABCDEHKMP")

    def named(self, name: str) -> str:
        """The value of a field of a text."""
        plain: dict[str, Callable[[], str]] = {
            "name": self.fake.name,
            "first": self.fake.first_name,
            "city": self.fake.city,
            "street": self.fake.street_address,
            "company": self.fake.company,
            "day": lambda: self.fake.date_this_year().isoformat(),
            "user": self.fake.user_name,
        }
        maker = plain.get(name) or getattr(self, name)
        return str(maker()).replace("\n", ", ") if name in plain else str(maker())


_FIELD = re.compile(r"\{(\w+)\}")
KINDS = (
    *SECRETS,
    *("iban", "email", "phone", "national_id", "birth_date", "passport", "medical_record"),
)


def private(count: int, seed: int = 4) -> Iterator[Prompt]:
    """Prompts with secrets and personal data, every text in turn."""
    texts = [(language, text) for language, text in (*TEXTS, *_in_every_language())]
    values = {
        locale: Values(locale, seed + place)
        for place, locale in enumerate(chain.from_iterable(LOCALES.values()))
    }
    chance = random.Random(seed)  # noqa: S311
    for place in range(count):
        language, text = texts[place % len(texts)]
        source = values[chance.choice(LOCALES[language])]
        fields = _FIELD.findall(text)
        kind = next(field for field in fields if field in KINDS)
        yield _filled(kind, text, source)


def _filled(kind: str, text: str, source: Values) -> Prompt:
    values: list[str] = []

    def value(field: re.Match[str]) -> str:
        found = source.named(field[1])
        if field[1] in KINDS:
            values.append(found)
        return found

    return Prompt(kind, _FIELD.sub(value, text), tuple(values))


def _in_fours(number: str) -> str:
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


def _in_every_language() -> Iterator[tuple[str, str]]:
    for text in SECRET_TEXTS:
        for language in LOCALES:
            yield language, text
