"""Keeps who reads figures of whom: a unit's for those whose posts reach it, the county's for its leaders and supervisors."""

from dataclasses import dataclass
from datetime import timedelta

from app.core.errors import NotAllowed
from app.core.stamp import Actor, ActorKind, Role
from app.figures.periods import Period, PeriodUnfit
from app.ledger.catalogue import catalogue

COUNTY_READERS = (Role.LEADER, Role.SUPERVISOR)
ON_THE_GROUND = (Role.GRID_WORKER, Role.CADRE, Role.HOUSEHOLD_HEAD)
"""Who lives next door to what is counted: of confidential cases, and those hidden from the grid, they read no figures."""
SHORTEST = timedelta(days=1)
"""Below the county no shorter period is told: figures of an hour would tell of single cases."""


class FiguresAreNotYours(NotAllowed):
    """统计数据只对本单位人员、县领导和督办员开放"""


@dataclass(frozen=True)
class Reach:
    """The unit paths below which figures are read, None for the whole county; below those `on_the_ground` only of open cases."""

    paths: tuple[str, ...] | None
    on_the_ground: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Say whether a unit lies in reach."""
        return self.paths is None or any(path.startswith(each) for each in (*self.paths, *self.on_the_ground))


def reach_of(actor: Actor) -> Reach:
    """Give what figures an actor may read; raises FiguresAreNotYours."""
    if actor.kind is ActorKind.SYSTEM:
        return Reach(None)
    if actor.kind is not ActorKind.STAFF:
        raise FiguresAreNotYours
    county = catalogue().county_path
    if county in actor.paths(*COUNTY_READERS):
        return Reach(None)
    whole = actor.paths(*(role for role in Role if role not in ON_THE_GROUND))
    ground = actor.paths(*ON_THE_GROUND)
    reach = Reach(*(tuple(path for path in paths if path != county) for paths in (whole, ground)))
    if not reach.paths and not reach.on_the_ground:
        raise FiguresAreNotYours
    return reach


def reach_for(actor: Actor, period: Period) -> Reach:
    """Give what figures of a period an actor may read; raises FiguresAreNotYours, PeriodUnfit where it is too short for them."""
    reach = reach_of(actor)
    if reach.paths is not None and period.until - period.since < SHORTEST:
        raise PeriodUnfit(errors={"until": ["统计期间至少为一天"]})
    return reach
