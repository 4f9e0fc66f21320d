"""Keeps the demo county's households: some forty families with tags, groups, heads and carers, entered by the real commands."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from app.core.clock import CHINA
from app.core.stamp import Stamp
from app.demo.cast import Cast
from app.demo.people import County, Invented
from app.people.identity import Person
from app.people.models import Resident
from app.people.roster.care import put_care
from app.people.roster.commands import enter_household
from app.people.roster.groups import add_group, name_head
from app.people.roster.models import CareBy
from app.people.roster.residents import ResidentGiven, enter_resident
from app.people.roster.tags import put_tag
from app.territory.models import HouseholdKind

FAMILIES = {"柳林村一网格": 14, "柳林村二网格": 8, "河湾村一网格": 12, "春晖社区一网格": 6}
GROUP_OF = 5
"""So many neighbouring families make a group."""

_TAGS = (
    ("living_alone", "村委会摸排", 0.7),
    ("low_income", "县民政局 2026 年名单", 0.12),
    ("disabled", "县残联持证名单", 0.08),
    ("chronic_illness", "家庭医生签约", 0.15),
    ("left_behind_child", "学校摸排", 0.5),
    ("party_member", "村党支部", 0.1),
    ("veteran", "退役军人事务站", 0.05),
)


def settle_families(stamp: Stamp, cast: Cast) -> int:
    """Enter the families of the demo; give how many people there are. The same every time but for seals."""
    today = stamp.at.astimezone(CHINA).date()
    county, draw, phones = County(11, today=today), Random(11), iter(range(13800005000, 13800006000))  # noqa: S311
    people = 0
    for grid, count in FAMILIES.items():
        village = grid.removesuffix("一网格").removesuffix("二网格")
        group = None
        for number, family in zip(range(count), county.families(village), strict=False):
            if number % GROUP_OF == 0:
                group = add_group(stamp, grid=cast.grids[grid].code, name=f"{village}第{number // GROUP_OF + 1}户区")
            assert group is not None
            household = enter_household(
                stamp,
                grid=cast.grids[grid].code,
                head_name=family.people[0].name,
                place=family.place,
                kind=HouseholdKind.FLOATING if number % 9 == 8 else HouseholdKind.ORDINARY,
                group=group.code,
            )
            home = [
                _enter(stamp, household.id, replace(one, phone=str(next(phones)) if one.phone else None)) for one in family.people
            ]
            _describe(stamp, draw, home)
            if number % GROUP_OF in (0, 3):
                name_head(stamp, group.code, resident_id=home[0].id)
            people += len(home)
    return people


def _enter(stamp: Stamp, household_id: int, one: Invented) -> Resident:
    given = ResidentGiven(person=Person(one.name, one.phone, one.id_number), relation=one.relation)
    return enter_resident(stamp, household_id, given)


def _describe(stamp: Stamp, draw: Random, home: list[Resident]) -> None:
    """Name populations that fit, and who cares for those who are alone."""
    today = stamp.at.astimezone(CHINA).date()
    for resident in home:
        assert resident.birth_month is not None
        age = (today - resident.birth_month).days // 365
        fits = {"living_alone": age >= 65 and len(home) == 1, "left_behind_child": age < 15 and len(home) > 3}
        for tag, source, share in _TAGS:
            if fits.get(tag, age >= 18) and draw.random() < share:
                put_tag(stamp, resident.id, tag=tag, source=source, since=today - timedelta(days=draw.randint(1, 200)))
    if len(home) == 1:
        put_care(stamp, home[0].id, by=CareBy.CADRE, staff="wu")
