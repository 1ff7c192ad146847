"""What somebody may want of an organisation: the bodies of `/v1/organisations`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from pointsman.access.wishes import ORGANISATION
from pointsman.errors import BadRequest
from pointsman.types import Capability, Json, Role, Task

_LONGEST_NAME = 128
#: A deployment's id within its organisation.
_DEPLOYMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,62}")
_PROVIDER_KEY = re.compile(r"[!-~]{8,1024}")
#: Names and addresses of a deployment.
_Text = Annotated[str, msgspec.Meta(max_length=512)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]


class NewOrganisation(msgspec.Struct, forbid_unknown_fields=True):
    """An organisation to be made."""

    #: As its keys and entries name it.
    id: str
    #: What people call it.
    name: str = ""


class OrganisationChange(msgspec.Struct, forbid_unknown_fields=True):
    """What people call an organisation from now on."""

    name: str


class NewMember(msgspec.Struct, forbid_unknown_fields=True):
    """A person to be taken in."""

    #: An address or another name, once in the organisation.
    person: str
    role: Role = "user"


class MemberChange(msgspec.Struct, forbid_unknown_fields=True):
    """What a member may do from now on, and every key of theirs at most."""

    role: Role


class NewProviderKey(msgspec.Struct, forbid_unknown_fields=True):
    """What the organisation pays a provider with from now on."""

    provider: str
    key: str

    def __repr__(self) -> str:
        """Without the key."""
        return f"NewProviderKey(provider={self.provider!r})"


class NewDeployment(msgspec.Struct, forbid_unknown_fields=True):
    """A deployment of the organisation's own, as in a table `[models.<id>]`.

    One that has the id already is replaced, its key included.
    """

    id: str
    provider: _Text
    model: _Text
    tier: _Text | UnsetType = UNSET
    #: One of those that the operator allows; the provider's own where not given.
    base_url: _Text | UnsetType = UNSET
    #: For this deployment alone; the organisation's for the provider where not given.
    api_key: str | UnsetType = UNSET
    context_length: _Count | UnsetType = UNSET
    capabilities: list[Capability] | UnsetType = UNSET
    tasks: list[Task] | UnsetType = UNSET
    priced_as: _Text | UnsetType = UNSET
    max_output_tokens: _Count | UnsetType = UNSET
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | UnsetType = UNSET
    weight: Annotated[float, msgspec.Meta(ge=0, le=1000)] | UnsetType = UNSET

    def __repr__(self) -> str:
        """Without the key."""
        return f"NewDeployment(id={self.id!r}, provider={self.provider!r}, model={self.model!r})"

    @property
    def settings(self) -> Mapping[str, Json]:
        """The members of its table, without id and key."""
        stated: dict[str, Json] = msgspec.to_builtins(self)
        return {name: value for name, value in stated.items() if name not in {"id", "api_key"}}


def organisation_id(wish: NewOrganisation) -> str:
    """The organisation's id. Raises BadRequest."""
    if not ORGANISATION.fullmatch(wish.id):
        raise BadRequest("`id` must be up to 64 ASCII letters, digits and . _ -", param="id")
    return wish.id


def readable(text: str, member: str, *, empty: bool = False) -> str:
    """What people are called, as it is written. Raises BadRequest."""
    if not text.isprintable() or len(text) > _LONGEST_NAME or text != text.strip():
        raise BadRequest(f"`{member}` must be up to 128 printable characters", param=member)
    if not text and not empty:
        raise BadRequest(f"`{member}` must not be empty", param=member)
    return text


def deployment_id(wish: NewDeployment) -> str:
    """The deployment's id within its organisation. Raises BadRequest."""
    if not _DEPLOYMENT.fullmatch(wish.id):
        raise BadRequest(
            "`id` must be up to 63 ASCII letters, digits and . _ : @ + -; the organisation's id "
            "is put before it",
            param="id",
        )
    return wish.id


def provider_key(text: str, member: str) -> str:
    """A provider's key. Raises BadRequest, which does not repeat it.

    A reference to a variable would name the operator's secrets.
    """
    if not _PROVIDER_KEY.fullmatch(text) or "${" in text:
        raise BadRequest(
            f"`{member}` must be the key itself: 8 to 1024 ASCII characters without spaces",
            param=member,
        )
    return text
