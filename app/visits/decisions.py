"""Keeps how a village decides what visits brought up: changes of the roster confirmed, refused or undone, visits called off."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, NotAllowed, NotFound
from app.core.paging import Page, page_from, paged
from app.core.stamp import Stamp
from app.people.identity import Person, masked, open_person
from app.people.models import Resident
from app.people.roster.scope import in_reach
from app.territory.models import Grid, Household
from app.visits.effects import do_effect, undo_locked
from app.visits.models import EffectKind, EffectState, TaskEnd, TaskState, VisitEffect, VisitTask
from app.visits.reach import OF_THE_VILLAGE, grids_below
from app.visits.tasks import cancel_tasks


class VisitEffectNotFound(NotFound):
    """没有找到这条人户变动"""


class OnlyTheVillageDecides(NotAllowed):
    """人户变动由村（社区）干部或管理员确认和撤销"""


class VisitEffectDecided(Conflict):
    """这条人户变动已经处理过了"""


class VisitTaskNotFound(NotFound):
    """没有找到这项走访任务"""


class OnlyTheVillageCancels(NotAllowed):
    """走访任务由村（社区）干部取消"""


class VisitTaskOver(Conflict):
    """这项走访任务已经结束"""


class VisitTaskChanged(Conflict):
    """这项走访任务刚刚有了新的变化，请刷新后再操作"""

    status = 412


@dataclass(frozen=True)
class EffectShown:
    """A change that a visit brought, with whom it is about, masked."""

    id: int
    kind: EffectKind
    state: EffectState
    at: datetime
    grid: str
    grid_name: str
    household_id: int
    household: str
    head_name: str | None
    resident_id: int | None
    resident: str | None
    done_at: datetime | None
    decided_at: datetime | None
    reason: str | None


def effects_page(stamp: Stamp, *, state: EffectState | None = None, cursor: str | None, limit: int) -> Page[EffectShown]:
    """Give the changes that visits in one's grids or villages brought, newest first; without names of who is elsewhere by now."""
    query = select(VisitEffect).where(in_reach(stamp, VisitEffect.grid_id))
    if state is not None:
        query = query.where(VisitEffect.state == state)
    rows = list(db.session.scalars(paged(query, key=[(VisitEffect.id, True)], cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda effect: (effect.id,))
    return Page(_shown(list(page.items)), page.next_cursor)


def _shown(effects: list[VisitEffect]) -> list[EffectShown]:
    grids = {grid.id: grid for grid in db.session.scalars(select(Grid).where(Grid.id.in_({each.grid_id for each in effects})))}
    homes = select(Household).where(Household.id.in_({each.household_id for each in effects}))
    households = {home.id: home for home in db.session.scalars(homes.options(joinedload(Household.identity)))}
    people = select(Resident).where(Resident.id.in_({each.resident_id for each in effects if each.resident_id is not None}))
    residents = {each.id: each for each in db.session.scalars(people.options(joinedload(Resident.identity)))}

    def head(effect: VisitEffect) -> str | None:
        home = households[effect.household_id]
        return head_of(home) if home.grid_id == effect.grid_id else None

    def name(effect: VisitEffect) -> str | None:
        resident = residents.get(effect.resident_id or 0)
        return masked(open_person(resident.identity)).name if resident and resident.grid_id == effect.grid_id else None

    return [
        EffectShown(
            effect.id,
            effect.kind,
            effect.state,
            effect.at,
            grids[effect.grid_id].code,
            grids[effect.grid_id].name,
            effect.household_id,
            households[effect.household_id].code,
            head(effect),
            effect.resident_id,
            name(effect),
            effect.done_at,
            effect.decided_at,
            effect.reason,
        )
        for effect in effects
    ]


def head_of(household: Household) -> str | None:
    """Give the masked name of a household's head."""
    return masked(Person(name=keyring().decrypt(household.identity.head_name, field="household.head_name"))).name


def confirm_effect(stamp: Stamp, effect_id: int, *, reason: str | None = None) -> EffectShown:
    """Do what a visit proposed; raises VisitEffectNotFound, OnlyTheVillageDecides, VisitEffectDecided."""
    effect = _decide(stamp, effect_id, among=EffectState.PROPOSED, reason=reason)
    do_effect(stamp, effect)
    return _shown([effect])[0]


def refuse_effect(stamp: Stamp, effect_id: int, *, reason: str) -> EffectShown:
    """Leave the roster as it is; raises VisitEffectNotFound, OnlyTheVillageDecides, VisitEffectDecided."""
    effect = _decide(stamp, effect_id, among=EffectState.PROPOSED, reason=reason)
    effect.state = EffectState.REFUSED
    return _shown([effect])[0]


def revive(stamp: Stamp, effect_id: int, *, reason: str) -> EffectShown:
    """Undo a change that was a mistake: the residents are on the roster again, and the tasks that it stopped run on.

    Raises VisitEffectNotFound, OnlyTheVillageDecides, VisitEffectDecided.
    """
    effect = _decide(stamp, effect_id, among=EffectState.DONE, reason=reason)
    undo_locked(stamp, effect)
    effect.state = EffectState.UNDONE
    return _shown([effect])[0]


def _decide(stamp: Stamp, effect_id: int, *, among: EffectState, reason: str | None) -> VisitEffect:
    """Lock the household and the effect, in this order, and note who decides."""
    query = select(VisitEffect.household_id).where(VisitEffect.id == effect_id)
    household_id = db.session.scalar(query.where(in_reach(stamp, VisitEffect.grid_id)))
    if household_id is None:
        raise VisitEffectNotFound
    if db.session.scalar(query.where(VisitEffect.grid_id.in_(grids_below(stamp, *OF_THE_VILLAGE)))) is None:
        raise OnlyTheVillageDecides
    lock_rows(Household, [household_id])
    (effect,) = lock_rows(VisitEffect, [effect_id])
    if effect.state is not among:
        raise VisitEffectDecided
    effect.decided_at, effect.decided_by, effect.reason = stamp.at, stamp.actor.id, reason
    return effect


def find_task(stamp: Stamp, task_id: int) -> VisitTask:
    """Give a task of one's grids or villages, whose household is there too; raises VisitTaskNotFound."""
    query = select(VisitTask).join(Household, Household.id == VisitTask.household_id).where(VisitTask.id == task_id)
    query = query.where(in_reach(stamp, VisitTask.grid_id), in_reach(stamp, Household.grid_id))
    task = db.session.scalars(query).first()
    if task is None:
        raise VisitTaskNotFound
    return task


def cancel_task(stamp: Stamp, task_id: int, *, reason: str, version: int | None = None) -> VisitTask:
    """Call a visit off; raises VisitTaskNotFound, OnlyTheVillageCancels, VisitTaskOver, VisitTaskChanged."""
    task = find_task(stamp, task_id)
    below = select(VisitTask.id).where(VisitTask.id == task_id, VisitTask.grid_id.in_(grids_below(stamp, *OF_THE_VILLAGE)))
    if db.session.scalar(below) is None:
        raise OnlyTheVillageCancels
    (task,) = lock_rows(VisitTask, [task_id])
    if version is not None and task.version != version:
        raise VisitTaskChanged(version=task.version)
    if task.state is not TaskState.OPEN:
        raise VisitTaskOver(state=task.state)
    cancel_tasks(stamp, select(VisitTask.id).where(VisitTask.id == task_id), why=TaskEnd.BY_HAND, words=reason)
    return task
