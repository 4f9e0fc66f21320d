"""Keeps how a link is opened: the bytes that it names, and how they may be shown."""

import logging
from dataclasses import dataclass, field
from datetime import datetime

from app.core.database import db, transaction
from app.files.links import LinkInvalid, Variant, read_link
from app.files.models import File, FileKind, FileState
from app.files.sealing import fetch
from app.files.stores import ObjectMissing

log = logging.getLogger("minhu.files")

_ENDINGS = {
    "image/jpeg": "jpg", "video/mp4": "mp4", "video/quicktime": "mov", "video/webm": "webm", "audio/amr": "amr", "audio/ogg": "ogg",
    "audio/mpeg": "mp3", "audio/aac": "aac", "audio/wav": "wav", "audio/mp4": "m4a", "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What a link opens; only pictures that this house has made itself may be shown in the page (`inline`)."""

    content: bytes = field(repr=False)
    mime: str
    file_name: str
    inline: bool
    ends_at: datetime


def open_link(token: str, at: datetime) -> Opened:
    """Give what a link opens; raises LinkInvalid, the same for all that opens nothing, and StoreAway."""
    given = read_link(token, at)
    with transaction():  # no connection waits for the store
        file = db.session.get(File, given.file_id)
        if file is None or file.state is not FileState.READY or file.mime is None:
            raise LinkInvalid
        name, key, mime, image = file.name, bytes(file.content_key), file.mime, file.kind is FileKind.IMAGE
    if given.variant is not Variant.ORIGINAL and not image:
        raise LinkInvalid
    try:
        content = fetch(name, given.variant, key=key)
    except ObjectMissing:
        log.error("file %s: its %s is not in the store", given.file_id, given.variant)
        raise LinkInvalid from None
    return Opened(
        content=content,
        mime=mime,
        file_name=f"{given.file_id}.{_ENDINGS.get(mime, 'bin')}",
        inline=image,
        ends_at=given.ends_at,
    )
