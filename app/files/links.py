"""Keeps short signed links: a token names file, variant, end and to whom it was given; nobody can make one but this house.

Whoever asks for a link has checked sight of the subject first: a link itself asks nothing more.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from app.core.crypto import keyring
from app.core.errors import NotFound
from app.core.stamp import Stamp
from app.files.models import File

LASTS = timedelta(minutes=10)
"""How long a link opens a file."""

SIGNATURE = 32


class LinkInvalid(NotFound):
    """链接已失效"""


class Variant(StrEnum):
    """What of a file is asked for: all of it, a picture to look at (1280 pixels), one for lists (256)."""

    ORIGINAL = "original"
    VIEW = "view"
    LIST = "list"


@dataclass(frozen=True)
class Given:
    """What a token says."""

    file_id: int
    variant: Variant
    ends_at: datetime
    who: str


def signed_link(stamp: Stamp, file: File, variant: Variant = Variant.ORIGINAL) -> str:
    """Give the path under which the actor may fetch a file for ten minutes."""
    said = f"{file.id}.{variant}.{int((stamp.at + LASTS).timestamp())}.{stamp.actor.kind}:{stamp.actor.id or ''}"
    signed = said.encode() + keyring().blind(said, field="file.link")
    return "/files/" + base64.urlsafe_b64encode(signed).decode().rstrip("=")


def read_link(token: str, at: datetime) -> Given:
    """Give what a token says; raises LinkInvalid when it is not ours, was altered, or has ended: the same words for all."""
    try:
        signed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        said = signed[:-SIGNATURE].decode("ascii")
    except (binascii.Error, ValueError):
        raise LinkInvalid from None
    if not hmac.compare_digest(signed[-SIGNATURE:], keyring().blind(said, field="file.link")):
        raise LinkInvalid
    file_id, variant, ends, who = said.split(".")
    ends_at = datetime.fromtimestamp(int(ends), UTC)
    if at >= ends_at:
        raise LinkInvalid
    return Given(int(file_id), Variant(variant), ends_at, who)
