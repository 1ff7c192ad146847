"""Documents ranked by a query, as Jina, vLLM and llama.cpp do at `/rerank`. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pointsman.providers.scripted import prose
from pointsman.providers.scripted.exchange import Answer, Question, whole
from pointsman.providers.scripted.reading import read
from pointsman.tokens import estimate_tokens
from pointsman.types import Json


class Document(Struct):
    """A document that is more than its text."""

    text: str


class Asked(Struct):
    """The members that change the reply."""

    model: str
    query: str
    documents: Annotated[list[str | Document], Meta(min_length=1)]
    top_n: Annotated[int, Meta(ge=1)] | None = None


def answer(question: Question) -> Answer:
    """The documents by the share of the query's words that they hold, the best first.

    Raises BadRequest.
    """
    asked = read(question.body, question.content_type, Asked)
    texts = [each if isinstance(each, str) else each.text for each in asked.documents]
    wanted = prose.words(asked.query)
    scores = [len(wanted & prose.words(text)) / max(1, len(wanted)) for text in texts]
    ranked = sorted(range(len(texts)), key=lambda index: -scores[index])
    results: list[Json] = [
        {"index": index, "relevance_score": scores[index]} for index in ranked[: asked.top_n]
    ]
    body: dict[str, Json] = {"model": question.model, "object": "list", "results": results}
    script = question.script
    if not script.no_usage:
        counted = sum(map(estimate_tokens, (asked.query, *texts)))
        used = script.usage.input_tokens if script.usage else counted
        body["usage"] = {"prompt_tokens": used, "total_tokens": used}
    return whole(body)
