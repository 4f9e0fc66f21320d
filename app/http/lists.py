"""Keeps lists at every door of staff: workbooks of people handed in, their progress and reports; lists asked for and fetched."""

from typing import Any

from flask import request
from flask_smorest.fields import Upload
from marshmallow import ValidationError, fields, post_load, validate

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.downloads import BINARY, XLSX, download
from app.http.fields import Moment, PageQuery, Schema, Word, page_of, text
from app.people.roster.lists.desk_imports import MOST_BYTES, hand_in, imports_page, own_import, own_report
from app.people.roster.lists.export_profiles import export_profiles
from app.people.roster.lists.exporting import Wanted
from app.people.roster.lists.exports import ask_roster, exports_page, own_export, own_file
from app.people.roster.lists.models import ImportState, Profiled
from app.visits.exporting import SpanOf, VisitsWanted, ask_visits


def _allow_workbooks() -> None:
    """Let a whole list in: a sixth more than the file, for what stands around it."""
    request.max_content_length = MOST_BYTES * 7 // 6


class FieldIsColumn(fields.String):
    """`field=column`, as a pair."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        name, between, column = super()._deserialize(value, attr, data, **options).partition("=")
        if not between or not name.strip():
            raise ValidationError("请写成“字段=列名”")
        return name.strip(), column.strip()


class WorkbookSchema(Schema):
    """The workbook."""

    file = Upload(required=True)


class ImportOrderSchema(Schema):
    """Of which unit the list is, whether it is only checked, and how its columns are called (`field=column`)."""

    unit = text(40, required=True)
    dry_run = fields.Boolean()
    strict = fields.Boolean()
    profile = text(40)
    columns = fields.List(FieldIsColumn())


class RosterImportSchema(Schema):
    """An import: what was asked, how far it is, what became of it."""

    id = fields.Integer()
    unit = fields.String()
    file_name = fields.String()
    dry_run = fields.Boolean()
    strict = fields.Boolean()
    profile = fields.String(allow_none=True)
    state = Word(ImportState)
    rows_all = fields.Integer()
    rows_done = fields.Integer()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    problem = fields.String(allow_none=True)
    made_at = Moment()
    finished_at = Moment(allow_none=True)
    has_report = fields.Boolean()


class RosterExportSchema(Schema):
    """Which part of the roster, in which columns (our own, to be brought in again), masked unless for a reason."""

    grid = text(40)
    tag = text(40)
    plain = fields.Boolean()
    reason = text(200)
    profile = text(40)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Part what is wanted from its columns."""
        return {"profile": given.pop("profile", None), "wanted": Wanted(**given)}


class VisitExportSchema(Schema):
    """In whose columns, what was received (or, `by` visited, made) from when until before when, of which grid."""

    profile = text(40, required=True)
    since = Moment(required=True)
    until = Moment(required=True)
    grid = text(40, allow_none=True)
    by = Word(SpanOf)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> VisitsWanted:
        """Make it what is wanted."""
        return VisitsWanted(**given)


class ListExportSchema(Schema):
    """A list that was asked for: `words` say what happens next; a written one may be fetched until `kept_until`."""

    id = fields.Integer()
    of = Word(Profiled)
    profile = fields.String(allow_none=True)
    plain = fields.Boolean()
    state = Word(ImportState)
    words = fields.String()
    made_at = Moment()
    finished_at = Moment(allow_none=True)
    kept_until = Moment(allow_none=True)
    has_file = fields.Boolean()


class ProfileColumnSchema(Schema):
    """A column of another platform: our field, its header, its codes for our words, its form of dates, what joins lists."""

    field = text(40, required=True)
    header = text(60, required=True)
    codes = fields.Dict(keys=fields.String(), values=fields.String())
    date = fields.String(validate=validate.Length(max=40))
    join = fields.String(validate=validate.Length(max=4))


class ExportProfileGivenSchema(Schema):
    """A profile as it is to stand."""

    name = text(30, required=True)
    of = Word(Profiled, required=True)
    columns = fields.List(fields.Nested(ProfileColumnSchema), required=True)
    active = fields.Boolean()


class ExportProfileSchema(ExportProfileGivenSchema):
    """A profile with its code."""

    code = fields.String()


def list_topics(at: Door) -> list[DoorBlueprint]:
    """Make the blueprints of lists for a door of staff: for one's own units and grids at that door."""
    return [_imports(at), _exports(at)]


def _imports(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint(
        "roster_imports", door=at, prefix="/roster-imports", auth=staff(at), first=_allow_workbooks, tag="名册导入和导出"
    )

    @blp.route("", methods=["POST"])
    @blp.arguments(ImportOrderSchema, location="form")
    @blp.arguments(WorkbookSchema, location="files")
    @blp.response(201, RosterImportSchema)
    def hand_workbook_in(order: dict[str, Any], files: dict[str, Any]) -> Any:
        """Hand a list of people in as .xlsx; it is taken in within seconds, good rows even where others are refused"""
        return hand_in(stamp(), files["file"].read(), file_name=files["file"].filename or "", **_given(order))

    @blp.route("", methods=["GET"])
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, page_of(RosterImportSchema))
    def list_imports(wanted: dict[str, Any]) -> Any:
        """List the imports that one has handed in, the newest first"""
        return imports_page(stamp(), **wanted)

    @blp.route("/<int:import_id>", methods=["GET"])
    @blp.response(200, RosterImportSchema)
    def show_import(import_id: int) -> Any:
        """Show how far an import is"""
        return own_import(stamp(), import_id)

    @blp.route("/<int:import_id>/report.xlsx", methods=["GET"])
    @blp.response(200, BINARY, content_type=XLSX)
    def show_report(import_id: int) -> Any:
        """Give the report of an import: refused rows with what is wrong beside them"""
        return download(own_report(stamp(), import_id), "import-report")

    return blp


def _given(order: dict[str, Any]) -> dict[str, Any]:
    return order | {"given": dict(order.pop("columns", ()))}


def _exports(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint("list_exports", door=at, prefix="", auth=staff(at), tag="名册导入和导出")

    @blp.route("/roster-exports", methods=["POST"])
    @blp.arguments(RosterExportSchema)
    @blp.response(201, ListExportSchema)
    def export_roster(given: dict[str, Any]) -> Any:
        """Ask for one's roster as .xlsx, masked unless for a reason that goes on record; it is written within a minute"""
        return ask_roster(stamp(), **given)

    @blp.route("/visit-exports", methods=["POST"])
    @blp.arguments(VisitExportSchema)
    @blp.response(201, ListExportSchema)
    def export_visits(wanted: VisitsWanted) -> Any:
        """Ask for the visits of one's grids or villages in the columns of another platform, names masked"""
        return ask_visits(stamp(), wanted)

    @blp.route("/list-exports", methods=["GET"])
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, page_of(ListExportSchema))
    def list_exports(wanted: dict[str, Any]) -> Any:
        """List what one has asked for, the newest first"""
        return exports_page(stamp(), **wanted)

    @blp.route("/list-exports/<int:export_id>", methods=["GET"])
    @blp.response(200, ListExportSchema)
    def show_export(export_id: int) -> Any:
        """Show whether a list that one has asked for is written"""
        return own_export(stamp(), export_id)

    @blp.route("/list-exports/<int:export_id>/list.xlsx", methods=["GET"])
    @blp.response(200, BINARY, content_type=XLSX)
    def fetch_list(export_id: int) -> Any:
        """Give a list that is written; it is kept for a day"""
        return download(own_file(stamp(), export_id), "list")

    @blp.route("/export-profiles", methods=["GET"])
    @blp.response(200, ExportProfileSchema(many=True))
    def list_export_profiles() -> Any:
        """List the columns of other platforms"""
        return export_profiles()

    return blp
