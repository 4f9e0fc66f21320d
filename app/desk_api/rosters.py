"""Keeps lists of people at the desk: handing workbooks in, their progress and reports, exports, and the catalogues behind them."""

from typing import Any

from flask import Response, request
from flask_smorest.fields import Upload
from marshmallow import ValidationError, fields, validate

from app.core.stamp import Door
from app.desk_api.figures import XLSX
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, PageQuery, Schema, Word, page_of, text
from app.http.roster_fields import PopulationGivenSchema, PopulationSchema
from app.people.roster.lists.desk_imports import MOST_BYTES, hand_in, imports_page, own_import, own_report
from app.people.roster.lists.export_profiles import export_profiles, profiled_workbook, put_export_profile
from app.people.roster.lists.exporting import Wanted, roster_workbook
from app.people.roster.lists.models import ImportState, Profiled
from app.people.roster.tags import put_population


def _allow_workbooks() -> None:
    """Let a whole list in: a sixth more than the file, for what stands around it."""
    request.max_content_length = MOST_BYTES * 7 // 6


imports_blp = DoorBlueprint(
    "roster_imports", door=Door.DESK, prefix="/roster-imports", auth=staff(Door.DESK), first=_allow_workbooks, tag="名册导入和导出"
)
exports_blp = DoorBlueprint(
    "roster_exports", door=Door.DESK, prefix="/roster-exports", auth=staff(Door.DESK), repeatable=False, tag="名册导入和导出"
)
catalogue_blp = DoorBlueprint("roster_catalogue", door=Door.DESK, prefix="", auth=staff(Door.DESK), tag="人群目录和导出模板")


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


@imports_blp.route("", methods=["POST"])
@imports_blp.arguments(ImportOrderSchema, location="form")
@imports_blp.arguments(WorkbookSchema, location="files")
@imports_blp.response(201, RosterImportSchema)
def hand_workbook_in(order: dict[str, Any], files: dict[str, Any]) -> Any:
    """Hand a list of people in as .xlsx; it is taken in within seconds, good rows even where others are refused"""
    return hand_in(stamp(), files["file"].read(), file_name=files["file"].filename or "", **_given(order))


def _given(order: dict[str, Any]) -> dict[str, Any]:
    return order | {"given": dict(order.pop("columns", ()))}


@imports_blp.route("", methods=["GET"])
@imports_blp.arguments(PageQuery, location="query")
@imports_blp.response(200, page_of(RosterImportSchema))
def list_imports(wanted: dict[str, Any]) -> Any:
    """List the imports that one has handed in, the newest first"""
    return imports_page(stamp(), **wanted)


@imports_blp.route("/<int:import_id>", methods=["GET"])
@imports_blp.response(200, RosterImportSchema)
def show_import(import_id: int) -> Any:
    """Show how far an import is"""
    return own_import(stamp(), import_id)


@imports_blp.route("/<int:import_id>/report.xlsx", methods=["GET"])
@imports_blp.response(200, {"type": "string", "format": "binary"}, content_type=XLSX)
def show_report(import_id: int) -> Any:
    """Give the report of an import: refused rows with what is wrong beside them"""
    return _file(own_report(stamp(), import_id), "import-report")


@exports_blp.route("", methods=["POST"])
@exports_blp.arguments(RosterExportSchema)
@exports_blp.response(200, {"type": "string", "format": "binary"}, content_type=XLSX)
def export_roster(given: dict[str, Any]) -> Any:
    """Give one's roster as .xlsx, masked unless for a reason on record (a POST, so that no reason stands in an address)"""
    return _file(_workbook(given), "roster")


def _workbook(given: dict[str, Any]) -> Any:
    profile = given.pop("profile", None)
    wanted = Wanted(**given)
    return profiled_workbook(stamp(), profile, wanted) if profile is not None else roster_workbook(stamp(), wanted)


def _file(contents: Any, name: str) -> Response:
    return Response(contents, mimetype=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"'})


@catalogue_blp.route("/export-profiles", methods=["GET"])
@catalogue_blp.response(200, ExportProfileSchema(many=True))
def list_export_profiles() -> Any:
    """List the columns of other platforms"""
    return export_profiles()


@catalogue_blp.route("/export-profiles/<code>", methods=["PUT"])
@catalogue_blp.arguments(ExportProfileGivenSchema)
@catalogue_blp.response(200, ExportProfileSchema)
def put_profile(given: dict[str, Any], code: str) -> Any:
    """Set the columns of another platform"""
    return put_export_profile(stamp(), code, **given)


@catalogue_blp.route("/populations/<code>", methods=["PUT"])
@catalogue_blp.arguments(PopulationGivenSchema)
@catalogue_blp.response(200, PopulationSchema)
def put_population_of(given: dict[str, Any], code: str) -> Any:
    """Put a population into the catalogue, or change it"""
    return put_population(stamp(), code, **given)
