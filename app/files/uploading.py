"""Keeps uploads: announced by the hash of their content, received part by part, whole and checked at the end.

A part is acknowledged once the store holds it for good and the ledger has counted it; whatever is sent again changes nothing.
`receive` opens its own transactions, so that no connection waits for the store.
"""

import hashlib
import json
import logging
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.core.crypto import keyring
from app.core.database import db, lock_rows, transaction
from app.core.errors import Conflict, Invalid, NotFound, TooMany
from app.core.stamp import Stamp
from app.files.kinds import EXTENSIONS, FileUnfit
from app.files.links import Variant
from app.files.models import MOST_BYTES, File, FileKind, FilePurpose, FileState
from app.files.owners import Owner, owner_of
from app.files.preparing import Prepared, prepare
from app.files.sealing import fetch, keep, new_content_key
from app.files.stores import ObjectMissing, StoreAway, store

log = logging.getLogger("minhu.files")

LEAST_PART = 16 * 1024
"""Bytes that a part has at least, unless it is the last."""

MOST_LOOSE = {"staff_id": 1000, "resident_id": 60, "ticket_index": 20}
"""Files that wait, attached to nothing, of one member of staff, resident or ticket."""

_RENEWED = timedelta(days=1)
"""A loose file that is announced again waits anew, but is not written for it more often than this."""


class UploadNotFound(NotFound):
    """没有这个上传"""


class AnnouncementUnfit(Invalid):
    """这个文件不能上传"""


class TooManyLoose(TooMany):
    """还没有使用的附件太多，请先提交或稍后再传"""


class WrongOffset(Conflict):
    """续传的位置不对"""


class PartUnfit(Invalid):
    """这一段内容的大小不对"""


class ContentDiffers(Invalid):
    """收到的内容与文件的校验值不符，请重新上传"""


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """What is to be uploaded: SHA-256 in hex and size in bytes of the whole, the ending of its name, and what it is for."""

    sha256: str
    size: int
    extension: str
    purpose: FilePurpose


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an upload has come: so many bytes are kept for good; `refusal` says why a file was not taken."""

    id: int
    size: int
    received: int
    state: FileState
    kind: FileKind | None
    refusal: str | None


@dataclass(frozen=True)
class _Seen:
    """An upload as it was when it was read, for what is done outside transactions."""

    id: int
    name: str
    key: bytes
    index: bytes
    size: int
    received: int
    parts: tuple[int, ...]
    state: FileState
    refusal: str | None
    promised: FileKind
    purpose: FilePurpose


def announce(stamp: Stamp, said: Announcement, *, ticket: str | None = None) -> Progress:
    """Announce a file, and learn how much of it is there: all, when the actor has uploaded the same content before.

    What waits to be attached waits anew from now on: a phone that was offline for days sends what belongs to it next.
    Another person's equal content counts for nothing: who knows a hash does not have the file. Raises AnnouncementUnfit,
    TooManyLoose, TicketMissing.
    """
    owner = owner_of(stamp, ticket)
    promised = EXTENSIONS.get(said.extension.lower().lstrip("."))
    errors: dict[str, list[str]] = {}
    if promised is None:
        errors["extension"] = ["只能上传图片、视频、录音、PDF、.docx 和 .xlsx"]
    if not 0 < said.size <= MOST_BYTES:
        errors["size"] = [f"文件不能为空，也不能超过 {MOST_BYTES // 1024 // 1024} MB"]
    if errors:
        raise AnnouncementUnfit(errors=errors)
    index = owner.index(f"{said.sha256.lower()}:{said.size}:{said.purpose}:{promised}")
    there = db.session.scalars(select(File).where(File.content_index == index)).first()
    if there is not None and _waits_anew(there, stamp):
        return _progress(there)
    _check_loose(owner)
    row = {"name": secrets.token_hex(16), "content_index": index, "content_key": new_content_key(), **owner.columns()}
    row |= {"purpose": said.purpose, "promised": promised, "size": said.size, "created_at": stamp.at}
    row |= {"received": 0, "parts": [], "state": FileState.UPLOADING, "attached": False}
    db.session.execute(insert(File).values(row).on_conflict_do_nothing(index_elements=[File.content_index]))
    return _progress(db.session.scalars(select(File).where(File.content_index == index)).one())


def _waits_anew(file: File, stamp: Stamp) -> bool:
    """Let a loose file wait from now on; says no where it was deleted meanwhile."""
    if file.attached or file.created_at > stamp.at - _RENEWED:
        return True
    for held in lock_rows(File, [file.id]):
        held.created_at = stamp.at
        return True
    return False


def progress(stamp: Stamp, file_id: int, *, ticket: str | None = None) -> Progress:
    """Give how far one's own upload has come; raises UploadNotFound."""
    return _progress(_own(owner_of(stamp, ticket), file_id))


def receive(stamp: Stamp, file_id: int, *, offset: int, content: bytes, ticket: str | None = None) -> Progress:
    """Take in the part of one's own upload that begins at `offset`; the last one has the whole checked and made ready.

    A part that is there already is acknowledged again; one of no bytes at the end asks only for the checks, where an earlier
    try was cut off. Raises UploadNotFound, WrongOffset (telling the right one), PartUnfit, ContentDiffers (the upload begins anew),
    FileUnfit (the file is refused), StoreAway, StoreFull, PicturesBusy.
    """
    owner = owner_of(stamp, ticket)
    with transaction():
        seen = _seen(_own(owner, file_id))
    if seen.state is FileState.UPLOADING:
        received = _take_part(seen, offset, content)
        if received == seen.size:
            _finish(stamp, owner, file_id)
    with transaction():
        file = _own(owner, file_id)
        if file.state is FileState.REFUSED:
            raise FileUnfit(file.refusal or "")
        return _progress(file)


def _take_part(seen: _Seen, offset: int, content: bytes) -> int:
    """Keep a part and count it; give how many bytes are there then."""
    end = offset + len(content)
    if end > seen.size:
        raise PartUnfit(f"文件共 {seen.size} 字节，这一段超出了", size=seen.size)
    if end <= seen.received:
        return seen.received
    if offset != seen.received:
        raise WrongOffset(f"请从第 {seen.received} 字节续传", offset=seen.received)
    if len(content) < LEAST_PART and end < seen.size:
        raise PartUnfit(f"除最后一段外，每段不能少于 {LEAST_PART} 字节", least=LEAST_PART)
    keep(seen.name, _part(offset, len(content)), content, key=seen.key)
    with transaction():
        file = _locked(seen.id)
        if file.state is FileState.UPLOADING and file.received == offset:
            file.received = end
            file.parts = [*file.parts, len(content)]
        elif end > file.received:
            raise WrongOffset(f"请从第 {file.received} 字节续传", offset=file.received)
        received, late = file.received, file.state is not FileState.UPLOADING
    if late:  # a twin has brought the file to its end meanwhile, and nobody else would take this part away
        _drop_parts(seen.name)
    return received


def _finish(stamp: Stamp, owner: Owner, file_id: int) -> None:
    """Check an upload that is whole, keep what is made of it, make it ready or refused; a twin doing the same is harmless."""
    with transaction():
        seen = _seen(_own(owner, file_id))
    if seen.state is not FileState.UPLOADING:
        return
    content = _whole(seen)
    if content is None or _index(owner, seen, content) != seen.index:
        with transaction():
            file = _locked(file_id)
            if file.state is not FileState.UPLOADING:  # a twin was faster, and the parts are gone
                return
            file.received, file.parts = 0, []
        raise ContentDiffers(offset=0)
    made, refusal = None, None
    try:
        made = prepare(content, promised=seen.promised, purpose=seen.purpose)
    except FileUnfit as unfit:
        refusal = unfit.detail
    for variant, blob in made.variants.items() if made is not None else ():
        keep(seen.name, variant, blob, key=seen.key)
    with transaction():
        file = _locked(file_id)
        if file.state is FileState.UPLOADING:
            _settle(stamp, file, made, refusal)
    _drop_parts(seen.name)


def _settle(stamp: Stamp, file: File, made: Prepared | None, refusal: str | None) -> None:
    if made is None:
        file.state, file.refusal = FileState.REFUSED, refusal
        return
    file.state, file.ready_at = FileState.READY, stamp.at
    file.kind, file.mime, file.width, file.height = made.kind, made.mime, made.width, made.height
    file.stored_size = sum(len(blob) for variant, blob in made.variants.items() if variant is Variant.ORIGINAL)
    if file.ticket_index is not None:  # of the unnamed nothing is kept that a camera says
        return
    file.taken_at = made.taken_at
    if made.position is not None:
        told = json.dumps([made.position.latitude, made.position.longitude])
        file.position = keyring().encrypt(told, field="file.position")


def _whole(seen: _Seen) -> bytes | None:
    """Give the bytes of all parts; None when one of them is lost, as after a copy of the ledger was put back."""
    try:
        pieces, offset = [], 0
        for size in seen.parts:
            pieces.append(fetch(seen.name, _part(offset, size), key=seen.key))
            offset += size
        return b"".join(pieces)
    except ObjectMissing:
        return None


def _index(owner: Owner, seen: _Seen, content: bytes) -> bytes:
    return owner.index(f"{hashlib.sha256(content).hexdigest()}:{seen.size}:{seen.purpose}:{seen.promised}")


def _drop_parts(name: str) -> None:
    """Delete what is no longer needed of a file that is ready or refused; what a store keeps that is away goes with the file."""
    with suppress(StoreAway):
        store().delete(name, but=[variant.value for variant in Variant])


def _part(offset: int, size: int) -> str:
    return f"part-{offset}-{size}"


def _own(owner: Owner, file_id: int) -> File:
    file = db.session.scalars(select(File).where(File.id == file_id, owner.owns())).first()
    if file is None:
        raise UploadNotFound
    return file


def _locked(file_id: int) -> File:
    found: Iterable[File] = lock_rows(File, [file_id])
    for file in found:
        return file
    raise UploadNotFound


def _seen(file: File) -> _Seen:
    return _Seen(
        file.id, file.name, bytes(file.content_key), bytes(file.content_index), file.size, file.received, tuple(file.parts),
        file.state, file.refusal, file.promised, file.purpose,
    )  # fmt: skip


def _progress(file: File) -> Progress:
    same = ("id", "size", "received", "state", "kind", "refusal")
    return Progress(**{name: getattr(file, name) for name in same})


def _check_loose(owner: Owner) -> None:
    column = next(name for name, value in owner.columns().items() if value is not None)
    loose = select(func.count()).select_from(File).where(owner.owns(), ~File.attached)
    if (db.session.scalar(loose) or 0) >= MOST_LOOSE[column]:
        raise TooManyLoose(retry_after=int(timedelta(hours=1).total_seconds()))
