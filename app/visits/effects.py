"""Keeps what a visit changes on the roster: deaths, moves and empty houses; done at once or put before the village, and undone.

What is about one resident, or a house that stands empty, is done at once. What empties a household whole, or what a later visit
contradicts, waits for the village's cadre. A mistake is undone by the cadre or an administrator, with a reason.
"""

from sqlalchemy import select, update

from app.core.database import db, lock_rows
from app.core.stamp import Role, Stamp
from app.ledger.vocabulary import Audience
from app.notices.models import Recipient
from app.notices.outbox import drop_notices_to, file_notices, notice_row
from app.people.models import EndedBy, Resident
from app.people.roster.models import Care, CareBy
from app.people.staff import posts_held
from app.territory.models import Grid, Household, HouseholdKind, Unit
from app.visits.clocks import Told, at_work
from app.visits.models import EffectKind, EffectState, TaskEnd, Visit, VisitEffect, VisitMet, VisitOutcome
from app.visits.tasks import stop_tasks

_KINDS = {
    VisitOutcome.DECEASED: EffectKind.DECEASED,
    VisitOutcome.MOVED: EffectKind.MOVED_AWAY,
    VisitOutcome.VACANT: EffectKind.VACANT,
}
_ENDED_BY = {EffectKind.DECEASED: EndedBy.DECEASED, EffectKind.MOVED_AWAY: EndedBy.MOVED_AWAY}
_STOPS = {
    EffectKind.DECEASED: TaskEnd.DECEASED,
    EffectKind.MOVED_AWAY: TaskEnd.MOVED_AWAY,
    EffectKind.HOUSEHOLD_MOVED: TaskEnd.MOVED_AWAY,
    EffectKind.VACANT: TaskEnd.VACANT,
}


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
    if kind is EffectKind.HOUSEHOLD_MOVED or _contradicted(visit, resident_id):
        _put_before_the_village(stamp, effect)
    else:
        do_effect(stamp, effect)
    return effect


def _is_so(kind: EffectKind, household: Household, resident_id: int | None) -> bool:
    if resident_id is not None:
        return db.session.get_one(Resident, resident_id).ended_at is not None
    gone = household.ended_at is not None
    return gone or (kind is EffectKind.VACANT and household.kind is HouseholdKind.VACANT)


def _contradicted(visit: Visit, resident_id: int | None) -> bool:
    """Say whether a visit after this one, delivered before it, has met whom it says to be gone."""
    later = select(Visit.id).where(Visit.in_person, Visit.visited_at > visit.visited_at)
    if resident_id is None:
        later = later.where(Visit.household_id == visit.household_id)
    else:
        later = later.join(VisitMet, VisitMet.visit_id == Visit.id).where(VisitMet.resident_id == resident_id)
    return db.session.scalars(later.limit(1)).first() is not None


def do_effect(stamp: Stamp, effect: VisitEffect) -> None:
    """Change the roster as an effect says, stop the tasks, clocks and notices, and tell those who must know, once."""
    effect.state, effect.done_at = EffectState.DONE, stamp.at
    household = db.session.get_one(Household, effect.household_id)
    residents = _residents_of(effect)
    if effect.kind is EffectKind.VACANT:
        effect.before = household.kind
        household.kind = HouseholdKind.VACANT
        _note(stamp, household)
    for resident in residents:
        resident.ended_at, resident.ended_by = stamp.at, _ENDED_BY.get(effect.kind, EndedBy.MOVED_AWAY)
        _note(stamp, resident)
    if effect.kind is EffectKind.HOUSEHOLD_MOVED:
        household.ended_at = stamp.at
        _note(stamp, household)
    db.session.flush()
    ids = [resident.id for resident in residents]
    homes = [] if effect.resident_id is not None else [household.id]
    stop_tasks(stamp, resident_ids=ids, household_ids=homes, why=_STOPS[effect.kind])
    if effect.kind is EffectKind.DECEASED:
        _tell_of_death(stamp, effect)
        for resident_id in ids:
            drop_notices_to((Recipient.RESIDENT, resident_id))
    if ids:
        theirs = (Care.resident_id.in_(ids) | Care.carer_id.in_(ids), Care.ended_at.is_(None))
        db.session.execute(update(Care).where(*theirs).values(ended_at=stamp.at))


def _residents_of(effect: VisitEffect) -> list[Resident]:
    if effect.resident_id is not None:
        return lock_rows(Resident, [effect.resident_id])
    if effect.kind is EffectKind.HOUSEHOLD_MOVED:
        living = select(Resident.id).where(Resident.household_id == effect.household_id, Resident.ended_at.is_(None))
        return lock_rows(Resident, list(db.session.scalars(living)))
    return []


def _note(stamp: Stamp, row: Resident | Household) -> None:
    row.version += 1
    row.updated_at = stamp.at


def _tell_of_death(stamp: Stamp, effect: VisitEffect) -> None:
    """Tell the village's cadre and those who cared for the resident, not the family, who know."""
    cared = (Care.resident_id == effect.resident_id, Care.ended_at.is_(None), Care.by != CareBy.FAMILY)
    rows = []
    told: set[tuple[Recipient, int]] = set()
    for care in db.session.scalars(select(Care).where(*cared).order_by(Care.id)):
        to = (Recipient.STAFF, care.staff_id) if care.staff_id is not None else (Recipient.RESIDENT, care.carer_id or 0)
        if to not in told:
            told.add(to)
            rows.append(_notice(stamp, effect, to, "death_carer"))
    for staff_id in _village(effect):
        if (to := (Recipient.STAFF, staff_id)) not in told:
            rows.append(_notice(stamp, effect, to, "death_village"))
    file_notices(rows)


def _put_before_the_village(stamp: Stamp, effect: VisitEffect) -> None:
    file_notices([_notice(stamp, effect, (Recipient.STAFF, staff_id), "effect_proposed") for staff_id in _village(effect)])


def _village(effect: VisitEffect) -> list[int]:
    """Give the cadre of the effect's village; where there is none, its head or the one above."""
    unit_id = db.session.get_one(Grid, effect.grid_id).unit_id
    cadre = at_work(posts_held().at(unit_id, Role.CADRE))
    return cadre or Told.of([effect.grid_id]).staff(effect.grid_id, Audience.UNIT_HEAD)


def _notice(stamp: Stamp, effect: VisitEffect, to: tuple[Recipient, int], template: str) -> dict[str, object]:
    params = {"grid": db.session.get_one(Grid, effect.grid_id).name}
    return notice_row(f"visit_effect:{effect.id}:{template}", to=to, template=template, params=params, case_id=None, at=stamp.at)


def undo_locked(stamp: Stamp, effect: VisitEffect) -> None:
    """Give the roster back what a done effect took; planning brings its tasks back. Later changes stay."""
    household = db.session.get_one(Household, effect.household_id)
    if effect.kind is EffectKind.VACANT and household.kind is HouseholdKind.VACANT:
        household.kind = HouseholdKind(effect.before or HouseholdKind.ORDINARY)
        _note(stamp, household)
    if effect.kind is EffectKind.HOUSEHOLD_MOVED and household.ended_at == effect.done_at:
        household.ended_at = None
        _note(stamp, household)
    ended = select(Resident.id).where(Resident.household_id == effect.household_id, Resident.ended_at == effect.done_at)
    if effect.kind is EffectKind.VACANT:
        return
    if effect.resident_id is not None:
        ended = ended.where(Resident.id == effect.resident_id)
    for resident in lock_rows(Resident, list(db.session.scalars(ended))):
        resident.ended_at = resident.ended_by = None
        _note(stamp, resident)
        theirs = (Care.resident_id == resident.id) | (Care.carer_id == resident.id)
        db.session.execute(update(Care).where(theirs, Care.ended_at == effect.done_at).values(ended_at=None))


def path_of(grid_id: int) -> str:
    """Give the path of a grid's village."""
    return db.session.scalars(select(Unit.path).join(Grid, Grid.unit_id == Unit.id).where(Grid.id == grid_id)).one()
