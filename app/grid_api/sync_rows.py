"""Keeps the fields of what a phone keeps: households, residents, tasks and cases of its grids, masked."""

from marshmallow import fields

from app.grid_api.cases import StandingSchema
from app.http.fields import Moment, Schema, Word
from app.people.models import Sex
from app.people.roster.models import CareBy
from app.territory.models import HouseholdKind
from app.visits.models import TaskFor


class KeptHouseholdSchema(Schema):
    """A household, masked."""

    id = fields.Integer()
    grid = fields.String()
    code = fields.String()
    kind = Word(HouseholdKind)
    group = fields.String(allow_none=True)
    head_name = fields.String(allow_none=True)
    place = fields.String()
    version = fields.Integer()
    updated_at = Moment()


class KeptTagSchema(Schema):
    """That a resident was named as of a population."""

    tag = fields.String()
    source = fields.String()
    since = fields.Date()
    expires_on = fields.Date(allow_none=True)


class KeptCareSchema(Schema):
    """As what somebody cares for a resident; `own`: it is oneself."""

    by = Word(CareBy)
    own = fields.Boolean()


class KeptResidentSchema(Schema):
    """A resident, masked; `heads`: the codes of the groups that they head."""

    id = fields.Integer()
    grid = fields.String()
    household_id = fields.Integer()
    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    id_number = fields.String(allow_none=True)
    sex = Word(Sex, allow_none=True)
    birth_month = fields.Date(allow_none=True)
    relation = fields.String(allow_none=True)
    tags = fields.List(fields.Nested(KeptTagSchema))
    heads = fields.List(fields.String())
    care = fields.List(fields.Nested(KeptCareSchema))
    version = fields.Integer()
    updated_at = Moment()


class KeptTaskSchema(Schema):
    """A visit to be made."""

    id = fields.Integer()
    grid = fields.String()
    household_id = fields.Integer()
    resident_id = fields.Integer(allow_none=True)
    why = Word(TaskFor)
    campaign = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    in_person = fields.Boolean()
    attempts = fields.Integer()
    contacted_on = fields.Date(allow_none=True)
    first_on = fields.Date()
    due_on = fields.Date()
    version = fields.Integer()


class KeptCaseSchema(StandingSchema):
    """A case: where it stands."""

    id = fields.Integer()
    grid = fields.String()
    category_id = fields.Integer(allow_none=True)
    version = fields.Integer()
