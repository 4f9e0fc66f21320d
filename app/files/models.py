"""Keeps what was uploaded, by whom and how far it has come, and what each file is attached to."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type
from app.core.stamp import ActorKind

MOST_BYTES = 10 * 1024 * 1024
"""Bytes that one file may have."""

MOST_FILES = 9
"""Files that one subject may have."""


class FileState(StrEnum):
    """Where a file stands."""

    UPLOADING = "uploading"
    READY = "ready"
    REFUSED = "refused"


class FileKind(StrEnum):
    """What a file is, by its content."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    PDF = "pdf"
    OFFICE = "office"


class FileSubject(StrEnum):
    """What a file may be attached to; the subject's id is that of its row."""

    REPORT = "report"
    ENTRY = "entry"
    VISIT = "visit"
    CONSENT = "consent"
    SERVICE_ORDER = "service_order"


class FilePurpose(StrEnum):
    """What a file is for."""

    PHOTO = "photo"
    BEFORE = "before"
    AFTER = "after"
    SIGNATURE = "signature"
    EVIDENCE = "evidence"
    REPLY = "reply"


class File(Base):
    """A file, from its announcement on: whose it is, how many bytes have come, and what the checks found.

    It belongs to a member of staff, a resident, or the holder of an upload ticket: of whom nothing else is known (anonymous
    reports). `content_index` is the blind index of owner, SHA-256 and what was announced, so that the same content announced
    again by the same person is the same file, while two persons' equal files cannot be joined. `promised` is the kind that the
    name's ending promises. `parts` are the sizes of the parts received.
    `name` is where the bytes lie in the store, sealed under `content_key`, which is itself sealed.
    """

    __tablename__ = "file"
    __table_args__ = (
        CheckConstraint("num_nonnulls(staff_id, resident_id, ticket_index) = 1", name="one_owner"),
        CheckConstraint("size > 0 AND received BETWEEN 0 AND size", name="received"),
        CheckConstraint("state <> 'ready' OR (kind IS NOT NULL AND mime IS NOT NULL)", name="ready"),
        CheckConstraint("position IS NULL OR ticket_index IS NULL", name="nameless_position"),
        Index("ix_file_loose", "created_at", "id", postgresql_where="NOT attached"),
        Index("ix_file_staff_loose", "staff_id", postgresql_where="NOT attached AND staff_id IS NOT NULL"),
        Index("ix_file_resident_loose", "resident_id", postgresql_where="NOT attached AND resident_id IS NOT NULL"),
        Index("ix_file_ticket_loose", "ticket_index", postgresql_where="NOT attached AND ticket_index IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    content_index: Mapped[bytes] = mapped_column(unique=True)
    content_key: Mapped[bytes]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    ticket_index: Mapped[bytes | None]
    purpose: Mapped[FilePurpose] = mapped_column(enum_type(FilePurpose))
    promised: Mapped[FileKind] = mapped_column(enum_type(FileKind, "promised"))
    size: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    parts: Mapped[list[Any]] = mapped_column(default=list)
    state: Mapped[FileState] = mapped_column(enum_type(FileState), default=FileState.UPLOADING)
    refusal: Mapped[str | None]
    kind: Mapped[FileKind | None] = mapped_column(enum_type(FileKind))
    mime: Mapped[str | None]
    stored_size: Mapped[int | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    taken_at: Mapped[datetime | None]
    position: Mapped[bytes | None]
    attached: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]


class FileLink(Base):
    """That a file is attached to a subject, for what, and whether it is `told` to the person concerned.

    Who added it is not kept where nobody may know: a link of an anonymous report has no `added_by`.
    """

    __tablename__ = "file_link"
    __table_args__ = (UniqueConstraint("subject", "subject_id", "file_id", "purpose"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("file.id"), index=True)
    subject: Mapped[FileSubject] = mapped_column(enum_type(FileSubject))
    subject_id: Mapped[int]
    purpose: Mapped[FilePurpose] = mapped_column(enum_type(FilePurpose))
    told: Mapped[bool] = mapped_column(default=False)
    added_by: Mapped[ActorKind] = mapped_column(enum_type(ActorKind))
    added_by_id: Mapped[int | None]
    added_at: Mapped[datetime]
