"""Short runs of the bench: every row exactly once, whatever is killed meanwhile."""

import asyncio
from pathlib import Path

import pytest
from bench import batch
from tests.support import servers
from tests.support.gateway import Gateway, eventually
from tests.support.postgres_books import new_database
from tests.support.servers import PostgresServer

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("books", "rows", "kills"), [("sqlite", 1500, 3), ("postgres", 600, 2)])
def test_every_row_once_though_gateways_are_killed(books: str, rows: int, kills: int) -> None:
    if books == "postgres":
        servers.postgres()  # skips where there is none

    found = batch.run(books, rows=rows, kills=kills)

    assert found.exact, found


def test_every_row_once_though_the_database_is_killed(tmp_path: Path) -> None:
    """What was being asked is answered into the journal, and no row is asked twice."""
    servers.postgres()  # skips where there is none
    upstream, server, rows = batch.Upstream(), PostgresServer(), 300
    server.start()
    try:
        text = batch.config(upstream.port, asyncio.run(new_database(server)))
        with Gateway(tmp_path, text, api_key="any") as gateway:
            batch_id = batch.submit(gateway, batch.requests(rows))
            eventually(lambda: batch.answered(gateway, batch_id) >= 50, "some are answered")
            server.kill()
            server.start()
            counted = batch.counted(gateway, batch_id)
    finally:
        upstream.close()
        server.stop()

    assert counted == batch.Counted("completed", *[rows] * 5)
    assert set(upstream.asked.values()) == {1}
