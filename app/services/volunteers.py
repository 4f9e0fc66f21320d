"""Keeps who among the residents may take orders (接单): volunteers and party members of the village, by their populations."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Select, select

from app.core.clock import CHINA
from app.core.database import db
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.people.accounts_known import accounts_of, on_roster
from app.people.models import Resident
from app.people.roster.models import PopulationTag, ResidentTag
from app.services.models import ServiceOrder, Taker
from app.territory.models import Grid

AMONG_RESIDENTS = (Taker.VOLUNTEER, Taker.PARTY_MEMBER)
TOLD = 50
"""So many volunteers of a village are told of a new order."""


def _holding(tags: Sequence[str], today: date) -> Select[int]:
    """Give the residents who belong to one of some populations today and are on the roster still."""
    holds = ResidentTag.expires_on.is_(None) | (ResidentTag.expires_on >= today)
    query = select(ResidentTag.resident_id).join(PopulationTag, PopulationTag.id == ResidentTag.tag_id)
    query = query.join(Resident, Resident.id == ResidentTag.resident_id).join(Grid, Grid.id == Resident.grid_id)
    return query.where(PopulationTag.code.in_(tags), ResidentTag.ended_at.is_(None), holds, Resident.ended_at.is_(None))


def volunteers_near(order: ServiceOrder, at: datetime) -> list[int]:
    """Give the residents of an order's village who may take it, those whom it is for left out."""
    tags = [taker.value for taker in AMONG_RESIDENTS if taker in order.item.takers]
    if not tags:
        return []
    query = _holding(tags, at.astimezone(CHINA).date())
    query = query.where(Grid.unit_id == order.village_id, ResidentTag.resident_id != order.resident_id)
    found = db.session.scalars(query.distinct().order_by(ResidentTag.resident_id).limit(TOLD))
    return [each for each in accounts_of(found) if each != order.resident_id]


def tell_volunteers(at: datetime, order: ServiceOrder) -> None:
    """Tell those of the village who may take an order that there is one, each once; not what it is, nor whose."""
    told = [(Recipient.RESIDENT, resident) for resident in volunteers_near(order, at)]
    key = f"{order.case.number}:open"
    file_notices([notice_row(key, to=to, template="service_open", params={}, case_id=order.case_id, at=at) for to in told])


def taker_kinds(resident_id: int, at: datetime) -> tuple[list[str], int | None]:
    """Give as what a resident may take orders now, and of which village: nothing for who is neither volunteer nor party member.

    What the roster says of somebody holds for the account that they joined by their code.
    """
    query = _holding(list(AMONG_RESIDENTS), at.astimezone(CHINA).date())
    query = query.where(ResidentTag.resident_id == on_roster(resident_id))
    rows = db.session.execute(query.with_only_columns(PopulationTag.code, Grid.unit_id)).all()
    return sorted({row.code for row in rows}), next((row.unit_id for row in rows), None)
