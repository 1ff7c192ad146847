"""Nobody gives what they have not, nor for longer; and an organisation that is no more has no keys."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.support.keystore import SharedKeys

from pointsman.access.allowances import Stated
from pointsman.access.keyring import KeyRing, NewSecret
from pointsman.access.wishes import BudgetWish, KeyChange, LimitWish, NewKey, Rotation
from pointsman.clock import ManualClock
from pointsman.errors import AuthenticationFailed, BadRequest, Forbidden
from pointsman.types import Budgets, Limits, Principal, Role

OWNER = Principal(key="operator")


class Office:
    """A key ring, and acme's admin."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.former: set[str] = set()
        self.roles: dict[tuple[str, str], Role] = {}
        self.ring = KeyRing(
            SharedKeys(),
            self.clock,
            roles=lambda *member: self.roles.get(member),
            is_former=self.former.__contains__,
        )

    async def admin(self, **more: object) -> NewSecret:
        return await self.ring.create(OWNER, NewKey(role="admin", organisation="acme", **more))

    def asking(self, made: NewSecret) -> Principal:
        return self.ring.authenticate({"authorization": f"Bearer {made.text}"})


@pytest.fixture
async def office() -> Office:
    office = Office()
    await office.ring.load()
    return office


async def test_a_key_that_ends_gives_nothing_for_longer(office: Office):
    end = office.clock.now() + timedelta(hours=1)
    admin = await office.admin(expires=end)
    other = await office.admin()
    by = office.asking(admin)

    for wish in (KeyChange(expires=None), KeyChange(expires=end + timedelta(seconds=1))):
        with pytest.raises(Forbidden, match="gives nothing for longer"):
            await office.ring.change(by, admin.key.id, wish)
    for wish in (NewKey(expires=None), NewKey(expires=end + timedelta(days=1))):
        with pytest.raises(Forbidden, match="gives nothing for longer"):
            await office.ring.create(by, wish)
    with pytest.raises(Forbidden, match="gives nothing for longer"):
        await office.ring.rotate(by, other.key.id, Rotation())

    assert (await office.ring.create(by, NewKey())).key.expires == end
    assert (await office.ring.change(by, other.key.id, KeyChange(active=False))).active is False
    sooner = end - timedelta(minutes=1)
    assert (await office.ring.change(by, admin.key.id, KeyChange(expires=sooner))).expires == sooner


async def test_a_key_that_ends_gives_no_more_to_one_that_does_not(office: Office):
    """Neither life nor rights; what it takes from it is well."""
    end = office.clock.now() + timedelta(hours=1)
    by = office.asking(await office.admin(expires=end))
    limits = LimitWish(requests_per_minute=1)
    other = await office.admin(routes=["auto", "cloud"], limits=limits)
    key_id = other.key.id
    await office.ring.change(by, key_id, KeyChange(active=False))

    for wish in (
        KeyChange(active=True),
        KeyChange(routes=None),
        KeyChange(limits=LimitWish(requests_per_minute=2)),
    ):
        with pytest.raises(Forbidden, match="gives nothing for longer"):
            await office.ring.change(by, key_id, wish)

    renamed = await office.ring.change(by, key_id, KeyChange(name="ci", routes=["auto"]))
    assert (renamed.name, renamed.grant.routes) == ("ci", {"auto"})
    back = await office.ring.change(by, key_id, KeyChange(active=True, expires=end))
    assert (back.active, back.expires) == (True, end)


async def test_who_is_no_admin_any_more_when_their_turn_comes_changes_nothing(office: Office):
    office.roles["acme", "m_1"] = "admin"
    admin = await office.admin(member="m_1")
    by = office.asking(admin)
    office.roles["acme", "m_1"] = "user"

    with pytest.raises(Forbidden, match="`user` may not"):
        await office.ring.create(by, NewKey())
    with pytest.raises(Forbidden, match="`user` may not"):
        await office.ring.delete(by, admin.key.id)
    with pytest.raises(Forbidden, match="`user` may not"):
        await office.ring.standing(by)


async def test_what_the_settings_state_of_a_key_binds_what_it_gives(office: Office):
    admin = await office.admin()
    office.ring.stated = {
        admin.key.id: Stated(Limits(requests_per_minute=1), Budgets(per_day=Decimal(0)))
    }
    by = office.asking(admin)

    for wish in (
        {"limits": LimitWish(requests_per_minute=1000)},
        {"budgets": BudgetWish(per_day=Decimal(10))},
        {"limits": LimitWish(requests_per_minute=None)},
    ):
        with pytest.raises(Forbidden, match=r"does not have: `(limits|budgets)"):
            await office.ring.create(by, NewKey(**wish))
    more = KeyChange(limits=LimitWish(requests_per_minute=1000))
    with pytest.raises(Forbidden, match="does not have: `limits"):
        await office.ring.change(by, admin.key.id, more)

    assert (await office.ring.change(by, admin.key.id, KeyChange(name="ci"))).name == "ci"
    made = await office.ring.create(by, NewKey())
    assert made.key.grant.limits.requests_per_minute == 1
    assert made.key.grant.budgets.per_day == Decimal(0)


async def test_an_organisation_that_is_no_more_has_no_keys(office: Office):
    """Also one that was being made while it was removed, and the admin's own."""
    admin = await office.admin()
    by = office.asking(admin)
    office.former.add("acme")

    for asked in (OWNER, Principal("acme", "static")):
        with pytest.raises(BadRequest, match="there was an organisation 'acme'"):
            await office.ring.create(asked, NewKey(organisation="acme"))
    with pytest.raises(AuthenticationFailed, match="organisation"):
        await office.ring.create(by, NewKey())
    with pytest.raises(AuthenticationFailed, match="is no more"):
        office.asking(admin)
