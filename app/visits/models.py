"""Keeps visits: who is to be visited how often, the tasks that come of it, the logs, and the needs that became cases."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, enum_type
from app.territory.models import HouseholdKind


class VisitOutcome(StrEnum):
    """How a visit went."""

    MET = "met"
    PHONE = "phone"
    NOBODY_HOME = "nobody_home"
    WORKING_AWAY = "working_away"
    VACANT = "vacant"
    REFUSED = "refused"
    MOVED = "moved"
    DECEASED = "deceased"


class VisitRule(Base):
    """How often whom to visit (走访规则): residents of a population, or households of a kind, every so many months.

    No row is ever changed: a change is a new version. The newest version of a code holds; one not `active` ends the rule.
    """

    __tablename__ = "visit_rule"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        CheckConstraint("(tag_id IS NULL) <> (household_kind IS NULL)", name="one_of_both"),
        CheckConstraint("every_months BETWEEN 1 AND 12", name="every_months"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str]
    version: Mapped[int]
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("population_tag.id"))
    household_kind: Mapped[HouseholdKind | None] = mapped_column(enum_type(HouseholdKind))
    every_months: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class Campaign(Base):
    """A round of visits to every household of a unit, or to those of a population, by a date (遍访)."""

    __tablename__ = "campaign"
    __table_args__ = (CheckConstraint("due_on >= starts_on", name="span"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("population_tag.id"))
    starts_on: Mapped[date]
    due_on: Mapped[date]
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]


class TaskFor(StrEnum):
    """Why a visit is to be made."""

    RULE = "rule"
    CAMPAIGN = "campaign"
    FOLLOW_UP = "follow_up"
    PROACTIVE = "proactive"


class TaskState(StrEnum):
    """Where a visit task stands."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class VisitTask(Base):
    """A visit that is to be made to a household (and there to a resident, where it is about one) until its clock is due.

    `key` names what it came of, once: `rule:3:2026-11:household:17`. `first_on` and `due_on` are the days between which it is to
    be done; its clock is a `Deadline` of subject `visit_task`. `visit_id` is the visit that did it.
    """

    __tablename__ = "visit_task"
    __table_args__ = (
        Index("ix_visit_task_open", "grid_id", "due_on", "id", postgresql_where="state = 'open'"),
        Index("ix_visit_task_household", "household_id", "id"),
        Index("ix_visit_task_resident", "resident_id", postgresql_where="state = 'open' AND resident_id IS NOT NULL"),
        Index("ix_visit_task_visit_id", "visit_id", postgresql_where="visit_id IS NOT NULL"),
        CheckConstraint("due_on >= first_on", name="span"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"))
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    why: Mapped[TaskFor] = mapped_column(enum_type(TaskFor))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("visit_rule.id"))
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id"))
    note: Mapped[str | None]
    first_on: Mapped[date]
    due_on: Mapped[date]
    state: Mapped[TaskState] = mapped_column(enum_type(TaskState), default=TaskState.OPEN)
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None]
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Visit(Base):
    """One household visit by a grid worker; `key` is the UUID made by the phone, `phone_at` the time on the phone."""

    __tablename__ = "visit"
    __table_args__ = (Index("ix_visit_grid", "grid_id", "visited_at"), Index("ix_visit_staff", "staff_id", "id"))

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[UUID] = mapped_column(unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("household.id"), index=True)
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    outcome: Mapped[VisitOutcome] = mapped_column(enum_type(VisitOutcome))
    visited_at: Mapped[datetime]
    phone_at: Mapped[datetime]
    received_at: Mapped[datetime]
    findings: Mapped[str | None]
    needs: Mapped[list["VisitNeed"]] = relationship(back_populates="visit", order_by="VisitNeed.place")


class VisitNeed(Base):
    """One need heard at a visit, and the case it became."""

    __tablename__ = "visit_need"
    __table_args__ = (UniqueConstraint("visit_id", "place"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    place: Mapped[int]
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    answered: Mapped[bool]
    visit: Mapped[Visit] = relationship(back_populates="needs")
