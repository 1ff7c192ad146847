"""What a started gateway hears from others, and has them hear."""

from __future__ import annotations

from typing import Protocol

from pointsman.access.sessions import SignIns
from pointsman.assembly.bookkeeping import Bookkeeping
from pointsman.calling.hints import Hint
from pointsman.pipeline import Pipeline
from pointsman.stages.experimenting import Experimenting
from pointsman.stages.learning import Learning
from pointsman.telemetry.live import Live


class Joining(Protocol):
    """A gateway, as it is now: a reload changes what calls, and what learns."""

    bookkeeping: Bookkeeping
    live: Live

    @property
    def experimenting(self) -> Experimenting:
        """Knows the experiments."""

    @property
    def learning(self) -> Learning:
        """Learns in the background."""

    @property
    def sign_ins(self) -> SignIns:
        """Who is signed in."""

    async def reread(self) -> object:
        """Read the settings again and go on with them. Raises ConfigError."""

    @property
    def pipeline(self) -> Pipeline:
        """The stages in force."""


async def join(gateway: Joining) -> None:
    """Begin to hear other gateways, and to tell them."""
    books, experimenting = gateway.bookkeeping, gateway.experimenting
    sharing = books.sharing

    async def look_at_experiments() -> None:
        await experimenting.refresh()
        await gateway.learning.know(experimenting.versions)

    async def look_at_versions() -> None:
        await gateway.learning.refresh()

    def heed(hint: Hint) -> None:
        gateway.pipeline.caller.heed(hint)

    books.join()
    sharing.look("settings", gateway.reread)
    sharing.look("experiments", look_at_experiments)
    sharing.look("learning", look_at_versions)
    experimenting.changed = sharing.tell("experiments")
    sharing.share_cache(gateway.pipeline.cache)
    gateway.sign_ins.tell = sharing.share_sign_ins(gateway.sign_ins.heed)
    sharing.hear_hints(heed)
    sharing.share_live(gateway.live)
    await sharing.start()
