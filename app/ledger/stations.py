"""Keeps what the ledger knows of service orders: which case is one, and at whose station it is, by its station clocks."""

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict
from app.ledger.clocks import Deadline
from app.ledger.models import Case
from app.ledger.vocabulary import Action, Clock, Kind
from app.territory.models import Unit


class ServedAsOrder(Conflict):
    """这是服务订单，请在服务订单里接单和办理"""


AT_STATION = frozenset(
    {Action.TAKE, Action.GIVE_BACK, Action.CONTACT, Action.PASS_STATION, Action.RETURN_STATION, Action.SUBMIT_RESULT}
)
"""What the staff of the unit at whose station a service order is do, though the case was never dispatched to them."""

BY_ORDER = frozenset({Action.SIGN, Action.SUBMIT_RESULT, Action.HAND_TO})
"""What is done to other cases by its unit, but to a service order at its stations alone."""


def station_path(case: Case) -> str | None:
    """Give the path of the unit at whose station the order of a case is: its newest station clock's; None where it is no order."""
    if case.kind is not Kind.SERVICE:
        return None
    query = select(Unit.path).join(Deadline, Deadline.owner_unit_id == Unit.id)
    query = query.where(Deadline.case_id == case.id, Deadline.clock == Clock.STATION).order_by(Deadline.id.desc()).limit(1)
    return db.session.scalar(query)


def check_no_order(case: Case) -> None:
    """Refuse what walks past the stations of a service order and whoever has taken it. Raises ServedAsOrder."""
    if station_path(case) is not None:
        raise ServedAsOrder
