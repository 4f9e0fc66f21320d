"""Keeps the service catalogue: what an item must be, its versions, and the guide in which people look things up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from app.core.clock import CHINA
from app.core.database import db
from app.core.errors import Invalid, NotAllowed, NotFound
from app.core.paging import Page, page_from, paged
from app.core.stamp import ActorKind, Role, Stamp
from app.ledger.models import Category
from app.ledger.terms import HoursKind, Term, WrongTerm
from app.ledger.terms import Unit as TermUnit
from app.people.accounts_known import on_roster
from app.people.models import Resident
from app.people.roster.models import PopulationTag, ResidentTag
from app.services.models import ITEM_KINDS, ItemKind, ServiceItem, Taker
from app.services.wording import term_words
from app.territory.models import Level, Unit


class ItemNotFound(NotFound):
    """没有找到这个服务事项"""


class ItemUnfit(Invalid):
    """服务事项填写有误"""


class ServicesAreTheAdministrators(NotAllowed):
    """服务目录由管理员维护"""


@dataclass(frozen=True, kw_only=True)
class Station:
    """A station of an item: a unit by code, or the one of a level above the order's grid; and its own term."""

    name: str
    term: Term
    unit: str | None = None
    level: Level | None = None


@dataclass(frozen=True, kw_only=True)
class Material:
    """A paper that is to be brought: whether it must be, in which form, how many copies."""

    name: str
    must: bool = True
    form: str = "原件"
    copies: int = 1


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An item as somebody writes it; category by its path or last name, units by code."""

    code: str
    name: str
    kind: ItemKind
    category: str
    term: Term
    theme: str = ""
    unit: str | None = None
    tags: Sequence[str] = ()
    min_age: int | None = None
    takers: Sequence[Taker] = (Taker.UNIT,)
    stations: Sequence[Station] = ()
    steps: Sequence[str] = ()
    materials: Sequence[Material] = field(default_factory=tuple)
    fee: str = "不收费"
    basis: str = ""
    where_to: str = ""
    when_to: str = ""
    active: bool = True


@dataclass(frozen=True)
class Known:
    """What a draft may name: categories by path and by unambiguous last name, units by code, populations by code."""

    categories: dict[str, int]
    units: dict[str, int]
    tags: frozenset[str]


def known() -> Known:
    """Read what drafts may name."""
    rows = db.session.execute(select(Category.id, Category.path, Category.name).where(Category.active)).all()
    names = [row.name for row in rows]
    categories = {row.name: row.id for row in rows if names.count(row.name) == 1} | {row.path: row.id for row in rows}
    units = {row.code: row.id for row in db.session.execute(select(Unit.code, Unit.id).where(Unit.active))}
    return Known(categories, units, frozenset(db.session.scalars(select(PopulationTag.code).where(PopulationTag.active))))


def unfit(draft: Draft, there: Known) -> dict[str, list[str]]:
    """Give what is wrong with a draft, by field: pure."""
    wrong: dict[str, list[str]] = {}
    if not draft.name.strip() or len(draft.name) > 60:
        wrong["name"] = ["请填写事项名称，不超过 60 个字"]
    if not draft.code.strip() or len(draft.code) > 40:
        wrong["code"] = ["请填写事项编码，不超过 40 个字"]
    if draft.category not in there.categories:
        wrong["category"] = [f"没有这个分类：{draft.category}"]
    if draft.unit is not None and draft.unit not in there.units:
        wrong["unit"] = [f"没有这个单位：{draft.unit}"]
    if strange := [tag for tag in draft.tags if tag not in there.tags]:
        wrong["tags"] = [f"没有这个人群：{'、'.join(strange)}"]
    if not draft.takers:
        wrong["takers"] = ["请说明由谁接单"]
    if draft.kind is ItemKind.SUPPLY and draft.term.unit not in (TermUnit.MINUTE, TermUnit.HOUR):
        wrong["term"] = ["应急供应的时限按分钟或小时计算"]
    for place, station in enumerate(draft.stations):
        if (station.unit is None) == (station.level is None):
            wrong[f"stations.{place}"] = ["每一站要么写单位编号，要么写单位层级"]
        elif station.unit is not None and station.unit not in there.units:
            wrong[f"stations.{place}.unit"] = [f"没有这个单位：{station.unit}"]
        elif station.level is Level.DEPARTMENT:
            wrong[f"stations.{place}.level"] = ["部门请写单位编号"]
    return wrong


def put_item(stamp: Stamp, draft: Draft) -> "ItemShown":
    """Put an item, or a new version of it, in force; the same again changes nothing. Orders keep the version they were made with.

    Raises ServicesAreTheAdministrators, ItemUnfit.
    """
    if stamp.actor.kind is not ActorKind.SYSTEM and stamp.actor.holds((Role.ADMINISTRATOR,)) is None:
        raise ServicesAreTheAdministrators
    there = known()
    if wrong := unfit(draft, there):
        raise ItemUnfit(errors=wrong)
    write_item(stamp, draft, there)
    return show_item(draft.code)


def write_item(stamp: Stamp, draft: Draft, there: Known) -> bool:
    """Write a draft that is fit; give whether it says anything new."""
    code = draft.code.strip()
    query = select(ServiceItem).where(ServiceItem.code == code, ServiceItem.replaced_at.is_(None)).with_for_update()
    before = db.session.scalars(query).first()
    columns = columns_of(draft, there)
    if before is not None:
        if all(getattr(before, name) == value for name, value in columns.items()):
            return False
        before.replaced_at = stamp.at
        db.session.flush()
    version = before.version + 1 if before is not None else 1
    db.session.add(ServiceItem(**columns, code=code, version=version, made_at=stamp.at, made_by=stamp.actor.id))
    db.session.flush()
    return True


def columns_of(draft: Draft, there: Known) -> dict[str, Any]:
    """Give the columns that a draft says."""
    return {
        "name": draft.name.strip(),
        "kind": draft.kind,
        "theme": draft.theme.strip(),
        "category_id": there.categories[draft.category],
        "unit_id": there.units[draft.unit] if draft.unit is not None else None,
        "tags": list(draft.tags),
        "min_age": draft.min_age,
        "takers": [taker.value for taker in draft.takers],
        "amount": draft.term.amount,
        "unit_of_term": draft.term.unit,
        "hours": draft.term.hours,
        "stations": [_station_columns(station) for station in draft.stations],
        "steps": list(draft.steps),
        "materials": [{"name": m.name, "must": m.must, "form": m.form, "copies": m.copies} for m in draft.materials],
        "fee": draft.fee.strip(),
        "basis": draft.basis.strip(),
        "where_to": draft.where_to.strip(),
        "when_to": draft.when_to.strip(),
        "active": draft.active,
    }


def _station_columns(station: Station) -> dict[str, Any]:
    term = {"amount": station.term.amount, "unit_of_term": station.term.unit.value, "hours": station.term.hours.value}
    return {"name": station.name, "unit": station.unit, "level": station.level and station.level.value, **term}


def stations_of(item: ServiceItem) -> list[Station]:
    """Give the stations of an item in order; one without any has a single one, at the unit that answers for it."""
    made = [
        Station(
            name=row["name"],
            unit=row["unit"],
            level=Level(row["level"]) if row["level"] else None,
            term=Term(row["amount"], TermUnit(row["unit_of_term"]), HoursKind(row["hours"])),
        )
        for row in item.stations
    ]
    return made or [
        Station(
            name="办理",
            term=item.term,
            unit=item.unit.code if item.unit else None,
            level=None if item.unit else Level.VILLAGE,
        )
    ]


def term_of(amount: int, unit: TermUnit, hours: HoursKind | None = None) -> Term:
    """Give a term as a door takes it: days are working time, minutes and hours run day and night unless said otherwise."""
    usual = HoursKind.ALWAYS if unit in (TermUnit.MINUTE, TermUnit.HOUR) else HoursKind.WORK
    try:
        return Term(amount, unit, hours or usual)
    except WrongTerm as wrong:
        raise ItemUnfit(errors={"term": [wrong.detail]}) from None


def current_item(code: str) -> ServiceItem:
    """Give the version of an item that is in force, whether active or not; raises ItemNotFound."""
    query = select(ServiceItem).where(ServiceItem.code == code, ServiceItem.replaced_at.is_(None))
    item = db.session.scalars(query.options(joinedload(ServiceItem.unit), joinedload(ServiceItem.category))).first()
    if item is None:
        raise ItemNotFound
    return item


@dataclass(frozen=True)
class StationShown:
    """A station as people read it."""

    name: str
    unit: str | None
    level: Level | None
    term: str


@dataclass(frozen=True)
class ItemShown:
    """An item of the guide: everything that one wants to know before one orders."""

    code: str
    version: int
    name: str
    kind: ItemKind
    kind_label: str
    theme: str
    category: str
    unit: str | None
    unit_name: str
    tags: list[str]
    min_age: int | None
    takers: list[Taker]
    term: str
    stations: list[StationShown]
    steps: list[str]
    materials: list[dict[str, Any]]
    fee: str
    basis: str
    where_to: str
    when_to: str
    active: bool


def show_item(code: str, *, active: bool = False) -> ItemShown:
    """Give an item in force by its code; with `active` only one that can be ordered. Raises ItemNotFound."""
    item = current_item(code)
    if active and not item.active:
        raise ItemNotFound
    return shown(item)


def shown(item: ServiceItem) -> ItemShown:
    """Give a version of an item as people read it."""
    return ItemShown(
        code=item.code,
        version=item.version,
        name=item.name,
        kind=item.kind,
        kind_label=ITEM_KINDS[item.kind],
        theme=item.theme,
        category=item.category.path,
        unit=item.unit.code if item.unit else None,
        unit_name=item.unit.name if item.unit else "本村（社区）",
        tags=item.tags,
        min_age=item.min_age,
        takers=[Taker(taker) for taker in item.takers],
        term=term_words(item.term),
        stations=[StationShown(each.name, each.unit, each.level, term_words(each.term)) for each in stations_of(item)],
        steps=item.steps,
        materials=item.materials,
        fee=item.fee,
        basis=item.basis,
        where_to=item.where_to,
        when_to=item.when_to,
        active=item.active,
    )


def guide(
    stamp: Stamp,
    *,
    words: str | None = None,
    tag: str | None = None,
    kind: ItemKind | None = None,
    for_me: bool = False,
    inactive: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[ItemShown]:
    """Give the items in force by name: those that hold every word, are for a population, or are for the signed-in resident."""
    query = select(ServiceItem).where(ServiceItem.replaced_at.is_(None))
    query = query.options(joinedload(ServiceItem.unit), joinedload(ServiceItem.category))
    conditions: list[ColumnElement[bool]] = [] if inactive else [ServiceItem.active.is_(True)]
    for word in (words or "").split():
        like = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        conditions.append((ServiceItem.name + " " + ServiceItem.theme + " " + ServiceItem.basis).ilike(like))
    if tag is not None:
        conditions.append(ServiceItem.tags.contains([tag]))
    if kind is not None:
        conditions.append(ServiceItem.kind == kind)
    if for_me:
        conditions += _for_resident(stamp)
    key = [(ServiceItem.name, False), (ServiceItem.id, False)]
    rows = list(db.session.scalars(paged(query.where(*conditions), key=key, cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda item: (item.name, item.id))
    return Page([shown(item) for item in page.items], page.next_cursor)


def _for_resident(stamp: Stamp) -> list[ColumnElement[bool]]:
    """Give the conditions under which an item is for the resident who asks: of their populations and their age, or for all."""
    resident = db.session.get(Resident, on_roster(stamp.actor.id)) if stamp.actor.kind is ActorKind.RESIDENT else None
    today = stamp.at.astimezone(CHINA).date()
    mine = tags_of(resident.id, today) if resident is not None else set()
    age = age_on(resident.birth_month, today) if resident is not None else None
    mine |= set() if age is None else set(_tags_by_age(age))
    old_enough = ServiceItem.min_age.is_(None) if age is None else (ServiceItem.min_age.is_(None) | (ServiceItem.min_age <= age))
    return [(ServiceItem.tags == []) | ServiceItem.tags.overlap(sorted(mine)), old_enough]


def tags_of(resident_id: int, today: date) -> set[str]:
    """Give the populations to which a resident belongs by a naming that holds today."""
    holds = ResidentTag.expires_on.is_(None) | (ResidentTag.expires_on >= today)
    query = select(PopulationTag.code).join(ResidentTag, ResidentTag.tag_id == PopulationTag.id)
    query = query.where(ResidentTag.resident_id == resident_id, ResidentTag.ended_at.is_(None), holds)
    return set(db.session.scalars(query))


def _tags_by_age(age: int) -> Iterable[str]:
    return db.session.scalars(select(PopulationTag.code).where(PopulationTag.active, PopulationTag.from_age <= age))


def age_on(birth_month: date | None, today: date) -> int | None:
    """Give how old somebody is by the month of their birth, whose day is not known: full years from that month on."""
    if birth_month is None:
        return None
    return today.year - birth_month.year - (today.month < birth_month.month)
