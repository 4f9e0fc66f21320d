"""Keeps how a list of people comes in: good rows are taken, bad ones come back to be mended and handed in again.

All of it is one transaction: a list that is cut off in the middle leaves no trace, nobody sees half a village moved, and the
same list handed in again changes nothing more.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.orm import joinedload

from app.core.clock import CHINA
from app.core.database import db
from app.core.errors import Conflict, NotFound
from app.core.stamp import ActorKind, Door, Stamp
from app.people.identity import masked, open_person
from app.people.models import Resident
from app.people.roster.lists.headings import Heading, tag_words
from app.people.roster.lists.matching import Sought, sought
from app.people.roster.lists.naming import SOURCE
from app.people.roster.lists.places import Places
from app.people.roster.lists.profiles import HeadingFinder, remember
from app.people.roster.lists.reading import Cells, SheetOfPeople, open_book, row_text, sheets_of
from app.people.roster.lists.rows import Before, PersonRow, RowReader
from app.people.roster.lists.taking_in import Gone, Refused, Remark, TakingIn
from app.people.roster.numbers import check_entered
from app.people.roster.scope import EDITORS, as_editor
from app.people.roster.tags import populations
from app.territory.models import Household, Unit

BATCH = 3000
MISSING_SHOWN = 5000
_LOCK = 0x4D696E6A

Progress = Callable[[int, int], None]
Follow = Callable[[Stamp, Gone], None]
"""What is to be done at once, in the same transaction, about those whom a list takes off the roster."""


class ImportAtWork(Conflict):
    """另一份名册正在导入，请稍候再试"""


class ImportUnitNotFound(NotFound):
    """没有找到这个单位"""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be done with a list: below which unit, how its columns are called, only checked, all or nothing."""

    source: str
    unit: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    dry_run: bool = False
    strict: bool = False


@dataclass(frozen=True)
class Missing:
    """Somebody on the roster of the list's grids whom the list does not name: the household's code, the masked name."""

    household: str
    name: str | None


@dataclass
class Outcome:
    """What became of a list; `written` is false for a dry run and for a strict one with errors."""

    counts: Counter[str] = field(default_factory=Counter)
    headings: dict[str, Heading] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    written: bool = False

    def refused_in_order(self) -> list[Refused]:
        """Give the refused rows by sheet and line."""
        order = {name: place for place, name in enumerate(self.headings)}
        return sorted(self.refused, key=lambda row: (order[row.sheet], row.line))


class _Undone(Exception):
    """What was written is taken back."""


def import_people(
    stamp: Stamp, path: Path, order: Order, *, progress: Progress | None = None, follow: Follow | None = None
) -> Outcome:
    """Take a workbook of people in, in the running transaction; `progress` hears rows done and rows known of so far.

    The roster lies below and knows nothing of tasks and notices: `follow` stops those of whoever is gone.
    Raises Unreadable, RosterIsNotYoursToEdit, ImportUnitNotFound, ImportAtWork, EnteredMeanwhile.
    """
    stamp = as_editor(stamp)
    unit = import_unit(stamp, order.unit) if order.unit is not None else None
    if not db.session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}):
        raise ImportAtWork
    outcome = Outcome()
    try:
        with db.session.begin_nested():
            taken = _run(stamp, path, order, unit, outcome, progress or (lambda done, known: None))
            if follow is not None:
                follow(stamp, taken.gone)
            check_entered(taken.entered)
            if order.dry_run or (order.strict and outcome.refused):
                raise _Undone
            outcome.written = True
    except _Undone:
        pass
    return outcome


def import_unit(stamp: Stamp, code: str) -> Unit:
    """Give the unit below which somebody imports; raises ImportUnitNotFound, also for one beyond their posts."""
    unit = db.session.scalars(select(Unit).where(Unit.code == code, Unit.active)).first()
    paths = stamp.actor.paths(*(EDITORS if stamp.door is Door.DESK else EDITORS[:2]))
    everywhere = stamp.actor.kind is ActorKind.SYSTEM
    if unit is None or not (everywhere or any(unit.path.startswith(path) for path in paths)):
        raise ImportUnitNotFound
    return unit


def _run(stamp: Stamp, path: Path, order: Order, unit: Unit | None, outcome: Outcome, progress: Progress) -> TakingIn:
    tags = populations()
    finder = HeadingFinder(tags, unit=unit, given=order.given, profile=order.profile)
    places = Places(stamp, unit)
    reader = RowReader(tag_words(tags), stamp.at.astimezone(CHINA).date())
    taking = TakingIn(stamp, f"{SOURCE}{order.source}"[:100], places.reach)
    done, known = 0, 0
    with open_book(path) as book:
        for sheet in sheets_of(book, finder):
            outcome.headings[sheet.name] = sheet.heading
            known += sheet.height
            reader.before = Before()
            rows = _read(sheet, reader, places, outcome)
            while part := list(islice(rows, BATCH)):
                good = [each for each in part if isinstance(each, Sought)]
                outcome.refused += [each for each in part if isinstance(each, Refused)]
                outcome.refused += taking.take(good)
                done += len(part)
                progress(done, known)
    outcome.refused += taking.settle()
    outcome.counts = taking.counts
    outcome.counts["rows"] = done
    outcome.counts["refused"] = len(outcome.refused)
    outcome.remarks, outcome.columns = taking.remarks, finder.used
    outcome.missing = _missing(taking, outcome)
    if order.profile is not None and not order.dry_run:
        remember(stamp, finder, name=order.profile, unit=unit)
    return taking


def _read(sheet: SheetOfPeople, reader: RowReader, places: Places, outcome: Outcome) -> Iterator[Sought | Refused]:
    columns, title = sheet.heading.columns, sheet.heading.title
    above: Sought | None = None
    for line, cells in sheet.rows:
        if _repeats_heading(cells, sheet.heading):
            continue
        grid, village = (row_text(cells, columns.get(name)) for name in ("grid", "village"))
        place = places.of(grid=grid, village=village, sheet=sheet.name, title=title)
        row = reader.read(sheet.name, line, cells, columns, place)
        if isinstance(row, PersonRow):
            above = sought(row, cells, places.grids[row.grid_id].code, above=above)
            yield above
        else:
            yield Refused(sheet.name, line, cells, row)


def _repeats_heading(cells: Cells, heading: Heading) -> bool:
    """Say whether a row is the header again, as printed lists have it on each page."""
    same = sum(row_text(cells, place) == heading.names[place] for place in heading.columns.values())
    return same > 1 and same * 2 > len(heading.columns)


def _missing(taking: TakingIn, outcome: Outcome) -> list[Missing]:
    """Give who lives in the list's grids and is not in the list; they stay on the roster."""
    living = (Resident.household_id.is_not(None), Resident.ended_at.is_(None))
    query = select(Resident.id).where(Resident.grid_id.in_(sorted(taking.grids)), *living).order_by(Resident.id)
    ids = [ident for ident in db.session.scalars(query) if ident not in taking.touched]
    outcome.counts["missing"] = len(ids)
    return _named(ids[:MISSING_SHOWN])


def _named(ids: Sequence[int]) -> list[Missing]:
    query = select(Resident, Household.code).join(Household, Household.id == Resident.household_id).where(Resident.id.in_(ids))
    rows = db.session.execute(query.options(joinedload(Resident.identity)).order_by(Household.code, Resident.id)).all()
    return [Missing(code, masked(open_person(resident.identity)).name) for resident, code in rows]
