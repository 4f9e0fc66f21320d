"""Keeps people whom another system names (`A000102948`): one resident a name and system, sealed, found by blind index."""

from collections.abc import Collection

from sqlalchemy import insert, select, text

from app.core.crypto import keyring
from app.core.database import db
from app.core.stamp import Stamp
from app.people.identity import Person, seal_person
from app.people.models import Resident, ResidentIdentity, SourceAccount

_LOCK = 0x4D696E69


def residents_of_source(stamp: Stamp, source: str, users: Collection[str]) -> dict[str, int]:
    """Give the resident of each user of another system by the user's name there, enrolling whom it does not know yet.

    A name is at most 40 printable characters without blanks. Two systems never share a resident: equal names prove nothing.
    """
    if not users:
        return {}
    db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    ring = keyring()
    by_index = {ring.blind(f"{source}\0{user}", field="source_user"): user for user in sorted(users)}
    query = select(SourceAccount.user_index, SourceAccount.resident_id)
    query = query.where(SourceAccount.source == source, SourceAccount.user_index.in_(list(by_index)))
    known = {by_index[bytes(row.user_index)]: row.resident_id for row in db.session.execute(query)}
    fresh = [(index, user) for index, user in by_index.items() if user not in known]
    if fresh:
        enrol = insert(Resident).returning(Resident.id, sort_by_parameter_order=True)
        ids = list(db.session.scalars(enrol, [{"created_at": stamp.at, "updated_at": stamp.at}] * len(fresh)))
        sealed = [seal_person(Person(name=user)) for _, user in fresh]
        db.session.execute(insert(ResidentIdentity), [{"resident_id": i, **row} for i, row in zip(ids, sealed, strict=True)])
        accounts = [{"source": source, "user_index": row[0], "resident_id": i} for i, row in zip(ids, fresh, strict=True)]
        db.session.execute(insert(SourceAccount), accounts)
        known |= {user: i for i, (_, user) in zip(ids, fresh, strict=True)}
    return known
