"""What organisations may do for themselves."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, field_validator

from pointsman.config.deployment import Section

#: What has another meaning than itself in an address.
_ODD = frozenset("%\\?#@ ")


class TenantSettings(Section):
    """What organisations may do for themselves."""

    #: Encrypts providers' keys, best as a reference; by default `${POINTSMAN_ENCRYPTION_KEY}`, where
    #: that is set. 32 random bytes in base64; several with commas between them, the newest first:
    #: `pointsman db rotate-encryption` encrypts all anew with the first.
    encryption_key: SecretStr | None = Field(default=None, min_length=1)
    #: Addresses that an organisation's own deployments may use beside those of known providers in
    #: the cloud, such as `https://llm.example.org/v1`: these, and what lies below them.
    base_urls: tuple[str, ...] = ()

    @field_validator("base_urls")
    @classmethod
    def _are_addresses(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            parts = urlsplit(value)
            plain = not (parts.query or parts.fragment or parts.username or parts.password)
            if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
                raise ValueError(f"{value!r} is no address such as https://llm.example.org/v1")
        return tuple(value.rstrip("/") for value in values)

    def allows(self, address: str) -> bool:
        """Whether an organisation's own deployment may use that address."""
        return any(_is_below(address, allowed) for allowed in self.base_urls)


def _is_below(address: str, allowed: str) -> bool:
    """The same server, and the same path or one below it; written so that it leads nowhere else."""
    if not address.isprintable() or _ODD & set(address):
        return False
    asked, known = urlsplit(address), urlsplit(allowed)
    segments, base = (each.path.rstrip("/").split("/") for each in (asked, known))
    try:
        same = _server(asked) == _server(known)
    except ValueError:  # no port at all
        return False
    return same and not {".", ".."} & set(segments) and segments[: len(base)] == base


def _server(parts: SplitResult) -> tuple[str, str | None, int]:
    """Scheme, host and port. Raises ValueError."""
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
