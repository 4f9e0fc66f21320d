"""Keeps the one tap by which a grid worker says that a case is not of their grid: it goes where it belongs, nobody is blamed.

Before dispatch the case moves to the right grid, or waits to be placed by hand. Where the village of the wrong grid leads it
already, the lead is not moved in silence: a change of hands to the right village is asked for, and the centre decides. All
clocks run on meanwhile; once the centre has agreed, the part of the wrong village counts in no rate of signing.
"""

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Invalid, NotAllowed, Refusal
from app.core.stamp import Stamp
from app.ledger.audiences import asked_to_decide
from app.ledger.catalogue import catalogue
from app.ledger.corrections import to_grid
from app.ledger.dispatching.eligible import check_eligible
from app.ledger.intake.places import Point, where_is
from app.ledger.models import Assignment, Case, GridMove
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.requests.asking import RequestPending, begin_request, check_unasked
from app.ledger.requests.models import Request
from app.ledger.vocabulary import Action, Audience, Duty, RequestKind
from app.territory.models import Grid, Level, Unit
from app.territory.shapes.placing import grid_at


class GridIsNotYours(NotAllowed):
    """这个工单不在您负责的网格"""


class SameGrid(Invalid):
    """更正后的网格与现在相同"""


def move_grid(
    stamp: Stamp,
    number: str,
    *,
    grid_id: int | None = None,
    point: Point | None = None,
    note: str | None = None,
    version: int | None = None,
) -> Case:
    """Say that a case of one's own grid belongs to another: the one named, else that of the point given or of the case's own.

    Where none of them tells, the case is to be placed by hand. Who said so keeps sight of it. Raises GridIsNotYours, SameGrid,
    UnknownGrid, PointOutsideCounty, IllegalMove, NotYourMove.
    """
    case = lock_case(stamp, number, version=version)
    if case.grid_id is None or case.grid_id not in stamp.actor.grid_ids:
        raise GridIsNotYours

    def change(acting: Stamp) -> Step:
        assert case.grid_id is not None
        assert acting.actor.id is not None
        came_from = db.session.get_one(Grid, case.grid_id)
        target = _target(case, grid_id, point)
        to_grid(case, None if target is None else target.id)
        part = _part_of_village(case, came_from)
        asked = _ask_reassign(acting, case, part, target) if part is not None and target is not None else None
        told: dict[Audience, str | None] = {} if target is None else {Audience.INTAKE: None}
        db.session.add(
            GridMove(
                case_id=case.id,
                staff_id=acting.actor.id,
                from_grid_id=came_from.id,
                to_grid_id=None if target is None else target.id,
                assignment_id=None if part is None else part.id,
                at=acting.at,
            )
        )
        facts = {"wrong_grid": came_from.code, "to": None if target is None else target.code}
        if asked is not None:
            facts["reassign_to"] = asked.code
        deciders = asked_to_decide(case, RequestKind.REASSIGN, acting.at, asker_id=acting.actor.id) if asked is not None else ()
        return Step(facts=facts, deciders=deciders, templates=told)

    move_case(stamp, case, Action.MOVE_GRID, Words(note=note), change)
    return case


def _target(case: Case, grid_id: int | None, point: Point | None) -> Grid | None:
    """Give the grid that the case belongs to, as far as anybody can tell."""
    if grid_id is not None:
        catalogue().grid_path(grid_id)
        if grid_id == case.grid_id:
            raise SameGrid(errors={"grid_id": ["请选择另一个网格"]})
        return db.session.get_one(Grid, grid_id)
    if point is not None:
        found = where_is(point).grid
        if found is not None and found.id == case.grid_id:
            raise SameGrid(errors={"point": ["这个位置就在现在的网格里"]})
    else:
        own = next((report for report in case.reports if report.latitude is not None and report.longitude is not None), None)
        found = grid_at(own.latitude, own.longitude) if own is not None and own.latitude and own.longitude else None
    return None if found is None or found.id == case.grid_id else db.session.get_one(Grid, found.id)


def _part_of_village(case: Case, grid: Grid) -> Assignment | None:
    """Give the open lead of a case where it is the village of a grid."""
    leads = (part for part in case.assignments if part.duty is Duty.LEAD and part.ended_at is None)
    return next((part for part in leads if part.unit_id == grid.unit_id), None)


def _ask_reassign(stamp: Stamp, case: Case, part: Assignment, target: Grid) -> Unit | None:
    """Ask that the village of the right grid leads, or the township above it where it has nobody; give which was asked for.

    Nobody is asked where the village stays the same or another change of hands waits for its decision.
    """
    village = db.session.get_one(Unit, target.unit_id)
    if village.id == part.unit_id:
        return None
    try:
        check_unasked(case, RequestKind.REASSIGN)
    except RequestPending:
        return None
    unit = next((each for each in _upward(village) if each.id != part.unit_id and _fit(case, each)), None)
    if unit is None:
        return None
    request = Request(
        kind=RequestKind.REASSIGN,
        asked_by=stamp.actor.id,
        assignment_id=part.id,
        details={"unit_ids": [unit.id]},
        to_upstream=False,
    )
    begin_request(stamp, case, request)
    return unit


def _upward(village: Unit) -> list[Unit]:
    above = db.session.get(Unit, village.parent_id) if village.parent_id is not None else None
    return [village] if above is None or above.level is Level.COUNTY else [village, above]


def _fit(case: Case, unit: Unit) -> bool:
    try:
        check_eligible(case, [unit])
    except Refusal:
        return False
    return True


def said_wrong(assignment_id: int) -> bool:
    """Say whether a grid worker said that the village of a part led the case for a wrong grid."""
    said = select(GridMove.id).where(GridMove.assignment_id == assignment_id).limit(1)
    return db.session.scalars(said).first() is not None
