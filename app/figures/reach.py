"""Keeps who reads figures of whom: a unit's for those whose posts reach it, the county's for its leaders and supervisors."""

from dataclasses import dataclass

from app.core.errors import NotAllowed
from app.core.stamp import Actor, ActorKind, Role
from app.ledger.catalogue import catalogue

COUNTY_READERS = (Role.LEADER, Role.SUPERVISOR)


class FiguresAreNotYours(NotAllowed):
    """统计数据只对本单位人员、县领导和督办员开放"""


@dataclass(frozen=True)
class Reach:
    """The unit paths below which figures are read; None: the whole county."""

    paths: tuple[str, ...] | None

    def holds(self, path: str) -> bool:
        """Say whether a unit lies in reach."""
        return self.paths is None or any(path.startswith(each) for each in self.paths)


def reach_of(actor: Actor) -> Reach:
    """Give what figures an actor may read; raises FiguresAreNotYours."""
    if actor.kind is ActorKind.SYSTEM:
        return Reach(None)
    if actor.kind is not ActorKind.STAFF:
        raise FiguresAreNotYours
    county = catalogue().county_path
    if county in actor.paths(*COUNTY_READERS):
        return Reach(None)
    paths = tuple(path for path in actor.paths() if path != county)
    if not paths:
        raise FiguresAreNotYours
    return Reach(paths)
