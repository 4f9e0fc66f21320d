"""Keeps rounds of visits (遍访): begun for a unit or a population of it, followed while they run, ended early or by their date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.paging import Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.people.roster.models import PopulationTag
from app.territory.models import Unit
from app.visits.models import Campaign, TaskEnd, TaskState, VisitTask
from app.visits.periods import day_of
from app.visits.tasks import cancel_tasks

LEADING = (Role.SUPERVISOR, Role.UNIT_HEAD, Role.ADMINISTRATOR)
READING = (*LEADING, Role.LEADER)
LONGEST_DAYS = 366


class CampaignNotFound(NotFound):
    """没有找到这次遍访"""


class CampaignsAreNotYours(NotAllowed):
    """遍访由督办员、单位负责人或管理员组织"""


class CampaignUnfit(Invalid):
    """遍访安排需要修改"""


class CampaignOver(Conflict):
    """这次遍访已经结束"""


@dataclass(frozen=True)
class CampaignShown:
    """A round of visits and how far it has come, in households; those called off are not counted."""

    id: int
    name: str
    unit: str
    unit_name: str
    tag: str | None
    tag_name: str | None
    starts_on: date
    due_on: date
    in_person: bool
    ended_at: datetime | None
    households: int
    done: int
    unreached: int


def begin_campaign(
    stamp: Stamp,
    *,
    name: str,
    unit: str,
    due_on: date,
    starts_on: date | None = None,
    tag: str | None = None,
    in_person: bool = True,
) -> CampaignShown:
    """Begin a round of visits to every household of a unit, or to those with somebody of a population; its tasks are planned.

    Raises CampaignsAreNotYours, CampaignUnfit.
    """
    below = stamp.actor.paths(*LEADING)
    if not below:
        raise CampaignsAreNotYours
    today = day_of(stamp.at)
    starts_on = starts_on or today
    errors: dict[str, list[str]] = {}
    place = db.session.scalars(select(Unit).where(Unit.code == unit, Unit.active)).first()
    if place is None or not any(place.path.startswith(path) for path in below):
        errors["unit"] = ["没有这个单位"]
    population = None if tag is None else db.session.scalars(select(PopulationTag).where(PopulationTag.code == tag)).first()
    if tag is not None and (population is None or not population.active):
        errors["tag"] = ["没有这类人群"]
    if due_on < max(starts_on, today) or (due_on - starts_on).days > LONGEST_DAYS:
        errors["due_on"] = ["完成日期应在开始之后一年以内，不能早于今天"]
    if errors or place is None:
        raise CampaignUnfit(errors=errors)
    campaign = Campaign(
        name=name,
        unit_id=place.id,
        tag_id=population.id if population else None,
        starts_on=starts_on,
        due_on=due_on,
        in_person=in_person,
        made_at=stamp.at,
        made_by=stamp.actor.id,
    )
    db.session.add(campaign)
    db.session.flush()
    return _shown([campaign])[0]


def campaigns_page(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[CampaignShown]:
    """Give the rounds of visits of units at or below one's own, newest first."""
    query = select(Campaign).join(Unit, Unit.id == Campaign.unit_id).where(_in_reach(stamp))
    rows = list(db.session.scalars(paged(query, key=[(Campaign.id, True)], cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda campaign: (campaign.id,))
    return Page(_shown(list(page.items)), page.next_cursor)


def show_campaign(stamp: Stamp, campaign_id: int) -> CampaignShown:
    """Give a round of visits; raises CampaignNotFound."""
    return _shown([_find(stamp, campaign_id)])[0]


def _find(stamp: Stamp, campaign_id: int) -> Campaign:
    query = select(Campaign).join(Unit, Unit.id == Campaign.unit_id).where(Campaign.id == campaign_id, _in_reach(stamp))
    campaign = db.session.scalars(query).first()
    if campaign is None:
        raise CampaignNotFound
    return campaign


def _in_reach(stamp: Stamp) -> ColumnElement[bool]:
    """Give the condition that a unit lies at or below one's own."""
    return or_(False, *(Unit.path.startswith(path) for path in stamp.actor.paths(*READING)))


def end_campaign(stamp: Stamp, campaign_id: int) -> CampaignShown:
    """End a round of visits; what is still open is called off. Raises CampaignNotFound, CampaignsAreNotYours, CampaignOver."""
    campaign = _find(stamp, campaign_id)
    path = db.session.get_one(Unit, campaign.unit_id).path
    if not any(path.startswith(each) for each in stamp.actor.paths(*LEADING)):
        raise CampaignsAreNotYours
    (campaign,) = lock_rows(Campaign, [campaign_id])
    if campaign.ended_at is not None:
        raise CampaignOver
    campaign.ended_at, campaign.ended_by = stamp.at, stamp.actor.id
    cancel_tasks(stamp, select(VisitTask.id).where(VisitTask.campaign_id == campaign_id), why=TaskEnd.CAMPAIGN_ENDED)
    return _shown([campaign])[0]


def _shown(campaigns: Sequence[Campaign]) -> list[CampaignShown]:
    ids = [campaign.id for campaign in campaigns]
    state = VisitTask.state
    counts = select(
        VisitTask.campaign_id,
        func.count(),
        func.count().filter(state == TaskState.DONE),
        func.count().filter(state == TaskState.UNREACHED),
    ).where(VisitTask.campaign_id.in_(ids), state != TaskState.CANCELLED)
    counted = {row[0]: row[1:] for row in db.session.execute(counts.group_by(VisitTask.campaign_id))}
    units = {unit.id: unit for unit in db.session.scalars(select(Unit).where(Unit.id.in_({each.unit_id for each in campaigns})))}
    named = select(PopulationTag).where(PopulationTag.id.in_({each.tag_id for each in campaigns if each.tag_id is not None}))
    tags = {tag.id: tag for tag in db.session.scalars(named)}
    shown = []
    for campaign in campaigns:
        unit, tag = units[campaign.unit_id], tags.get(campaign.tag_id or 0)
        households, done, unreached = counted.get(campaign.id, (0, 0, 0))
        shown.append(
            CampaignShown(
                campaign.id,
                campaign.name,
                unit.code,
                unit.name,
                tag.code if tag else None,
                tag.name if tag else None,
                campaign.starts_on,
                campaign.due_on,
                campaign.in_person,
                campaign.ended_at,
                households,
                done,
                unreached,
            )
        )
    return shown
