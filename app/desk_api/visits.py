"""Keeps the planning of visits at the desk: rounds of visits, the rules and topics, and what is late, village by village."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, PageQuery, Schema, Word, page_of, text
from app.territory.models import HouseholdKind
from app.visits.campaigns import begin_campaign, campaigns_page, end_campaign, show_campaign
from app.visits.models import TaskFor
from app.visits.rule_editor import EVERY_MONTHS, put_rule, visit_rules
from app.visits.task_list import late_by_village, late_visits
from app.visits.topics import put_topic, topics

blp = DoorBlueprint("campaigns", door=Door.DESK, prefix="/campaigns", auth=staff(Door.DESK), tag="遍访")
plans_blp = DoorBlueprint("visit_plans", door=Door.DESK, prefix="", auth=staff(Door.DESK), tag="走访规则")


class CampaignGivenSchema(Schema):
    """A round of visits: to every household of a unit (or with somebody of a population), by a date."""

    name = text(60, required=True)
    unit = text(40, required=True)
    tag = text(40, allow_none=True)
    starts_on = fields.Date(allow_none=True)
    due_on = fields.Date(required=True)
    in_person = fields.Boolean()


class CampaignSchema(Schema):
    """A round of visits and how far it has come, in households."""

    id = fields.Integer()
    name = fields.String()
    unit = fields.String()
    unit_name = fields.String()
    tag = fields.String(allow_none=True)
    tag_name = fields.String(allow_none=True)
    starts_on = fields.Date()
    due_on = fields.Date()
    in_person = fields.Boolean()
    ended_at = Moment(allow_none=True)
    households = fields.Integer()
    done = fields.Integer()
    unreached = fields.Integer()


class CampaignEndSchema(Schema):
    """Nothing more need be said."""


class VisitRuleGivenSchema(Schema):
    """A rule: a population or a kind of household, every so many months; `version` is the one that was seen, 0 for none."""

    tag = text(40, allow_none=True)
    household_kind = Word(HouseholdKind, allow_none=True)
    every_months = fields.Integer(required=True, validate=validate.OneOf(EVERY_MONTHS))
    in_person = fields.Boolean()
    active = fields.Boolean()
    reason = text(500, required=True)
    version = fields.Integer(load_default=0, validate=validate.Range(min=0))


class VisitRuleSchema(Schema):
    """The newest version of a rule, by whom and why."""

    code = fields.String()
    version = fields.Integer()
    tag = fields.String(allow_none=True)
    tag_name = fields.String(allow_none=True)
    household_kind = Word(HouseholdKind, allow_none=True)
    every_months = fields.Integer()
    in_person = fields.Boolean()
    active = fields.Boolean()
    made_at = Moment()
    made_by = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)


class VisitTopicGivenSchema(Schema):
    """A topic: its name, its place in the list, whether it is offered."""

    name = text(40, required=True)
    place = fields.Integer(required=True, validate=validate.Range(min=0, max=10_000))
    active = fields.Boolean()


class VisitTopicSchema(VisitTopicGivenSchema):
    """A topic."""

    code = fields.String()


class LateVisitsQuery(PageQuery):
    """Late visits of which unit, by its code."""

    unit = text(40, load_default=None)


class LateVisitSchema(Schema):
    """A late visit: where, not who."""

    id = fields.Integer()
    village = fields.String()
    grid = fields.String()
    grid_name = fields.String()
    household = fields.String()
    why = Word(TaskFor)
    due_on = fields.Date()
    attempts = fields.Integer()
    contacted_on = fields.Date(allow_none=True)


class LateInVillageSchema(Schema):
    """How many visits are late in a village."""

    unit = fields.String()
    unit_name = fields.String()
    households = fields.Integer()
    tasks = fields.Integer()
    oldest = fields.Date()


@blp.route("", methods=["POST"])
@blp.arguments(CampaignGivenSchema)
@blp.response(201, CampaignSchema)
def begin(given: dict[str, Any]) -> Any:
    """Begin a round of visits; its tasks are planned within the hour"""
    return begin_campaign(stamp(), **given)


@blp.route("", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(CampaignSchema))
def list_campaigns(wanted: dict[str, Any]) -> Any:
    """List the rounds of visits at or below one's own units, newest first"""
    return campaigns_page(stamp(), **wanted)


@blp.route("/<int:campaign_id>", methods=["GET"])
@blp.response(200, CampaignSchema)
def show(campaign_id: int) -> Any:
    """Show a round of visits and how far it has come"""
    return show_campaign(stamp(), campaign_id)


@blp.route("/<int:campaign_id>/end", methods=["POST"])
@blp.arguments(CampaignEndSchema)
@blp.response(201, CampaignSchema)
def end(_: dict[str, Any], campaign_id: int) -> Any:
    """End a round of visits early; what is still open is called off"""
    return end_campaign(stamp(), campaign_id)


@plans_blp.route("/visit-rules", methods=["GET"])
@plans_blp.response(200, VisitRuleSchema(many=True))
def list_rules() -> Any:
    """List the rules by which visits are planned"""
    return visit_rules(stamp())


@plans_blp.route("/visit-rules/<code>", methods=["PUT"])
@plans_blp.arguments(VisitRuleGivenSchema)
@plans_blp.response(200, VisitRuleSchema)
def change_rule(given: dict[str, Any], code: str) -> Any:
    """Make a new version of a rule, or a new rule"""
    return put_rule(stamp(), code, **given)


@plans_blp.route("/visit-topics", methods=["GET"])
@plans_blp.response(200, VisitTopicSchema(many=True))
def list_topics() -> Any:
    """List the topics of visits, those out of use too"""
    return topics(active=False)


@plans_blp.route("/visit-topics/<code>", methods=["PUT"])
@plans_blp.arguments(VisitTopicGivenSchema)
@plans_blp.response(200, VisitTopicSchema)
def change_topic(given: dict[str, Any], code: str) -> Any:
    """Make or change a topic"""
    return put_topic(stamp(), code, **given)


@plans_blp.route("/late-visits", methods=["GET"])
@plans_blp.arguments(LateVisitsQuery, location="query")
@plans_blp.response(200, page_of(LateVisitSchema))
def list_late(wanted: dict[str, Any]) -> Any:
    """List the visits that are late below one's posts, the longest late first"""
    return late_visits(stamp(), **wanted)


@plans_blp.route("/late-visits/villages", methods=["GET"])
@plans_blp.response(200, LateInVillageSchema(many=True))
def count_late() -> Any:
    """Count the late visits of each village below one's posts"""
    return late_by_village(stamp())
