"""Keeps lists that are handed in at a door of staff: sealed until a scheduler takes them in, their progress and their report."""

import base64
import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.core.crypto import keyring
from app.core.database import db, lock_rows, transaction
from app.core.errors import Invalid, NotFound, Refusal, TooMany
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.sheets import Unreadable
from app.core.stamp import Door, Role, Stamp
from app.people.roster.lists.importing import Follow, ImportAtWork, Order, Outcome, import_people, import_unit
from app.people.roster.lists.models import ImportState, RosterImport
from app.people.roster.lists.report import report
from app.people.roster.numbers import EnteredMeanwhile
from app.people.roster.scope import as_editor
from app.people.sessions import staff_actor
from app.territory.models import Unit

log = logging.getLogger("minhu.roster")

MOST_BYTES = 12 * 1024 * 1024
"""A hundred thousand rows are some seven million bytes."""

LEASE = timedelta(minutes=10)
"""An import whose progress has stood still so long is taken up again: its process is gone, and with it what it had written."""

MOST_TRIES = 2
"""So many processes may end over one list."""

BUSY = ("40P01", "55P03")
"""What PostgreSQL says where others hold the rows: a deadlock, a lock not had in time."""

MOST_WAITING = 20
"""So many lists of one person may be in line."""

KEPT = timedelta(days=30)
_ZIP = b"PK\x03\x04"


class RosterImportNotFound(NotFound):
    """没有找到这次导入"""


class NotAWorkbook(Invalid):
    """请上传 .xlsx 文件"""


class ImportsInLine(TooMany):
    """您还有名单在排队导入，请等前面的完成后再上传"""


@dataclass(frozen=True, kw_only=True)
class ImportShown:
    """An import as it is shown to whoever handed it in."""

    id: int
    unit: str
    file_name: str
    dry_run: bool
    strict: bool
    profile: str | None
    state: ImportState
    rows_all: int
    rows_done: int
    counts: dict[str, int]
    problem: str | None
    made_at: datetime
    finished_at: datetime | None
    has_report: bool


def hand_in(
    stamp: Stamp,
    contents: bytes,
    *,
    unit: str,
    file_name: str,
    dry_run: bool = False,
    strict: bool = False,
    profile: str | None = None,
    given: dict[str, str] | None = None,
) -> ImportShown:
    """Hand a workbook in for a unit; a scheduler takes it in within seconds.

    Whoever edits the roster by hand may: rows beyond their reach at this door are refused, as they are there.
    Raises RosterIsNotYoursToEdit, ImportUnitNotFound, NotAWorkbook, ImportsInLine.
    """
    stamp = as_editor(stamp)
    assert stamp.actor.id is not None
    below = import_unit(stamp, unit)
    if not contents.startswith(_ZIP) or len(contents) > MOST_BYTES:
        raise NotAWorkbook(errors={"file": [f"请上传 .xlsx 文件，不超过 {MOST_BYTES // 1024 // 1024} MB"]})
    open_ones = RosterImport.state.in_((ImportState.WAITING, ImportState.RUNNING))
    in_line = select(func.count()).where(RosterImport.made_by == stamp.actor.id, open_ones)
    if (db.session.scalar(in_line) or 0) >= MOST_WAITING:
        raise ImportsInLine(retry_after=60)
    options = {"file_name": file_name[:200], "dry_run": dry_run, "strict": strict, "profile": profile, "given": given or {}}
    row = RosterImport(
        unit_id=below.id,
        file=keyring().encrypt(base64.b64encode(contents).decode(), field="roster_import.file"),
        options=options | {"door": stamp.door},
        state=ImportState.WAITING,
        rows_all=0,
        rows_done=0,
        counts={},
        made_at=stamp.at,
        made_by=stamp.actor.id,
        touched_at=stamp.at,
    )
    db.session.add(row)
    db.session.flush()
    return _shown(row, below.code)


def own_import(stamp: Stamp, import_id: int) -> ImportShown:
    """Give an import that one has handed in oneself; raises RosterImportNotFound."""
    row = _own(stamp, import_id)
    return _shown(row, db.session.get_one(Unit, row.unit_id).code)


def own_report(stamp: Stamp, import_id: int) -> bytes:
    """Give the report of an import that one has handed in oneself; raises RosterImportNotFound, also where there is none."""
    row = _own(stamp, import_id)
    if row.report is None:
        raise RosterImportNotFound("这次导入没有结果文件")
    return base64.b64decode(keyring().decrypt(row.report, field="roster_import.report"))


def _own(stamp: Stamp, import_id: int) -> RosterImport:
    query = select(RosterImport).where(RosterImport.id == import_id, _mine(stamp))
    row = db.session.scalars(query).first()
    if row is None:
        raise RosterImportNotFound
    return row


def _mine(stamp: Stamp) -> ColumnElement[bool]:
    """Give the condition for what the actor handed in at this door; what is older was handed in at the desk."""
    door = func.coalesce(RosterImport.options["door"].astext, Door.DESK)
    return and_(RosterImport.made_by == stamp.actor.id, door == stamp.door)


def imports_page(stamp: Stamp, *, cursor: str | None = None, limit: int = LIMIT) -> Page[ImportShown]:
    """Give the imports that one has handed in oneself, the newest first."""
    query = select(RosterImport, Unit.code).join(Unit, Unit.id == RosterImport.unit_id)
    query = query.where(_mine(stamp))
    rows = db.session.execute(paged(query, key=[(RosterImport.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row[0].id])
    return Page([_shown(row, code) for row, code in page.items], page.next_cursor)


def _shown(row: RosterImport, unit: str) -> ImportShown:
    same = ("id", "state", "rows_all", "rows_done", "counts", "problem", "made_at", "finished_at")
    options = {name: row.options[name] for name in ("file_name", "dry_run", "strict", "profile")}
    return ImportShown(**{name: getattr(row, name) for name in same}, **options, unit=unit, has_report=row.report is not None)


def take_in_rosters(stamps: Callable[[], Stamp], *, follow: Follow) -> int:
    """Take in the lists that wait, one after the other, each in a transaction of its own; give how many.

    `follow` does what is due at once about those whom a list takes off the roster.
    """
    _forget_old(stamps())
    done = 0
    while (import_id := _claim(stamps())) is not None:
        done += 1
        if not _work(stamps, import_id, follow):
            break
    return done


def _claim(stamp: Stamp) -> int | None:
    """Make the oldest waiting import ours, or one whose process is gone; one that has ended two processes is tried no more."""
    with transaction():
        stuck = (RosterImport.state == ImportState.RUNNING) & (RosterImport.touched_at < stamp.at - LEASE)
        query = select(RosterImport.id).where(or_(RosterImport.state == ImportState.WAITING, stuck)).order_by(RosterImport.id)
        for row in lock_rows(RosterImport, list(db.session.scalars(query.limit(5))), skip_locked=True):
            if row.state is ImportState.WAITING or row.touched_at < stamp.at - LEASE:
                tries = int(row.options.get("tries", 0)) + (row.state is ImportState.RUNNING)
                if tries >= MOST_TRIES:
                    row.state, row.finished_at, row.file = ImportState.FAILED, stamp.at, None
                    row.problem = "导入中断了两次，没有写入：请把名单分成几份再导入"
                    continue
                row.state, row.touched_at, row.rows_done = ImportState.RUNNING, stamp.at, 0
                row.options = row.options | {"tries": tries}
                return row.id
    return None


def _work(stamps: Callable[[], Stamp], import_id: int, follow: Follow) -> bool:
    """Take one list in; what it could not do is written down for whoever handed it in. Gives whether to go on with others."""
    try:
        with transaction():
            outcome = _import(stamps, import_id, follow)
            _finish(import_id, stamps().at, state=ImportState.DONE, outcome=outcome)
    except (ImportAtWork, EnteredMeanwhile):
        with transaction():
            _set(import_id, state=ImportState.WAITING)
        return False
    except OperationalError as failure:
        if getattr(failure.orig, "sqlstate", None) not in BUSY:
            _fail(stamps, import_id, failure)
            return True
        with transaction():  # somebody else held what the list changes: it is tried again, as after the end of a process
            (row,) = lock_rows(RosterImport, [import_id])
            row.state, row.options = ImportState.WAITING, row.options | {"tries": row.options["tries"] + 1}
        return False
    except (Unreadable, Refusal) as refusal:
        with transaction():
            _finish(import_id, stamps().at, state=ImportState.REFUSED, problem=str(refusal))
    except Exception as failure:
        _fail(stamps, import_id, failure)
    return True


def _fail(stamps: Callable[[], Stamp], import_id: int, failure: Exception) -> None:
    log.exception("import %s failed", import_id)
    with transaction():
        _finish(import_id, stamps().at, state=ImportState.FAILED, problem=f"系统出错（{type(failure).__name__}），没有写入")


def _import(stamps: Callable[[], Stamp], import_id: int, follow: Follow) -> Outcome:
    row = db.session.get_one(RosterImport, import_id)
    options = row.options
    stamp = Stamp(staff_actor(row.made_by), Role.ADMINISTRATOR, stamps().at, Door(options.get("door", Door.DESK)))
    assert row.file is not None
    contents = base64.b64decode(keyring().decrypt(row.file, field="roster_import.file"))
    order = Order(
        source=options["file_name"],
        unit=db.session.get_one(Unit, row.unit_id).code,
        given=options["given"],
        profile=options["profile"],
        dry_run=options["dry_run"],
        strict=options["strict"],
    )

    def progress(done: int, known: int) -> None:
        # On a connection of its own, so that it is seen while the list's own transaction is still open.
        with Session(db.engine) as aside, aside.begin():
            moved = update(RosterImport).where(RosterImport.id == import_id)
            aside.execute(moved.values(rows_done=done, rows_all=known, touched_at=stamps().at))

    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        file.write(contents)
        file.flush()
        del contents, row
        return import_people(stamp, Path(file.name), order, progress=progress, follow=follow)


def _finish(
    import_id: int, at: datetime, *, state: ImportState, outcome: Outcome | None = None, problem: str | None = None
) -> None:
    values: dict[str, Any] = {"state": state, "finished_at": at, "file": None, "problem": problem}
    if outcome is not None:
        sealed = keyring().encrypt(base64.b64encode(report(outcome)).decode(), field="roster_import.report")
        values |= {"counts": dict(outcome.counts), "report": sealed, "rows_done": outcome.counts["rows"]}
        values["rows_all"] = outcome.counts["rows"]
    _set(import_id, **values)


def _set(import_id: int, **values: Any) -> None:
    change = update(RosterImport).where(RosterImport.id == import_id).values(**values)
    db.session.execute(change, execution_options={"synchronize_session": False})


def _forget_old(stamp: Stamp) -> None:
    """Let go of reports after a month: they hold identity that nobody needs any more."""
    with transaction():
        old = update(RosterImport).where(RosterImport.report.is_not(None), RosterImport.finished_at < stamp.at - KEPT)
        db.session.execute(old.values(report=None), execution_options={"synchronize_session": False})
