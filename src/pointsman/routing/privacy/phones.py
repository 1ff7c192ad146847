"""Telephone numbers: by how they are written, and by the words around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from pointsman.routing.privacy.numbers import Number, numbers
from pointsman.routing.privacy.view import Span, View
from pointsman.routing.privacy.words import Words

_SHORTEST, _LONGEST = 7, 17
_E164_SHORTEST, _E164_LONGEST = 8, 15
_FULL_SHORTEST, _FULL_LONGEST = 9, 13
_ROUND = "0000"
_WORDS = Words(
    """phone, =ph, =phn, \nm:, \nt:, \ntel:, telefon, téléphone, teléfono, =tel, =tél, =tlf, =tfno, mobil, =cell, cellul, =cel,
    celular, móvil, movil, portable, handy, =fax, whatsapp, whats app, =sms, =gsm, =dial, hotline, helpline,
    landline, callback, call back, call me, call us, call him, call her, call them, ring me, ring us,
    text me, text us, text him, text her, reach me, reach us, reach him, reach her, contact, rufnummer,
    anrufen, rückruf, ruf mich, ruf an, erreich, durchwahl, festnetz, rappel, joindre, joignable, appel,
    numéro, llám, llam, contacto, contatto, contato, richiam, chiam, recapito, ligar, ligue, me liga,
    =fone, =zap, kontakt, bellen, nummer, my number, mio numero, mi numero, mi número, meu número, mon numéro, meine nummer, 電話, 携帯, 手机, 手機, 电话, 联系, फ़ोन, फोन, मोबाइल,
    전화, телефон"""
)
#: What a bare number is rather than a telephone's, where such a word stands before it.
_OTHER = Words(
    """=order, =orders, order_, order-, order n, bestell, commande, =pedido, =ordine, =invoice, rechnung, =factura, facture, fattura, isbn, issn, =ean, upc,
    =sku, =serial, uuid, ticket, tracking, version, =commit, =build, =port, =pid, timestamp, epoch, =unix, bytes,
    =int, =max, =min, =seed, hash, userid, =id, _id, account, konto, policy, customer, kunden, client"""
)
_BEFORE, _AFTER, _NAMED = 48, 24, 24
#: Groups of numbers that are a telephone's where the text speaks of one at all.
_USUAL_GROUPS = {
    *(
        (9,),
        (10,),
        (11,),
        (5, 5),
        (3, 7),
        (4, 6),
        (3, 3, 3),
        (3, 2, 2, 2),
        (2, 2, 2, 2),
        (3, 3, 2, 2),
    ),
    *(
        (3, 6),
        (2, 8),
        (5, 6),
        (2, 4, 4),
        (3, 4, 4),
        (4, 3, 3),
        (3, 3, 4),
        (2, 3, 4),
        (3, 4, 3),
        (8,),
    ),
}
_NORTH_AMERICA = {(3, 3, 4), (1, 3, 3, 4)}
_BRAZIL_JAPAN = {(2, 5, 4), (2, 4, 4), (3, 5, 4)}
_CHINA = (3, 4, 4)
_FRANCE = (2, 2, 2, 2, 2)
#: Digits that an area's code has.
_AREA = range(2, 6)
_NORTH_AMERICAN = re.compile(r"1?[2-9]\d\d[2-9]\d{6}")
#: An area's code and the rest in one piece; a mobile telephone in China.
_BARE = re.compile(r"0[1-9][0-9]{7,9}|1[3-9][0-9]{9}")
_YEAR = re.compile(r"(?:19|20)\d\d\)")
_DATE = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|(?:19|20)\d\d[/.-]\d{1,2}[/.-]\d{1,2}")
_EXTENSION = re.compile(r"[ ]?(?:x|ext|#)\.? ?\d")
_COUNTING = ("0123456789", "1234567890", "9876543210")


def find_phones(view: View) -> Iterator[Span]:
    """The telephone numbers."""
    if view.digits < _SHORTEST:
        return
    spoken_of = cache(lambda: _WORDS.are_in(view.low))
    for number in numbers(view.text, _SHORTEST, _LONGEST):
        if _is_phone(view, number, spoken_of):
            yield number.start, number.end


def _is_phone(view: View, number: Number, spoken_of: Callable[[], bool]) -> bool:
    text, start, digits = view.text, number.start, number.digits
    extended = _EXTENSION.match(text, number.end)
    if not (number.stands_alone or (extended and not text[start - 1 : start].isalnum())):
        return False
    if set(digits) <= {"0", "1"} or number.signs == (".",):
        return False
    lead = text[max(0, start - 3) : start]
    if lead.rstrip("(").endswith("+"):
        return _is_international(lead, number)
    if _DATE.match(text, start):
        return False
    if digits.startswith("00") and digits[2] != "0" and len(digits) > _E164_SHORTEST + 2:
        return True
    return _is_national(lead, number, digits) or _is_called_so(view, number, spoken_of)


def _is_international(lead: str, number: Number) -> bool:
    """`+`, a country and 8 to 15 digits in all; not a sum."""
    before = lead.rstrip("(+")[-1:]
    length = len(number.digits)
    least = _E164_SHORTEST if len(number.sizes) > 1 else _E164_SHORTEST + 1
    if len(number.sizes) == 1 and number.digits.endswith(_ROUND):
        return False
    return number.digits[0] != "0" and least <= length <= _E164_LONGEST and not before.isalnum()


def _is_national(lead: str, number: Number, digits: str) -> bool:
    """A shape that little else has."""
    sizes, signs = number.sizes, number.signs
    if not _FULL_SHORTEST - 1 <= len(digits) <= _FULL_LONGEST or len(sizes) == 1:
        return False
    if lead.endswith("(") and signs[0].startswith(")"):
        year = _YEAR.match(number.text, number.start)
        return sizes[0] in _AREA and not year and not lead[-2:-1].isalnum()
    if sizes in _NORTH_AMERICA and _NORTH_AMERICAN.fullmatch(digits):
        return True
    if sizes in _BRAZIL_JAPAN and signs[-1] == "-":
        return True
    if sizes == _CHINA and digits[0] == "1" and digits[1] > "2":
        return len(set(signs)) == 1
    return _has_trunk_zero(number, digits)


def _has_trunk_zero(number: Number, digits: str) -> bool:
    """An area's code that begins with one zero, and one to four groups more."""
    sizes, signs = number.sizes, number.signs
    if sizes[0] not in _AREA or len(sizes) > len(_FRANCE) or len(digits) < _FULL_SHORTEST:
        return False
    if set(sizes) == set(_FRANCE) and (sizes != _FRANCE or len(set(signs)) > 1):
        return False
    return digits[0] == "0" != digits[1] and signs.count("/") <= 1 and "_" not in signs


def _is_called_so(view: View, number: Number, spoken_of: Callable[[], bool]) -> bool:
    """Digits that only the words around them make a telephone number."""
    low, digits = view.low, number.digits
    before = low[max(0, number.start - _BEFORE) : number.start]
    if digits in _COUNTING or len(digits) > _FULL_LONGEST:
        return False
    if _WORDS.are_in(before) or _WORDS.are_in(low[number.end : number.end + _AFTER]):
        return True
    if (
        digits.endswith(_ROUND)
        or _OTHER.are_in(before[-_NAMED:])
        or number.sizes not in _USUAL_GROUPS
    ):
        return False
    return _BARE.fullmatch(number.text, number.start, number.end) is not None or spoken_of()
