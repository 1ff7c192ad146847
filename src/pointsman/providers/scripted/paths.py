"""What is answered at which path."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pointsman.providers.scripted import audio, chat, completions, embeddings, images, rerank
from pointsman.providers.scripted.exchange import Answer, Question
from pointsman.types import FormatName

#: Below the base URL; each raises BadRequest.
PATHS: Mapping[str, Callable[[Question], Answer]] = {
    "/chat/completions": chat.answer,
    "/completions": completions.answer,
    "/embeddings": embeddings.answer,
    "/audio/transcriptions": audio.transcribed,
    "/audio/translations": audio.transcribed,
    "/audio/speech": audio.spoken,
    "/images/generations": images.drawn,
    "/images/edits": images.drawn,
    "/images/variations": images.varied,
    "/rerank": rerank.answer,
}
#: Where a format goes that does not say a path itself.
OF_FORMATS: Mapping[FormatName, str] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
}
