"""In what servers of the chat format differ."""

from __future__ import annotations

from typing import Literal

import msgspec


class Quirks(msgspec.Struct, frozen=True):
    """What a server takes and says beyond what all of them do. The defaults suit local servers."""

    #: Its word for the limit of a reply. OpenAI's own reasoning models refuse `max_tokens`.
    limit_member: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    #: It knows the role `developer`; `system` is written otherwise.
    developer_role: bool = False
    #: It takes earlier thinking back: `reasoning_content`, `reasoning_details`, Google's proofs.
    reasoning_history: bool = False
    #: It takes OpenRouter's `reasoning` object, which can say budgets; `reasoning_effort` otherwise.
    reasoning_object: bool = False
    #: It takes Anthropic's `cache_control` on parts and tools (OpenRouter).
    cache_control: bool = False
    #: It takes addresses of documents, in the place of their data (OpenRouter).
    file_urls: bool = False
    #: It takes `verbosity`.
    verbosity: bool = False
    #: It takes `tool_choice: allowed_tools`; otherwise only the allowed tools are sent.
    allowed_tools: bool = False
    #: It takes `top_k` and `min_p`. OpenAI does not.
    local_sampling: bool = True
    #: Its usage says what the request cost in US dollars, and that is what will be paid.
    states_cost: bool = False
