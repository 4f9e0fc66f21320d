"""Keeps the lines of history that a list leaves, as many at once as it has changes."""

from typing import Any

from app.core.stamp import ActorKind, Stamp
from app.people.roster.models import RosterChangeKind


def history_line(
    stamp: Stamp,
    what: RosterChangeKind,
    grid_id: int,
    *,
    household_id: int | None = None,
    resident_id: int | None = None,
    group_id: int | None = None,
    from_grid_id: int | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """Give a line as a row of its table; `facts` hold nothing of who somebody is."""
    return {
        "at": stamp.at,
        "staff_id": stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None,
        "door": stamp.door,
        "what": what,
        "household_id": household_id,
        "resident_id": resident_id,
        "group_id": group_id,
        "grid_id": grid_id,
        "from_grid_id": from_grid_id,
        "facts": facts,
    }
