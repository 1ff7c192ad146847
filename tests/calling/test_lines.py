"""Which deployments an organisation may use, with which line."""

from pointsman.calling.line import Line
from pointsman.calling.lines import Deployments, Lines
from pointsman.calling.slots import Slots
from pointsman.clock import ManualClock
from pointsman.conversation import Addressee
from pointsman.formats import registry
from pointsman.formats.chat.quirks import Quirks
from pointsman.formats.translate import Speech
from pointsman.providers.scripted import ScriptedProvider
from pointsman.types import Deployment


def line(name: str, *organisations: str) -> Line:
    deployment = Deployment(
        name, "openai", "m", "simple", "cloud", organisations=frozenset(organisations) or None
    )
    speech = Speech(registry.CLIENTS, registry.upstreams(("chat",), Quirks()), Addressee("m"))
    return Line(deployment, ScriptedProvider("m"), speech, Slots(None, 1, ManualClock()))


ALL, ACMES, BOTHS, PAID = (
    line("all"),
    line("acmes", "acme"),
    line("both", "acme", "globex"),
    line("all"),
)
SHARED = {"all": ALL, "acmes": ACMES, "both": BOTHS}


def test_each_organisation_sees_everybodys_and_its_own() -> None:
    lines = Lines(SHARED)

    assert lines.of("acme") == SHARED
    assert set(lines.of("globex")) == {"all", "both"}
    for nobody in ("initech", "", None):
        assert set(lines.of(nobody)) == {"all"}
    assert dict(lines) == SHARED
    assert set(Deployments(lines).of("globex")) == {"all", "both"}
    assert Deployments(lines).of("globex").get("acmes") is None


def test_its_own_line_stands_in_the_others_place_for_it_alone() -> None:
    lines = Lines(SHARED, {"globex": {"all": PAID}})

    assert lines.of("globex")["all"] is PAID
    assert lines.of("acme")["all"] is lines["all"] is ALL
    assert list(lines.every()) == [ALL, ACMES, BOTHS, PAID]
    assert PAID.breaker is not ALL.breaker


def test_what_it_cannot_pay_for_it_does_not_have() -> None:
    lines = Lines(SHARED, {"globex": {"all": None}})

    assert set(lines.of("globex")) == {"both"}
    assert set(lines.of("acme")) == set(SHARED)
    assert list(lines.every()) == [ALL, ACMES, BOTHS]
