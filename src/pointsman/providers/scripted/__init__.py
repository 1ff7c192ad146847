"""A provider without a model: deterministic replies, and every fault on demand.

`ScriptedProvider` is an adapter of `ports.Provider`; `ScriptedUpstream` serves the same replies
over HTTP. Untold, both answer any valid request plausibly: chat, legacy completions, embeddings,
audio, images, rerank. A `Script` tells them what to reply, how slowly, and where to break. Each
keeps a log of what it really gave.
"""

from pointsman.providers.scripted.app import ScriptedUpstream
from pointsman.providers.scripted.delivery import Served
from pointsman.providers.scripted.provider import ScriptedProvider
from pointsman.providers.scripted.script import Script

__all__ = ["Script", "ScriptedProvider", "ScriptedUpstream", "Served"]
