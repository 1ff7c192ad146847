"""Every error becomes a response here, in OpenAI's shape."""

from __future__ import annotations

import math

from pointsman.errors import PointsmanError
from pointsman.formats.chat import error as openai_error
from pointsman.server.http import Outgoing


def render(error: PointsmanError) -> Outgoing:
    """The response that says what went wrong and, where it helps, when to come back."""
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:  # noqa: PLR2004 - RFC 9110 asks for the challenge
        headers["www-authenticate"] = "Bearer"
    return Outgoing(error.status, openai_error.body(error), headers=headers)


def unexpected(request_id: str) -> Outgoing:
    """The response to a fault of ours; what it was is in the log, under the request's id."""
    return render(
        PointsmanError(
            f"Pointsman failed on this request; its log names the cause for {request_id}"
        )
    )
