"""Keeps the county's rules at the desk: policies and their versions, settings, categories, reasons, and who changed them."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Label, Moment, PageQuery, Schema, Word, page_of, text
from app.ledger.dry_run import dry_run
from app.ledger.policy_changes import changes_page
from app.ledger.policy_editor import PolicyDraft, end_policy, policies_list, publish_policy
from app.ledger.rules_editor import add_category, change_category, put_reason, set_setting, settings_list
from app.ledger.terms import HoursKind, Unit
from app.ledger.vocabulary import Clock, Kind, RequestKind

blp = DoorBlueprint("rules", door=Door.DESK, prefix="/rules", auth=staff(Door.DESK), tag="规则")

WORDS = 400


class DraftSchema(Schema):
    """A deadline policy: for which cases, how long, and its ladder.

    `ladder` is a list of steps: `level` from 1 on, `on` (amber, due, after), `tell` (audiences), for `after` a term with
    amount, unit and hours, and `does`, what happens besides telling.
    """

    code = text(60, required=True)
    clock = Word(Clock, required=True)
    amount = fields.Integer(required=True, validate=validate.Range(min=1))
    unit = Word(Unit, required=True)
    hours = Word(HoursKind, load_default=HoursKind.WORK)
    ladder = fields.List(fields.Dict(keys=fields.String()), load_default=(), validate=validate.Length(max=12))
    urgent = fields.Boolean(load_default=None, allow_none=True)
    category_id = fields.Integer(load_default=None, allow_none=True)
    kind = Word(Kind, load_default=None, allow_none=True)

    @post_load
    def gather(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather the draft in one value."""
        draft = PolicyDraft(**{name: given.pop(name) for name in PolicyDraft.__dataclass_fields__})
        return given | {"draft": draft}


class PublishedSchema(DraftSchema):
    """A draft with the reason, from when it holds (now, if nothing is said), and the version that was seen."""

    reason = text(WORDS, required=True)
    effective_from = Moment()
    version = fields.Integer(load_default=None, allow_none=True)


class PolicyShownSchema(Schema):
    """One version of a policy; running clocks keep the version under which they started."""

    id = fields.Integer()
    code = fields.String()
    version = fields.Integer()
    clock = Word(Clock)
    clock_label = Label("clock")
    urgent = fields.Boolean(allow_none=True)
    category_id = fields.Integer(allow_none=True)
    category = fields.String(allow_none=True)
    kind = Word(Kind, allow_none=True)
    amount = fields.Integer()
    unit = Word(Unit)
    hours = Word(HoursKind)
    ladder = fields.List(fields.Dict())
    active = fields.Boolean()
    effective_from = Moment(allow_none=True)


class PolicyListSchema(Schema):
    """Policies."""

    items = fields.List(fields.Nested(PolicyShownSchema))


class PoliciesQuery(Schema):
    """Which policies; `old` adds versions and policies that hold no more."""

    clock = Word(Clock)
    code = text(60)
    old = fields.Boolean()


class WhySchema(Schema):
    """Why something is changed."""

    reason = text(WORDS, required=True)


class PeriodSchema(DraftSchema):
    """A draft, and the period whose clocks it is held against."""

    begin = Moment(required=True)
    end = Moment(required=True)


class TallySchema(Schema):
    """How many clocks, how many late as it was, how many would have been."""

    clocks = fields.Integer()
    late = fields.Integer()
    would_be_late = fields.Integer()


class ChangedCaseSchema(Schema):
    """A case that would have ended otherwise; no due moment where its clock would still stand still."""

    number = fields.String()
    due_at = Moment()
    would_be_due_at = Moment(allow_none=True)
    late = fields.Boolean()
    would_be_late = fields.Boolean()


class DryRunSchema(Schema):
    """What the draft would have done; `cases` are the first of those that change."""

    total = fields.Nested(TallySchema)
    by_unit = fields.Dict(keys=fields.String(), values=fields.Nested(TallySchema))
    changed = fields.Integer()
    cases = fields.List(fields.Nested(ChangedCaseSchema))


class SettingSchema(Schema):
    """A setting of the county, now and as the product has it."""

    name = fields.String()
    value = fields.Raw()
    default = fields.Raw()
    changed = fields.Boolean()


class SettingListSchema(Schema):
    """Settings."""

    items = fields.List(fields.Nested(SettingSchema))


class SettingGivenSchema(WhySchema):
    """The new value; null sets the product's own back."""

    value = fields.Raw(required=True, allow_none=True)


class CategoryGivenSchema(WhySchema):
    """A new category."""

    name = fields.String(required=True, validate=validate.Regexp(r"^[^/\s][^/]{0,39}$", error="名称不能为空，不能含“/”"))
    parent_id = fields.Integer()
    urgent = fields.Boolean()


class CategoryChangeSchema(WhySchema):
    """What changes of a category."""

    name = fields.String(validate=validate.Regexp(r"^[^/\s][^/]{0,39}$", error="名称不能为空，不能含“/”"))
    urgent = fields.Boolean()
    active = fields.Boolean()


class CategoryShownSchema(Schema):
    """A category after the change."""

    id = fields.Integer()
    path = fields.String()
    urgent = fields.Boolean()
    active = fields.Boolean()


class ReasonGivenSchema(WhySchema):
    """A reason of the catalogue, as the filer or the asker reads it."""

    kind = Word(RequestKind, required=True)
    words = text(200, required=True)
    active = fields.Boolean()


class ReasonShownSchema(Schema):
    """A reason after the change."""

    code = fields.String()
    kind = Word(RequestKind)
    words = fields.String()
    active = fields.Boolean()


class ChangesQuery(PageQuery):
    """Changes of what: `policy:`, `setting:`, `category:` or `reason:`, with the name or the beginning of it."""

    what = text(100)


class ChangeSchema(Schema):
    """Who changed which rule, when, and why."""

    id = fields.Integer()
    at = Moment()
    by = fields.String(allow_none=True)
    what = fields.String()
    before = fields.Raw(allow_none=True)
    after = fields.Raw(allow_none=True)
    reason = fields.String()


def _listed(items: Any) -> dict[str, Any]:
    return {"items": items}


@blp.route("/policies", methods=["GET"])
@blp.arguments(PoliciesQuery, location="query")
@blp.response(200, PolicyListSchema)
def list_policies(wanted: dict[str, Any]) -> Any:
    """List the deadline policies, each with its newest version"""
    return _listed(policies_list(stamp(), **wanted))


@blp.route("/policies", methods=["POST"])
@blp.arguments(PublishedSchema)
@blp.response(201, PolicyShownSchema)
def publish(given: dict[str, Any]) -> Any:
    """Publish a policy or a new version of one; running clocks keep theirs"""
    return publish_policy(stamp(), given.pop("draft"), **given)


@blp.route("/policies/<code>/end", methods=["POST"])
@blp.arguments(WhySchema)
@blp.response(200, PolicyListSchema)
def end(given: dict[str, Any], code: str) -> Any:
    """Let a policy hold for no new clock"""
    return _listed(end_policy(stamp(), code, **given))


@blp.route("/policies/dry-run", methods=["POST"])
@blp.arguments(PeriodSchema)
@blp.response(200, DryRunSchema)
def try_out(given: dict[str, Any]) -> Any:
    """Tell what a draft would have done to the clocks of a past period; nothing is written"""
    return dry_run(stamp(), given.pop("draft"), **given)


@blp.route("/settings", methods=["GET"])
@blp.response(200, SettingListSchema)
def list_settings() -> Any:
    """List the county's settings"""
    return _listed(settings_list(stamp()))


@blp.route("/settings/<name>", methods=["PUT"])
@blp.arguments(SettingGivenSchema)
@blp.response(200, SettingSchema)
def put_setting(given: dict[str, Any], name: str) -> Any:
    """Set one of the county's numbers or lists"""
    return set_setting(stamp(), name, **given)


@blp.route("/categories", methods=["POST"])
@blp.arguments(CategoryGivenSchema)
@blp.response(201, CategoryShownSchema)
def create_category(given: dict[str, Any]) -> Any:
    """Add a category"""
    return add_category(stamp(), **given)


@blp.route("/categories/<int:category_id>", methods=["PUT"])
@blp.arguments(CategoryChangeSchema)
@blp.response(200, CategoryShownSchema)
def update_category(given: dict[str, Any], category_id: int) -> Any:
    """Rename a category, mark it urgent, or take it out of use"""
    return change_category(stamp(), category_id, **given)


@blp.route("/reasons/<code>", methods=["PUT"])
@blp.arguments(ReasonGivenSchema)
@blp.response(200, ReasonShownSchema)
def update_reason(given: dict[str, Any], code: str) -> Any:
    """Add a reason to the catalogue, or change its words"""
    return put_reason(stamp(), code, **given)


@blp.route("/changes", methods=["GET"])
@blp.arguments(ChangesQuery, location="query")
@blp.response(200, page_of(ChangeSchema))
def list_changes(wanted: dict[str, Any]) -> Any:
    """List who changed which rule, the newest first"""
    return changes_page(stamp(), **wanted)
