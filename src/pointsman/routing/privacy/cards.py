"""Payment cards: a network's prefix and length, Luhn's check digit, a shape that cards have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pointsman.routing.privacy.checks import luhn
from pointsman.routing.privacy.numbers import Number, numbers
from pointsman.routing.privacy.view import Span, View
from pointsman.routing.privacy.words import Words

_SHORTEST, _LONGEST = 12, 19
#: Networks by their first digits, with the lengths they issue (ISO/IEC 7812 and the networks'
#: own tables).
_NETWORKS = (
    (re.compile(r"4"), {13, 16, 19}),  # Visa
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), {16}),  # Mastercard
    (re.compile(r"3[47]"), {15}),  # American Express
    (re.compile(r"6011|64[4-9]|65|622"), {16, 19}),  # Discover, UnionPay
    (re.compile(r"62|81"), {16, 17, 18, 19}),  # UnionPay
    (re.compile(r"30[0-59]|3[689]"), {14, 16, 19}),  # Diners Club
    (re.compile(r"35"), {16, 17, 18, 19}),  # JCB
    (re.compile(r"2131|1800"), {15}),  # JCB, older
    (re.compile(r"5018|50[23]|5[6-8]|6304|67|0604|6390"), {12, 13, 14, 15, 16, 17, 18, 19}),
    (re.compile(r"50|6"), {16}),  # Maestro
    (re.compile(r"220[0-4]|9792|60|508|65|81|82|353|356"), {16}),  # Mir, Troy, RuPay
    (re.compile(r"4011|438935|45141|5041|5066|5067|509|6277|6362|6363|650|651|655"), {16}),  # Elo
)
#: Lengths that other numbers often have: where a word says it is one of those, it is none.
_COMMON_ELSEWHERE = {12, 13, 14, 15, 17, 18, 19}
_OTHER = Words(
    """isbn, issn, =ean, gtin, upc, barcode, imei, =order, =orders, order_, order-, order n, bestell, commande, =pedido, =ordine, tracking, =parcel,
    =time, timestamp, epoch, =id, _id, snowflake, =serial, =seed, =invoice, rechnung, facture, =sku"""
)
_CARD = Words(
    """card, visa, maestro, karte, carte, tarjeta, carta, cartao, cartão, amex, diners, =cb, =cc, pay,
    zahl"""
)
_NEAR = 40
_FEW_GROUPS = 5
_LEAST_GROUP = 3
#: Signs within which another group of digits belongs to the same list.
_BESIDE = 4


def find_cards(view: View) -> Iterator[Span]:
    """The numbers of payment cards."""
    if view.digits < _SHORTEST:
        return
    for number in numbers(view.text, _SHORTEST, _LONGEST):
        if _is_card(view, number):
            yield number.start, number.end


def _is_card(view: View, number: Number) -> bool:
    if not _grouped(number):
        return False
    digits = number.digits
    if not any(len(digits) in lengths and net.match(digits) for net, lengths in _NETWORKS):
        return False
    if not luhn(digits) or not number.stands_alone:
        return False
    if len(digits) not in _COMMON_ELSEWHERE:
        return True
    before = view.low[max(0, number.start - _NEAR) : number.start]
    return _CARD.are_in(before) or not _OTHER.are_in(before)


def _grouped(number: Number) -> bool:
    """One group, equal groups, a card's usual ones, or a few uneven ones that stand alone."""
    sizes = number.sizes
    if len(sizes) == 1:
        return True
    if sizes[0] < _LEAST_GROUP and not _apart(number):
        return False  # some of a list's small numbers
    even = len(set(sizes[:-1])) == 1 and sizes[-1] <= sizes[0]
    usual = sizes in {(4, 6, 5), (4, 6, 4)}
    return even or usual or (len(sizes) <= _FEW_GROUPS and min(sizes) >= _LEAST_GROUP)


def _apart(number: Number) -> bool:
    """Whether no other digits stand beside it."""
    before = number.text[max(0, number.start - _BESIDE) : number.start].rstrip()
    after = number.text[number.end : number.end + _BESIDE].lstrip()
    return not (before[-1:].isdigit() or after[:1].isdigit())
