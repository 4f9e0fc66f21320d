"""Keeps consent by texted code: a person tells the filer the code that came to their own phone, and with it says yes.

Each step is a transaction of its own, so that a wrong guess stays counted. What the text says names filer and matter.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotFound, Refusal
from app.core.stamp import Stamp
from app.filings.models import ConsentCode
from app.filings.rules import ConsentIncomplete, check_proxy
from app.people.identity import Person, clean_person
from app.people.models import Staff, StaffPost
from app.territory.models import Unit

VALID = timedelta(minutes=10)
SERVES = timedelta(hours=1)
"""So long after it was proved a code may serve its filing: the matter is written down meanwhile."""

MOST_TRIES = 5


class CodeNotFound(NotFound):
    """没有找到这个授权码，请重新发送"""


class CodeExpired(Conflict):
    """授权码已经失效，请重新发送"""


class WrongCode(Invalid):
    """授权码不正确"""


class PhoneUnfit(Invalid):
    """请填写当事人能接收短信的手机号"""


@dataclass(frozen=True)
class CodeMade:
    """A code that is to be texted: its id, until when it is valid, and the text's parameters (kept nowhere)."""

    id: int
    expires_at: datetime
    params: dict[str, Any]


def mobile(phone: str) -> str:
    """Give a mobile number in one form; raises PhoneUnfit."""
    number = clean_person(Person(phone=phone)).phone or ""
    if not number.startswith("1"):
        raise PhoneUnfit(errors={"phone": ["请填写 11 位手机号"]})
    return number


def make_code(stamp: Stamp, *, phone: str, title: str) -> CodeMade:
    """Make a code for the actor, a phone (as `mobile` gives it) and a matter; raises MayNotFileForOthers."""
    stamp = check_proxy(stamp)
    assert stamp.actor.id is not None
    code = f"{secrets.randbelow(10**6):06d}"
    row = ConsentCode(
        staff_id=stamp.actor.id,
        phone_index=_of_phone(phone),
        title=" ".join(title.split()),
        code_hash=_hashed(phone_index=_of_phone(phone), code=code),
        sent_at=stamp.at,
        expires_at=stamp.at + VALID,
    )
    db.session.add(row)
    db.session.flush()
    return CodeMade(row.id, row.expires_at, {"filer": _filer(stamp), "title": row.title, "code": code})


def try_code(stamp: Stamp, code_id: int, code: str) -> Refusal | None:
    """Try a code that a person told the actor; give the refusal to raise once the try is stored, None when it is right.

    The same right code again is right again, until it has served. Raises CodeNotFound, also for somebody else's.
    """
    row = next(iter(lock_rows(ConsentCode, [code_id])), None)
    if row is None or row.staff_id != stamp.actor.id:
        raise CodeNotFound
    if stamp.at >= row.expires_at or row.tries >= MOST_TRIES or row.used_at is not None:
        return CodeExpired()
    if not hmac.compare_digest(row.code_hash, _hashed(phone_index=row.phone_index, code=code)):
        row.tries += 1
        left = MOST_TRIES - row.tries
        return WrongCode(errors={"code": [f"授权码不正确，还可以试 {left} 次" if left else "授权码不正确，请重新发送"]})
    row.proved_at = row.proved_at or stamp.at
    return None


def use_code(stamp: Stamp, code_id: int, *, phone: str | None, title: str | None) -> ConsentCode:
    """Let a proved code serve a filing, once: the actor's own, for this phone and title. Raises ConsentIncomplete."""
    row = next(iter(lock_rows(ConsentCode, [code_id])), None)
    if row is None or row.staff_id != stamp.actor.id or row.proved_at is None:
        raise ConsentIncomplete(errors={"consent.code_id": ["请先请当事人告知短信授权码，并核对正确"]})
    if row.used_at is not None or stamp.at >= row.proved_at + SERVES:
        raise ConsentIncomplete(errors={"consent.code_id": ["这个授权码已经用过或失效，请重新发送"]})
    if not phone or row.phone_index != _of_phone(phone):
        raise ConsentIncomplete(errors={"consent.code_id": ["授权码发到了另一个手机号，请核对当事人电话"]})
    if " ".join((title or "").split()) != row.title:
        raise ConsentIncomplete(errors={"title": ["标题要与短信里告诉当事人的一致"]})
    row.used_at = stamp.at
    return row


def _of_phone(phone: str) -> bytes:
    return keyring().blind(phone, field="phone")


def _hashed(*, phone_index: bytes, code: str) -> bytes:
    return keyring().blind(f"{phone_index.hex()}:{code}", field="consent_code")


def _filer(stamp: Stamp) -> str:
    """Give how a filer is named to the person: the unit that they serve, and their name."""
    query = select(Unit.name, Staff.name).join(StaffPost, StaffPost.unit_id == Unit.id).join(Staff, Staff.id == StaffPost.staff_id)
    row = db.session.execute(query.where(Staff.id == stamp.actor.id, StaffPost.role == stamp.role)).first()
    return "".join(row) if row is not None else ""
