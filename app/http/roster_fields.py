"""Keeps the fields in which the roster is told and taken at the doors of staff."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.http.fields import Moment, PageQuery, Schema, Word, row_id, text
from app.people.identity import Person
from app.people.models import EndedBy, Sex
from app.people.roster.models import CareBy, RosterChangeKind
from app.people.roster.residents import ResidentGiven
from app.territory.models import HouseholdKind


class RosterGridSchema(Schema):
    """A grid and its village or community."""

    code = fields.String()
    name = fields.String()
    unit = fields.String()


class TagHeldSchema(Schema):
    """A population that somebody belongs to; without a source it is derived from age."""

    code = fields.String()
    name = fields.String()
    key = fields.Boolean()
    source = fields.String(allow_none=True)
    since = fields.Date(allow_none=True)
    expires_on = fields.Date(allow_none=True)


class CareSchema(Schema):
    """Somebody who cares: a member of staff by name, or a resident, masked."""

    id = fields.Integer()
    by = Word(CareBy)
    name = fields.String(allow_none=True)
    resident_id = fields.Integer(allow_none=True)
    since = Moment()


class ResidentSchema(Schema):
    """Somebody who lives in a household, masked."""

    id = fields.Integer()
    household_id = fields.Integer()
    grid = fields.String()
    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    id_number = fields.String(allow_none=True)
    sex = Word(Sex, allow_none=True)
    birth_month = fields.Date(format="%Y-%m", allow_none=True)
    relation = fields.String(allow_none=True)
    version = fields.Integer()
    updated_at = Moment()
    ended_at = Moment(allow_none=True)
    ended_by = Word(EndedBy, allow_none=True)
    tags = fields.List(fields.Nested(TagHeldSchema))
    carers = fields.List(fields.Nested(CareSchema))


class HeadSchema(Schema):
    """A head of a household group, masked."""

    resident_id = fields.Integer()
    name = fields.String(allow_none=True)
    since = Moment()


class HouseholdSchema(Schema):
    """A household, masked, with its group, the group's heads, and who lives there."""

    id = fields.Integer()
    code = fields.String()
    grid = fields.String()
    grid_name = fields.String()
    kind = Word(HouseholdKind)
    group = fields.String(allow_none=True)
    group_name = fields.String(allow_none=True)
    heads = fields.List(fields.Nested(HeadSchema))
    head_name = fields.String(allow_none=True)
    place = fields.String()
    version = fields.Integer()
    updated_at = Moment()
    ended_at = Moment(allow_none=True)
    residents = fields.List(fields.Nested(ResidentSchema))


class HouseholdGroupSchema(Schema):
    """A household group: its grid, its heads, how many households it has."""

    code = fields.String()
    name = fields.String()
    grid = fields.String()
    households = fields.Integer()
    heads = fields.List(fields.Nested(HeadSchema))


class PopulationSchema(Schema):
    """A population; with `from_age` it is derived from age."""

    code = fields.String()
    name = fields.String()
    key = fields.Boolean()
    from_age = fields.Integer(allow_none=True)
    lasts_months = fields.Integer(allow_none=True)
    active = fields.Boolean()


class RosterChangeSchema(Schema):
    """A line of history: who changed what, when."""

    id = fields.Integer()
    at = Moment()
    by = fields.String(allow_none=True)
    what = Word(RosterChangeKind)
    facts = fields.Dict()


class HouseholdsQuery(PageQuery):
    """Which households: of a grid, a group, a kind, with somebody of a population, of one code; `ended`: past ones too."""

    grid = text(40)
    group = text(60)
    tag = text(40)
    kind = Word(HouseholdKind)
    code = text(60)
    ended = fields.Boolean()


class ResidentsQuery(PageQuery):
    """Which residents: of a population, of a grid."""

    tag = text(40)
    grid = text(40)


class GroupsQuery(PageQuery):
    """Which groups: of one grid, by its code."""

    grid = text(40)


class HouseholdGivenSchema(Schema):
    """A household that is entered; without a code it gets the next one."""

    grid = text(40, required=True)
    head_name = text(60, required=True)
    place = text(200, required=True)
    kind = Word(HouseholdKind)
    code = text(60)
    group = text(60)


class HouseholdEditSchema(Schema):
    """What of a household is another now; `group` null takes it out of its group."""

    version = fields.Integer(required=True)
    head_name = text(60)
    place = text(200)
    kind = Word(HouseholdKind)
    group = text(60, allow_none=True)


class HouseholdMoveSchema(Schema):
    """To which grid, and where there."""

    version = fields.Integer(required=True)
    grid = text(40, required=True)
    place = text(200)


class HouseholdEndSchema(Schema):
    """Why a household is taken off the roster."""

    version = fields.Integer(required=True)
    reason = text(200, required=True)


class ResidentGivenSchema(Schema):
    """A resident who is entered; what the ID number says of sex and birth need not be given."""

    name = text(60, required=True)
    phone = text(30, allow_none=True)
    id_number = text(30, allow_none=True)
    sex = Word(Sex, allow_none=True)
    birth_month = fields.Date(format="%Y-%m", allow_none=True)
    relation = text(20, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> ResidentGiven:
        """Make it a resident."""
        person = Person(given["name"], given.get("phone"), given.get("id_number"))
        return ResidentGiven(person=person, **{name: given.get(name) for name in ("sex", "birth_month", "relation")})


class ResidentEditSchema(Schema):
    """What of a resident is another now; null empties a field."""

    version = fields.Integer(required=True)
    name = text(60)
    phone = text(30, allow_none=True)
    id_number = text(30, allow_none=True)
    sex = Word(Sex, allow_none=True)
    birth_month = fields.Date(format="%Y-%m", allow_none=True)
    relation = text(20, allow_none=True)


class ResidentMoveSchema(Schema):
    """To which household, and as what."""

    version = fields.Integer(required=True)
    household_id = row_id(required=True)
    relation = text(20, allow_none=True)


class ResidentEndSchema(Schema):
    """Why a resident is taken off the roster; a duplicate names the resident that it is merged into."""

    version = fields.Integer(required=True)
    why = Word(EndedBy, required=True)
    merged_into_id = row_id()


class ResidentVersionSchema(Schema):
    """The version that was seen."""

    version = fields.Integer(required=True)


class FindPeopleSchema(Schema):
    """Exactly which name, phone or ID number."""

    name = text(60)
    phone = text(30)
    id_number = text(30)


class FoundPeopleSchema(Schema):
    """Who was found, fifty at most."""

    items = fields.List(fields.Nested(ResidentSchema))


class DialReasonSchema(Schema):
    """What for; it goes on record."""

    reason = text(200, required=True)


class PhoneSchema(Schema):
    """A plain phone."""

    phone = fields.String()


class TagGivenSchema(Schema):
    """Which population, by whose word, from when until when; unsaid, from today for as long as the population's tags last."""

    tag = text(40, required=True)
    source = text(100, required=True)
    since = fields.Date()
    expires_on = fields.Date()
    version = fields.Integer()


class TagEndSchema(Schema):
    """Which population no longer."""

    tag = text(40, required=True)
    version = fields.Integer()


class CareGivenSchema(Schema):
    """Who cares, and as what: a member of staff by login, or a resident."""

    by = Word(CareBy, required=True)
    staff = text(80)
    carer_id = row_id()
    version = fields.Integer()


class GroupGivenSchema(Schema):
    """A household group that is made; without a code it gets the next one."""

    grid = text(40, required=True)
    name = text(40, required=True)
    code = text(60)


class GroupRenameSchema(Schema):
    """A group's other name."""

    name = text(40, required=True)


class GroupHeadSchema(Schema):
    """Which resident."""

    resident_id = row_id(required=True)


class PopulationGivenSchema(Schema):
    """A population as it is to stand in the catalogue."""

    name = text(40, required=True)
    key = fields.Boolean(required=True)
    place = fields.Integer(required=True, validate=validate.Range(min=0, max=10_000))
    from_age = fields.Integer(allow_none=True, validate=validate.Range(min=1, max=120))
    lasts_months = fields.Integer(allow_none=True, validate=validate.Range(min=1, max=120))
    active = fields.Boolean()
