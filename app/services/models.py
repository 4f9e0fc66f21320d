"""Keeps the service catalogue's tables: items in versions, orders with their stations, duty at service points, proactive lists."""

from datetime import datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, enum_type
from app.ledger.models import Case, Category
from app.ledger.terms import HoursKind, Term
from app.ledger.terms import Unit as TermUnit
from app.people.models import Resident, Staff
from app.territory.models import Grid, Unit


class ItemKind(StrEnum):
    """What sort of service it is: a matter that goes through stations, an errand for somebody, a supply counted in minutes."""

    HANDLING = "handling"
    ERRAND = "errand"
    SUPPLY = "supply"


class Taker(StrEnum):
    """Who may take an order: staff of the unit or village at whose station it is, volunteers, party members of the village."""

    UNIT = "unit"
    VOLUNTEER = "volunteer"
    PARTY_MEMBER = "party_member"


ITEM_KINDS: dict[ItemKind, str] = {ItemKind.HANDLING: "办事", ItemKind.ERRAND: "代办帮办", ItemKind.SUPPLY: "应急供应"}
TAKERS: dict[Taker, str] = {Taker.UNIT: "单位人员", Taker.VOLUNTEER: "志愿者", Taker.PARTY_MEMBER: "党员"}


class ServiceItem(Base):
    """One version of an item of the catalogue (服务事项). No version is changed: a change is a new one, `replaced_at` ends the old.

    `unit_id` answers for it; None: the village of the order. `tags` and `min_age` say whom it is for (none: everybody).
    `materials` are `{name, must, form, copies}`, `stations` are `{name, unit, level, amount, unit_of_term, hours}` in order: a
    unit by code or the level of the one above the order's grid. One that is not `active` is shown and ordered no more.
    """

    __tablename__ = "service_item"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        Index("uq_service_item_current", "code", unique=True, postgresql_where="replaced_at IS NULL"),
        CheckConstraint("amount > 0", name="amount"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str]
    version: Mapped[int]
    name: Mapped[str]
    kind: Mapped[ItemKind] = mapped_column(enum_type(ItemKind))
    theme: Mapped[str]
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    min_age: Mapped[int | None]
    takers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    amount: Mapped[int]
    unit_of_term: Mapped[TermUnit] = mapped_column(enum_type(TermUnit, "unit_of_term"))
    hours: Mapped[HoursKind] = mapped_column(enum_type(HoursKind, "hours"))
    stations: Mapped[list[Any]]
    steps: Mapped[list[Any]]
    materials: Mapped[list[Any]]
    fee: Mapped[str]
    basis: Mapped[str]
    where_to: Mapped[str]
    when_to: Mapped[str]
    active: Mapped[bool]
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    replaced_at: Mapped[datetime | None]

    category: Mapped[Category] = relationship()
    unit: Mapped[Unit | None] = relationship()

    @property
    def term(self) -> Term:
        """The time limit of the whole order."""
        return Term(self.amount, self.unit_of_term, self.hours)


class ServiceOrder(Base):
    """What a case of kind `service` is about: an item in its version, for whom, where it stands, and who has taken it.

    `unit_id` is the unit at whose station it is, `village_id` the village whose volunteers may take it. The place is sealed.
    `key` names what it came of, once: `list:3:17`. `contact_seen_at`: when its taker was first shown whom it is for.
    """

    __tablename__ = "service_order"
    __table_args__ = (
        CheckConstraint("num_nonnulls(taken_by_staff, taken_by_resident) <= 1", name="one_taker"),
        CheckConstraint("(taken_at IS NULL) = (num_nonnulls(taken_by_staff, taken_by_resident) = 0)", name="taken"),
        Index("ix_service_order_open_village", "village_id", "id", postgresql_where="taken_at IS NULL"),
        Index("ix_service_order_unit_id", "unit_id", "id"),
        Index("ix_service_order_resident_id", "resident_id", "id"),
        Index("ix_service_order_item_code", "item_code", "resident_id"),
        Index("ix_service_order_taken_by_staff", "taken_by_staff", "id", postgresql_where="taken_by_staff IS NOT NULL"),
        Index("ix_service_order_taken_by_resident", "taken_by_resident", "id", postgresql_where="taken_by_resident IS NOT NULL"),
        Index("uq_service_order_key", "key", unique=True, postgresql_where="key IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), unique=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("service_item.id"), index=True)
    item_code: Mapped[str]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), index=True)
    village_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    place: Mapped[bytes | None]
    wished_at: Mapped[datetime | None]
    taken_by_staff: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    taken_by_resident: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    taken_at: Mapped[datetime | None]
    contact_seen_at: Mapped[datetime | None]
    key: Mapped[str | None]

    case: Mapped[Case] = relationship()
    item: Mapped[ServiceItem] = relationship()
    grid: Mapped[Grid] = relationship()
    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id])
    resident: Mapped[Resident] = relationship(foreign_keys=[resident_id])
    stations: Mapped[list["ServiceStation"]] = relationship(back_populates="order", order_by="ServiceStation.id")


class ServiceStation(Base):
    """An order's stay at a station, with a clock of its own (subject `service_station`); what comes back has a new stay.

    `returned`: it went back to the station before instead of on.
    """

    __tablename__ = "service_station"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("service_order.id"), index=True)
    place: Mapped[int]
    name: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    returned: Mapped[bool] = mapped_column(default=False)

    order: Mapped[ServiceOrder] = relationship(back_populates="stations")
    unit: Mapped[Unit] = relationship()


class ServiceDuty(Base):
    """Who is responsible at a service point of a unit, for which grid and item, on which days and hours (定点定人定责).

    `weekdays` are 1 (Monday) to 7; hours are China's, and a span that ends before it opens runs over midnight. None: all.
    Ended, never deleted.
    """

    __tablename__ = "service_duty"
    __table_args__ = (Index("ix_service_duty_open", "unit_id", postgresql_where="ended_at IS NULL"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    point: Mapped[str]
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    item_code: Mapped[str | None]
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    opens: Mapped[time]
    closes: Mapped[time]
    put_at: Mapped[datetime]
    put_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    unit: Mapped[Unit] = relationship()
    grid: Mapped[Grid | None] = relationship()
    staff: Mapped[Staff] = relationship(foreign_keys=[staff_id])


class ProactiveList(Base):
    """Whom a unit goes to before they ask: residents of its territory of these populations and age who lack an item."""

    __tablename__ = "proactive_list"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    age_from: Mapped[int | None]
    item_code: Mapped[str]
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]

    unit: Mapped[Unit] = relationship()


class Benefit(Base):
    """That a resident has what an item gives (已享受), or does not want it, by whose word: such a one stands on no list."""

    __tablename__ = "benefit"

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), primary_key=True)
    item_code: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    noted_at: Mapped[datetime]
    noted_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
