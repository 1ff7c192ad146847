"""The Batch API."""

from __future__ import annotations

from pydantic import Field

from pointsman.config.deployment import Section


class BatchSettings(Section):
    """Files of requests that are answered in their own time."""

    #: Rows that this gateway asks at once, behind whatever somebody waits for; with 0 it takes
    #: batches and leaves them to other gateways.
    concurrency: int = Field(default=8, ge=0)
    #: Hours in UTC, such as `22:00-06:00`: batches wait for them, if they begin an hour before the
    #: batch's window ends at the latest; rows are asked at any time where not given.
    off_peak: str | None = Field(
        default=None, pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"
    )
    #: Hours of the longest `completion_window` that clients may ask for.
    longest_window_h: float = Field(default=168.0, gt=0)
    #: Bytes of a file; larger ones get 413.
    max_file_bytes: int = Field(default=100 * 1024 * 1024, ge=1024)
    #: Bytes of an organisation's files and of what its unfinished batches have read of them.
    max_stored_bytes: int = Field(default=1024**3, ge=1024)
    #: Rows of a batch.
    max_rows: int = Field(default=50_000, ge=1)
    #: Days until files are deleted, and batches of which no file is left.
    retention_days: float = Field(default=30.0, gt=0)
