"""Keeps the history of the roster: every change counts a version up and leaves a line of who did what, when and where."""

from typing import Any

from app.core.database import db
from app.core.stamp import ActorKind, Stamp
from app.people.models import Resident
from app.people.roster.models import RosterChange, RosterChangeKind
from app.territory.models import Household, HouseholdGroup


def changed(
    stamp: Stamp, row: Household | Resident, what: RosterChangeKind, *, from_grid_id: int | None = None, **facts: Any
) -> None:
    """Count a household's or resident's version up and note the change; `facts` hold nothing of who somebody is."""
    row.version += 1
    row.updated_at = stamp.at
    noted(stamp, row, what, from_grid_id=from_grid_id, **facts)


def noted(
    stamp: Stamp,
    row: Household | Resident | HouseholdGroup,
    what: RosterChangeKind,
    *,
    from_grid_id: int | None = None,
    **facts: Any,
) -> None:
    """Note a change of a household, resident or group, and flush it."""
    assert row.grid_id is not None
    db.session.flush()
    line = RosterChange(
        at=stamp.at,
        staff_id=stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None,
        door=stamp.door,
        what=what,
        grid_id=row.grid_id,
        from_grid_id=from_grid_id,
        facts=facts,
    )
    if isinstance(row, Household):
        line.household_id = row.id
    elif isinstance(row, Resident):
        line.resident_id, line.household_id = row.id, row.household_id
    else:
        line.group_id = row.id
    db.session.add(line)
    db.session.flush()
