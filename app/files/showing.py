"""Keeps how files are shown beside what they are attached to, with the links that open them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.core.database import db
from app.core.stamp import Stamp
from app.files.links import Variant, signed_link
from app.files.models import File, FileKind, FileLink, FilePurpose, FileState, FileSubject


@dataclass(frozen=True)
class FileLinks:
    """Where a file opens for ten minutes: all of it and, of an image, a picture to look at and one for lists."""

    original: str
    view: str | None
    list: str | None


@dataclass(frozen=True, kw_only=True)
class FileShown:
    """A file as it is shown; `size` in bytes and `width`, `height` in pixels are those of what is kept."""

    id: int
    kind: FileKind
    mime: str
    size: int
    width: int | None
    height: int | None
    taken_at: datetime | None
    purpose: FilePurpose
    told: bool
    links: FileLinks


def files_of(
    stamp: Stamp, subject: FileSubject, subject_ids: Collection[int], *, told: bool | None = None
) -> dict[int, list[FileShown]]:
    """Give the files of subjects by the subject's id, in the order they were attached, in one statement.

    The caller has checked that the actor sees these subjects. With `told`, only files that are told to the person, or only those
    that are not.
    """
    if not subject_ids:
        return {}
    query = select(FileLink, File).join(File, File.id == FileLink.file_id).where(File.state == FileState.READY)
    query = query.where(FileLink.subject == subject, FileLink.subject_id.in_(sorted(subject_ids)))
    if told is not None:
        query = query.where(FileLink.told.is_(told))
    found: dict[int, list[FileShown]] = {}
    for link, file in db.session.execute(query.order_by(FileLink.id)):
        found.setdefault(link.subject_id, []).append(_shown(stamp, file, link))
    return found


def _shown(stamp: Stamp, file: File, link: FileLink) -> FileShown:
    image = file.kind is FileKind.IMAGE
    assert file.kind is not None
    assert file.mime is not None
    assert file.stored_size is not None
    return FileShown(
        id=file.id,
        kind=file.kind,
        mime=file.mime,
        size=file.stored_size,
        width=file.width,
        height=file.height,
        taken_at=file.taken_at,
        purpose=link.purpose,
        told=link.told,
        links=FileLinks(
            signed_link(stamp, file),
            signed_link(stamp, file, Variant.VIEW) if image else None,
            signed_link(stamp, file, Variant.LIST) if image else None,
        ),
    )
