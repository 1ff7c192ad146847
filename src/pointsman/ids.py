"""Request ids: ours, unguessable, safe in a header and a path. A leaf."""

from __future__ import annotations

import uuid


def new_request_id() -> str:
    """Make a new id, such as `req_0f1e...`."""
    return f"req_{uuid.uuid4().hex}"
