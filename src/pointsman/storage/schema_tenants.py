"""The tables of organisations and of what is theirs; each row is found through its organisation."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table
from sqlalchemy.schema import SchemaItem

from pointsman.storage.any_text import Text
from pointsman.storage.schema import Instant, metadata


def _of_organisation() -> list[SchemaItem]:
    return [
        Column("organisation", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("created", Instant, nullable=False),
    ]


organisations = Table(
    "organisations",
    metadata,
    Column("organisation", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created", Instant, nullable=False),
)

#: Those that were removed: the books still name them, so nobody else gets the id.
former_organisations = Table(
    "former_organisations",
    metadata,
    Column("organisation", Text, primary_key=True),
)

#: People, each with a role.
members = Table(
    "members",
    metadata,
    *_of_organisation(),
    Column("person", Text, nullable=False),
    Column("role", Text, nullable=False),
)
Index("members_by_person", members.c.organisation, members.c.person, unique=True)

#: What an organisation pays its providers with, encrypted; the id is the provider's name.
provider_keys = Table(
    "provider_keys",
    metadata,
    *_of_organisation(),
    Column("sealed", LargeBinary, nullable=False),
)

#: Deployments that an organisation added for itself.
organisation_deployments = Table(
    "organisation_deployments",
    metadata,
    *_of_organisation(),
    # As JSON, as in a table `[models.<id>]`; without its key, which is encrypted beside it.
    Column("model", Text, nullable=False),
    Column("sealed", LargeBinary),
)
