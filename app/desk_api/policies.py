"""Keeps deadline policies at the desk: their versions, dry runs of drafts, and the record of who changed which rule."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, text
from app.ledger.policies import On
from app.ledger.rules.dry_run import dry_run, dry_run_cases
from app.ledger.rules.policy_changes import changes_page
from app.ledger.rules.policy_drafts import PolicyDraft
from app.ledger.rules.policy_editor import end_policy, policies_page, policy_view, publish_policy
from app.ledger.terms import HoursKind, Unit
from app.ledger.vocabulary import Audience, Clock, Effect, Kind, Rule, VersionState

TAG = "时限规则"
blp = DoorBlueprint("policies", door=Door.DESK, prefix="/rules/policies", auth=staff(Door.DESK), tag=TAG)
trial_blp = DoorBlueprint(
    "policy_trials", door=Door.DESK, prefix="/rules/policies/dry-run", auth=staff(Door.DESK), repeatable=False, tag=TAG
)
changes_blp = DoorBlueprint("rule_changes", door=Door.DESK, prefix="/rules/changes", auth=staff(Door.DESK), tag="规则变更记录")

WORDS = 400
CODE = validate.Regexp(r"^[a-z0-9][a-z0-9-]{0,59}$", error="编号用小写字母、数字和连字符")


class TermSchema(Schema):
    """How long: so many minutes, hours, working hours, working days or calendar days, counted in some hours."""

    amount = fields.Integer(required=True, validate=validate.Range(min=1, max=10_000_000))
    unit = Word(Unit, required=True)
    hours = Word(HoursKind, load_default=HoursKind.WORK)


class StepSchema(Schema):
    """A level of a ladder: when it is reached (`after`: so long after due), who is told, what happens besides."""

    level = fields.Integer(required=True, validate=validate.Range(min=1, max=99))
    on = Word(On, required=True)
    after = fields.Nested(TermSchema, load_default=None, allow_none=True)
    tell = fields.List(Word(Audience), load_default=(), validate=validate.Length(max=20))
    does = fields.List(Word(Effect), load_default=(), validate=validate.Length(max=10))

    @post_load
    def store(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Give the step in the form in which ladders are stored."""
        return given | {"tell": list(given["tell"]), "does": list(given["does"])}


class DraftSchema(TermSchema):
    """A deadline policy: for which cases (what is left out means any), how long, and its ladder."""

    code = fields.String(required=True, validate=CODE)
    clock = Word(Clock, required=True)
    ladder = fields.List(fields.Nested(StepSchema), load_default=(), validate=validate.Length(max=12))
    urgent = fields.Boolean(load_default=None, allow_none=True)
    category_id = fields.Integer(load_default=None, allow_none=True)
    kind = Word(Kind, load_default=None, allow_none=True)

    @post_load
    def gather(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather the draft in one value."""
        draft = PolicyDraft(**{name: given.pop(name) for name in PolicyDraft.__dataclass_fields__})
        return given | {"draft": draft}


class PublishedSchema(DraftSchema):
    """A draft with the reason, from when it holds (now, if nothing is said), and the newest version that was seen."""

    reason = text(WORDS, required=True)
    effective_from = Moment()
    version = fields.Integer(load_default=None, allow_none=True)


class EndSchema(Schema):
    """Why a policy ends, from when on, and the newest version that was seen."""

    reason = text(WORDS, required=True)
    effective_from = Moment()
    version = fields.Integer(required=True)


class PoliciesQuery(PageQuery):
    """Policies of which clock."""

    clock = Word(Clock)


class VersionSchema(TermSchema):
    """One version; published by nobody: the product's own, or the command line."""

    version = fields.Integer()
    state = Word(VersionState)
    state_label = Label("state")
    ladder = fields.List(fields.Nested(StepSchema))
    effective_from = Moment(allow_none=True)
    published_at = Moment(allow_none=True)
    published_by = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)


class PolicySchema(Schema):
    """A policy with all its versions, the newest first; running clocks keep the version under which they started."""

    code = fields.String()
    clock = Word(Clock)
    clock_label = Label("clock")
    urgent = fields.Boolean(allow_none=True)
    category_id = fields.Integer(allow_none=True)
    category = fields.String(allow_none=True)
    kind = Word(Kind, allow_none=True)
    kind_label = Label("kind", allow_none=True)
    version = fields.Integer()
    state = Word(VersionState)
    state_label = Label("state")
    versions = fields.List(fields.Nested(VersionSchema))


class PeriodSchema(DraftSchema):
    """A draft, and the period whose clocks it is held against, a year at most."""

    begin = Moment(required=True)
    end = Moment(required=True)


class PeriodPageSchema(PeriodSchema, PageQuery):
    """A draft, its period, and which page of the cases that change."""


class TallySchema(Schema):
    """Clocks, those that keep a moment which somebody gave, late ones as it was and by the draft, and those that change."""

    clocks = fields.Integer()
    kept = fields.Integer()
    late = fields.Integer()
    would_be_late = fields.Integer()
    newly_late = fields.Integer()
    no_longer_late = fields.Integer()


class UnitTallySchema(TallySchema):
    """The clocks that a unit owned; no unit: the centre's own."""

    unit = fields.String(allow_none=True)
    name = fields.String(allow_none=True)


class LevelTallySchema(Schema):
    """Clocks that reached a level when due or after, as it was and by the draft."""

    level = fields.Integer()
    reached = fields.Integer()
    would_reach = fields.Integer()


class EffectTallySchema(Schema):
    """How often a ladder drafted a slip, listed or raised, as it was and by the draft."""

    effect = Word(Effect)
    done = fields.Integer()
    would_be_done = fields.Integer()


class DryRunSchema(Schema):
    """What the draft would have done, to the clocks and by its ladder; reminders before due are left out."""

    total = fields.Nested(TallySchema)
    units = fields.List(fields.Nested(UnitTallySchema))
    levels = fields.List(fields.Nested(LevelTallySchema))
    effects = fields.List(fields.Nested(EffectTallySchema))


class ChangedCaseSchema(Schema):
    """A case that would have ended otherwise; no due moment where its clock would still stand still."""

    number = fields.String()
    number_in_fours = InFours("number")
    unit = fields.String(allow_none=True)
    round = fields.Integer()
    starts_at = Moment()
    due_at = Moment()
    would_be_due_at = Moment(allow_none=True)
    ended_at = Moment(allow_none=True)
    late = fields.Boolean()
    would_be_late = fields.Boolean()


class ChangesQuery(PageQuery):
    """Changes of which kind of rule, and of which one of that kind."""

    rule = Word(Rule)
    key = text(100)


class ChangeSchema(Schema):
    """Who changed which rule through which door, when, and why; by nobody: the command line."""

    id = fields.Integer()
    at = Moment()
    by = fields.String(allow_none=True)
    door = Word(Door)
    rule = Word(Rule)
    rule_label = Label("rule")
    key = fields.String()
    before = fields.Raw(allow_none=True)
    after = fields.Raw(allow_none=True)
    reason = fields.String()


@blp.route("", methods=["GET"])
@blp.arguments(PoliciesQuery, location="query")
@blp.response(200, page_of(PolicySchema))
def list_policies(wanted: dict[str, Any]) -> Any:
    """List the deadline policies with all their versions"""
    return policies_page(stamp(), **wanted)


@blp.route("/<code>", methods=["GET"])
@blp.response(200, PolicySchema)
def show_policy(code: str) -> Any:
    """Show a policy with all its versions"""
    return policy_view(stamp(), code)


@blp.route("", methods=["POST"])
@blp.arguments(PublishedSchema)
@blp.response(201, PolicySchema)
def publish(given: dict[str, Any]) -> Any:
    """Publish a policy or a new version of one; running clocks keep theirs"""
    return publish_policy(stamp(), given.pop("draft"), **given)


@blp.route("/<code>/end", methods=["POST"])
@blp.arguments(EndSchema)
@blp.response(200, PolicySchema)
def end(given: dict[str, Any], code: str) -> Any:
    """Let a policy hold for no new clock from a moment on"""
    return end_policy(stamp(), code, **given)


@trial_blp.route("", methods=["POST"])
@trial_blp.arguments(PeriodSchema)
@trial_blp.response(200, DryRunSchema)
def try_out(given: dict[str, Any]) -> Any:
    """Tell what a draft would have done to the clocks of a past period; nothing is written"""
    return dry_run(stamp(), given.pop("draft"), **given)


@trial_blp.route("/cases", methods=["POST"])
@trial_blp.arguments(PeriodPageSchema)
@trial_blp.response(200, page_of(ChangedCaseSchema))
def list_changed_cases(given: dict[str, Any]) -> Any:
    """List the cases that a draft would have made late, or no longer late"""
    return dry_run_cases(stamp(), given.pop("draft"), **given)


@changes_blp.route("", methods=["GET"])
@changes_blp.arguments(ChangesQuery, location="query")
@changes_blp.response(200, page_of(ChangeSchema))
def list_changes(wanted: dict[str, Any]) -> Any:
    """List who changed which rule, the newest first"""
    return changes_page(stamp(), **wanted)
