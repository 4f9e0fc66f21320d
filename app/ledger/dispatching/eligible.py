"""Keeps which units may be given a case: those that exist, are not recused from it, and have somebody to handle it."""

from collections.abc import Sequence

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Role
from app.ledger.models import Assignment, Case
from app.ledger.recusal import is_recused, is_unit_recused
from app.people.models import StaffPost
from app.people.staff import posts_held
from app.territory.models import Level, Unit


class UnknownUnit(Invalid):
    """没有这个承办单位"""


class UnknownHandler(Invalid):
    """没有这个经办人"""


class UnitRecused(NotAllowed):
    """这个单位需要回避"""


class UnitUnstaffed(Conflict):
    """这个单位没有可以承办的人员"""


def units_by_id(ids: Sequence[int], *, fields: tuple[str, str] = ("lead_unit_id", "assist_unit_ids")) -> list[Unit]:
    """Give active units below the county in the order of their ids, each named once; raises UnknownUnit naming the field.

    `fields` are what the first id and the others came in.
    """
    if len(set(ids)) != len(ids):
        raise UnknownUnit("承办单位不能重复", errors={fields[1]: ["承办单位不能重复"]})
    found = {unit.id: unit for unit in db.session.scalars(select(Unit).where(Unit.id.in_(ids), Unit.active))}
    missing = [unit_id for unit_id in ids if unit_id not in found or found[unit_id].level is Level.COUNTY]
    if missing:
        raise UnknownUnit(errors={fields[0] if missing[0] == ids[0] else fields[1]: ["没有这个承办单位"]})
    return [found[unit_id] for unit_id in ids]


def check_eligible(case: Case, units: Sequence[Unit]) -> None:
    """Refuse units that a case is against, where the person serves whom it is against, or where nobody may handle it.

    Raises UnitRecused, UnitUnstaffed.
    """
    serves = where_serves(case)
    for unit in units:
        if is_unit_recused(unit.path, case):
            raise UnitRecused(f"“{unit.name}”是被反映的单位或其下属，需要回避")
        if unit.id in serves:
            raise UnitRecused(f"被反映的人员在“{unit.name}”任职，{_instead(unit)}")
        if not may_handle(case, unit.id):
            raise UnitUnstaffed(f"“{unit.name}”没有可以承办的人员，请派给其他单位")


def _instead(unit: Unit) -> str:
    """Say where a matter goes that may not go to a unit: a level up; others or discipline inspection where that is the county."""
    above = db.session.get_one(Unit, unit.parent_id)
    if above.level is Level.COUNTY:
        return "请派给其他单位，或转纪检监察机关"
    return f"请派给上一级“{above.name}”"


def where_serves(case: Case) -> set[int]:
    """Give the units in which the person serves whom a case is against; empty where it is against none."""
    if case.against_staff_id is None:
        return set()
    return set(db.session.scalars(select(StaffPost.unit_id).where(StaffPost.staff_id == case.against_staff_id)))


def accused_parts(case: Case) -> list[Assignment]:
    """Give the open parts of a case that whom it is against holds: by unit, by where the person serves, or as handler."""
    serves = where_serves(case)
    return [
        part
        for part in case.assignments
        if part.ended_at is None
        and (
            part.unit_id in serves
            or is_unit_recused(part.unit.path, case)
            or (part.handler_id is not None and is_recused(part.handler_id, case))
        )
    ]


def may_handle(case: Case, unit_id: int) -> list[int]:
    """Give the handlers and heads of a unit who are not recused from a case."""
    return [staff for staff in posts_held().at(unit_id, Role.HANDLER, Role.UNIT_HEAD) if not is_recused(staff, case)]
