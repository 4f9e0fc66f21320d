"""Keeps which request to come home somebody has taken upon themselves."""

from sqlalchemy import select

from app.core.database import db
from app.core.errors import NotFound
from app.core.stamp import Stamp
from app.filings.homes.models import HomeRequest
from app.ledger.models import Case
from app.ledger.scope import visible, written


class HomeRequestNotFound(NotFound):
    """没有找到这个上门代办请求"""


def taken_by(stamp: Stamp, number: str) -> HomeRequest:
    """Give the request that the actor has taken, by the number of its case; raises HomeRequestNotFound, also for others' own."""
    query = select(HomeRequest).join(Case, Case.id == HomeRequest.case_id)
    query = query.where(Case.number == written(number), HomeRequest.staff_id == stamp.actor.id, visible(stamp.actor))
    found = db.session.scalars(query).first()
    if found is None:
        raise HomeRequestNotFound
    return found
