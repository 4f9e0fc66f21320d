"""Keeps the lists of requests to come home: those of the village for who comes, one's own for who asked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Text, and_, cast, select
from sqlalchemy import case as when

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.paging import Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.filings.homes.models import HomeRequest, HomeState
from app.ledger.models import Case
from app.ledger.scope import visible
from app.ledger.vocabulary import State
from app.ledger.workflow import COMES_HOME_IN
from app.people.models import Staff
from app.territory.models import Grid, Unit


class VillageComes(NotAllowed):
    """上门代办由村干部和网格员接单"""


_gone = and_(HomeRequest.state.in_((HomeState.WAITING, HomeState.TAKEN)), Case.state.not_in(COMES_HOME_IN))
_stands = when((_gone, HomeState.OVER.value), else_=cast(HomeRequest.state, Text))
"""Where a request stands: one that waits in a case which was merged away rests, and is over until that is undone."""


@dataclass(frozen=True, kw_only=True)
class HomeShown:
    """A request to come home: of which case, wished for when, to be taken by when, by whom taken; where it is, only by grid."""

    id: int
    number: str
    title: str
    case_state: State
    state: HomeState
    grid: str
    wished_at: datetime | None
    asked_at: datetime
    take_by: datetime
    taken_by: str | None
    mine: bool
    come_by: datetime | None


def village_home_requests(
    stamp: Stamp, *, state: HomeState | None = None, mine: bool | None = None, cursor: str | None, limit: int
) -> Page[HomeShown]:
    """Give the requests to come to a home in the actor's villages that they see, newest first; raises VillageComes."""
    paths = stamp.actor.paths(Role.CADRE, Role.GRID_WORKER)
    if not paths:
        raise VillageComes
    query = _shown(stamp).join(Unit, Unit.id == HomeRequest.unit_id).where(Unit.path.in_(paths))
    if state is not None:
        query = query.where(_stands == state.value)
    if state in (HomeState.WAITING, HomeState.TAKEN):
        query = query.where(HomeRequest.state == state)  # by which the index finds them
    if mine is not None:
        query = query.where(
            (HomeRequest.staff_id == stamp.actor.id) if mine else HomeRequest.staff_id.is_distinct_from(stamp.actor.id)
        )
    return _page(query, cursor=cursor, limit=limit)


def own_home_requests(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[HomeShown]:
    """Give what the signed-in resident has asked, newest first."""
    return _page(_shown(stamp).where(HomeRequest.resident_id == stamp.actor.id), cursor=cursor, limit=limit)


def _shown(stamp: Stamp) -> Select[*tuple[Any, ...]]:
    taker = when((HomeRequest.staff_id == stamp.actor.id, True), else_=False)
    query = select(
        HomeRequest.id, Case.number, Case.title, Case.state.label("case_state"), _stands.label("state"), Grid.name.label("grid"),
        HomeRequest.wished_at, HomeRequest.asked_at, HomeRequest.take_by, Staff.name.label("taken_by"), taker.label("mine"),
        HomeRequest.come_by,
    )  # fmt: skip
    query = query.select_from(HomeRequest).join(Case, Case.id == HomeRequest.case_id).join(Grid, Grid.id == HomeRequest.grid_id)
    return query.outerjoin(Staff, Staff.id == HomeRequest.staff_id).where(visible(stamp.actor))


def _page(query: Select[*tuple[Any, ...]], *, cursor: str | None, limit: int) -> Page[HomeShown]:
    rows = db.session.execute(paged(query, key=[(HomeRequest.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page([HomeShown(**row._asdict() | {"state": HomeState(row.state)}) for row in page.items], page.next_cursor)
