"""Keeps duty at service points (定点定人定责): who is told first of an order, and whose clock it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.core.clock import CHINA
from app.core.database import db, lock_rows
from app.core.errors import Invalid, NotAllowed, NotFound
from app.core.paging import Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.people.duty.absences import away
from app.people.models import Staff
from app.people.staff import posts_held
from app.services.models import ServiceDuty, ServiceItem, ServiceOrder
from app.territory.models import Grid, Unit

PUTS = (Role.CADRE, Role.UNIT_HEAD, Role.DISPATCHER, Role.ADMINISTRATOR)
"""Who names the people of a service point: the village's cadre, the unit's head, the centre."""


class ServiceDutyNotFound(NotFound):
    """没有找到这条值守安排"""


class ServiceDutyUnfit(Invalid):
    """值守安排填写有误"""


class DutyOfOthers(NotAllowed):
    """只能安排本单位（村、社区）的值守"""


@dataclass(frozen=True)
class ServiceDutyShown:
    """A line of the roster of service points."""

    id: int
    unit: str
    unit_name: str
    point: str
    grid: str | None
    item: str | None
    staff: str
    staff_name: str
    weekdays: list[int]
    opens: time
    closes: time
    ended_at: datetime | None


def put_service_duty(
    stamp: Stamp,
    *,
    unit_id: int,
    point: str,
    staff_id: int,
    opens: time,
    closes: time,
    weekdays: Sequence[int] = (1, 2, 3, 4, 5, 6, 7),
    grid_id: int | None = None,
    item: str | None = None,
) -> ServiceDutyShown:
    """Name who is responsible at a service point of a unit, when, for which grid and item.

    Raises DutyOfOthers, ServiceDutyUnfit.
    """
    unit = db.session.get_one(Unit, unit_id)
    if not any(unit.path.startswith(path) for path in stamp.actor.paths(*PUTS)):
        raise DutyOfOthers
    wrong: dict[str, list[str]] = {}
    if unit.path not in posts_held().paths.get(staff_id, ()):
        wrong["staff"] = [f"这个人不在“{unit.name}”任职"]
    if opens == closes:
        wrong["closes"] = ["开始和结束时间不能相同；全天请写 00:00 到 23:59"]
    if grid_id is not None and db.session.get_one(Grid, grid_id).unit_id != unit_id:
        wrong["grid"] = [f"这个网格不属于“{unit.name}”"]
    known_item = select(ServiceItem.id).where(ServiceItem.code == item)
    if item is not None and db.session.scalars(known_item.limit(1)).first() is None:
        wrong["item"] = ["没有这个服务事项"]
    if wrong:
        raise ServiceDutyUnfit(errors=wrong)
    assert stamp.actor.id is not None
    duty = ServiceDuty(
        unit_id=unit_id, point=point, grid_id=grid_id, item_code=item, staff_id=staff_id, weekdays=sorted(set(weekdays)),
        opens=opens, closes=closes, put_at=stamp.at, put_by=stamp.actor.id,
    )  # fmt: skip
    db.session.add(duty)
    db.session.flush()
    return _shown(duty)


def end_service_duty(stamp: Stamp, duty_id: int) -> ServiceDutyShown:
    """Take a line off the roster; a second time changes nothing. Raises ServiceDutyNotFound, also for another unit's."""
    found = lock_rows(ServiceDuty, [duty_id])
    if not found or not any(found[0].unit.path.startswith(path) for path in stamp.actor.paths(*PUTS)):
        raise ServiceDutyNotFound
    (duty,) = found
    if duty.ended_at is None:
        duty.ended_at, duty.ended_by = stamp.at, stamp.actor.id
    return _shown(duty)


def service_duties(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[ServiceDutyShown]:
    """Give the standing lines of the actor's units, the latest first."""
    mine = [Unit.path.startswith(path) for path in stamp.actor.paths()]
    query = select(ServiceDuty).join(Unit, Unit.id == ServiceDuty.unit_id).where(ServiceDuty.ended_at.is_(None), or_(*mine))
    query = query.options(joinedload(ServiceDuty.unit), joinedload(ServiceDuty.grid), joinedload(ServiceDuty.staff))
    rows = list(db.session.scalars(paged(query, key=[(ServiceDuty.id, True)], cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda duty: (duty.id,))
    return Page([_shown(duty) for duty in page.items], page.next_cursor)


def _shown(duty: ServiceDuty) -> ServiceDutyShown:
    staff = db.session.get_one(Staff, duty.staff_id)
    grid = db.session.get_one(Grid, duty.grid_id).code if duty.grid_id is not None else None
    unit = db.session.get_one(Unit, duty.unit_id)
    return ServiceDutyShown(
        duty.id, unit.code, unit.name, duty.point, grid, duty.item_code, staff.login, staff.name, duty.weekdays, duty.opens,
        duty.closes, duty.ended_at,
    )  # fmt: skip


def is_on(duty: ServiceDuty, at: datetime) -> bool:
    """Say whether a line holds at a moment; a span over midnight belongs to the day on which it opens."""
    local = at.astimezone(CHINA)
    now, today = local.time().replace(tzinfo=None), local.isoweekday()
    if duty.opens <= duty.closes:
        return today in duty.weekdays and duty.opens <= now <= duty.closes
    yesterday = today - 1 or 7
    return (today in duty.weekdays and now >= duty.opens) or (yesterday in duty.weekdays and now <= duty.closes)


def responsible(order: ServiceOrder, unit: Unit, at: datetime) -> int | None:
    """Give who owns the clock of an order at a unit: who has duty there now, the nearest to its item and grid first.

    Without anybody on duty a village's is its cadre's, else its grid worker's; other units name nobody, and their ladder begins
    with whoever handles there. Whoever is away is passed over.
    """
    gone, held = away(), posts_held()
    lines = db.session.scalars(select(ServiceDuty).where(ServiceDuty.unit_id == unit.id, ServiceDuty.ended_at.is_(None)))
    fit = [
        duty
        for duty in lines
        if duty.item_code in (None, order.item_code)
        and duty.grid_id in (None, order.grid_id)
        and is_on(duty, at)
        and duty.staff_id not in gone
        and duty.staff_id in held.paths
    ]
    if fit:
        return min(fit, key=lambda duty: (duty.item_code is None, duty.grid_id is None, duty.id)).staff_id
    near = [*held.at(unit.id, Role.CADRE), *held.at(unit.id, Role.GRID_WORKER)]
    return next((staff for staff in near if staff not in gone), None)
