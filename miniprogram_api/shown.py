"""Keeps the fields of a case that residents and holders of a claim code are shown, and the words they send to it."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.http.fields import InFours, Label, Moment, Schema, Word, page_of, text
from app.http.uploads import FileSchema
from app.ledger.callbacks.answers import Verdict
from app.ledger.vocabulary import Action, Channel, Kind, Satisfaction, State

WORDS = 2000


class StandingSchema(Schema):
    """Where a case stands."""

    number = fields.String()
    number_in_fours = InFours("number")
    state = Word(State)
    state_label = Label("state")
    kind = Word(Kind)
    kind_label = Label("kind")
    title = fields.String()
    opened_at = Moment()
    promised_by = Moment(allow_none=True)
    late = fields.Boolean()


StandingPageSchema = page_of(StandingSchema)


class SaidSchema(Schema):
    """A report in its own words, with its files."""

    said_at = Moment()
    channel = Word(Channel)
    channel_label = Label("channel")
    title = fields.String()
    body = fields.String()
    files = fields.List(fields.Nested(FileSchema))


class LineSchema(Schema):
    """A line of the timeline: the words are a reply to the person, or their own, the files those of the reply."""

    at = Moment()
    action = Word(Action)
    what = fields.String()
    who = fields.String()
    words = fields.String(allow_none=True)
    files = fields.List(fields.Nested(FileSchema))


class FollowedSchema(StandingSchema):
    """A case as its people see it: what happens next and by when, replies, their own words, what they may do now.

    `withdrawing`: their wish to withdraw waits for the centre's call. `merged_into`: the case that goes on for theirs.
    """

    version = fields.Integer()
    merged_into = fields.String(allow_none=True)
    category = fields.String(allow_none=True)
    grid = fields.String(allow_none=True)
    closed_at = Moment(allow_none=True)
    what_next = fields.String()
    question = fields.String(allow_none=True)
    may_rate = fields.Boolean()
    may_reopen = fields.Boolean()
    may_withdraw = fields.Boolean()
    withdrawing = fields.Boolean()
    reports = fields.List(fields.Nested(SaidSchema))
    timeline = fields.List(fields.Nested(LineSchema))


class MovedSchema(Schema):
    """Where a case stands after something was done to it."""

    number = fields.String()
    state = Word(State)
    state_label = Label("state")
    version = fields.Integer()


class WordsSchema(Schema):
    """What a person adds to a case."""

    words = text(WORDS, required=True)


class UrgingSchema(Schema):
    """What a person says who urges, if anything."""

    words = text(WORDS, load_default=None, allow_none=True)


class RatingSchema(Schema):
    """What the person says of the handling; the aspects go from 1 (poor) to 5 (good)."""

    contacted = fields.Boolean(required=True)
    solved = fields.Boolean(required=True)
    satisfaction = Word(Satisfaction, required=True)
    attitude = fields.Integer(validate=validate.Range(min=1, max=5), load_default=None, allow_none=True)
    competence = fields.Integer(validate=validate.Range(min=1, max=5), load_default=None, allow_none=True)
    convenience = fields.Integer(validate=validate.Range(min=1, max=5), load_default=None, allow_none=True)
    speed = fields.Integer(validate=validate.Range(min=1, max=5), load_default=None, allow_none=True)
    words = text(WORDS, load_default=None, allow_none=True)

    @post_load
    def gather(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather the marks in one verdict."""
        verdict = Verdict(**{name: given.pop(name) for name in Verdict.__dataclass_fields__})
        return given | {"verdict": verdict}
