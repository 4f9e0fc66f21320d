"""Keeps who belongs to which population: named with source and expiry, or derived from age; and the catalogue of populations."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import joinedload

from app.core.clock import CHINA
from app.core.database import db, lock_rows, transaction
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.held import Held
from app.core.jobs import job
from app.core.stamp import ActorKind, Role, Stamp
from app.people.models import Resident
from app.people.roster.changes import changed
from app.people.roster.models import PopulationTag, ResidentTag, RosterChangeKind
from app.people.roster.residents import ResidentOver
from app.people.roster.scope import as_editor, lock_resident
from app.territory.models import Level, Unit

BATCH = 500


class TagNotFound(NotFound):
    """没有找到这类人群"""


class TagDerived(Conflict):
    """这类人群按年龄自动确定，不用标注"""


class WrongTag(Invalid):
    """人群标注有误"""


class TagsAreTheCountys(NotAllowed):
    """人群目录由县级管理员维护"""


@dataclass(frozen=True)
class TagFacts:
    """A population as it is held: `from_age` makes it a derived one."""

    id: int
    code: str
    name: str
    key: bool
    from_age: int | None
    lasts_months: int | None
    active: bool


@dataclass(frozen=True)
class TagHeld:
    """That somebody belongs to a population: since when, until when, by whose word; derived ones have no source."""

    code: str
    name: str
    key: bool
    source: str | None
    since: date | None
    expires_on: date | None


def _load() -> tuple[TagFacts, ...]:
    rows = db.session.scalars(select(PopulationTag).order_by(PopulationTag.place, PopulationTag.id))
    same = ("id", "code", "name", "key", "from_age", "lasts_months", "active")
    return tuple(TagFacts(**{name: getattr(row, name) for name in same}) for row in rows)


populations = Held(_load)
"""Every population, in order."""


def population(code: str) -> TagFacts:
    """Give a population by its code; raises TagNotFound."""
    found = next((tag for tag in populations() if tag.code == code), None)
    if found is None:
        raise TagNotFound
    return found


def later(day: date, months: int) -> date:
    """Give the same day so many months later (earlier below 0), the last of the month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_after = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (first_after - timedelta(days=1)).day))


def end_of(day: date) -> datetime:
    """Give the last moment of a day in China."""
    return datetime.combine(day, time.max, tzinfo=CHINA)


def living(on: date) -> ColumnElement[bool]:
    """Give the condition that a resident is on the roster on a day: has a household and was not ended by then."""
    return and_(Resident.household_id.is_not(None), or_(Resident.ended_at.is_(None), Resident.ended_at > end_of(on)))


def belonging(tag: str, on: date) -> ColumnElement[bool]:
    """Give the condition on `Resident` that it belongs to a population on a day; raises TagNotFound.

    Named: from `since` through `expires_on`, unless it was ended by then. Derived: from the first day of the month in which the
    age is reached.
    """
    facts = population(tag)
    ways: list[ColumnElement[bool]] = []
    if facts.from_age is not None:
        ways.append(Resident.birth_month <= later(on.replace(day=1), -12 * facts.from_age))
    else:
        ways.append(Resident.id.in_(select(ResidentTag.resident_id).where(ResidentTag.tag_id == facts.id, _holds(on))))
    return and_(living(on), *ways) if facts.active else false()


def _holds(on: date) -> ColumnElement[bool]:
    return and_(
        ResidentTag.since <= on,
        or_(ResidentTag.expires_on.is_(None), ResidentTag.expires_on >= on),
        or_(ResidentTag.ended_at.is_(None), ResidentTag.ended_at > end_of(on)),
    )


def tags_of(resident_ids: Collection[int], on: date) -> dict[int, list[TagHeld]]:
    """Give the populations to which residents belong on a day, named and derived, in the catalogue's order; two queries."""
    held: dict[int, list[TagHeld]] = {ident: [] for ident in resident_ids}
    if not held:
        return held
    query = select(ResidentTag).where(ResidentTag.resident_id.in_(held), _holds(on))
    named: dict[tuple[int, int], ResidentTag] = {(row.resident_id, row.tag_id): row for row in db.session.scalars(query)}
    births = select(Resident.id, Resident.birth_month).where(Resident.id.in_(held), living(on))
    for ident, born in db.session.execute(births):
        for tag in populations():
            row = named.get((ident, tag.id))
            if not tag.active:
                continue
            if row is not None and tag.from_age is None:
                held[ident].append(TagHeld(tag.code, tag.name, tag.key, row.source, row.since, row.expires_on))
            elif tag.from_age is not None and born is not None and born <= later(on.replace(day=1), -12 * tag.from_age):
                held[ident].append(TagHeld(tag.code, tag.name, tag.key, None, later(born, 12 * tag.from_age), None))
    return held


def put_tag(
    stamp: Stamp,
    resident_id: int,
    *,
    tag: str,
    source: str,
    since: date | None = None,
    expires_on: date | None = None,
    version: int | None = None,
) -> Resident:
    """Say that a resident belongs to a population, by whose word, from a day (today) until a day (as long as the tag lasts).

    Said again, it replaces what was said. Raises RosterIsNotYoursToEdit, ResidentNotFound, RosterStale, ResidentOver,
    TagNotFound, TagDerived, WrongTag.
    """
    stamp = as_editor(stamp)
    facts = population(tag)
    if facts.from_age is not None:
        raise TagDerived
    if not facts.active:
        raise TagNotFound
    today = stamp.at.astimezone(CHINA).date()
    since = since or today
    expires_on = expires_on or until(facts, since)
    if since > today:
        raise WrongTag(errors={"since": ["起始日期不能晚于今天"]})
    if expires_on is not None and expires_on < today:
        raise WrongTag(errors={"expires_on": ["到期日期已经过去"]})
    resident = lock_resident(stamp, resident_id, version=version)
    if resident.ended_at is not None:
        raise ResidentOver
    old = _open_tag(resident_id, facts.id)
    if old is not None and (old.source, old.since, old.expires_on) == (source, since, expires_on):
        return resident
    if old is not None:
        old.ended_at = stamp.at
        db.session.flush()
    by = stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None
    fresh = ResidentTag(resident_id=resident_id, tag_id=facts.id, source=source, since=since, expires_on=expires_on)
    fresh.noted_at, fresh.noted_by = stamp.at, by
    db.session.add(fresh)
    changed(stamp, resident, RosterChangeKind.TAG_PUT, tag=tag)
    return resident


def until(facts: TagFacts, since: date) -> date | None:
    """Give the last day on which a naming holds where nobody says until when."""
    return later(since, facts.lasts_months) - timedelta(days=1) if facts.lasts_months else None


def _open_tag(resident_id: int, tag_id: int) -> ResidentTag | None:
    query = select(ResidentTag).where(
        ResidentTag.resident_id == resident_id, ResidentTag.tag_id == tag_id, ResidentTag.ended_at.is_(None)
    )
    return db.session.scalars(query).first()


def end_tag(stamp: Stamp, resident_id: int, *, tag: str, version: int | None = None) -> Resident:
    """Say that a resident belongs to a population no longer. Raises ResidentNotFound, RosterStale, TagNotFound."""
    stamp = as_editor(stamp)
    facts = population(tag)
    resident = lock_resident(stamp, resident_id, version=version)
    old = _open_tag(resident_id, facts.id)
    if old is None:
        raise TagNotFound
    old.ended_at = stamp.at
    changed(stamp, resident, RosterChangeKind.TAG_ENDED, tag=tag)
    return resident


@job("end-expired-tags", every=timedelta(hours=1))
def end_expired_tags(stamps: Callable[[], Stamp]) -> int:
    """End the tags whose last day is over, in batches; give how many."""
    ended = 0
    while True:
        with transaction():
            stamp = stamps()
            count = _end_some(stamp)
        ended += count
        if count < BATCH:
            return ended


def _end_some(stamp: Stamp) -> int:
    today = stamp.at.astimezone(CHINA).date()
    over = and_(ResidentTag.ended_at.is_(None), ResidentTag.expires_on < today)
    some = select(ResidentTag.id, ResidentTag.resident_id).where(over).order_by(ResidentTag.id).limit(BATCH)
    rows = db.session.execute(some).all()
    residents = {row.id: row for row in lock_rows(Resident, [row.resident_id for row in rows])}
    query = select(ResidentTag).where(ResidentTag.id.in_([row.id for row in rows]), over).options(joinedload(ResidentTag.tag))
    for tag in db.session.scalars(query):
        tag.ended_at = stamp.at
        changed(stamp, residents[tag.resident_id], RosterChangeKind.TAG_ENDED, tag=tag.tag.code, expired=True)
    return len(rows)


def put_population(
    stamp: Stamp,
    code: str,
    *,
    name: str,
    key: bool,
    place: int,
    from_age: int | None = None,
    lasts_months: int | None = None,
    active: bool = True,
) -> TagFacts:
    """Put a population into the catalogue, or change it by its code. Raises TagsAreTheCountys, WrongTag.

    One that is derived from age stays so, and one that is named stays named: what was said of people would else be lost.
    """
    county = select(Unit.path).where(Unit.level == Level.COUNTY).limit(1)
    if stamp.actor.kind is not ActorKind.SYSTEM and db.session.scalar(county) not in stamp.actor.paths(Role.ADMINISTRATOR):
        raise TagsAreTheCountys
    row = db.session.scalars(select(PopulationTag).where(PopulationTag.code == code)).first()
    if row is not None and (row.from_age is None) != (from_age is None):
        raise WrongTag(errors={"from_age": ["按年龄确定的人群和标注的人群不能互换，请另建一类"]})
    if from_age is not None and lasts_months is not None:
        raise WrongTag(errors={"lasts_months": ["按年龄确定的人群没有期限"]})
    named = db.session.scalars(select(PopulationTag.code).where(PopulationTag.name == name, PopulationTag.code != code)).first()
    if named is not None:
        raise WrongTag(errors={"name": ["已有同名的人群"]})
    if row is None:
        row = PopulationTag(code=code)
        db.session.add(row)
    row.name, row.key, row.place, row.from_age = name, key, place, from_age
    row.lasts_months, row.active = lasts_months, active
    db.session.flush()
    populations.forget()
    return population(code)
