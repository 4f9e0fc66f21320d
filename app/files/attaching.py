"""Keeps what files are attached to: one's own, ready, and not more of them than a subject may have."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.files.kinds import ALLOWED
from app.files.models import MOST_FILES, File, FileLink, FilePurpose, FileState, FileSubject
from app.files.owners import owner_of


class FilesUnfit(Invalid):
    """附件有误"""


@dataclass(frozen=True)
class Position:
    """Where a photo says it was taken, in degrees (WGS-84)."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Attached:
    """What a domain learns of a file that it attaches: when and where it was taken, by its own word."""

    file_id: int
    taken_at: datetime | None
    position: Position | None


def attach(
    stamp: Stamp,
    file_ids: Sequence[int],
    *,
    subject: FileSubject,
    subject_id: int,
    purpose: FilePurpose,
    field: str = "files",
    told: bool = False,
    keep_position: bool = False,
    ticket: str | None = None,
) -> list[Attached]:
    """Attach the actor's own files to a subject, in the order given; what is attached already stays as it is.

    `told` files are shown to the person concerned as well. Where a photo says it was taken is given back once and kept,
    sealed, only with `keep_position`. Who is unnamed shows the `ticket` of the upload. Raises FilesUnfit naming `field`: a
    file is missing or another's, has not arrived, was refused, or there would be more than nine.
    """
    wanted = list(dict.fromkeys(file_ids))
    if not wanted:
        return []
    if len(wanted) > MOST_FILES:
        raise FilesUnfit(errors={field: [f"附件最多 {MOST_FILES} 个"]})
    mine = select(File.id).where(File.id.in_(wanted), owner_of(stamp, ticket).owns())
    found = {file.id: file for file in lock_rows(File, db.session.scalars(mine).all())}
    errors = [words for place, each in enumerate(wanted, 1) if (words := _wrong(place, found.get(each), purpose))]
    if errors:
        raise FilesUnfit(errors={field: errors})
    link = insert(FileLink).on_conflict_do_nothing(
        index_elements=[FileLink.subject, FileLink.subject_id, FileLink.file_id, FileLink.purpose]
    )
    same = {"subject": subject, "subject_id": subject_id, "purpose": purpose, "told": told}
    same |= {"added_by": stamp.actor.kind, "added_by_id": stamp.actor.id, "added_at": stamp.at}
    db.session.execute(link, [same | {"file_id": each} for each in wanted])
    there = select(func.count(FileLink.file_id.distinct())).where(FileLink.subject == subject, FileLink.subject_id == subject_id)
    if (db.session.scalar(there) or 0) > MOST_FILES:
        raise FilesUnfit(errors={field: [f"附件最多 {MOST_FILES} 个，已经有的也算在内"]})
    return [_attached(found[each], keep_position=keep_position) for each in wanted]


def positions_of(stamp: Stamp, file_ids: Sequence[int]) -> list[Position]:
    """Give where the actor's own photos say they were taken, in the order given; those that say nothing are left out."""
    if not file_ids:
        return []
    query = select(File).where(File.id.in_(sorted(set(file_ids))), owner_of(stamp).owns(), File.position.is_not(None))
    found = {file.id: file for file in db.session.scalars(query)}
    places = [position_of(found[each]) for each in dict.fromkeys(file_ids) if each in found]
    return [place for place in places if place is not None]


def position_of(file: File) -> Position | None:
    """Give where a photo says it was taken, if that is kept."""
    if file.position is None:
        return None
    return Position(*json.loads(keyring().decrypt(bytes(file.position), field="file.position")))


def _attached(file: File, *, keep_position: bool) -> Attached:
    position = position_of(file)
    if not keep_position and not file.attached:
        file.position = None
    file.attached = True
    return Attached(file.id, file.taken_at, position)


def _wrong(place: int, file: File | None, purpose: FilePurpose) -> str | None:
    if file is None:
        return f"第 {place} 个附件不存在，或不是您上传的"
    if file.state is FileState.UPLOADING:
        return f"第 {place} 个附件还没有上传完"
    if file.state is FileState.REFUSED:
        return f"第 {place} 个附件没有通过检查：{file.refusal}"
    if file.kind not in ALLOWED[purpose]:
        return f"第 {place} 个附件的类型不合适"
    return None
