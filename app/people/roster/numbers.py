"""Keeps that one ID number is of one living resident, whoever enters people at the same time: doors and lists wait for each other.

A door holds the number it asks for until its transaction ends. A list, which has too many, looks once more at its end, while no
door is between asking and writing.
"""

from collections.abc import Collection

from sqlalchemy import ARRAY, LargeBinary, any_, func, literal, select, text

from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import Conflict
from app.people.models import Resident, ResidentIdentity

_ALL, _ONE = 0x4D696E6B, 0x4D69


class EnteredMeanwhile(Conflict):
    """导入时有人登记了名单里的居民，请再导入一次"""


def hold_number(id_number: str) -> None:
    """Let nobody else enter a resident of this ID number until the transaction ends."""
    index = keyring().blind(id_number, field="id_number")
    held = text("SELECT pg_advisory_xact_lock_shared(:all), pg_advisory_xact_lock(:one, :number)")
    number = int.from_bytes(index[:4], "big", signed=True)
    db.session.execute(held, {"all": _ALL, "one": _ONE, "number": number})


def check_entered(indexes: Collection[bytes]) -> None:
    """Hold all numbers for the short rest of the transaction; raises EnteredMeanwhile where one of these is of two who live."""
    if not indexes:
        return
    db.session.execute(text("SELECT pg_advisory_xact_lock(:all)"), {"all": _ALL})
    number = ResidentIdentity.id_number_index
    query = select(number).join(Resident, Resident.id == ResidentIdentity.resident_id)
    query = query.where(Resident.household_id.is_not(None), Resident.ended_at.is_(None))
    query = query.where(number == any_(literal(sorted(indexes), ARRAY(LargeBinary))))
    if db.session.execute(query.group_by(number).having(func.count() > 1).limit(1)).first() is not None:
        raise EnteredMeanwhile
