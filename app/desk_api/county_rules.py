"""Keeps the county's other rules at the desk: settings, the category tree, reasons, the working calendar."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Label, PageQuery, Schema, Word, page_of, text
from app.ledger.rules.calendar_editor import hours_list, put_day, put_hours, year_view
from app.ledger.rules.catalogue_editor import add_category, change_category, edited_categories, edited_reasons, put_reason
from app.ledger.rules.settings_editor import set_settings, settings_list
from app.ledger.vocabulary import RequestKind, VerifyBy
from app.territory.calendar.rules import DayKind, Purpose

blp = DoorBlueprint("county_rules", door=Door.DESK, prefix="/rules", auth=staff(Door.DESK), tag="全县规则")

WORDS = 400
CLOCK_TIME = validate.Regexp(r"^([01]\d|2[0-3]):[0-5]\d$", error="时刻应写成 09:00 这样")
MONTH_DAY = validate.Regexp(r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", error="日期应写成 05-01 这样")


class WhySchema(Schema):
    """Why something is changed, and how often it had been changed when it was seen."""

    reason = text(WORDS, required=True)
    version = fields.Integer()


class SettingSchema(Schema):
    """A setting of the county, now and as the product has it; `version` is how often it was changed."""

    name = fields.String()
    label = fields.String()
    value = fields.Raw()
    default = fields.Raw()
    changed = fields.Boolean()
    version = fields.Integer()


class SettingsGivenSchema(Schema):
    """The new values by name (null sets the product's own back), why, and the versions that were seen."""

    values = fields.Dict(keys=fields.String(), values=fields.Raw(allow_none=True), required=True, validate=validate.Length(1, 50))
    versions = fields.Dict(keys=fields.String(), values=fields.Integer())
    reason = text(WORDS, required=True)


class CategorySaysSchema(WhySchema):
    """What a category says of itself; null: as the nearest category above it says."""

    urgent = fields.Boolean()
    asks_evidence = fields.Boolean(allow_none=True)
    check_distance_m = fields.Integer(allow_none=True)
    verify_by = Word(VerifyBy, allow_none=True)


class CategoryGivenSchema(CategorySaysSchema):
    """A new category, below another or as a root."""

    class Meta(Schema.Meta):
        """A new category was never changed before."""

        exclude = ("version",)

    name = text(40, required=True)
    parent_id = fields.Integer(allow_none=True)


class CategoryChangeSchema(CategorySaysSchema):
    """What changes of a category; a null parent makes it a root."""

    name = text(40)
    parent_id = fields.Integer(allow_none=True)
    active = fields.Boolean()


class CategoryEditedSchema(Schema):
    """A category as its editor sees it."""

    id = fields.Integer()
    path = fields.String()
    name = fields.String()
    parent_id = fields.Integer(allow_none=True)
    urgent = fields.Boolean()
    active = fields.Boolean()
    asks_evidence = fields.Boolean(allow_none=True)
    check_distance_m = fields.Integer(allow_none=True)
    verify_by = Word(VerifyBy, allow_none=True)
    version = fields.Integer()


class ReasonsQuery(PageQuery):
    """Reasons of which kind of request."""

    kind = Word(RequestKind)


class ReasonGivenSchema(WhySchema):
    """A reason of the catalogue, as the filer or the asker reads it."""

    kind = Word(RequestKind, required=True)
    words = text(200, required=True)
    active = fields.Boolean()


class ReasonEditedSchema(Schema):
    """A reason as its editor sees it."""

    code = fields.String()
    kind = Word(RequestKind)
    kind_label = Label("kind")
    words = fields.String()
    active = fields.Boolean()
    version = fields.Integer()


class DayGivenSchema(Schema):
    """What a day is, and on whose word: the notice's name or number."""

    kind = Word(DayKind, required=True)
    source = text(100, required=True)
    note = text(100)


class DaySchema(Schema):
    """A day of the calendar."""

    date = fields.Date()
    kind = Word(DayKind)
    source = fields.String()
    note = fields.String()


class YearSchema(Schema):
    """A year of the calendar; days that are not named are worked from Monday to Friday."""

    year = fields.Integer()
    confirmed = fields.Boolean()
    source = fields.String(allow_none=True)
    days = fields.List(fields.Nested(DaySchema))


class HoursQuery(Schema):
    """Whose hours: a unit's by code, or the county's."""

    unit = text(40)


class SeasonSchema(Schema):
    """Hours kept from one day of the year to another; the narrower season speaks first."""

    first = fields.String(required=True, validate=MONTH_DAY)
    last = fields.String(required=True, validate=MONTH_DAY)
    spans = fields.List(
        fields.List(fields.String(validate=CLOCK_TIME), validate=validate.Length(equal=2)),
        required=True,
        validate=validate.Length(min=1, max=6),
    )


class HoursGivenSchema(Schema):
    """The hours of a unit, or of the county; no seasons: a unit has the county's, the county the product's own."""

    unit = text(40)
    purpose = Word(Purpose, required=True)
    seasons = fields.List(fields.Nested(SeasonSchema), required=True, validate=validate.Length(max=12))
    reason = text(WORDS, required=True)


class HoursSchema(Schema):
    """The hours of work, or of duty."""

    unit = fields.String(allow_none=True)
    purpose = Word(Purpose)
    seasons = fields.List(fields.Nested(SeasonSchema))


@blp.route("/settings", methods=["GET"])
@blp.response(200, SettingSchema(many=True))
def list_settings() -> Any:
    """List the county's settings"""
    return settings_list(stamp())


@blp.route("/settings", methods=["PUT"])
@blp.arguments(SettingsGivenSchema)
@blp.response(200, SettingSchema(many=True))
def put_settings(given: dict[str, Any]) -> Any:
    """Set some of the county's numbers and lists, danger words and weights among them, together"""
    return set_settings(stamp(), **given)


@blp.route("/categories", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(CategoryEditedSchema))
def list_all_categories(wanted: dict[str, Any]) -> Any:
    """List all categories for their editor, those out of use too"""
    return edited_categories(stamp(), **wanted)


@blp.route("/categories", methods=["POST"])
@blp.arguments(CategoryGivenSchema)
@blp.response(201, CategoryEditedSchema)
def create_category(given: dict[str, Any]) -> Any:
    """Add a category"""
    return add_category(stamp(), **given)


@blp.route("/categories/<int:category_id>", methods=["PATCH"])
@blp.arguments(CategoryChangeSchema)
@blp.response(200, CategoryEditedSchema)
def update_category(given: dict[str, Any], category_id: int) -> Any:
    """Rename or move a category with all below it, take it out of use, or change what it asks for"""
    return change_category(stamp(), category_id, **given)


@blp.route("/reasons", methods=["GET"])
@blp.arguments(ReasonsQuery, location="query")
@blp.response(200, page_of(ReasonEditedSchema))
def list_all_reasons(wanted: dict[str, Any]) -> Any:
    """List all reasons for their editor, those out of use too"""
    return edited_reasons(stamp(), **wanted)


@blp.route("/reasons/<code>", methods=["PUT"])
@blp.arguments(ReasonGivenSchema)
@blp.response(200, ReasonEditedSchema)
def update_reason(given: dict[str, Any], code: str) -> Any:
    """Add a reason to the catalogue, change its words, or take it out of use"""
    return put_reason(stamp(), code, **given)


@blp.route("/calendar/<int:year>", methods=["GET"])
@blp.response(200, YearSchema)
def show_year(year: int) -> Any:
    """Show a year of the working calendar"""
    return year_view(stamp(), year)


@blp.route("/calendar/days/<day>", methods=["PUT"])
@blp.arguments(DayGivenSchema)
@blp.response(200, DaySchema)
def write_day(given: dict[str, Any], day: str) -> Any:
    """Write by hand whether a day is worked; running clocks stay"""
    return put_day(stamp(), day, **given)


@blp.route("/hours", methods=["GET"])
@blp.arguments(HoursQuery, location="query")
@blp.response(200, HoursSchema(many=True))
def list_hours(wanted: dict[str, Any]) -> Any:
    """List the hours of work and of duty"""
    return hours_list(stamp(), **wanted)


@blp.route("/hours", methods=["PUT"])
@blp.arguments(HoursGivenSchema)
@blp.response(200, HoursSchema)
def write_hours(given: dict[str, Any]) -> Any:
    """Replace the hours of work or duty; running clocks stay"""
    return put_hours(stamp(), **given)
