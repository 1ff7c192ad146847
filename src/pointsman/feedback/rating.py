"""What a user may say of a reply. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pointsman.errors import BadRequest
from pointsman.types import Feedback

#: How buttons say it.
_WORDS: Mapping[str, float] = {
    **dict.fromkeys(("good", "up", "thumbs_up", "like", "positive", "\N{THUMBS UP SIGN}"), 1.0),
    **dict.fromkeys(
        ("bad", "down", "thumbs_down", "dislike", "negative", "\N{THUMBS DOWN SIGN}"), -1.0
    ),
}


def number_of(rating: float | str) -> float:
    """A rating as a number: `good`, `up` or true is 1, `bad`, `down` or false is -1.

    Raises BadRequest for other words.
    """
    if isinstance(rating, bool):
        return 1.0 if rating else -1.0
    if not isinstance(rating, str):
        return rating
    word = rating.strip().lower()
    meant = _WORDS.get(word.replace(" ", "_").replace("-", "_"))
    try:
        return float(word) if meant is None else meant
    except ValueError:
        known = ", ".join(f"`{each}`" for each in _WORDS if each.isascii())
        told = f"`rating` must be from -1 (bad) to 1 (good), true or false, or one of {known}"
        raise BadRequest(told, param="rating") from None


def said(request_id: str, time: datetime, rating: float | None, comment: str | None) -> Feedback:
    """A rating from -1 (bad) to 1 (good), a comment, or both. Raises BadRequest for neither."""
    if rating is None and comment is None:
        raise BadRequest("send a `rating` from -1 to 1, a `comment`, or both", param="rating")
    if rating is not None and not -1 <= rating <= 1:  # nor is NaN
        raise BadRequest("`rating` must be from -1 (bad) to 1 (good)", param="rating")
    return Feedback(request_id, time, rating, comment)
