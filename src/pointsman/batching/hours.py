"""Off-peak hours. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec

_HOURS = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$")
_DAY = timedelta(days=1)


class OffPeak(msgspec.Struct, frozen=True):
    """Hours of every day, in UTC."""

    begin: timedelta
    #: Before `begin` where they go past midnight.
    end: timedelta
    #: What must be left of a batch's time for it to wait for them.
    margin: timedelta = timedelta(hours=1)

    @classmethod
    def read(cls, text: str) -> OffPeak:
        """`22:00-06:00`. Raises ValueError."""
        found = _HOURS.match(text)
        if found is None:
            raise ValueError("off-peak hours are written as 22:00-06:00")
        hours = [int(each) for each in found.groups()]
        return cls(
            timedelta(hours=hours[0], minutes=hours[1]), timedelta(hours=hours[2], minutes=hours[3])
        )

    def is_at(self, now: datetime) -> bool:
        """Whether it is off-peak."""
        since = now.astimezone(UTC) - _midnight(now)
        if self.begin < self.end:
            return self.begin <= since < self.end
        return since >= self.begin or since < self.end

    def wait(self, now: datetime, deadline: datetime) -> datetime | None:
        """When to go on with what has a deadline; None is now.

        What could not be done within off-peak hours is done at any time.
        """
        if self.is_at(now):
            return None
        begin = _midnight(now) + self.begin
        begin = begin if begin > now else begin + _DAY
        return begin if begin + self.margin <= deadline else None


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
