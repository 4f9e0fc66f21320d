"""Keeps what the ledger needs before its first case: policies and the catalogue of reasons. Seeding twice changes nothing."""

from sqlalchemy import select

from app.core.database import db
from app.ledger.catalogue import seed_policies
from app.ledger.models import Reason
from app.ledger.vocabulary import RequestKind

REASONS: dict[str, tuple[RequestKind, str]] = {
    "not_our_matter": (RequestKind.REJECT, "不属于本级受理范围"),
    "no_facts": (RequestKind.REJECT, "没有具体事实，且无法补充"),
    "already_answered": (RequestKind.REJECT, "同一事项已答复，没有新的事实"),
    "in_litigation": (RequestKind.REDIRECT, "已进入或应当通过诉讼、仲裁解决"),
    "petition": (RequestKind.REDIRECT, "属于信访事项"),
    "emergency": (RequestKind.REDIRECT, "属于 110、119、120 紧急事项"),
    "other_county": (RequestKind.REDIRECT, "属于其他县区事项"),
}


def seed_reference() -> None:
    """Store the default policies and reasons that are not there yet."""
    seed_policies()
    known = set(db.session.scalars(select(Reason.code)))
    db.session.add_all(Reason(code=code, kind=kind, words=words) for code, (kind, words) in REASONS.items() if code not in known)
    db.session.flush()
