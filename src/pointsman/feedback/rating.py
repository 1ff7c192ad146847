"""What a user may say of a reply. Pure."""

from __future__ import annotations

from datetime import datetime

from pointsman.errors import BadRequest
from pointsman.types import Feedback


def said(request_id: str, time: datetime, rating: float | None, comment: str | None) -> Feedback:
    """A rating from -1 (bad) to 1 (good), a comment, or both. Raises BadRequest for neither."""
    if rating is None and comment is None:
        raise BadRequest("send a `rating` from -1 to 1, a `comment`, or both", param="rating")
    if rating is not None and not -1 <= rating <= 1:  # nor is NaN
        raise BadRequest("`rating` must be from -1 (bad) to 1 (good)", param="rating")
    return Feedback(request_id, time, rating, comment)
