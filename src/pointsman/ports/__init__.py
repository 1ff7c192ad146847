"""What the stages need from outside, as Protocols of at most five methods each.

Adapters (providers, storage, telemetry) implement them; only `app.py` puts the two together.
"""

from __future__ import annotations

from pointsman.ports.batching import (
    BatchBooks,
    BatchStore,
    FileStore,
    Job,
    Jobs,
    Page,
    PieceStore,
    RowStore,
    Work,
)
from pointsman.ports.books import (
    Books,
    Charts,
    FeedbackStore,
    KeyStore,
    Ledger,
    PromptStore,
    Retention,
)
from pointsman.ports.caching import (
    CacheStore,
    CheckStore,
    Embedder,
    VectorIndex,
)
from pointsman.ports.learning import (
    EvidenceStore,
    ExperimentStore,
    VersionStore,
)
from pointsman.ports.observing import Telemetry
from pointsman.ports.serving import (
    Clock,
    ConversationStore,
    Feed,
    Observer,
    Provider,
    RateLimiter,
    Scorer,
    Watch,
)
from pointsman.ports.sharing import Bus, Hear, SharedCounts
from pointsman.ports.tenants import Sealer, TenantStore

__all__ = [
    "BatchBooks",
    "BatchStore",
    "Books",
    "Bus",
    "CacheStore",
    "Charts",
    "CheckStore",
    "Clock",
    "ConversationStore",
    "Embedder",
    "EvidenceStore",
    "ExperimentStore",
    "Feed",
    "FeedbackStore",
    "FileStore",
    "Hear",
    "Job",
    "Jobs",
    "KeyStore",
    "Ledger",
    "Observer",
    "Page",
    "PieceStore",
    "PromptStore",
    "Provider",
    "RateLimiter",
    "Retention",
    "RowStore",
    "Scorer",
    "Sealer",
    "SharedCounts",
    "Telemetry",
    "TenantStore",
    "VectorIndex",
    "VersionStore",
    "Watch",
    "Work",
]
