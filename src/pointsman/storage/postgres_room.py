"""Whether all gateways together fit into the connections that a PostgreSQL server has."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, text

#: How connections of gateways are called; what follows it is the gateway's id, or what they are for.
NAME = "pointsman"

_ROOM = text(f"""
    WITH clients AS (
        SELECT application_name AS name, datname IS NOT DISTINCT FROM current_database()
            AND starts_with(coalesce(application_name, ''), '{NAME} ') AS ours
        FROM pg_stat_activity  -- of other users' sessions not everything is shown
        WHERE datname IS NOT NULL AND usesysid IS NOT NULL
            AND coalesce(backend_type, 'client backend') = 'client backend'
    )
    SELECT
        current_setting('max_connections')::integer
            - current_setting('superuser_reserved_connections')::integer
            - coalesce(current_setting('reserved_connections', true), '0')::integer,
        (SELECT count(*) FROM clients WHERE NOT ours),
        (SELECT count(DISTINCT name) FROM clients WHERE ours AND name ~ '^{NAME} [0-9a-f]{{32}}$')
""")  # noqa: S608 - nobody's words


class Room(msgspec.Struct, frozen=True):
    """Connections of a server, and who may want them."""

    #: That there are for all who are no superusers.
    there: int
    #: That others have now.
    others: int
    gateways: int
    #: That each gateway may take.
    each: int

    @property
    def suffices(self) -> bool:
        """Each gateway finds what it may take."""
        return self.gateways * self.each <= self.there - self.others

    def __str__(self) -> str:
        """What is missing, and what to do."""
        gateways = "1 gateway" if self.gateways == 1 else f"{self.gateways} gateways"
        return (
            f"{gateways} with up to {self.each} connections each do not fit: PostgreSQL has "
            f"{self.there}, of which others use {self.others}; lower [ledger] max_connections, "
            "raise the server's, or start fewer gateways"
        )


def room(db: Connection, each: int) -> Room:
    """As it is now, this gateway included, where each may take so many."""
    there, others, gateways = db.execute(_ROOM).one()
    return Room(there, others, gateways, each)
