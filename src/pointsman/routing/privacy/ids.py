"""Numbers that a state or a bank gives a person, told by their check digits and their shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from pointsman.routing.privacy import checks
from pointsman.routing.privacy.numbers import Number, numbers
from pointsman.routing.privacy.view import Span, View
from pointsman.routing.privacy.words import Words

Check: TypeAlias = Callable[[str], bool]

_SHORTEST, _LONGEST = 9, 18
_FEWEST_LETTERED = 4


def _any(text: str) -> bool:
    """No check digit: the shape has to do."""
    return bool(text)


def _swedish_or_danish(digits: str) -> bool:
    return checks.personnummer(digits) or checks.date("", digits[2:4], digits[:2])


def _korean(digits: str) -> bool:
    return checks.date(digits[:2], digits[2:4], digits[4:6]) and digits[6] in "12345678"


def _french(digits: str) -> bool:
    return digits[0] in "12" and checks.nir(digits)


def _indian(digits: str) -> bool:
    return digits[0] != "0" and (checks.verhoeff(digits) or checks.luhn(digits))


def _french_without_check(digits: str) -> bool:
    return digits[0] in "12" and "01" <= digits[3:5] <= "12"


def _swedish_with_century(digits: str) -> bool:
    return digits[:2] in {"19", "20"} and checks.personnummer(digits)


#: What a number of these groups may be. Where groups are few, only a check digit tells.
_BY_GROUPS: Mapping[tuple[int, ...], tuple[Check, ...]] = {
    (3, 2, 4): (_any,),  # the United States
    (11,): (
        *(checks.cpf, checks.pesel, checks.fodselsnummer, checks.kimlik, checks.rijksregister),
    ),
    (3, 3, 3, 2): (checks.cpf,),
    (9, 2): (checks.cpf,),
    (2, 3, 3, 3): (checks.steuer_id,),
    (2, 3, 3, 4, 2): (checks.cnpj,),
    (8, 4, 2): (checks.cnpj,),
    (14,): (checks.cnpj,),
    (4, 4, 4): (_indian,),
    (12,): (checks.seguridad_social,),
    (2, 10): (checks.seguridad_social,),
    (2, 8, 2): (checks.seguridad_social,),
    (6, 4): (_swedish_or_danish,),
    (8, 4): (_swedish_with_century,),
    (6, 5): (checks.fodselsnummer, checks.pesel),
    (6, 7): (_korean,),
    (2, 2, 2, 3, 2): (checks.rijksregister,),
    (3, 4, 4, 2): (checks.ahv,),
    (13,): (checks.ahv,),
    (15,): (_french,),
    (13, 2): (_french,),
    (1, 2, 2, 2, 3, 3, 2): (_french,),
    (1, 2, 2, 2, 3, 3): (_french_without_check,),
    (18,): (checks.resident_id,),
}
#: Too many other numbers look like these unless they are written with this sign.
_SIGNS: Mapping[tuple[int, ...], set[str]] = {
    (3, 2, 4): {"-"},
    (9, 2): {"-"},
    (6, 4): {"-", "+"},
    (8, 4): {"-", "+"},
    (6, 7): {"-"},
    (6, 5): {"-", " "},
}
#: Where a word says that a bare number is something else, it is.
_OTHER = Words(
    """=order, =orders, order_, order-, order n, bestell, commande, =pedido, =ordine, tracking, timestamp, epoch, isbn, =ean, gtin, =invoice,
    rechnung, facture, =build, =commit, snowflake, =serial, =seed, message, request, bytes"""
)
_NEAR = 30
_OCTETS, _OCTET = 4, 256

_SEP = r"[ \t\r\n\-./]{0,2}"
_EDGE, _END = r"(?<![A-Za-z0-9_].)", r"(?![A-Za-z0-9_])"


#: Ids of letters and digits: their first character, the others, and the check that they must pass.
#: The edge of the word is looked for behind the first: an engine that knows the first character
#: skips all others. Those that no check digit proves are taken in capitals only.
_CHECKED = (
    (  # Italy
        r"[a-z]",
        (
            rf"[a-z]{{2}}{_SEP}[a-z]{{3}}{_SEP}[0-9lmnp-v]{{2}}{_SEP}[a-ehlmprst]{_SEP}"
            rf"[0-9lmnp-v]{{2}}{_SEP}[a-z][0-9lmnp-v]{{3}}{_SEP}[a-z]"
        ),
        checks.codice_fiscale,
    ),
    (r"[0-9]", rf"(?:[0-9]{{7}}|[0-9]\.[0-9]{{3}}\.[0-9]{{3}}){_SEP}[a-hj-np-tv-z]", checks.dni),
    (r"[xyz]", rf"{_SEP}[0-9]{{7}}{_SEP}[a-hj-np-tv-z]", checks.dni),
    (r"[0-9]", r"[0-9]{5}[-+a-fu-y][0-9]{3}[0-9a-y]", checks.hetu),  # Finland
    (r"[1-8]", r"[0-9]{16}x", checks.resident_id),  # China
    (  # France, born in Corsica
        r"[12]",
        rf"{_SEP}[0-9]{{2}}{_SEP}[0-9]{{2}}{_SEP}2[ab]{_SEP}[0-9]{{3}}{_SEP}[0-9]{{3}}{_SEP}[0-9]{{2}}",
        checks.nir,
    ),
)
_IN_CAPITALS = (
    (  # Britain; ZZ stands in examples
        r"[A-CEGHJ-PR-TW-Z]",
        (
            rf"(?:[A-CEGHJ-NPR-TW-Z](?<!BG)(?<!GB)(?<!NK)(?<!KN)(?<!TN)(?<!NT)){_SEP}[0-9]{{2}}"
            rf"{_SEP}[0-9]{{2}}{_SEP}[0-9]{{2}}{_SEP}[A-DT]"
        ),
        _any,
    ),
    (r"[A-Z]", r"[A-Z]{2}[ABCFGHLJPT][A-Z][0-9]{4}[A-Z]", _any),  # India's PAN
    (  # Germany's pension insurance
        r"[0-9]",
        rf"[0-9]{_SEP}(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])[0-9]{{2}}{_SEP}[A-Z]{_SEP}[0-9]{{3}}",
        _any,
    ),
    (r"[A-Z]", r"[0-9]{9}(?:[0-9]{10})?", checks.kvnr),  # Germany's health insurance
    (r"[A-Z]", r"[A-Z]{3}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]", _any),  # Mexico
    (r"[STFG]", r"[0-9]{7}[A-Z]", checks.nric),  # Singapore
)
_LETTERED, _CAPITALS = (
    tuple((re.compile(first + _EDGE + rest + _END), check) for first, rest, check in shapes)
    for shapes in (_CHECKED, _IN_CAPITALS)
)
_SEPARATORS = re.compile(r"[^A-Za-z0-9]")
_FEWEST_DIGITS = 8
_SHORTEST_IBAN = 15
_PRINTED_GROUP = 4
#: A country, two check digits, and as much as the longest has; overlapping, so that nothing before
#: it can swallow one.
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?=([A-Za-z][ \-.]?[A-Za-z][ \-.]?[0-9][ \-.]?[0-9]"
    r"(?:[ \t\r\n\-./]{0,3}[A-Za-z0-9]){11,30}))"
)
#: How long each country's are (the SWIFT registry of IBANs).
_IBAN_LENGTHS: Mapping[str, int] = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FK FI FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}


def find_ibans(view: View) -> Iterator[Span]:
    """The numbers of bank accounts in ISO 13616's form."""
    for found in _IBAN.finditer(view.around_digits):
        length = _iban_length(found[1])
        if length:
            yield view.in_around_digits(found.start(1), found.start(1) + length)


def _iban_length(written: str) -> int:
    """How many signs of it, separators included, are an IBAN; 0 where it begins with none."""
    length = _IBAN_LENGTHS.get(_SEPARATORS.sub("", written[:4])[:2].upper())
    if length is None:
        return 0
    text = _SEPARATORS.sub("", written).upper()
    fitting = [
        end
        for end in {length, *_ends(written)}
        if _SHORTEST_IBAN <= end <= len(text)
        and sum(char.isdigit() for char in text[:end]) >= _FEWEST_DIGITS
        and checks.iban(text[:end])
    ]
    if not fitting:
        return 0
    places = [place for place, char in enumerate(written) if not _SEPARATORS.match(char)]
    return places[max(fitting) - 1] + 1


def _ends(written: str) -> Iterator[int]:
    """Where it would end if it is printed in fours, or in one piece."""
    end = 0
    for piece in _SEPARATORS.split(written):
        end += len(piece)
        if len(piece) != _PRINTED_GROUP:
            break
    yield end


def find_national_ids(view: View) -> Iterator[Span]:
    """States' numbers of persons, told by shape and check digits."""
    if view.digits < _FEWEST_LETTERED:
        return
    for number in numbers(view.text, _SHORTEST, _LONGEST):
        if _is_id(view, number):
            yield number.start, number.end
    for text, shapes in (
        (view.around_digits_low, _LETTERED),
        (view.around_digits, _CAPITALS),
    ):
        for shape, check in shapes:
            for found in shape.finditer(text):
                if check(_SEPARATORS.sub("", found.group()).upper()):
                    yield view.in_around_digits(*found.span())


def _is_id(view: View, number: Number) -> bool:
    sizes, digits = number.sizes, number.digits
    if not any(check(digits) for check in _BY_GROUPS.get(sizes, ())) or not number.stands_alone:
        return False
    if set(number.signs) == {"."} and _is_address(number):
        return False
    if sizes in _SIGNS and not set(number.signs) <= _SIGNS[sizes]:
        return False
    if len(sizes) > 1:
        return True
    before = view.low[max(0, number.start - _NEAR) : number.start]
    return not _OTHER.are_in(before)


def _is_address(number: Number) -> bool:
    """An IP address: four groups of at most 255."""
    octets = [int(number.text[a:b]) for a, b in number.groups]
    return len(octets) == _OCTETS and max(octets) < _OCTET
