"""Keeps what a visit changes on the roster: deaths, moves and empty houses; done at once or put before the village, and undone.

What is about one resident, or a house of which nobody is known to live in it, is done at once. What empties a household whole, or
what a later visit contradicts, waits for the village's cadre, whichever of the two visits is delivered first. A mistake is undone
by the cadre or an administrator, with a reason.
"""

from datetime import datetime

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import aliased

from app.core.database import db, lock_rows
from app.core.errors import Refusal
from app.core.stamp import Stamp
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.people.models import EndedBy, Resident
from app.people.roster.changes import changed
from app.people.roster.commands import edit_household
from app.people.roster.models import RosterChangeKind
from app.territory.models import Grid, Household, HouseholdKind
from app.visits.leaving import edit_home, end_home, put_back, take_off, village_of
from app.visits.models import EffectKind, EffectState, Visit, VisitEffect, VisitMet, VisitOutcome, VisitTask
from app.visits.tasks import BY_HAND, reopen_tasks

_KINDS = {
    VisitOutcome.DECEASED: EffectKind.DECEASED,
    VisitOutcome.MOVED: EffectKind.MOVED_AWAY,
    VisitOutcome.VACANT: EffectKind.VACANT,
}

CHANGES_THE_ROSTER = frozenset(_KINDS)
"""Outcomes that say something of the roster."""

UNDECIDED = (VisitEffect.state == EffectState.DONE, VisitEffect.decided_at.is_(None))
"""The conditions that an effect was believed, and nobody has decided since."""


def bring_about(stamp: Stamp, visit: Visit, household: Household, *, resident_id: int | None) -> VisitEffect | None:
    """Do what a visit's outcome means for the roster, or put it before the village; None where it means nothing new.

    The caller holds the household's row, and the resident's. `resident_id` is who died or moved.
    """
    kind = _KINDS.get(visit.outcome)
    if kind is EffectKind.MOVED_AWAY and resident_id is None:
        kind = EffectKind.HOUSEHOLD_MOVED
    if kind is None or _is_so(kind, household, resident_id):
        return None
    effect = VisitEffect(
        visit_id=visit.id,
        grid_id=visit.grid_id,
        household_id=household.id,
        resident_id=resident_id,
        kind=kind,
        state=EffectState.PROPOSED,
        at=stamp.at,
    )
    db.session.add(effect)
    db.session.flush()
    moved = household.grid_id not in stamp.actor.grid_ids  # since it was visited: its new village decides
    if moved or _empties(kind, household) or _contradicted(visit, resident_id):
        _put_before_the_village(stamp, effect)
    else:
        do_effect(stamp, effect)
    return effect


def _is_so(kind: EffectKind, household: Household, resident_id: int | None) -> bool:
    if resident_id is not None:
        return db.session.get_one(Resident, resident_id).ended_at is not None
    gone = household.ended_at is not None
    return gone or (kind is EffectKind.VACANT and household.kind is HouseholdKind.VACANT)


def _empties(kind: EffectKind, household: Household) -> bool:
    """Say whether a change takes a household's living residents all at once."""
    if kind is EffectKind.VACANT:
        living = (Resident.household_id == household.id, Resident.ended_at.is_(None))
        return db.session.scalars(select(Resident.id).where(*living).limit(1)).first() is not None
    return kind is EffectKind.HOUSEHOLD_MOVED


def doubt(stamp: Stamp, visit: Visit) -> None:
    """Undo what earlier visits said to be gone, and nobody has decided since, where this one met it; put it before the village.

    The caller holds the household's row and has written who was met. What the roster does not let come back stays as it is.
    """
    if not visit.in_person or visit.household_id is None or visit.grid_id not in stamp.actor.grid_ids:
        return
    for effect in lock_rows(VisitEffect, list(db.session.scalars(_doubtful(visit)))):
        if effect.state is not EffectState.DONE:
            continue
        try:
            with db.session.begin_nested():
                undo_locked(stamp, effect)
        except Refusal:
            continue
        effect.state, effect.done_at, effect.before = EffectState.PROPOSED, None, None
        _put_before_the_village(stamp, effect)


def _doubtful(visit: Visit) -> Select[int]:
    """Give the query of the effects that a visit contradicts: of whom it met, or of the house in which it met somebody."""
    said = aliased(Visit)
    met = select(VisitMet.resident_id).where(VisitMet.visit_id == visit.id)
    house = and_(VisitEffect.resident_id.is_(None), VisitEffect.household_id == visit.household_id)
    query = select(VisitEffect.id).join(said, said.id == VisitEffect.visit_id).where(said.visited_at < visit.visited_at)
    query = query.where(*UNDECIDED)
    return query.where(or_(house, and_(VisitEffect.resident_id.in_(met), VisitEffect.household_id == visit.household_id)))


def said_gone(household_id: int) -> list[tuple[int, datetime]]:
    """Give who lived in a household until a visit said that they were gone, where nobody has decided since, and when that was."""
    query = select(VisitEffect.resident_id, Visit.visited_at).join(Visit, Visit.id == VisitEffect.visit_id)
    query = query.where(VisitEffect.household_id == household_id, VisitEffect.resident_id.is_not(None), *UNDECIDED)
    return [(row.resident_id, row.visited_at) for row in db.session.execute(query.order_by(VisitEffect.id))]


def _contradicted(visit: Visit, resident_id: int | None) -> bool:
    """Say whether a visit after this one, delivered before it, has met whom it says to be gone."""
    later = select(Visit.id).where(Visit.in_person, Visit.visited_at > visit.visited_at)
    if resident_id is None:
        later = later.where(Visit.household_id == visit.household_id)
    else:
        later = later.join(VisitMet, VisitMet.visit_id == Visit.id).where(VisitMet.resident_id == resident_id)
    return db.session.scalars(later.limit(1)).first() is not None


def do_effect(stamp: Stamp, effect: VisitEffect) -> None:
    """Change the roster as an effect says, and stop the tasks, clocks and notices with it. The caller holds the household's row."""
    effect.state, effect.done_at = EffectState.DONE, stamp.at
    household = db.session.get_one(Household, effect.household_id)
    if effect.kind is EffectKind.VACANT:
        effect.before = household.kind
        edit_home(stamp, household.id, kind=HouseholdKind.VACANT)
        return
    why = EndedBy.DECEASED if effect.kind is EffectKind.DECEASED else EndedBy.MOVED_AWAY
    for resident_id in _residents_of(effect):
        take_off(stamp, resident_id, why=why)
    if effect.kind is EffectKind.HOUSEHOLD_MOVED:
        end_home(stamp, household.id, reason="整户搬离")


def _residents_of(effect: VisitEffect) -> list[int]:
    if effect.resident_id is not None:
        gone = select(Resident.id).where(Resident.id == effect.resident_id, Resident.ended_at.is_(None))
    else:
        gone = select(Resident.id).where(Resident.household_id == effect.household_id, Resident.ended_at.is_(None))
    return list(db.session.scalars(gone.order_by(Resident.id)))


def undo_locked(stamp: Stamp, effect: VisitEffect) -> None:
    """Give the roster back what a done effect took, and let its tasks run on. What others changed since stays.

    The caller holds the household's row. Raises what `restore_resident` raises.
    """
    household = db.session.get_one(Household, effect.household_id)
    if effect.kind is EffectKind.VACANT and household.kind is HouseholdKind.VACANT:
        edit_household(stamp, household.id, kind=HouseholdKind(effect.before or HouseholdKind.ORDINARY))
    if effect.kind is EffectKind.HOUSEHOLD_MOVED and household.ended_at == effect.done_at:
        household.ended_at = None
        changed(stamp, household, RosterChangeKind.HOUSEHOLD_EDITED, restored=True)
    for resident_id in _ended_by(effect):
        put_back(stamp, resident_id)
    stopped = (VisitTask.household_id == effect.household_id, VisitTask.ended_at == effect.done_at)
    reopen_tasks(stamp, select(VisitTask.id).where(*stopped, VisitTask.ended_by.not_in(BY_HAND)))


def _ended_by(effect: VisitEffect) -> list[int]:
    if effect.kind is EffectKind.VACANT:
        return []
    ended = select(Resident.id).where(Resident.ended_at == effect.done_at, Resident.household_id == effect.household_id)
    return list(db.session.scalars(ended if effect.resident_id is None else ended.where(Resident.id == effect.resident_id)))


def _put_before_the_village(stamp: Stamp, effect: VisitEffect) -> None:
    params = {"grid": db.session.get_one(Grid, effect.grid_id).name}
    rows = [
        notice_row(
            f"visit_effect:{effect.id}",
            to=(Recipient.STAFF, staff_id),
            template="effect_proposed",
            params=params,
            case_id=None,
            at=stamp.at,
        )
        for staff_id in village_of(effect.grid_id)
    ]
    file_notices(rows)
