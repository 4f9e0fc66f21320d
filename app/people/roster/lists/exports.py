"""Keeps lists that somebody asked for: written by a scheduler, sealed until they are fetched, let go after a day.

A hundred thousand people take half a minute of a processor: no request waits for that, and nobody else's work beside it.
"""

import base64
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update

from app.core.clock import CHINA
from app.core.crypto import keyring
from app.core.database import db, lock_rows, transaction
from app.core.errors import NotFound, Refusal, TooMany
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.people.roster.lists.export_profiles import export_profile, profiled_workbook
from app.people.roster.lists.exporting import ExportReasonMissing, Wanted, roster_workbook
from app.people.roster.lists.models import ImportState, ListExport, Profiled
from app.people.roster.scope import as_editor, find_grid
from app.people.roster.tags import population
from app.people.sessions import staff_actor

log = logging.getLogger("minhu.roster")

Writer = Callable[[Stamp, dict[str, Any]], Iterator[bytes]]
"""Writes a list for whoever asked, by what they asked for; it asks their rights again."""

LEASE = timedelta(minutes=10)
"""A list that has been written at so long is taken up again: its process is gone."""

MOST_TRIES = 2
MOST_WAITING = 3
"""So many lists of one person may be in line."""

KEPT = timedelta(days=1)
_OPEN = (ImportState.WAITING, ImportState.RUNNING)


class ListExportNotFound(NotFound):
    """没有找到这份导出"""


class ExportsInLine(TooMany):
    """您还有导出没有写好，请等写好后再申请"""


@dataclass(frozen=True, kw_only=True)
class ExportShown:
    """A list as it is shown to whoever asked for it; `words` say what happens next, `kept_until` how long it may be fetched."""

    id: int
    of: Profiled
    profile: str | None
    plain: bool
    state: ImportState
    words: str
    made_at: datetime
    finished_at: datetime | None
    kept_until: datetime | None
    has_file: bool


def ask_roster(stamp: Stamp, wanted: Wanted, *, profile: str | None = None) -> ExportShown:
    """Ask for one's roster, in the columns of a profile or our own. It goes on record, where it is plain, when it is written.

    Raises RosterIsNotYoursToEdit, ExportReasonMissing, GridNotFound, TagNotFound, ExportProfileNotFound, ExportsInLine.
    """
    stamp = as_editor(stamp)
    if wanted.plain and not wanted.reason:
        raise ExportReasonMissing(errors={"reason": [ExportReasonMissing.title()]})
    if wanted.grid is not None:
        find_grid(stamp, wanted.grid)
    if wanted.tag is not None:
        population(wanted.tag)
    if profile is not None:
        export_profile(profile, Profiled.ROSTER)
    return ask(stamp, Profiled.ROSTER, asdict(wanted) | {"profile": profile})


def write_roster(stamp: Stamp, wanted: dict[str, Any]) -> Iterator[bytes]:
    """Write the roster that was asked for; raises as `ask_roster`."""
    profile = wanted["profile"]
    part = Wanted(**{name: value for name, value in wanted.items() if name != "profile"})
    return profiled_workbook(stamp, profile, part) if profile is not None else roster_workbook(stamp, part)


def ask(stamp: Stamp, of: Profiled, wanted: dict[str, Any]) -> ExportShown:
    """Put what was asked for in line; the caller has checked it. Raises ExportsInLine."""
    assert stamp.actor.id is not None
    in_line = select(func.count()).where(ListExport.made_by == stamp.actor.id, ListExport.state.in_(_OPEN))
    if (db.session.scalar(in_line) or 0) >= MOST_WAITING:
        raise ExportsInLine(retry_after=60)
    row = ListExport(
        of=of, wanted=wanted, door=stamp.door, state=ImportState.WAITING, tries=0, made_at=stamp.at, made_by=stamp.actor.id,
        touched_at=stamp.at,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return _shown(row)


def own_export(stamp: Stamp, export_id: int) -> ExportShown:
    """Give a list that one has asked for oneself at this door; raises ListExportNotFound."""
    return _shown(_own(stamp, export_id))


def own_file(stamp: Stamp, export_id: int) -> bytes:
    """Give the workbook that one has asked for oneself; raises ListExportNotFound, RosterIsNotYoursToEdit."""
    row = _own(stamp, export_id)
    as_editor(stamp)
    if row.file is None:
        raise ListExportNotFound(_words(row))
    return base64.b64decode(keyring().decrypt(row.file, field="list_export.file"))


def exports_page(stamp: Stamp, *, cursor: str | None = None, limit: int = LIMIT) -> Page[ExportShown]:
    """Give the lists that one has asked for oneself at this door, the newest first."""
    query = select(ListExport).where(ListExport.made_by == stamp.actor.id, ListExport.door == stamp.door)
    rows = db.session.scalars(paged(query, key=[(ListExport.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page([_shown(row) for row in page.items], page.next_cursor)


def _own(stamp: Stamp, export_id: int) -> ListExport:
    """Give one's own export, at the door where it was asked for: another door may reach less."""
    mine = (ListExport.id == export_id, ListExport.made_by == stamp.actor.id, ListExport.door == stamp.door)
    row = db.session.scalars(select(ListExport).where(*mine)).first()
    if row is None:
        raise ListExportNotFound
    return row


def _shown(row: ListExport) -> ExportShown:
    same = ("id", "of", "state", "made_at", "finished_at")
    has_file = row.file is not None
    return ExportShown(
        **{name: getattr(row, name) for name in same},
        profile=row.wanted.get("profile"),
        plain=bool(row.wanted.get("plain")),
        words=_words(row),
        kept_until=row.finished_at + KEPT if row.finished_at is not None and has_file else None,
        has_file=has_file,
    )


def _words(row: ListExport) -> str:
    if row.state is ImportState.DONE and row.finished_at is not None:
        until = (row.finished_at + KEPT).astimezone(CHINA)
        return f"已经写好，请在 {until:%m 月 %d 日 %H:%M} 前下载" if row.file is not None else "已过保存时间，需要时请重新导出"
    if row.state in _OPEN:
        return "正在后台写，一般几秒到一分钟，写好后在这里下载，不用一直等着"
    return row.problem or "没有写成，请重新导出"


def write_lists(stamps: Callable[[], Stamp], writers: Mapping[Profiled, Writer]) -> int:
    """Write the lists in line, one after the other, each in a transaction of its own; give how many."""
    _forget_old(stamps())
    done = 0
    while (export_id := _claim(stamps())) is not None:
        done += 1
        if not _work(stamps, export_id, writers):
            break
    return done


def _claim(stamp: Stamp) -> int | None:
    """Make the oldest list in line ours, or one whose process is gone; one that has failed twice is tried no more."""
    with transaction():
        stuck = (ListExport.state == ImportState.RUNNING) & (ListExport.touched_at < stamp.at - LEASE)
        query = select(ListExport.id).where(or_(ListExport.state == ImportState.WAITING, stuck)).order_by(ListExport.id)
        for row in lock_rows(ListExport, list(db.session.scalars(query.limit(5))), skip_locked=True):
            if row.state is ImportState.WAITING or (row.state is ImportState.RUNNING and row.touched_at < stamp.at - LEASE):
                if row.tries >= MOST_TRIES:
                    row.state, row.finished_at, row.problem = ImportState.FAILED, stamp.at, "写了两次都中断，请分网格导出"
                    continue
                row.state, row.touched_at, row.tries = ImportState.RUNNING, stamp.at, row.tries + 1
                return row.id
    return None


def _work(stamps: Callable[[], Stamp], export_id: int, writers: Mapping[Profiled, Writer]) -> bool:
    """Write one list with the rights that whoever asked has now. Gives whether to go on with others."""
    try:
        with transaction():
            row = db.session.get_one(ListExport, export_id)
            stamp = Stamp(staff_actor(row.made_by), Role.ADMINISTRATOR, stamps().at, row.door)
            plain = base64.b64encode(b"".join(writers[row.of](stamp, row.wanted))).decode()
            row.file = keyring().encrypt(plain, field="list_export.file")
            row.state, row.finished_at = ImportState.DONE, stamps().at
    except Refusal as refusal:
        with transaction():
            _set(export_id, state=ImportState.REFUSED, finished_at=stamps().at, problem=str(refusal))
    except Exception:
        log.exception("export %s failed", export_id)
        with transaction():
            _set(export_id, state=ImportState.WAITING)
        return False
    return True


def _set(export_id: int, **values: Any) -> None:
    change = update(ListExport).where(ListExport.id == export_id).values(**values)
    db.session.execute(change, execution_options={"synchronize_session": False})


def _forget_old(stamp: Stamp) -> None:
    """Let go of lists after a day: they hold identity, and may be asked for again."""
    with transaction():
        old = update(ListExport).where(ListExport.file.is_not(None), ListExport.finished_at < stamp.at - KEPT)
        db.session.execute(old.values(file=None), execution_options={"synchronize_session": False})
