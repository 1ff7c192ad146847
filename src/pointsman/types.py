"""Frozen values handed from stage to stage; the vocabulary of DESIGN.md as types.

A leaf: it imports the standard library only, and everything may import it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

Location: TypeAlias = Literal["local", "cloud"]
Capability: TypeAlias = Literal["tools", "vision", "audio", "json_schema", "logprobs", "n"]
#: `cold` is not loaded but starts on demand; `warming` is loading; `down` has an open breaker.
DeploymentState: TypeAlias = Literal["up", "warming", "cold", "down"]
#: Who waits for the answer: a person, or nobody in particular.
Priority: TypeAlias = Literal["interactive", "background"]
#: What becomes of an upstream's reply that nobody reads any more.
OnDisconnect: TypeAlias = Literal["cancel", "drain"]
#: What a deployment is asked to do.
Task: TypeAlias = Literal["chat", "embeddings", "audio", "images", "rerank"]
#: Wire formats: what clients send, what upstreams take, or both.
FormatName: TypeAlias = Literal[
    "chat",  # OpenAI's /chat/completions
    "completions",  # OpenAI's /completions
    "responses",  # OpenAI's /responses
    "messages",  # Anthropic's /v1/messages
    "ollama",  # Ollama's /api/chat
    "ollama_generate",  # Ollama's /api/generate
    "gemini",  # Google's generateContent
    "embeddings",  # OpenAI's /embeddings
    "ollama_embed",  # Ollama's /api/embed
    "raw",  # passed on unread: audio, images, rerank
]
Outcome: TypeAlias = Literal["open", "completed", "client_left", "failed", "interrupted", "refused"]


@dataclass(frozen=True, slots=True)
class Deployment:
    """One callable model at one provider."""

    id: str
    provider: str
    model: str
    tier: str
    location: Location
    #: In tokens, prompt and reply together; None where it is not known.
    context_length: int | None = None
    #: None where it is not known, and then nothing is ruled out.
    capabilities: frozenset[Capability] | None = None
    #: What its server takes, the preferred one first; a request in none of them is translated.
    formats: tuple[FormatName, ...] = ("chat",)
    tasks: frozenset[Task] = frozenset({"chat"})
    #: Its share of its tier's load, beside the others'; at 0 it is used where no other is left.
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deployment and how it stands now."""

    deployment: Deployment
    state: DeploymentState = "up"
    #: It failed repeatedly and is left alone for a while.
    breaker_open: bool = False
    #: Seconds for which its provider asked to be left alone (`Retry-After`).
    resting_s: float = 0.0
    #: Requests that it serves now or that wait for it.
    busy: int = 0
    #: Requests that it was given so far.
    given: int = 0
    #: Why the request can't be said in a format that it takes; None where it can.
    objection: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation, reduced to its text."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A read-only view of a request to a model, for scoring and routing.

    `members` holds the top-level members as the client sent them, byte for byte and in order:
    what reaches the model is built from them, never from this view.
    """

    model: str
    turns: tuple[Turn, ...]
    members: Mapping[str, bytes]
    needs: frozenset[Capability] = frozenset()
    stream: bool = False
    #: The client asked for usage in the stream.
    include_usage: bool = False
    #: Estimated tokens of the whole prompt: every turn, tools and schemas.
    input_tokens: int = 0
    #: What the client allows for the reply; None where it does not say.
    max_output_tokens: int | None = None
    #: The wire format it came in.
    format: FormatName = "chat"
    task: Task = "chat"
    #: The conversation it continues, where the client's body names one (`prompt_cache_key`, ...).
    session: str | None = None
    #: Headers of the client's that go along where the format stays (`anthropic-beta`, ...).
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Set for what is passed on unread.
    raw: RawBody | None = None


@dataclass(frozen=True, slots=True)
class RawBody:
    """A body that is passed on as it came, but for the model's name in it."""

    #: Below the base URL: `/audio/transcriptions`.
    path: str
    content_type: str
    #: What stands before the model's name, and after it.
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Outbound:
    """A request as it goes to an upstream."""

    format: FormatName
    #: The upstream's name for the model; some formats say it in the path.
    model: str
    body: bytes
    stream: bool = False
    content_type: str = "application/json"
    #: Where it isn't the format's own path.
    path: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Names of what the client sent and this leaves out.
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking."""

    organisation: str = "default"
    key: str = "anonymous"


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way through the pipeline, with what surrounds it."""

    request_id: str
    time: datetime
    principal: Principal
    request: ModelRequest
    #: `X-Force-Route`, where sent.
    force_route: str | None = None
    #: The client's own `x-request-id`: kept, never used as a key.
    client_request_id: str | None = None
    #: The conversation that this belongs to, as far as can be told.
    session: str | None = None
    priority: Priority = "interactive"


@dataclass(frozen=True, slots=True)
class Stay:
    """Where a session was served last."""

    deployment: str
    tier: str


#: The scorer's name where there was nothing to score: embeddings, pictures, sound.
UNSCORED = "none"


@dataclass(frozen=True, slots=True)
class Score:
    """0-100: how likely it is that the lowest tier will *not* suffice, and why."""

    value: float
    #: Named contributions; they add up to `value`.
    parts: Mapping[str, float]
    scorer: str
    version: str
    #: reasoning_depth, domain_specificity, output_sensitivity, each 0-1.
    dimensions: Mapping[str, float] = field(default_factory=dict)
    domain: str = "general"
    #: Subjects with floors of their own, such as `high_stakes`.
    topics: tuple[str, ...] = ()
    #: Set where the scorer failed and this score stands in for it.
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What `model` or `X-Force-Route` asks for, resolved against the configuration."""

    kind: Literal["auto", "location", "tier", "deployment"]
    name: str


@dataclass(frozen=True, slots=True)
class PlannedAttempt:
    """One deployment of a plan, in its place."""

    deployment: str
    tier: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A deployment that a gate or floor removed, and why."""

    deployment: str
    gate: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered attempts for one request, plus every dropped deployment with its reason."""

    attempts: tuple[PlannedAttempt, ...]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a request goes and why; made without calling a model."""

    tier: str
    target: Target
    scored: Score
    plan: Plan
    reasoning: str
    #: Expected cost on the first deployment of the plan; None where the price is unknown.
    estimated_cost_usd: Decimal | None = None

    @property
    def deployment(self) -> str | None:
        """The first deployment of the plan; None where nothing can serve."""
        return self.plan.attempts[0].deployment if self.plan.attempts else None

    @property
    def score(self) -> float:
        """0-100, see `Score.value`."""
        return self.scored.value

    @property
    def parts(self) -> Mapping[str, float]:
        """The score's named contributions."""
        return self.scored.parts

    @property
    def dimensions(self) -> Mapping[str, float]:
        """Reasoning depth, domain specificity and output sensitivity, each 0-1."""
        return self.scored.dimensions

    @property
    def domain(self) -> str:
        """What the prompt is about: coding, mathematics, writing, ..."""
        return self.scored.domain

    @property
    def scorer(self) -> str:
        """The scorer's name and version."""
        return f"{self.scored.scorer}/{self.scored.version}"

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """Every deployment that was ruled out, and why."""
        return self.plan.dropped


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply. `input_tokens` is the total, cached ones included."""

    input_tokens: int = 0
    output_tokens: int = 0
    #: Input tokens that were read from the provider's prompt cache.
    cached_tokens: int = 0
    #: Input tokens that were written to it.
    written_tokens: int = 0
    #: Output tokens that were thought and not said.
    reasoning_tokens: int = 0
    #: Counted by us because the upstream did not say.
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of one deployment, as it went."""

    deployment: str
    tier: str
    outcome: Outcome
    #: HTTP status of the upstream; None where it never answered.
    status: int | None = None
    error: str | None = None
    latency_ms: float = 0.0
    #: The model that the upstream says it served, where that is not the one that was asked for.
    served_model: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an admitted request ended; written once."""

    outcome: Outcome
    attempts: tuple[Attempt, ...] = ()
    served_tier: str | None = None
    deployment: str | None = None
    reason: str = ""
    usage: Usage | None = None
    #: US dollars; None where the price is unknown.
    cost: Decimal | None = None
    baseline_cost: Decimal | None = None
    latency_ms: float = 0.0
    #: Time to the first byte for the client; None where none was sent.
    ttft_ms: float | None = None
    error: str | None = None

    @property
    def saved(self) -> Decimal | None:
        """US dollars less than the baseline; None where either price is unknown."""
        if self.cost is None or self.baseline_cost is None:
            return None
        return self.baseline_cost - self.cost


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a user said of a reply."""

    request_id: str
    time: datetime
    #: -1 (bad) to 1 (good); None for a comment alone.
    rating: float | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """The ledger's row for one request. `settlement` is None while it is open."""

    request_id: str
    time: datetime
    principal: Principal
    model_asked: str
    stream: bool
    decision: Decision
    client_request_id: str | None = None
    settlement: Settlement | None = None
    feedback: tuple[Feedback, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """How it ended; `open` until it is settled."""
        return self.settlement.outcome if self.settlement else "open"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """Sums over the entries of one deployment and outcome."""

    deployment: str | None
    served_tier: str | None
    outcome: Outcome
    requests: int
    input_tokens: int
    output_tokens: int
    #: Over the entries whose price is known.
    cost: Decimal
    #: `baseline_cost - cost` over the entries where both are known.
    saved: Decimal
    #: Entries with usage whose price is unknown: in no sum.
    unpriced: int


@dataclass(frozen=True, slots=True)
class ProviderReply:
    """What an upstream answered: status and headers now, the body as it comes.

    Whoever holds it closes it: `await reply.chunks.aclose()` gives the connection back.
    """

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes, None]


@dataclass(frozen=True, slots=True)
class Health:
    """What a look at a deployment's server showed."""

    state: DeploymentState
    detail: str = ""
    context_length: int | None = None
    capabilities: frozenset[Capability] | None = None
    #: Requests that it serves at once; None where it does not say.
    slots: int | None = None


class ByteStream(Protocol):
    """A streamed body. Whoever takes it closes it, read or not."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces, once."""

    async def close(self, outcome: Outcome = "client_left") -> None:
        """Nobody reads on: the client left, or the gateway stops. Idempotent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to the client."""

    request_id: str
    decision: Decision
    #: The deployment that answers.
    deployment: Deployment
    attempts: int
    reason: str
    status: int
    content_type: str
    #: A whole body, or a stream that settles its entry when it ends or is closed.
    body: bytes | ByteStream
    #: Names of what the client sent and the upstream was not told.
    left_out: tuple[str, ...] = ()
    #: None for a stream: it is not known yet.
    settlement: Settlement | None = None
