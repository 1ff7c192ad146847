"""Make the sample that `pointsman prove` measures where no data are named.

    nice python -m train.sample

It needs the embedded model's weights (`pointsman models pull smollm2-135m-instruct`) and about
a quarter of an hour. Prompts are the same for the same seed; replies are the model's own at
temperature 0, and may differ with another build of llama.cpp.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

from pointsman.cli.progress import Display
from pointsman.router import Router
from train.sample_tasks import SOURCES, Task

SEED = 4
ROWS_PER_SOURCE = 110
#: Greedy, and without the penalty on repetition that keeps so small a model from rambling in a
#: chat: it would keep it from repeating what it has to, as well.
PARAMETERS = {"temperature": 0, "max_tokens": 80, "seed": SEED, "repeat_penalty": 1.0}
WEAK = "smollm2-135m-instruct"
STRONG = "reference answer (computed)"
TARGET = Path(__file__).parents[1] / "src" / "pointsman" / "data" / "sample.jsonl.gz"


def tasks(seed: int = SEED) -> Iterator[tuple[str, Task]]:
    """Sources and their tasks, without two equal prompts."""
    seen: set[str] = set()
    for source, makers in SOURCES.items():
        rng = Random(f"{seed} {source}")  # noqa: S311 - reproducible, not secret
        made = tried = 0
        while made < ROWS_PER_SOURCE and tried < 20 * ROWS_PER_SOURCE:
            maker, highest = makers[tried % len(makers)]
            tried += 1
            task = maker(rng, rng.randint(1, highest))
            if task.prompt not in seen:
                seen.add(task.prompt)
                made += 1
                yield source, task


async def answered(router: Router) -> AsyncIterator[dict[str, str | float]]:
    """A row for each task, with the weak model's reply and whether it is right."""
    for number, (source, task) in enumerate(tasks()):
        reply = await router.complete(task.prompt, model="smollm2", parameters=PARAMETERS)
        yield {
            "id": f"sample-{number:03}",
            "source": source,
            "prompt": task.prompt,
            "weak_model": WEAK,
            "strong_model": STRONG,
            "weak_score": float(task.right(reply.text)),
            "strong_score": 1.0,
            "weak_answer": reply.text,
            "licence": "Apache-2.0",
        }


async def main() -> None:
    """Write the sample."""
    rows: list[dict[str, str | float]] = []
    with Display("tasks") as display:
        async with Router.from_settings() as router:
            async for row in answered(router):
                rows.append(row)
                display("", len(rows), ROWS_PER_SOURCE * len(SOURCES))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    TARGET.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{len(rows)} rows, {TARGET.stat().st_size} bytes, to {TARGET}")


if __name__ == "__main__":
    asyncio.run(main())
