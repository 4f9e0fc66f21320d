"""Keeps the catalogue of responsible units: which unit answers for which category, by statute or by its own duty list.

A row is never changed: what no longer holds is ended and another row put, so that the table itself tells who said what when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Index, Select, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from app.core.database import Base, db, enum_type, lock_rows
from app.core.errors import Conflict, NotAllowed, NotFound
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import ActorKind, Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.dispatching.eligible import UnknownUnit
from app.ledger.models import Case, Category
from app.ledger.vocabulary import Responsibility
from app.people.models import Staff
from app.territory.models import Level, Unit


class UnitDuty(Base):
    """One line of the catalogue; in force until it is ended. Put by nobody: brought in from a table."""

    __tablename__ = "duty"
    __table_args__ = (
        Index("uq_duty_in_force", "category_id", "unit_id", unique=True, postgresql_where="ended_at IS NULL"),
        Index("ix_duty_unit_id", "unit_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    role: Mapped[Responsibility] = mapped_column(enum_type(Responsibility))
    note: Mapped[str | None]
    put_at: Mapped[datetime]
    put_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    unit: Mapped[Unit] = relationship()
    category: Mapped[Category] = relationship()


class CatalogueIsTheAdministrators(NotAllowed):
    """责任单位清单由管理员维护"""


class DutyNotFound(NotFound):
    """没有找到这条职责"""


class DutyEnded(Conflict):
    """这条职责已经停用"""


class DutyUnfit(Conflict):
    """这条职责与清单冲突"""


class NotOnDutyList(NotAllowed):
    """这个村（社区）的事项清单里没有这一类，不能由它主办"""


class DepartmentMissing(NotAllowed):
    """村（社区）先行处置时，法定主责部门要同时参加"""


@dataclass(frozen=True, kw_only=True)
class DutyView:
    """A line of the catalogue as it is shown: who put it when, and who ended it when."""

    id: int
    category_id: int
    category: str
    unit: str
    unit_name: str
    role: Responsibility
    note: str | None
    put_at: datetime
    put_by: str | None
    ended_at: datetime | None
    ended_by: str | None


def put_duty(stamp: Stamp, *, category_id: int, unit_id: int, role: Responsibility, note: str | None = None) -> DutyView:
    """Put a unit's duty for a category, and all below it, in force; a line of the same two that says otherwise is ended.

    Raises CatalogueIsTheAdministrators, UnknownCategory, UnknownUnit, DutyUnfit.
    """
    _check_administrator(stamp)
    catalogue().category(category_id)
    unit = db.session.get(Unit, unit_id)
    if unit is None or not unit.active or unit.level is Level.COUNTY:
        raise UnknownUnit(errors={"unit_id": ["没有这个承办单位"]})
    return _view(write_duty(stamp, category_id=category_id, unit=unit, role=role, note=note))


def write_duty(stamp: Stamp, *, category_id: int, unit: Unit, role: Responsibility, note: str | None) -> UnitDuty:
    """Put a checked line in force; one that says the same already is given back as it is. Raises DutyUnfit."""
    why = unfit(unit.level, role)
    if why:
        raise DutyUnfit(why)
    actor = stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None
    held = db.session.scalars(in_force().where(UnitDuty.category_id == category_id, UnitDuty.unit_id == unit.id)).first()
    if held is not None:
        if (held.role, held.note) == (role, note):
            return held
        held.ended_at, held.ended_by = stamp.at, actor
        db.session.flush()
    duty = UnitDuty(category_id=category_id, unit_id=unit.id, role=role, note=note, put_at=stamp.at, put_by=actor)
    db.session.add(duty)
    db.session.flush()
    return duty


def unfit(level: Level, role: Responsibility) -> str | None:
    """Say, in words for people, why a unit of a level cannot have a role; None where it can."""
    if level is Level.VILLAGE and role is Responsibility.STATUTORY:
        return "村（社区）没有法定主责，只能列为可以主办或可以协办"
    return None


def end_duty(stamp: Stamp, duty_id: int) -> DutyView:
    """End a line of the catalogue; cases that were dispatched by it stay. Raises DutyNotFound, DutyEnded."""
    _check_administrator(stamp)
    duty = next(iter(lock_rows(UnitDuty, [duty_id])), None)
    if duty is None:
        raise DutyNotFound
    if duty.ended_at is not None:
        raise DutyEnded
    duty.ended_at, duty.ended_by = stamp.at, stamp.actor.id
    db.session.flush()
    return _view(duty)


def duties_page(
    *,
    category_id: int | None = None,
    unit_id: int | None = None,
    ended: bool = False,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[DutyView]:
    """Give a page of the catalogue, oldest line first: what is in force, or with `ended` all that ever was.

    A category stands for all below it.
    """
    query = select(UnitDuty).options(joinedload(UnitDuty.unit), joinedload(UnitDuty.category))
    if not ended:
        query = query.where(UnitDuty.ended_at.is_(None))
    if category_id is not None:
        catalogue().category(category_id)
        query = query.where(UnitDuty.category_id.in_(catalogue().below(category_id)))
    if unit_id is not None:
        query = query.where(UnitDuty.unit_id == unit_id)
    found = db.session.scalars(paged(query, key=[(UnitDuty.id, False)], cursor=cursor, limit=limit)).all()
    page = page_from(found, limit=limit, key=lambda duty: [duty.id])
    names = _names(page.items)
    return Page([_shown(duty, names) for duty in page.items], page.next_cursor)


def in_force() -> Select[UnitDuty]:
    """Give the query for the lines that hold now, units loaded."""
    return select(UnitDuty).where(UnitDuty.ended_at.is_(None)).options(joinedload(UnitDuty.unit))


def duties_for(category_id: int | None) -> list[tuple[int, UnitDuty]]:
    """Give the lines in force for a category or one above it, with how many levels up they stand, nearest first."""
    if category_id is None:
        return []
    chain = catalogue().category(category_id).chain
    found = db.session.scalars(in_force().where(UnitDuty.category_id.in_(chain)).order_by(UnitDuty.id))
    return sorted(((chain.index(duty.category_id), duty) for duty in found), key=lambda pair: pair[0])


def check_lead(case: Case, lead: Unit, assists: Sequence[Unit], *, first_responder: bool = False) -> bool:
    """Refuse a village or community as lead of what others answer for and its own duty list does not name.

    As first responder it may go to anything, if a unit that answers for it assists: the last word is then that unit's. Gives
    whether the lead is but such a first responder. Raises NotOnDutyList, DepartmentMissing.
    """
    if lead.level is not Level.VILLAGE:
        return False
    duties = duties_for(case.category_id)
    if not duties or any(duty.unit_id == lead.id and duty.role is Responsibility.LEAD for _, duty in duties):
        return False
    answering = _answering(duties)
    names = "、".join(answering.values()) or "主管部门"
    if not first_responder:
        raise NotOnDutyList(f"“{lead.name}”的事项清单里没有这一类，应由{names}主办；如需“{lead.name}”先到现场，请注明先行处置")
    if not _of_these(answering, assists):
        raise DepartmentMissing(f"“{lead.name}”先行处置时，请把{names}列为协办，最终结果由它作出")
    return True


def with_last_word(category_id: int | None, assists: Sequence[Unit]) -> list[Unit]:
    """Give, of the units that assist a first responder, those whose word is the last.

    These answer for the category; where none of them assists any more, it is whoever does and is no village.
    """
    return _of_these(_answering(duties_for(category_id)), assists) or _of_these({}, assists)


def _answering(duties: Sequence[tuple[int, UnitDuty]]) -> dict[int, str]:
    """Give by id the names of the units that answer by statute, by the nearest lines; where none does, of those that may lead.

    A village's own duty list speaks for that village alone.
    """
    for role in (Responsibility.STATUTORY, Responsibility.LEAD):
        lines = [(steps, duty) for steps, duty in duties if duty.role is role and duty.unit.level is not Level.VILLAGE]
        if lines:
            return {duty.unit_id: duty.unit.name for steps, duty in lines if steps == lines[0][0]}
    return {}


def _of_these(answering: Mapping[int, str], units: Sequence[Unit]) -> list[Unit]:
    """Give those of some units that answer; where the catalogue names none, all but villages."""
    return [unit for unit in units if (unit.id in answering if answering else unit.level is not Level.VILLAGE)]


def _check_administrator(stamp: Stamp) -> None:
    if stamp.actor.holds((Role.ADMINISTRATOR,)) is None:
        raise CatalogueIsTheAdministrators


def _names(duties: Sequence[UnitDuty]) -> dict[int, str]:
    wanted = {each for duty in duties for each in (duty.put_by, duty.ended_by) if each is not None}
    return {row.id: row.name for row in db.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(wanted)))}


def _view(duty: UnitDuty) -> DutyView:
    return _shown(duty, _names([duty]))


def _shown(duty: UnitDuty, names: dict[int, str]) -> DutyView:
    same = ("id", "category_id", "role", "note", "put_at", "ended_at")
    return DutyView(
        **{name: getattr(duty, name) for name in same},
        category=duty.category.path,
        unit=duty.unit.code,
        unit_name=duty.unit.name,
        put_by=names.get(duty.put_by or 0),
        ended_by=names.get(duty.ended_by or 0),
    )
