"""Sessions: a token that is open (or revoked) without the slow sign-in."""

import hashlib
from datetime import datetime
from uuid import uuid4

from app.core.database import db
from app.core.stamp import ActorKind
from app.people.models import Principal, Session
from app.people.sessions import ABSOLUTE


def open_session(kind: ActorKind, ident: int, at: datetime, *, revoked: bool = False) -> str:
    """Store a session of a resident or member of staff; gives its token."""
    principal = Principal(kind.value)
    token = f"{kind}-{ident}-{uuid4()}"
    db.session.add(
        Session(
            token_hash=hashlib.sha256(token.encode()).digest(),
            principal=principal,
            staff_id=ident if principal is Principal.STAFF else None,
            resident_id=ident if principal is Principal.RESIDENT else None,
            door="desk",
            created_at=at,
            used_at=at,
            ends_at=at + ABSOLUTE[principal],
            revoked_at=at if revoked else None,
        )
    )
    db.session.commit()
    return token
