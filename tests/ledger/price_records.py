"""What providers' replies say was used, and the bill that the providers' own pages give for it.

The usage objects have the shape, the names and mostly the figures of the examples in the providers'
references; a bill is its lines as the page of prices has them: how many, times US dollars a million.
All pages as of November 2026, unless a record has another day: then the page said so on that day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from pointsman.types import FormatName, Json

NOVEMBER = datetime(2026, 11, 21, 12, tzinfo=UTC)

CLAUDE = "https://platform.claude.com/docs/en/about-claude/pricing"
CLAUDE_FAST = "https://platform.claude.com/docs/en/build-with-claude/fast-mode#pricing"
CLAUDE_US = "https://platform.claude.com/docs/en/manage-claude/data-residency"
OPENAI = "https://developers.openai.com/api/docs/pricing"
EMBEDDINGS = "https://developers.openai.com/api/docs/models/text-embedding-3-large"
GEMINI = "https://ai.google.dev/gemini-api/docs/pricing"
DEEPSEEK = "https://api-docs.deepseek.com/quick_start/pricing"
MISTRAL = "https://mistral.ai/pricing#api-pricing"
XAI = "https://docs.x.ai/docs/models"
GROQ = "https://groq.com/pricing"
PERPLEXITY = "https://docs.perplexity.ai/docs/getting-started/pricing"
COHERE = "https://cohere.com/pricing"
VOYAGE = "https://docs.voyageai.com/docs/pricing"


@dataclass(frozen=True, slots=True)
class Record:
    """One usage object and its bill."""

    page: str
    #: As `priced_as` takes it.
    model: str
    format: FormatName
    usage: dict[str, Json]
    #: "1800 x 0.20": tokens, US dollars a million.
    bill: tuple[str, ...]
    at: datetime = NOVEMBER
    #: What the reply says beside its usage.
    beside: dict[str, Json] = field(default_factory=dict)
    #: US dollars for what is not counted in tokens.
    fee: str = "0"


def _claude(
    usage: dict[str, Json], *bill: str, model: str = "claude-opus-5-5", **more: str
) -> Record:
    page, fee = more.get("page", CLAUDE), more.get("fee", "0")
    return Record(page, f"anthropic/{model}", "messages", usage, bill, fee=fee)


def _openai(model: str, usage: dict[str, Json], *bill: str, tier: str = "default") -> Record:
    return Record(OPENAI, f"openai/{model}", "chat", usage, bill, beside={"service_tier": tier})


def _responses(model: str, usage: dict[str, Json], *bill: str, **beside: Json) -> Record:
    fee = str(beside.pop("fee", "0"))
    return Record(OPENAI, f"openai/{model}", "responses", usage, bill, beside=beside, fee=fee)


def _chat(prompt: int, completion: int, cached: int = 0, reasoning: int = 0) -> dict[str, Json]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }


def _gemini(prompt: int, candidates: int, **more: Json) -> dict[str, Json]:
    return {"promptTokenCount": prompt, "candidatesTokenCount": candidates, **more}


#: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
_CACHED: dict[str, Json] = {
    "input_tokens": 2048,
    "cache_read_input_tokens": 1800,
    "cache_creation_input_tokens": 248,
    "output_tokens": 503,
    "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
}
#: https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool
_SEARCHED: dict[str, Json] = {
    "input_tokens": 105,
    "output_tokens": 6039,
    "cache_read_input_tokens": 7123,
    "cache_creation_input_tokens": 7345,
    "server_tool_use": {"web_search_requests": 1},
}
#: https://developers.openai.com/api/docs/guides/prompt-caching
_PROMPT_CACHED = _chat(2006, 300, 1920)
#: https://developers.openai.com/api/docs/guides/reasoning
_REASONED: dict[str, Json] = {
    "input_tokens": 75,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 1186,
    "output_tokens_details": {"reasoning_tokens": 1024},
    "total_tokens": 1261,
}

RECORDS = (
    # Anthropic: plain, read from the cache, written to it for five minutes and for an hour.
    _claude({"input_tokens": 25, "output_tokens": 150}, "25 x 4", "150 x 20"),
    _claude(_CACHED, "2048 x 4", "1800 x 0.20", "148 x 5", "100 x 8", "503 x 20"),
    _claude({**_CACHED, "cache_creation": None}, "2048 x 4", "1800 x 0.20", "248 x 5", "503 x 20"),
    _claude(
        _CACHED,
        *("2048 x 10", "1800 x 0.25", "148 x 12.50", "100 x 20", "503 x 50"),
        model="claude-fable-5-1",
    ),
    _claude(
        _CACHED,
        *("2048 x 5", "1800 x 0.50", "148 x 6.25", "100 x 10", "503 x 25"),
        model="claude-opus-4-8",
    ),
    _claude(
        {**_CACHED, "service_tier": "standard", "inference_geo": "global", "speed": "standard"},
        *("2048 x 2", "1800 x 0.10", "148 x 2.50", "100 x 4", "503 x 10"),
        model="claude-sonnet-5-5",
    ),
    # Long prompts: all tokens cost more, above 100,000 and, then, above 200,000.
    _claude(
        {"input_tokens": 90_000, "cache_read_input_tokens": 10_000, "output_tokens": 1000},
        *("90000 x 0.10", "10000 x 0.01", "1000 x 0.50"),
        model="claude-haiku-5-5",
    ),
    _claude(
        {"input_tokens": 90_001, "cache_read_input_tokens": 10_000, "output_tokens": 1000},
        *("90001 x 0.50", "10000 x 0.05", "1000 x 2.50"),
        model="claude-haiku-5-5",
    ),
    Record(
        CLAUDE,
        "anthropic/claude-sonnet-4-6",
        "messages",
        {"input_tokens": 250_000, "output_tokens": 2000},
        ("250000 x 6", "2000 x 22.50"),
        at=datetime(2026, 3, 12, tzinfo=UTC),  # the day before the surcharge was dropped
    ),
    Record(
        CLAUDE,
        "anthropic/claude-sonnet-4-6",
        "messages",
        {"input_tokens": 250_000, "output_tokens": 2000},
        ("250000 x 3", "2000 x 15"),
        at=datetime(2026, 3, 13, tzinfo=UTC),
    ),
    # Services: half for a batch, twice for speed, a tenth more in one country.
    _claude(
        {"input_tokens": 2500, "output_tokens": 1200, "service_tier": "batch"},
        *("2500 x 0.50", "1200 x 2.50"),
        model="claude-haiku-4-5",
    ),
    _claude(
        {**_CACHED, "service_tier": "batch"},
        *("2048 x 2", "1800 x 0.10", "148 x 2.50", "100 x 4", "503 x 10"),
    ),
    _claude(
        {"input_tokens": 25, "output_tokens": 150, "speed": "fast"},
        *("25 x 8", "150 x 40"),
        page=CLAUDE_FAST,
    ),
    _claude(
        {"input_tokens": 25, "output_tokens": 150, "inference_geo": "us"},
        *("25 x 4.4", "150 x 22"),
        page=CLAUDE_US,
    ),
    # $10 for a thousand searches, beside the tokens.
    _claude(_SEARCHED, "105 x 4", "7123 x 0.20", "7345 x 5", "6039 x 20", fee="0.01"),
    # OpenAI: plain, cached, written, reasoning (which is output).
    _openai("gpt-6-sol", _chat(19, 10), "19 x 2", "10 x 10"),
    _openai("gpt-4o", _PROMPT_CACHED, "86 x 2.50", "1920 x 1.25", "300 x 10"),
    _openai(
        "gpt-6-sol",
        {**_chat(2006, 300), "prompt_tokens_details": {"cache_write_tokens": 1920}},
        *("86 x 2", "1920 x 2.50", "300 x 10"),
    ),
    _responses("gpt-6-sol", _REASONED, "75 x 2", "1186 x 10"),
    _responses("o3", _REASONED, "75 x 2", "1186 x 8"),
    Record(
        OPENAI,
        "openai/o3",
        "responses",
        _REASONED,
        ("75 x 10", "1186 x 40"),
        at=datetime(2025, 6, 9, tzinfo=UTC),  # the day before it became cheaper
    ),
    # Exactly 272,000 is short.
    _openai("gpt-6-sol", _chat(272_000, 100, 200_000), "72000 x 2", "200000 x 0.20", "100 x 10"),
    _openai("gpt-6-sol", _chat(272_001, 100, 200_000), "72001 x 4", "200000 x 0.40", "100 x 15"),
    # Services, as the reply says: what was asked for is not always what was served.
    _openai("gpt-6.1-sol", _PROMPT_CACHED, "86 x 1", "1920 x 0.05", "300 x 5", tier="flex"),
    _openai("gpt-6-sol", _PROMPT_CACHED, "86 x 4", "1920 x 0.40", "300 x 20", tier="priority"),
    _openai("gpt-6-luna", _PROMPT_CACHED, "86 x 0.10", "1920 x 0.01", "300 x 0.50", tier="auto"),
    _openai("gpt-6-astra", _chat(300_000, 100), "300000 x 40", "100 x 150", tier="priority"),
    _responses("gpt-5", _REASONED, "75 x 0.625", "1186 x 5", service_tier="flex"),
    _responses(
        "gpt-6-sol",
        _REASONED,
        *("75 x 2", "1186 x 10"),
        output=[
            {"type": "web_search_call", "action": {"type": "search"}},
            {"type": "web_search_call", "action": {"type": "open_page"}},
            {"type": "web_search_call", "action": {"type": "search"}},
        ],
        fee="0.02",
    ),
    # Audio has a price of its own.
    _openai(
        "gpt-audio",
        {
            "prompt_tokens": 100,
            "completion_tokens": 260,
            "prompt_tokens_details": {"audio_tokens": 88, "text_tokens": 12},
            "completion_tokens_details": {"audio_tokens": 200, "text_tokens": 60},
        },
        *("12 x 2.50", "88 x 32", "60 x 10", "200 x 64"),
    ),
    Record(
        OPENAI,
        "openai/gpt-4o-transcribe",
        "raw",
        {
            "type": "tokens",
            "input_tokens": 14,
            "input_token_details": {"text_tokens": 10, "audio_tokens": 4},
            "output_tokens": 101,
        },
        ("10 x 2.50", "4 x 6", "101 x 10"),
    ),
    Record(
        OPENAI,
        "openai/gpt-image-1",
        "raw",
        {
            "input_tokens": 50,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
            "output_tokens": 50,
        },
        ("10 x 5", "40 x 10", "50 x 40"),
    ),
    # Embeddings have no output.
    Record(
        EMBEDDINGS,
        "openai/text-embedding-3-large",
        "chat",
        {"prompt_tokens": 8, "total_tokens": 8},
        ("8 x 0.13",),
    ),
    Record(VOYAGE, "voyageai/voyage-3.5", "chat", {"prompt_tokens": 10}, ("10 x 0.06",)),
    Record(COHERE, "cohere/embed-v4.0", "chat", {"prompt_tokens": 1000}, ("1000 x 0.12",)),
    # Google: thoughts are output, and beside the candidates.
    Record(
        GEMINI,
        "google/gemini-2.5-pro",
        "gemini",
        _gemini(200_000, 500, thoughtsTokenCount=1500, cachedContentTokenCount=50_000),
        ("150000 x 1.25", "50000 x 0.125", "2000 x 10"),
    ),
    Record(
        GEMINI,
        "google/gemini-2.5-pro",
        "gemini",
        _gemini(200_001, 500, thoughtsTokenCount=1500, cachedContentTokenCount=50_000),
        ("150001 x 2.50", "50000 x 0.25", "2000 x 15"),
    ),
    Record(
        GEMINI,
        "google/gemini-2.5-flash",
        "gemini",
        _gemini(
            1040,
            90,
            promptTokensDetails=[
                {"modality": "TEXT", "tokenCount": 40},
                {"modality": "AUDIO", "tokenCount": 1000},
            ],
        ),
        ("40 x 0.30", "1000 x 1", "90 x 2.50"),
    ),
    # By the time of day, in UTC: dear from 1 to 4 and from 6 to 10.
    Record(
        DEEPSEEK,
        "deepseek/deepseek-flash",
        "chat",
        _chat(1000, 100, 900),
        ("100 x 0.15", "900 x 0.003", "100 x 0.60"),
    ),
    Record(
        DEEPSEEK,
        "deepseek/deepseek-flash",
        "chat",
        _chat(1000, 100, 900),
        ("100 x 0.30", "900 x 0.006", "100 x 1.20"),
        at=datetime(2026, 11, 20, 6, tzinfo=UTC),
    ),
    # Others.
    Record(XAI, "x-ai/grok-4.3", "chat", _chat(200_000, 10), ("200000 x 2.50", "10 x 5")),
    Record(
        GROQ,
        "groq/openai/gpt-oss-120b",
        "chat",
        _chat(1000, 100, 400),
        ("600 x 0.15", "400 x 0.075", "100 x 0.60"),
    ),
    Record(
        MISTRAL,
        "mistral/mistral-medium-3-5",
        "chat",
        _chat(1000, 100, 400),
        ("600 x 1.50", "400 x 0.15", "100 x 7.50"),
    ),
    Record(
        PERPLEXITY,
        "perplexity/sonar-pro",
        "chat",
        _chat(26, 832),
        ("26 x 3", "832 x 15"),
        fee="0.014",
    ),
)
