"""Keeps how the rules are edited by which visits are planned: a change is a new version; what is planned already stays planned.

Where a rule asks for another rhythm, or ends, the next planning calls its open tasks off and makes those of the new rhythm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.core.database import db
from app.core.errors import Conflict, Invalid
from app.core.stamp import Role, Stamp
from app.people.models import Staff
from app.people.roster.models import PopulationTag
from app.territory.models import HouseholdKind
from app.visits.models import VisitRule
from app.visits.topics import VisitPlansAreNotYours, check_planner

EVERY_MONTHS = (1, 2, 3, 4, 6, 12)
_LOCK = 0x56495349


class VisitRuleUnfit(Invalid):
    """走访规则需要修改"""


class VisitRuleChanged(Conflict):
    """这条走访规则刚刚有了新的版本，请刷新后再改"""

    status = 412


@dataclass(frozen=True)
class RuleShown:
    """The newest version of a rule, who made it and why; the product's own have nobody."""

    code: str
    version: int
    tag: str | None
    tag_name: str | None
    household_kind: HouseholdKind | None
    every_months: int
    in_person: bool
    active: bool
    made_at: datetime
    made_by: str | None
    reason: str | None


def visit_rules(stamp: Stamp) -> list[RuleShown]:
    """Give every rule in its newest version, those that hold no more too; raises VisitPlansAreNotYours."""
    if stamp.actor.holds((Role.ADMINISTRATOR, Role.SUPERVISOR, Role.LEADER, Role.UNIT_HEAD)) is None:
        raise VisitPlansAreNotYours
    newest = select(VisitRule).ext(distinct_on(VisitRule.code)).order_by(VisitRule.code, VisitRule.version.desc())
    return _shown(list(db.session.scalars(newest)))


def put_rule(
    stamp: Stamp,
    code: str,
    *,
    every_months: int,
    reason: str,
    version: int = 0,
    tag: str | None = None,
    household_kind: HouseholdKind | None = None,
    in_person: bool = True,
    active: bool = True,
) -> RuleShown:
    """Make a new version of a rule, or a new rule; `version` is the one that was seen, 0 for none.

    Raises VisitPlansAreNotYours, VisitRuleUnfit, VisitRuleChanged.
    """
    check_planner(stamp)
    db.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    known = select(VisitRule).where(VisitRule.code == code).order_by(VisitRule.version.desc()).limit(1)
    before = db.session.scalars(known).first()
    if version != (before.version if before else 0):
        raise VisitRuleChanged(version=before.version if before else 0)
    tag_id, errors = _whom(tag, household_kind)
    if before is not None and (before.tag_id, before.household_kind) != (tag_id, household_kind) and not errors:
        errors["code"] = ["已有的规则不能改为走访别的人群，请新建一条规则"]
    if every_months not in EVERY_MONTHS:
        errors["every_months"] = ["走访间隔应为 1、2、3、4、6 或 12 个月"]
    if household_kind is HouseholdKind.VACANT:
        errors["household_kind"] = ["空置户不安排走访"]
    if errors:
        raise VisitRuleUnfit(errors=errors)
    rule = VisitRule(
        code=code,
        version=version + 1,
        tag_id=tag_id,
        household_kind=household_kind,
        every_months=every_months,
        in_person=in_person,
        active=active,
        made_at=stamp.at,
        made_by=stamp.actor.id,
        reason=reason,
    )
    db.session.add(rule)
    db.session.flush()
    return _shown([rule])[0]


def _whom(tag: str | None, household_kind: HouseholdKind | None) -> tuple[int | None, dict[str, list[str]]]:
    if (tag is None) == (household_kind is None):
        return None, {"tag": ["请选择一类人群，或一类户"]}
    if tag is None:
        return None, {}
    tag_id = db.session.scalar(select(PopulationTag.id).where(PopulationTag.code == tag))
    return tag_id, {} if tag_id is not None else {"tag": ["没有这类人群"]}


def _shown(rules: Sequence[VisitRule]) -> list[RuleShown]:
    tags = {tag.id: tag for tag in db.session.scalars(select(PopulationTag))}
    makers = select(Staff.id, Staff.name).where(Staff.id.in_({rule.made_by for rule in rules if rule.made_by is not None}))
    names = {row.id: row.name for row in db.session.execute(makers)}
    return [
        RuleShown(
            rule.code,
            rule.version,
            tags[rule.tag_id].code if rule.tag_id is not None else None,
            tags[rule.tag_id].name if rule.tag_id is not None else None,
            rule.household_kind,
            rule.every_months,
            rule.in_person,
            rule.active,
            rule.made_at,
            names.get(rule.made_by or 0),
            rule.reason,
        )
        for rule in rules
    ]
