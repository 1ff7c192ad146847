"""A gateway's worth of cached replies, to be killed: `cache_writer.py <file> <replies>`.

Prints the number of each reply the moment that its `put` returned, and of each hit with a `+`
before it.
"""

import asyncio
import os
import sys
from pathlib import Path

from tests.support.caches import NOW, meant

from pointsman.storage.cache_sqlite import SqliteCache

CLIENTS = 8


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def client(cache: SqliteCache, numbers: range) -> None:
    for number in numbers:
        await cache.put(meant(number))
        say(str(number))
        await cache.used(f"cr_{number}", NOW)
        say(f"+{number}")


async def main(path: Path, replies: int) -> None:
    cache = SqliteCache.open(path, max_replies=replies, gather_s=0)
    await asyncio.gather(*(client(cache, range(i, replies, CLIENTS)) for i in range(CLIENTS)))
    await cache.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
