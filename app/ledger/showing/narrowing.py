"""Keeps how a list finds its cases among a million: by their ids where they are few, by asking each where they are many.

A list is read in order and stops after a page. Where one case in a hundred fits, asking each one on the way is quick; where
one in a hundred thousand fits, only an index finds it. The planner cannot tell which of the two a person's scope is.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import BigInteger, ColumnElement, CompoundSelect, Select, any_, exists, literal, not_, or_, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.database import db
from app.core.paging import by_ways
from app.core.stamp import Actor, Role
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.models import Assignment, Case, CaseAccess, GridMove, Report
from app.ledger.recusal import not_recused
from app.ledger.scope import TERRITORY_ROLES, below, called_to, given_to, handed_to, own_ways, sees_all
from app.territory.models import Unit

FEW = 5000
"""So many ids are looked up at most, in a few milliseconds: the cases of a village's many years."""


def _few(ways: Sequence[Select[int] | Select[int | None]]) -> ColumnElement[bool] | None:
    """Give the condition that a case is among those that `ways` name by index; None where they are more than a few."""
    ids = list(db.session.scalars(union_all(*ways).limit(FEW + 1)))
    return (
        None if len(ids) > FEW else Case.id == any_(literal(sorted({each for each in ids if each is not None}), ARRAY(BigInteger)))
    )


def in_reach(actor: Actor) -> list[ColumnElement[bool]]:
    """Give what narrows a list to a member of staff's own cases; nothing where they are many, for `visible` to ask of each.

    A department's are known by what it was given alone: even tens of thousands are gathered once, where asking each case on the
    way would ask of thirty for every one that fits.
    """
    paths = actor.paths(*TERRITORY_ROLES, Role.CADRE)
    if catalogue().county_path in paths:
        return []
    ways: list[Select[int] | Select[int | None]] = [select(Case.id).where(Case.territory_path.startswith(path)) for path in paths]
    ways += [select(CaseAccess.case_id).where(CaseAccess.unit_path.startswith(path)) for path in paths]
    ways.append(select(Report.case_id).where(Report.filer_staff_id == actor.id))
    if actor.paths(Role.CADRE, Role.GRID_WORKER):
        ways.append(called_to(actor))
        ways.append(select(GridMove.case_id).where(GridMove.staff_id == actor.id))
    if actor.paths(Role.GRID_WORKER):
        ways.append(select(Assignment.case_id).where(*handed_to(actor)))
    if actor.grid_ids:
        ways.append(select(Case.id).where(Case.grid_id.in_(sorted(actor.grid_ids))))
    few = _few(ways)
    if few is not None:
        return [few]
    grids = catalogue().grids.values()
    on_the_ground = actor.grid_ids or any(grid.startswith(path) for grid in grids for path in paths)
    return [] if on_the_ground else [Case.id.in_(union_all(*ways))]


def seen_by_ways(
    actor: Actor,
    conditions: Sequence[ColumnElement[bool]],
    read: Callable[[Select[int]], Select[int]],
) -> ColumnElement[bool]:
    """Give the condition that a case is on a page: each way of seeing cases is read on its own in the page's order.

    `read` orders a query and takes the page's number of rows.
    """
    return Case.id.in_(ids_by_ways(actor, select(Case.id).where(*conditions), read))


def ids_by_ways(actor: Actor, ids: Select[int], read: Callable[[Select[int]], Select[int]]) -> CompoundSelect[int]:
    """Give the ids among which a page is, as `seen_by_ways`, of what `ids` gives of cases: it is a query that joins Case."""
    return by_ways([read(ids.where(way, not_recused(actor))) for way in _listed_ways(actor)])


def _listed_ways(actor: Actor) -> list[ColumnElement[bool]]:
    """Give the ways of `scope.ways`, but what units were given in two: what they lead, by an index of its own, and the rest."""
    found = own_ways(actor)
    if sees_all(actor):
        return found
    for given in given_to(actor):
        units = db.session.scalars(select(Unit.id).where(below(Unit.path, given))).all()
        found.append(Case.lead_unit_id == units[0] if len(units) == 1 else Case.lead_unit_id.in_(units))
        rest = exists().where(CaseAccess.case_id == Case.id, not_(CaseAccess.lead), below(CaseAccess.unit_path, given))
        found.append(rest)
    return found


def is_own(actor: Actor) -> ColumnElement[bool]:
    """Give the condition that somebody owns an open clock of a case, or registered it."""
    still = (Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None))
    owned = [Deadline.owner_staff_id == actor.id, Deadline.case_id.is_not(None), *still]
    filed = Report.filer_staff_id == actor.id
    few = _few([select(Deadline.case_id).where(*owned), select(Report.case_id).where(filed)])
    if few is not None:
        return few
    return or_(exists().where(Deadline.case_id == Case.id, *owned), exists().where(Report.case_id == Case.id, filed))
