"""Keeps visits: who is to be visited how often, the tasks that come of it, the logs, and what came of them."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
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
    `in_person`: a telephone call does not do.
    """

    __tablename__ = "visit_rule"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        CheckConstraint("(tag_id IS NULL) <> (household_kind IS NULL)", name="one_of_both"),
        CheckConstraint("every_months IN (1, 2, 3, 4, 6, 12)", name="every_months"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str]
    version: Mapped[int]
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("population_tag.id"))
    household_kind: Mapped[HouseholdKind | None] = mapped_column(enum_type(HouseholdKind))
    every_months: Mapped[int]
    in_person: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str | None]


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
    in_person: Mapped[bool] = mapped_column(default=True)
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class TaskFor(StrEnum):
    """Why a visit is to be made."""

    RULE = "rule"
    CAMPAIGN = "campaign"
    FOLLOW_UP = "follow_up"
    PROACTIVE = "proactive"


class TaskState(StrEnum):
    """Where a visit task stands: `unreached` after tries on several days.

    `missed` when the next of its kind was late too, or its campaign long over.
    """

    OPEN = "open"
    DONE = "done"
    UNREACHED = "unreached"
    MISSED = "missed"
    CANCELLED = "cancelled"


class TaskEnd(StrEnum):
    """Why a task was cancelled."""

    DECEASED = "deceased"
    MOVED_AWAY = "moved_away"
    DUPLICATE = "duplicate"
    HOUSEHOLD_ENDED = "household_ended"
    VACANT = "vacant"
    RULE_ENDED = "rule_ended"
    CAMPAIGN_ENDED = "campaign_ended"
    BY_HAND = "by_hand"


class VisitTask(Base):
    """A visit that is to be made to a household (and there to a resident, where it is about one) until its clock is due.

    `key` names what it came of, once: `rule:2026-11:resident:17`. `first_on` and `due_on` are the days between which it is to
    be done; its clock is a `Deadline` of subject `visit_task`. `visit_id` is the visit that did it, `attempts` the number of days
    on which somebody came in vain, `contacted_on` the first day of a telephone call where one in person is asked for.
    """

    __tablename__ = "visit_task"
    __table_args__ = (
        Index("ix_visit_task_open", "grid_id", "due_on", "id", postgresql_where="state = 'open'"),
        Index("ix_visit_task_due", "grid_id", "due_on"),
        Index("ix_visit_task_household", "household_id", "id"),
        Index("ix_visit_task_resident", "resident_id", postgresql_where="state = 'open' AND resident_id IS NOT NULL"),
        Index("ix_visit_task_visit_id", "visit_id", postgresql_where="visit_id IS NOT NULL"),
        Index("ix_visit_task_campaign_id", "campaign_id", postgresql_where="campaign_id IS NOT NULL"),
        CheckConstraint("due_on >= first_on", name="span"),
        CheckConstraint("(state = 'cancelled') = (ended_by IS NOT NULL)", name="ended_by"),
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
    in_person: Mapped[bool] = mapped_column(default=True, server_default="true")
    first_on: Mapped[date]
    due_on: Mapped[date]
    state: Mapped[TaskState] = mapped_column(enum_type(TaskState), default=TaskState.OPEN)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    contacted_on: Mapped[date | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[TaskEnd | None] = mapped_column(enum_type(TaskEnd))
    ended_why: Mapped[str | None]
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class VisitTopic(Base):
    """What is talked about at visits (走访内容), as administrators keep it; one not `active` is not offered any more."""

    __tablename__ = "visit_topic"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    place: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)


class Visit(Base):
    """One household visit by a grid worker; `key` is the UUID made by the phone.

    `phone_at` and `told_at` are the phone's words: its clock when it told, and when the visit was. `visited_at` is when it was by
    our clock: the same, but where the phone's clock is off (`clock_off`). `in_person`: somebody of the household was met.
    """

    __tablename__ = "visit"
    __table_args__ = (
        Index("ix_visit_grid", "grid_id", "visited_at"),
        Index("ix_visit_staff", "staff_id", "id"),
        Index("ix_visit_household", "household_id", "visited_at", "id"),
        CheckConstraint("seconds BETWEEN 0 AND 43200", name="seconds"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[UUID] = mapped_column(unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("household.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    outcome: Mapped[VisitOutcome] = mapped_column(enum_type(VisitOutcome))
    in_person: Mapped[bool]
    visited_at: Mapped[datetime]
    told_at: Mapped[datetime]
    phone_at: Mapped[datetime]
    received_at: Mapped[datetime]
    clock_off: Mapped[bool] = mapped_column(default=False)
    seconds: Mapped[int | None]
    topics: Mapped[list[str]] = mapped_column(ARRAY(Text))
    position: Mapped[bytes | None]
    findings: Mapped[str | None]
    needs: Mapped[list["VisitNeed"]] = relationship(back_populates="visit", order_by="VisitNeed.place")
    met: Mapped[list["VisitMet"]] = relationship(order_by="VisitMet.resident_id")


class VisitMet(Base):
    """A resident who was met, or reached by telephone, at a visit."""

    __tablename__ = "visit_met"

    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), primary_key=True, index=True)


class EffectKind(StrEnum):
    """What a visit said that changes the roster."""

    DECEASED = "deceased"
    MOVED_AWAY = "moved_away"
    HOUSEHOLD_MOVED = "household_moved"
    VACANT = "vacant"


class EffectState(StrEnum):
    """Where a change stands: put before the village, done, refused, or undone."""

    PROPOSED = "proposed"
    DONE = "done"
    REFUSED = "refused"
    UNDONE = "undone"


class VisitEffect(Base):
    """A change of the roster that a visit brought: done at once, or put before the village's cadre; who decided it, and why.

    `before` is what an undoing gives back.
    """

    __tablename__ = "visit_effect"
    __table_args__ = (
        UniqueConstraint("visit_id"),
        Index("ix_visit_effect_grid", "grid_id", "id"),
        Index("ix_visit_effect_undecided", "household_id", postgresql_where="state = 'done' AND decided_at IS NULL"),
        CheckConstraint("(kind IN ('deceased', 'moved_away')) = (resident_id IS NOT NULL)", name="of_whom"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"))
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    kind: Mapped[EffectKind] = mapped_column(enum_type(EffectKind))
    state: Mapped[EffectState] = mapped_column(enum_type(EffectState))
    at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    before: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str | None]


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
