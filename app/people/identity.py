"""Keeps residents' identity sealed: storing, finding by blind index, masking, and unmasking with a reason on record."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select, text

from app.core.chain import GENESIS, link
from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import Invalid, NotFound
from app.core.stamp import ActorKind, Stamp
from app.people.models import IdentityAccess, Resident, ResidentIdentity, WechatAccount

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_AUDIT_LOCK = 0x4D696E68


class WrongIdentity(Invalid):
    """个人信息填写有误"""


class ResidentNotFound(NotFound):
    """没有找到这位居民"""


@dataclass(frozen=True)
class Person:
    """A person's identity in plain words; any part may be unknown."""

    name: str | None = None
    phone: str | None = None
    id_number: str | None = None


def clean_person(person: Person) -> Person:
    """Give the identity in one form (no spaces, half-width, +86 dropped); raises WrongIdentity naming each wrong field."""
    errors: dict[str, list[str]] = {}
    name = re.sub(r"\s+", "", person.name or "") or None
    phone = re.sub(r"[\s\-()（）]", "", person.phone or "").translate(_HALF_WIDTH).removeprefix("+86") or None
    id_number = re.sub(r"\s", "", person.id_number or "").translate(_HALF_WIDTH).upper() or None
    if name and (len(name) > 40 or not name.isprintable()):
        errors["name"] = ["姓名请不超过 40 个字"]
    if phone and not re.fullmatch(r"1[3-9]\d{9}|0\d{9,11}", phone):
        errors["phone"] = ["请填写 11 位手机号，或带区号的座机号"]
    if id_number and not is_id_number(id_number):
        errors["id_number"] = ["身份证号不正确，请逐位核对"]
    if errors:
        raise WrongIdentity(errors=errors)
    return Person(name, phone, id_number)


_HALF_WIDTH = str.maketrans("０１２３４５６７８９＋ｘＸ", "0123456789+XX")


def is_id_number(id_number: str) -> bool:
    """Say whether 18 characters are an ID number with the right check character (GB 11643)."""
    if not re.fullmatch(r"[1-9]\d{16}[\dX]", id_number):
        return False
    return check_character(id_number[:17]) == id_number[17]


def check_character(seventeen: str) -> str:
    """Give the check character of the first 17 digits of an ID number (GB 11643)."""
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(seventeen, _WEIGHTS, strict=True)) % 11]


def seal_person(person: Person) -> dict[str, bytes | None]:
    """Give the sealed columns of a cleaned identity."""
    ring = keyring()
    return {
        "name": ring.encrypt(person.name, field="resident.name") if person.name else None,
        "name_index": ring.blind(person.name, field="name") if person.name else None,
        "phone": ring.encrypt(person.phone, field="resident.phone") if person.phone else None,
        "phone_index": ring.blind(person.phone, field="phone") if person.phone else None,
        "id_number": ring.encrypt(person.id_number, field="resident.id_number") if person.id_number else None,
        "id_number_index": ring.blind(person.id_number, field="id_number") if person.id_number else None,
    }


def open_person(identity: ResidentIdentity | None) -> Person:
    """Give a sealed identity in plain words. Only for masking, for dialling one's own case, and for the person itself."""
    if identity is None:
        return Person()
    ring = keyring()

    def plain(value: bytes | None, field: str) -> str | None:
        return ring.decrypt(value, field=field) if value is not None else None

    return Person(
        plain(identity.name, "resident.name"),
        plain(identity.phone, "resident.phone"),
        plain(identity.id_number, "resident.id_number"),
    )


def masked(person: Person) -> Person:
    """Give an identity as it is shown by default: `王**`, `138****5678`, `3413**********123X`."""
    name = person.name and person.name[0] + "*" * (len(person.name) - 1)
    phone = person.phone and person.phone[:3] + "****" + person.phone[-4:]
    id_number = person.id_number and person.id_number[:4] + "*" * 10 + person.id_number[-4:]
    return Person(name, phone, id_number)


def enrol_resident(stamp: Stamp, person: Person, *, grid_id: int | None = None, household_id: int | None = None) -> Resident:
    """Store a new resident with a sealed identity; raises WrongIdentity."""
    sealed = seal_person(clean_person(person))
    resident = Resident(grid_id=grid_id, household_id=household_id, created_at=stamp.at, updated_at=stamp.at)
    resident.identity = ResidentIdentity(**sealed)
    db.session.add(resident)
    db.session.flush()
    return resident


def find_or_enrol(stamp: Stamp, person: Person, *, grid_id: int | None = None, household_id: int | None = None) -> Resident:
    """Give the resident of this name with this ID number or this phone, enrolling when there is none.

    Number and name must agree: an ID number typed wrongly, or known of somebody else, joins nobody and tells nothing of whose it
    is. A phone alone joins nobody: families share one. Nor does what a WeChat account says of itself, for nobody has proved it:
    whoever owns the account joins the matter by its claim code.
    """
    person = clean_person(person)
    ring = keyring()
    declared = exists().where(WechatAccount.resident_id == Resident.id)
    living_first = (Resident.ended_at.is_not(None), Resident.id)
    query = select(Resident).join(ResidentIdentity).where(~declared).order_by(*living_first)
    ways = []
    if person.name and person.id_number:
        ways.append(ResidentIdentity.id_number_index == ring.blind(person.id_number, field="id_number"))
    if person.name and person.phone:
        ways.append(ResidentIdentity.phone_index == ring.blind(person.phone, field="phone"))
    for way in ways:
        for resident in db.session.scalars(query.where(way)):
            if open_person(resident.identity).name == person.name:
                return _survivor(resident)
    return enrol_resident(stamp, person, grid_id=grid_id, household_id=household_id)


def _survivor(resident: Resident) -> Resident:
    """Give whom a duplicate was merged into, else the resident itself."""
    while resident.merged_into_id is not None:
        resident = db.session.get_one(Resident, resident.merged_into_id)
    return resident


def set_person(stamp: Stamp, resident_id: int, person: Person) -> Resident:
    """Set a resident's own name, phone or ID number; what is not given stays. Raises WrongIdentity, ResidentNotFound."""
    resident = db.session.get(Resident, resident_id)
    if resident is None:
        raise ResidentNotFound
    person = clean_person(person)
    if resident.identity is None:
        resident.identity = ResidentIdentity()
    for column, value in seal_person(person).items():
        if value is not None:
            setattr(resident.identity, column, value)
    return resident


def residents_by_phone(phone: str) -> list[int]:
    """Give the ids of residents with a phone number; raises WrongIdentity."""
    number = clean_person(Person(phone=phone)).phone
    if not number:
        return []
    index = keyring().blind(number, field="phone")
    return list(db.session.scalars(select(ResidentIdentity.resident_id).where(ResidentIdentity.phone_index == index)))


def unmask(stamp: Stamp, resident_id: int, *, fields: tuple[str, ...], reason: str) -> Person:
    """Give the named fields of a resident in plain words and put on record who looked, when and why (hash-chained)."""
    resident = note_look(stamp, resident_id, fields=fields, reason=reason)
    person = open_person(resident.identity)
    return Person(**{field: getattr(person, field) for field in fields})


def note_look(stamp: Stamp, resident_id: int, *, fields: tuple[str, ...], reason: str) -> Resident:
    """Put on record that the actor looks at something that tells who a resident is, named in `fields`; give the resident."""
    assert stamp.actor.id is not None
    resident = db.session.get(Resident, resident_id)
    if resident is None:
        raise ResidentNotFound
    _note_access({
        "at": stamp.at, **_looker(stamp), "resident_id": resident_id, "fields": ",".join(fields), "reason": reason,
    })  # fmt: skip
    return resident


def _looker(stamp: Stamp) -> dict[str, int | None]:
    return {"looker_id" if stamp.actor.kind is ActorKind.RESIDENT else "staff_id": stamp.actor.id}


def looked_at(stamp: Stamp, *, since: datetime, besides: int) -> int:
    """Give how many residents, besides one, the signed-in resident has been shown since a moment."""
    seen = select(func.count(IdentityAccess.resident_id.distinct()))
    seen = seen.where(IdentityAccess.looker_id == stamp.actor.id, IdentityAccess.at >= since)
    seen = seen.where(IdentityAccess.resident_id != besides)
    return db.session.scalar(seen) or 0


def note_list(stamp: Stamp, *, scope: str, count: int, fields: tuple[str, ...], reason: str) -> None:
    """Put on record that a list of `count` residents went out in plain words: which fields, of which scope, and why."""
    _note_access({
        "at": stamp.at, "staff_id": stamp.actor.id, "scope": scope, "count": count, "fields": ",".join(fields), "reason": reason,
    })  # fmt: skip


def _note_access(record: dict[str, Any]) -> None:
    """Append a record to the chain of accesses."""
    db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _AUDIT_LOCK})
    last = db.session.scalars(select(IdentityAccess.link).order_by(IdentityAccess.id.desc()).limit(1)).first()
    db.session.add(IdentityAccess(**record, link=link(keyring().audit, last or GENESIS, record)))
    db.session.flush()


def verify_accesses() -> int | None:
    """Re-compute the chain of identity accesses; give the id of the first broken record, or None."""
    before = GENESIS
    for access in db.session.scalars(select(IdentityAccess).order_by(IdentityAccess.id)):
        subject = (
            {"resident_id": access.resident_id}
            if access.resident_id is not None
            else {"scope": access.scope, "count": access.count}
        )
        looker = {"staff_id": access.staff_id} if access.looker_id is None else {"looker_id": access.looker_id}
        record = {"at": access.at, **looker, **subject, "fields": access.fields, "reason": access.reason}
        if link(keyring().audit, before, record) != access.link:
            return access.id
        before = access.link
    return None
