"""Keeps how rows of a list are written: what changed locked and held against its version, then a statement a table."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import or_, select, update

from app.core.bulk import insert_many, update_many
from app.core.database import db, lock_rows, lock_versions
from app.core.stamp import ActorKind, Stamp
from app.people.identity import seal_person
from app.people.models import Resident, ResidentIdentity
from app.people.roster.lists.history import history_line
from app.people.roster.lists.matching import Known, KnownHousehold, Sought, Where, among
from app.people.roster.lists.ties import Ties
from app.people.roster.models import Care, GroupHead, ResidentTag, RosterChange, RosterChangeKind
from app.people.roster.tags import TagFacts
from app.territory.commands import seal_household
from app.territory.models import Grid, Household, HouseholdGroup, HouseholdIdentity, HouseholdKind


@dataclass
class Changing:
    """A resident who is to change: the row, what the ledger has, where to, and what."""

    each: Sought
    known: Known
    household_id: int
    values: dict[str, Any]
    sealed: list[str]

    @property
    def moved(self) -> bool:
        """Say whether somebody comes from another household."""
        return self.known.household_id not in (None, self.household_id)


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
class NewHousehold:
    """A household that is to be written: the row that says who heads it and where it is, its kind, its group."""

    id: int
    each: Sought
    kind: HouseholdKind
    group_id: int | None


@dataclass
class HouseholdChange:
    """A household that is to change: a row of it, what the ledger has, and what it will be; `identity`: head and place anew."""

    each: Sought
    known: KnownHousehold
    kind: HouseholdKind
    group_id: int | None
    identity: tuple[str, str] | None
    sealed: list[str]


@dataclass
class Batch:
    """What is to be written for some rows of a list; `rows` by resident, with the `versions` of those whom the ledger knows.

    `lives`: resident → household. `homes`: household → version, of those of the ledger in which somebody is to live from now on.
    """

    counts: Counter[str] = field(default_factory=Counter)
    rows: dict[int, Sought] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    lives: dict[int, int] = field(default_factory=dict)
    homes: dict[int, int] = field(default_factory=dict)
    households: list[NewHousehold] = field(default_factory=list)
    changed_households: dict[int, HouseholdChange] = field(default_factory=dict)
    entered: list[tuple[Sought, int, int]] = field(default_factory=list)
    changing: dict[int, Changing] = field(default_factory=dict)
    ending: dict[int, tuple[Sought, Known]] = field(default_factory=dict)
    tags: list[TagPlan] = field(default_factory=list)
    ended_tags: list[tuple[int, TagFacts, int]] = field(default_factory=list)
    ties: Ties = field(default_factory=Ties)

    @property
    def size(self) -> int:
        """Give how many rows of the ledger are to be written, about."""
        return len(self.changed_households) + len(self.entered) + len(self.rows) + len(self.ties)

    def enter_household(self, new: NewHousehold) -> None:
        """Plan a new household."""
        self.households.append(new)
        self.counts["households_new"] += 1

    def change_household(self, change: HouseholdChange) -> None:
        """Plan a household's other kind, group, or head and place; over what was planned of it before."""
        before = self.changed_households.get(change.known.id)
        if before is None:
            self.counts["households_changed"] += 1
        else:
            change.known, change.identity = before.known, change.identity or before.identity
            change.sealed = sorted({*change.sealed, *before.sealed})
        self.changed_households[change.known.id] = change

    def enter(self, each: Sought, resident_id: int, household_id: int) -> None:
        """Plan a new resident."""
        self.entered.append((each, resident_id, household_id))
        self.rows[resident_id], self.lives[resident_id] = each, household_id
        self.counts["residents_new"] += 1

    def change(self, each: Sought, known: Known, household_id: int, *, values: dict[str, Any], sealed: list[str]) -> None:
        """Plan a resident's change, a move among them."""
        self.changing[known.id] = Changing(each, known, household_id, values, sealed)
        self.know(each, known, household_id)
        self.counts["residents_moved" if self.changing[known.id].moved else "residents_changed"] += 1

    def know(self, each: Sought, known: Known, household_id: int) -> None:
        """Note which row is of a resident whom the ledger knows, at which version, and where they live."""
        self.rows[known.id], self.versions[known.id], self.lives[known.id] = each, known.version, household_id

    def end(self, each: Sought, known: Known) -> None:
        """Plan that a resident is gone."""
        self.ending[known.id] = (each, known)
        self.know(each, known, known.household_id or 0)
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


@dataclass
class Written:
    """What came of writing: whose rows were left, as somebody had changed meanwhile what they are of, and what is to be told."""

    stale: dict[int, Sought] = field(default_factory=dict)
    told: list[tuple[Where, str]] = field(default_factory=list)


def write(stamp: Stamp, batch: Batch, *, reach: frozenset[int]) -> Written:
    """Write a batch in the running transaction, all locks first: households, residents, groups, each in the order of their ids.

    `reach`: the grids whose residents may be named as carers.
    """
    changes: list[dict[str, Any]] = []
    written = Written()
    _lock(batch, written)
    _write_households(stamp, batch, changes)
    _write_residents(stamp, batch, changes)
    _write_ends(stamp, batch, changes)
    _write_tags(stamp, batch, changes)
    counts, told = batch.ties.write(stamp, changes, reach=reach)
    batch.counts.update(counts)
    written.told += told
    insert_many(RosterChange, changes)
    db.session.flush()
    db.session.expire_all()  # all this was written past what the session holds
    return written


def _lock(batch: Batch, written: Written) -> None:
    """Lock what is to change, and leave out what is not as it was looked up."""
    versions = {ident: change.known.version for ident, change in batch.changed_households.items()} | batch.homes
    found = lock_versions(Household, versions)
    stale = {ident for ident, version in versions.items() if found.get(ident) != version}
    for ident in stale & batch.changed_households.keys():
        change = batch.changed_households.pop(ident)
        batch.counts["households_changed"] -= 1
        written.told.append((change.each.where, "这一户的信息刚刚有人改过，户主、住址、户类别和户区没有改动，请再导入一次"))
    found = lock_versions(Resident, {*batch.versions, *batch.ties.residents()} - {ident for _, ident, _ in batch.entered})
    left = {ident for ident, version in batch.versions.items() if found[ident] != version}
    left |= {ident for _, ident, home in batch.entered if home in stale}
    left |= {ident for ident, change in batch.changing.items() if change.household_id in stale and change.moved}
    _leave(batch, left)
    written.stale = {ident: batch.rows[ident] for ident in sorted(left)}
    _lock_groups(batch, written)


def _leave(batch: Batch, left: set[int]) -> None:
    """Take some residents out of a batch, with all that their rows say of them."""
    for ident in left & batch.changing.keys():
        batch.counts["residents_moved" if batch.changing.pop(ident).moved else "residents_changed"] -= 1
    for ident in left & batch.ending.keys():
        del batch.ending[ident]
        batch.counts["residents_ended"] -= 1
    staying = [entry for entry in batch.entered if entry[1] not in left]
    batch.counts["residents_new"] -= len(batch.entered) - len(staying)
    tags, ended = (
        [tag for tag in batch.tags if tag.resident_id not in left],
        [tag for tag in batch.ended_tags if tag[0] not in left],
    )
    batch.counts["tags_put"] -= len(batch.tags) - len(tags)
    batch.counts["tags_ended"] -= len(batch.ended_tags) - len(ended)
    batch.entered, batch.tags, batch.ended_tags = staying, tags, ended
    batch.ties.leave(left)


def _lock_groups(batch: Batch, written: Written) -> None:
    """Lock the groups that households join or that get heads; what has ended meanwhile is joined by nobody."""
    changes = batch.changed_households
    joined = {ident: change.group_id for ident, change in changes.items() if change.group_id not in (None, change.known.group_id)}
    wanted = sorted({ident for ident in joined.values() if ident is not None} | batch.ties.groups())
    over = (
        {group.id for group in lock_rows(HouseholdGroup, wanted, referable=True) if group.ended_at is not None} if wanted else set()
    )
    for ident, group_id in joined.items():
        if group_id in over:
            changes[ident].group_id = changes[ident].known.group_id
            written.told.append((changes[ident].each.where, "这个户区刚刚被撤销，户区没有改动"))
    batch.ties.leave_groups(over)


def _write_households(stamp: Stamp, batch: Batch, changes: list[dict[str, Any]]) -> None:
    grids = {new.each.row.grid_id for new in batch.households}
    named = select(Grid.id, Grid.code).where(among(Grid.id, sorted(grids)))
    codes = {row[0]: row[1] for row in db.session.execute(named)} if grids else {}
    rows, identities = [], []
    for new in batch.households:
        row = new.each.row
        code = new.each.code or f"{codes[row.grid_id]}-H{new.id:06d}"
        rows.append({"id": new.id, "code": code, "grid_id": row.grid_id, "group_id": new.group_id, "kind": new.kind, "version": 1,
                     "created_at": stamp.at, "updated_at": stamp.at})  # fmt: skip
        identities.append({"household_id": new.id, **seal_household(row.head_name, row.place)})
        changes.append(history_line(stamp, RosterChangeKind.HOUSEHOLD_ADDED, row.grid_id, household_id=new.id, kind=new.kind))
    insert_many(Household, rows)
    insert_many(HouseholdIdentity, identities)
    updates, resealed_rows = [], []
    for change in batch.changed_households.values():
        known = change.known
        updates.append({"id": known.id, "kind": change.kind, "group_id": change.group_id, "version": known.version + 1,
                        "updated_at": stamp.at})  # fmt: skip
        facts: dict[str, Any] = {"sealed": change.sealed} if change.sealed else {}
        facts |= {name: getattr(change, name) for name in ("kind", "group_id") if getattr(change, name) != getattr(known, name)}
        if change.identity is not None:
            resealed_rows.append({"household_id": known.id, **seal_household(*change.identity)})
        changes.append(history_line(stamp, RosterChangeKind.HOUSEHOLD_EDITED, known.grid_id, household_id=known.id, **facts))
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
        changes.append(
            history_line(stamp, RosterChangeKind.RESIDENT_ADDED, row.grid_id, resident_id=ident, household_id=household_id)
        )
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
        headships = update(GroupHead).where(among(GroupHead.resident_id, left), GroupHead.ended_at.is_(None))
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
    return history_line(stamp, what, grid_id, resident_id=ident, household_id=change.household_id, from_grid_id=before, **facts)


def _write_ends(stamp: Stamp, batch: Batch, changes: list[dict[str, Any]]) -> None:
    """Take those off the roster who are gone, with tags, care and headships."""
    if not batch.ending:
        return
    updates = []
    for ident, (each, known) in batch.ending.items():
        updates.append({"id": ident, "ended_at": stamp.at, "ended_by": each.row.ended, "version": known.version + 1,
                        "updated_at": stamp.at})  # fmt: skip
        line = history_line(stamp, RosterChangeKind.RESIDENT_ENDED, known.grid_id or each.row.grid_id, resident_id=ident,
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
    for ident, what, facts in said:
        about: dict[str, Any] = {"resident_id": ident, "household_id": batch.lives[ident], "tag": facts.code}
        changes.append(history_line(stamp, what, batch.rows[ident].row.grid_id, **about))
    fresh = {ident for _, ident, _ in batch.entered} | batch.changing.keys()
    bumped = sorted({ident for ident, _, _ in said} - fresh)
    if bumped:
        count_up = update(Resident).where(Resident.id.in_(bumped))
        count_up = count_up.values(version=Resident.version + 1, updated_at=stamp.at)
        db.session.execute(count_up, execution_options={"synchronize_session": False})
        batch.counts["residents_tagged"] += len(bumped)
