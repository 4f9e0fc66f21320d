"""Keeps how a batch of a list is written: what changed locked and held against its version, then a statement a table."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import or_, select, update

from app.core.bulk import insert_many, update_many
from app.core.database import db, lock_rows
from app.core.stamp import ActorKind, Stamp
from app.people.identity import seal_person
from app.people.models import Resident, ResidentIdentity
from app.people.roster.lists.matching import Known, KnownHousehold, Sought
from app.people.roster.models import Care, GroupHead, ResidentTag, RosterChange, RosterChangeKind
from app.people.roster.tags import TagFacts
from app.territory.commands import seal_household
from app.territory.models import Grid, Household, HouseholdIdentity, HouseholdKind


@dataclass
class Changing:
    """A resident who is to change: the row, what the ledger has, where to, and what."""

    each: Sought
    known: Known
    household_id: int
    values: dict[str, Any]
    sealed: list[str]


@dataclass
class TagPlan:
    """A naming that is to be written, and the one whose place it takes."""

    resident_id: int
    facts: TagFacts
    source: str
    since: date
    expires_on: date | None
    instead_of: int | None


@dataclass
class Batch:
    """What is to be written for some rows of a list; `rows` by resident."""

    counts: Counter[str] = field(default_factory=Counter)
    rows: dict[int, Sought] = field(default_factory=dict)
    households: list[tuple[Sought, int]] = field(default_factory=list)
    changed_households: dict[int, tuple[Sought, KnownHousehold, bool]] = field(default_factory=dict)
    entered: list[tuple[Sought, int, int]] = field(default_factory=list)
    changing: dict[int, Changing] = field(default_factory=dict)
    ending: dict[int, tuple[Sought, Known]] = field(default_factory=dict)
    tags: list[TagPlan] = field(default_factory=list)
    ended_tags: list[tuple[int, TagFacts, int]] = field(default_factory=list)

    def enter_household(self, each: Sought, household_id: int) -> None:
        """Plan a new household."""
        self.households.append((each, household_id))
        self.counts["households_new"] += 1

    def change_household(self, each: Sought, known: KnownHousehold, *, resealed: bool) -> None:
        """Plan a household's other kind, or other head and place."""
        self.changed_households[known.id] = (each, known, resealed)
        self.counts["households_changed"] += 1

    def enter(self, each: Sought, resident_id: int, household_id: int) -> None:
        """Plan a new resident."""
        self.entered.append((each, resident_id, household_id))
        self.rows[resident_id] = each
        self.counts["residents_new"] += 1

    def change(self, each: Sought, known: Known, household_id: int, *, values: dict[str, Any], sealed: list[str]) -> None:
        """Plan a resident's change, a move among them."""
        self.changing[known.id] = Changing(each, known, household_id, values, sealed)
        self.rows[known.id] = each
        moved = known.household_id is not None and known.household_id != household_id
        self.counts["residents_moved" if moved else "residents_changed"] += 1

    def unchanged(self, each: Sought, known: Known) -> None:
        """Note that a resident stays as it is, but for populations that the row may name."""
        self.rows[known.id] = each
        self.counts["residents_unchanged"] += 1

    def end(self, each: Sought, known: Known) -> None:
        """Plan that a resident is gone."""
        self.ending[known.id] = (each, known)
        self.counts["residents_ended"] += 1

    def put_tag(
        self, resident_id: int, facts: TagFacts, *, source: str, since: date, expires_on: date | None, instead_of: int | None
    ) -> None:
        """Plan a naming."""
        self.tags.append(TagPlan(resident_id, facts, source, since, expires_on, instead_of))
        self.counts["tags_put"] += 1

    def end_tag(self, resident_id: int, facts: TagFacts, tag_id: int) -> None:
        """Plan that a naming ends."""
        self.ended_tags.append((resident_id, facts, tag_id))
        self.counts["tags_ended"] += 1


def write(stamp: Stamp, batch: Batch) -> list[Sought]:
    """Write a batch in the running transaction; give the rows whose resident somebody has changed in between, unwritten."""
    changes: list[dict[str, Any]] = []
    stale, locked = _drop_stale(batch)
    _write_households(stamp, batch, changes)
    _write_residents(stamp, batch, changes)
    _write_ends(stamp, batch, changes)
    _write_tags(stamp, batch, changes)
    insert_many(RosterChange, changes)
    for row in locked:  # what was written past them
        db.session.expire(row)
    return stale


def _drop_stale(batch: Batch) -> tuple[list[Sought], list[Household | Resident]]:
    """Lock what is to change, households first, and leave out what is not as it was looked up; give both."""
    stale: list[Sought] = []
    households = lock_rows(Household, list(batch.changed_households), referable=True)
    found = {row.id: row.version for row in households}
    for ident, (_, known, _) in list(batch.changed_households.items()):
        if found.get(ident) != known.version:
            del batch.changed_households[ident]
            batch.counts["households_changed"] -= 1
    bumped = {tag.resident_id for tag in batch.tags} | {ident for ident, _, _ in batch.ended_tags}
    fresh = {ident for _, ident, _ in batch.entered}
    residents = lock_rows(Resident, [*batch.changing, *batch.ending, *(bumped - fresh)], referable=True)
    versions = {row.id: row.version for row in residents}
    for ident, change in list(batch.changing.items()):
        if versions[ident] != change.known.version:
            stale.append(change.each)
            del batch.changing[ident]
            moved = change.known.household_id not in (None, change.household_id)
            batch.counts["residents_moved" if moved else "residents_changed"] -= 1
    for ident, (each, resident) in list(batch.ending.items()):
        if versions[ident] != resident.version:
            stale.append(each)
            del batch.ending[ident]
            batch.counts["residents_ended"] -= 1
    gone = {each.row.line for each in stale}
    batch.tags = [tag for tag in batch.tags if batch.rows[tag.resident_id].row.line not in gone or tag.resident_id in fresh]
    return stale, [*households, *residents]


def _line(stamp: Stamp, what: RosterChangeKind, grid_id: int, **more: Any) -> dict[str, Any]:
    return {
        "at": stamp.at,
        "staff_id": stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None,
        "door": stamp.door,
        "what": what,
        "household_id": more.pop("household_id", None),
        "resident_id": more.pop("resident_id", None),
        "grid_id": grid_id,
        "from_grid_id": more.pop("from_grid_id", None),
        "facts": more,
    }


def _write_households(stamp: Stamp, batch: Batch, changes: list[dict[str, Any]]) -> None:
    grids = {each.row.grid_id for each, _ in batch.households}
    codes = {row[0]: row[1] for row in db.session.execute(select(Grid.id, Grid.code).where(Grid.id.in_(sorted(grids))))}
    rows, identities = [], []
    for each, ident in batch.households:
        code = each.code or f"{codes[each.row.grid_id]}-H{ident:06d}"
        kind = each.row.kind or HouseholdKind.ORDINARY
        rows.append({"id": ident, "code": code, "grid_id": each.row.grid_id, "kind": kind, "version": 1,
                     "created_at": stamp.at, "updated_at": stamp.at})  # fmt: skip
        identities.append({"household_id": ident, **seal_household(each.row.head_name, each.row.place)})
        changes.append(_line(stamp, RosterChangeKind.HOUSEHOLD_ADDED, each.row.grid_id, household_id=ident, kind=kind))
    insert_many(Household, rows)
    insert_many(HouseholdIdentity, identities)
    updates, resealed_rows = [], []
    for each, known, resealed in batch.changed_households.values():
        kind = each.row.kind or known.kind
        updates.append({"id": known.id, "kind": kind, "version": known.version + 1, "updated_at": stamp.at})
        if resealed:
            resealed_rows.append({"household_id": known.id, **seal_household(each.row.head_name, each.row.place)})
        facts: dict[str, Any] = ({"kind": kind} if kind is not known.kind else {}) | ({"sealed": ["place"]} if resealed else {})
        changes.append(_line(stamp, RosterChangeKind.HOUSEHOLD_EDITED, known.grid_id, household_id=known.id, **facts))
    update_many(Household, updates)
    update_many(HouseholdIdentity, resealed_rows, key="household_id")


def _write_residents(stamp: Stamp, batch: Batch, changes: list[dict[str, Any]]) -> None:
    rows, identities = [], []
    for each, ident, household_id in batch.entered:
        row, given = each.row, each.row.given
        rows.append({"id": ident, "grid_id": row.grid_id, "household_id": household_id, "sex": given.sex,
                     "birth_month": given.birth_month, "relation": given.relation, "version": 1, "created_at": stamp.at,
                     "updated_at": stamp.at})  # fmt: skip
        identities.append({"resident_id": ident, **seal_person(given.person)})
        changes.append(_line(stamp, RosterChangeKind.RESIDENT_ADDED, row.grid_id, resident_id=ident, household_id=household_id))
    insert_many(Resident, rows)
    insert_many(ResidentIdentity, identities)
    updates, by_columns = [], dict[tuple[str, ...], list[dict[str, Any]]]()
    left: list[int] = []
    for ident, change in batch.changing.items():
        known, grid_id = change.known, change.each.row.grid_id
        kept = {name: change.values.get(name, getattr(known, name)) for name in ("sex", "birth_month", "relation")}
        updates.append({"id": ident, "grid_id": grid_id, "household_id": change.household_id, **kept,
                        "version": known.version + 1, "updated_at": stamp.at})  # fmt: skip
        if change.sealed:
            sealed = seal_person(change.each.row.given.person)
            columns = {name: value for name, value in sealed.items() if name.removesuffix("_index") in change.sealed}
            by_columns.setdefault(tuple(columns), []).append({"resident_id": ident, **columns})
        changes.append(_change_line(stamp, ident, change))
        if known.grid_id is not None and known.grid_id != grid_id:
            left.append(ident)
    update_many(Resident, updates)
    for some in by_columns.values():
        update_many(ResidentIdentity, some, key="resident_id")
    if left:
        headships = update(GroupHead).where(GroupHead.resident_id.in_(left), GroupHead.ended_at.is_(None))
        db.session.execute(headships.values(ended_at=stamp.at), execution_options={"synchronize_session": False})


def _change_line(stamp: Stamp, ident: int, change: Changing) -> dict[str, Any]:
    known, grid_id = change.known, change.each.row.grid_id
    facts: dict[str, Any] = {name: value.isoformat() if isinstance(value, date) else value for name, value in change.values.items()}
    facts |= {"sealed": change.sealed} if change.sealed else {}
    what = RosterChangeKind.RESIDENT_EDITED
    if known.household_id is None:
        what = RosterChangeKind.RESIDENT_ADDED
    elif known.household_id != change.household_id:
        what = RosterChangeKind.RESIDENT_MOVED
        facts["from_household_id"] = known.household_id
    before = known.grid_id if known.grid_id != grid_id else None
    return _line(stamp, what, grid_id, resident_id=ident, household_id=change.household_id, from_grid_id=before, **facts)


def _write_ends(stamp: Stamp, batch: Batch, changes: list[dict[str, Any]]) -> None:
    """Take those off the roster who are gone, with tags, care and headships."""
    if not batch.ending:
        return
    updates = []
    for ident, (each, known) in batch.ending.items():
        updates.append({"id": ident, "ended_at": stamp.at, "ended_by": each.row.ended, "version": known.version + 1,
                        "updated_at": stamp.at})  # fmt: skip
        line = _line(stamp, RosterChangeKind.RESIDENT_ENDED, known.grid_id or each.row.grid_id, resident_id=ident,
                     household_id=known.household_id, why=each.row.ended)  # fmt: skip
        changes.append(line)
    update_many(Resident, updates)
    ids = sorted(batch.ending)
    ends: list[tuple[Any, Any]] = [
        (ResidentTag, ResidentTag.resident_id.in_(ids)),
        (GroupHead, GroupHead.resident_id.in_(ids)),
        (Care, or_(Care.resident_id.in_(ids), Care.carer_id.in_(ids))),
    ]
    for model, whose in ends:
        ended = update(model).where(whose, model.ended_at.is_(None)).values(ended_at=stamp.at)
        db.session.execute(ended, execution_options={"synchronize_session": False})


def _write_tags(stamp: Stamp, batch: Batch, changes: list[dict[str, Any]]) -> None:
    over = [tag.instead_of for tag in batch.tags if tag.instead_of is not None]
    over += [tag_id for _, _, tag_id in batch.ended_tags]
    update_many(ResidentTag, [{"id": ident, "ended_at": stamp.at} for ident in over])
    by = stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None
    insert_many(
        ResidentTag,
        [
            {"resident_id": tag.resident_id, "tag_id": tag.facts.id, "source": tag.source, "since": tag.since,
             "expires_on": tag.expires_on, "noted_at": stamp.at, "noted_by": by}
            for tag in batch.tags
        ],
    )  # fmt: skip
    said = [(tag.resident_id, RosterChangeKind.TAG_PUT, tag.facts) for tag in batch.tags]
    said += [(ident, RosterChangeKind.TAG_ENDED, facts) for ident, facts, _ in batch.ended_tags]
    changes += [_line(stamp, what, batch.rows[ident].row.grid_id, resident_id=ident, tag=facts.code) for ident, what, facts in said]
    fresh = {ident for _, ident, _ in batch.entered} | batch.changing.keys()
    bumped = sorted({ident for ident, _, _ in said} - fresh)
    if bumped:
        count_up = update(Resident).where(Resident.id.in_(bumped))
        count_up = count_up.values(version=Resident.version + 1, updated_at=stamp.at)
        db.session.execute(count_up, execution_options={"synchronize_session": False})
        batch.counts["residents_tagged"] += len(bumped)
