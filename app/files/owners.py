"""Keeps whose an upload is: a member of staff's, a resident's, or that of whoever holds its ticket."""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from app.core.crypto import keyring
from app.core.errors import NotAllowed
from app.core.stamp import ActorKind, Stamp
from app.files.models import File


class TicketMissing(NotAllowed):
    """缺少上传凭证"""


@dataclass(frozen=True)
class Owner:
    """Exactly one of the three is there; `ticket_index` is the blind index of a ticket, of whose holder nothing is known."""

    staff_id: int | None = None
    resident_id: int | None = None
    ticket_index: bytes | None = None

    def columns(self) -> dict[str, Any]:
        """Give the owner as columns of a file."""
        return vars(self).copy()

    def owns(self) -> ColumnElement[bool]:
        """Give the condition for the files that are the owner's."""
        if self.staff_id is not None:
            return File.staff_id == self.staff_id
        if self.resident_id is not None:
            return File.resident_id == self.resident_id
        return File.ticket_index == self.ticket_index

    def index(self, sha256: str) -> bytes:
        """Give the blind index of content in the owner's hands; other owners' equal content has another one."""
        who = self.ticket_index.hex() if self.ticket_index is not None else f"{self.staff_id}:{self.resident_id}"
        return keyring().blind(f"{who}:{sha256}", field="file.content")


def owner_of(stamp: Stamp, ticket: str | None = None) -> Owner:
    """Give whose an upload of the actor is; who is unnamed shows a ticket. Raises TicketMissing."""
    if stamp.actor.kind is ActorKind.STAFF:
        return Owner(staff_id=stamp.actor.id)
    if stamp.actor.kind is ActorKind.RESIDENT:
        return Owner(resident_id=stamp.actor.id)
    if not ticket:
        raise TicketMissing
    return Owner(ticket_index=keyring().blind(ticket, field="file.ticket"))


def new_ticket() -> str:
    """Make an upload ticket."""
    return secrets.token_urlsafe(24)
