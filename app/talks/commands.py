"""Keeps the writing down of village talks: one talk, many reports, all or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import selectinload
from sqlalchemy.sql.base import ExecutableOption

from app.core.clock import CHINA
from app.core.database import db, lock_rows
from app.core.errors import Invalid, NotAllowed, NotFound
from app.core.paging import Page, by_ways, page_from, paged
from app.core.stamp import ActorKind, Role, Stamp
from app.ledger.catalogue import UnknownGrid, catalogue
from app.ledger.commands import answer_locked
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Case
from app.ledger.moves import Words, move_case
from app.ledger.scope import visible
from app.ledger.vocabulary import Action, Channel, Kind, State
from app.people.identity import Person, find_or_enrol
from app.people.models import Resident
from app.talks.models import TalkItem, VillageTalk
from app.territory.models import Grid, Household, Level, Unit

WRITES = (Role.CADRE, Role.GRID_WORKER)


class TalksAreTheVillages(NotAllowed):
    """村民说事由村干部或网格员登记"""


class TalkUnfit(Invalid):
    """村民说事登记有误"""


class TalkNotFound(NotFound):
    """没有找到这次村民说事"""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One thing said: by whom (a resident or household of the village, a name, or unnamed), and what was answered on the spot.

    `files` are uploads of whoever writes it down.
    """

    words: str
    title: str | None = None
    kind: Kind = Kind.OTHER
    category_id: int | None = None
    resident_id: int | None = None
    household_id: int | None = None
    person: Person | None = None
    grid: str | None = None
    answer: str | None = None
    files: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A talk as it is written down; the village by code, the day in China."""

    village: str
    held_on: date
    place: str
    chair: str
    attendants: int
    minutes: str | None = None
    items: Sequence[Said] = ()


@dataclass(frozen=True)
class SaidShown:
    """What became of one thing said; the claim code is for who said it, shown once.

    Of a case that the actor may not see nothing is told but that something was said.
    """

    place: int
    number: str | None
    title: str | None
    state: State | None
    answered: bool | None
    claim_code: str | None = None


@dataclass(frozen=True)
class TalkShown:
    """A talk and what came of it."""

    id: int
    village: str
    held_on: date
    place: str
    chair: str
    attendants: int
    minutes: str | None
    written_at: datetime
    items: list[SaidShown]


def write_talk(stamp: Stamp, talk: Talk) -> TalkShown:
    """Write a talk down; everything said becomes a report of its own.

    What a grid worker answered on the spot for a grid of their own is closed at once; what a cadre answered, or a grid worker for
    another's grid, is added for the centre, which closes it.
    The channel is `visit`: it was said face to face. All or nothing; fields are named like `items.3.words`. Raises
    TalksAreTheVillages, TalkUnfit, and of an item what `take_in` and answering raise.
    """
    role = stamp.actor.holds(WRITES) if stamp.actor.kind is ActorKind.STAFF else None
    if role is None:
        raise TalksAreTheVillages
    stamp = stamp.acting_as(role)
    assert stamp.actor.id is not None
    village = _village(stamp, talk)
    row = VillageTalk(
        unit_id=village.id, unit=village, staff_id=stamp.actor.id, held_on=talk.held_on, place=talk.place, chair=talk.chair,
        attendants=talk.attendants, minutes=talk.minutes, written_at=stamp.at,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    grids = {grid.id: grid.code for grid in db.session.scalars(select(Grid).where(Grid.unit_id == village.id, Grid.active))}
    taken, errors = [], dict[str, list[str]]()
    for place, said in enumerate(talk.items):
        try:
            taken.append(_take(stamp, row, place, said, grids))
        except Invalid as refused:
            errors |= {f"items.{place}.{_FIELDS.get(name, name)}": words for name, words in refused.errors.items()}
            if not refused.errors:
                errors[f"items.{place}"] = [refused.detail or refused.title()]
    if errors:
        raise TalkUnfit(errors=errors)
    return _talk_shown(row, taken)


_FIELDS = {"body": "words", "grid_id": "grid", "name": "person.name", "phone": "person.phone", "id_number": "person.id_number"}


def _village(stamp: Stamp, talk: Talk) -> Unit:
    wrong: dict[str, list[str]] = {}
    village = db.session.scalars(select(Unit).where(Unit.code == talk.village, Unit.level == Level.VILLAGE)).first()
    if village is None or not any(village.path.startswith(path) for path in stamp.actor.paths(*WRITES)):
        wrong["village"] = ["这不是您负责的村（社区）"]
    if talk.held_on > stamp.at.astimezone(CHINA).date():
        wrong["held_on"] = ["说事日期不能晚于今天"]
    if talk.attendants < 1:
        wrong["attendants"] = ["请填写参加人数"]
    if wrong:
        raise TalkUnfit(errors=wrong)
    assert village is not None
    return village


def _take(stamp: Stamp, talk: VillageTalk, place: int, said: Said, grids: dict[int, str]) -> SaidShown:
    resident_id, household_id, grid_id = _speaker(stamp, said, grids)
    if said.person is not None:
        resident_id = find_or_enrol(stamp, said.person, grid_id=grid_id).id
    receipt = take_in(
        stamp,
        Submission(
            channel=Channel.VISIT, body=said.words, title=said.title, kind=said.kind, category_id=said.category_id, grid_id=grid_id,
            household_id=household_id, filer_staff_id=stamp.actor.id, concerned_id=resident_id,
            said_at=datetime.combine(talk.held_on, datetime.min.time(), CHINA), source_key=f"talk:{talk.id}:{place}",
            files=said.files,
        ),
    )  # fmt: skip
    (case,) = lock_rows(Case, [receipt.case_id])
    if said.answer is not None and stamp.role is Role.GRID_WORKER and grid_id in stamp.actor.grid_ids:
        answer_locked(stamp, case, reply=said.answer)
    elif said.answer is not None:
        move_case(stamp, case, Action.SUPPLEMENT, Words(note=f"说事现场答复：{said.answer}"))
    db.session.add(TalkItem(talk_id=talk.id, place=place, case_id=case.id, answered=said.answer is not None))
    return SaidShown(place, receipt.number, case.title, case.state, said.answer is not None, receipt.claim_code)


def _speaker(stamp: Stamp, said: Said, grids: dict[int, str]) -> tuple[int | None, int | None, int]:
    """Give who spoke and where: resident, household and grid, of the village; a grid worker names people of their own grids.

    Raises TalkUnfit, UnknownGrid.
    """
    known = grids.keys() if stamp.role is Role.CADRE else grids.keys() & stamp.actor.grid_ids
    resident_id, household_id, grid_id = said.resident_id, said.household_id, None
    if said.resident_id is not None:
        resident = db.session.get(Resident, said.resident_id)
        if resident is None or resident.grid_id not in known:
            raise TalkUnfit(errors={"resident_id": ["没有找到这位居民"]})
        grid_id, household_id = resident.grid_id, resident.household_id
    elif said.household_id is not None:
        household = db.session.get(Household, said.household_id)
        if household is None or household.grid_id not in known:
            raise TalkUnfit(errors={"household_id": ["没有找到这户"]})
        grid_id = household.grid_id
    if said.grid is not None:
        grid_id = catalogue().grid_id(said.grid)
        if grid_id not in grids:
            raise UnknownGrid(errors={"grid": ["这个网格不属于这个村（社区）"]})
    if grid_id is None and len(grids) == 1:
        (grid_id,) = grids
    if grid_id is None:
        raise TalkUnfit(errors={"grid": ["请选择网格"]})
    return resident_id, household_id, grid_id


def own_talks(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[TalkShown]:
    """Give the talks of the actor's villages, the latest first."""

    def read(query: Select[Any]) -> Select[Any]:
        return paged(query, key=[(VillageTalk.id, True)], cursor=cursor, limit=limit)

    ids = db.session.scalars(by_ways([read(select(VillageTalk.id).where(way)) for way in _ways(stamp)])).all()
    rows = list(db.session.scalars(read(select(VillageTalk).where(VillageTalk.id.in_(ids)).options(*_whole()))))
    page = page_from(rows, limit=limit, key=lambda talk: (talk.id,))
    seen = _seen(stamp, page.items)
    return Page([_talk_shown(talk, _became(talk, seen)) for talk in page.items], page.next_cursor)


def show_talk(stamp: Stamp, talk_id: int) -> TalkShown:
    """Give a talk of one of the actor's villages; raises TalkNotFound, also for one elsewhere."""
    query = select(VillageTalk).where(or_(*_ways(stamp)), VillageTalk.id == talk_id)
    talk = db.session.scalars(query.options(*_whole())).first()
    if talk is None:
        raise TalkNotFound
    return _talk_shown(talk, _became(talk, _seen(stamp, [talk])))


def _ways(stamp: Stamp) -> list[ColumnElement[bool]]:
    """Give the conditions for the talks that one sees: a cadre those of the village, everybody those that they wrote down."""
    below = [Unit.path.startswith(path) for path in stamp.actor.paths(Role.CADRE)]
    villages = db.session.scalars(select(Unit.id).where(or_(*below))).all() if below else ()
    return [VillageTalk.staff_id == stamp.actor.id, *(VillageTalk.unit_id == village for village in villages)]


def _whole() -> tuple[ExecutableOption, ...]:
    return selectinload(VillageTalk.unit), selectinload(VillageTalk.items).joinedload(TalkItem.case)


def _seen(stamp: Stamp, talks: Sequence[VillageTalk]) -> set[int]:
    """Give the ids of those cases of some talks that the actor sees as cases."""
    ids = [item.case_id for talk in talks for item in talk.items]
    return set(db.session.scalars(select(Case.id).where(Case.id.in_(ids), visible(stamp.actor))))


def _became(talk: VillageTalk, seen: set[int]) -> list[SaidShown]:
    return [
        SaidShown(item.place, item.case.number, item.case.title, item.case.state, item.answered)
        if item.case_id in seen
        else SaidShown(item.place, None, None, None, None)
        for item in talk.items
    ]


def _talk_shown(talk: VillageTalk, items: list[SaidShown]) -> TalkShown:
    return TalkShown(
        talk.id, talk.unit.name, talk.held_on, talk.place, talk.chair, talk.attendants, talk.minutes, talk.written_at, items
    )
