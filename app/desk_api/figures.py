"""Keeps the figures at the desk: what there is and how it is defined, tables, the cases behind a figure, spreadsheets."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from marshmallow import ValidationError, fields, validate

from app.core.clock import CHINA
from app.core.stamp import Door
from app.desk_api.shown import NamedSchema, QueueRowSchema
from app.figures.catalogue import CHOSEN_BY, FIGURES, REPORT_NAMES, Report
from app.figures.counting import FigureValue, one_figure, table
from app.figures.groups import DIMENSION_NAMES, Dimension
from app.figures.listing import Chosen, Part, counted_cases, figure_cases
from app.figures.periods import period_of
from app.figures.sheets import case_workbook, workbook
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.downloads import BINARY, XLSX, download
from app.http.fields import Label, Moment, PageQuery, Schema, Word, text
from app.ledger.county import county
from app.ledger.rates import percent, plain
from app.ledger.vocabulary import Satisfaction

blp = DoorBlueprint("figures", door=Door.DESK, prefix="/figures", auth=staff(Door.DESK), tag="统计")

DEEPEST = 9


class MonthField(fields.Field[date]):
    """A month, `2026-11`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> date:
        try:
            return datetime.strptime(str(value), "%Y-%m").replace(tzinfo=CHINA).date()
        except ValueError:
            raise ValidationError("月份应写成 2026-11 这样") from None


class FigurePeriod(Schema):
    """A period: a month, the assessment window that ends in a month, or from when until before when."""

    month = MonthField(load_default=None)
    window = MonthField(load_default=None)
    since = Moment(load_default=None)
    until = Moment(load_default=None)


class FigureTableQuery(FigurePeriod):
    """Which report, by what, as of when (`cutoff`, now by default); `depth` is the level of the category tree, roots being 1."""

    cutoff = Moment(load_default=None)
    report = Word(Report, required=True)
    by = Word(Dimension, load_default=Dimension.COUNTY, attribute="dimension")
    depth = fields.Integer(load_default=1, validate=validate.Range(min=1, max=DEEPEST))


class OneFigureQuery(FigurePeriod):
    """A figure of which group (`all`: of every one), as of when (`cutoff`, by default now)."""

    cutoff = Moment(load_default=None)
    by = Word(Dimension, load_default=Dimension.COUNTY, attribute="dimension")
    key = text(80, load_default="all")
    depth = fields.Integer(load_default=1, validate=validate.Range(min=1, max=DEEPEST))


class FigureSheetQuery(OneFigureQuery):
    """Which cases of a figure: the numerator's, the denominator's, or those missing; `excluded=false` leaves excluded ones out."""

    part = Word(Part, load_default=Part.DENOMINATOR)
    excluded = fields.Boolean(load_default=True)


class FigureCasesQuery(FigureSheetQuery, PageQuery):
    """A page of them."""


class FigureDefinitionSchema(Schema):
    """A figure and how it is defined."""

    code = fields.String()
    name = fields.String()
    definition = fields.String()


class FigureReportSchema(Schema):
    """A report: how its cases are chosen, and its figures."""

    code = Word(Report)
    name = fields.String()
    chosen_by = fields.String()
    figures = fields.List(fields.Nested(FigureDefinitionSchema))


class FigureDimensionSchema(Schema):
    """By what figures are told."""

    code = Word(Dimension)
    name = fields.String()


class FigureCatalogueSchema(Schema):
    """Every report, and by what each is told."""

    reports = fields.List(fields.Nested(FigureReportSchema))
    dimensions = fields.List(fields.Nested(FigureDimensionSchema))


class ShareSchema(Schema):
    """A figure with what it was counted from; `percent` has one decimal, none where there is no figure."""

    numerator = fields.Function(lambda share: plain(share.numerator), metadata={"type": "string"})
    denominator = fields.Integer()
    percent = fields.Function(percent, metadata={"type": ["string", "null"]})


def _link(figure: FigureValue) -> str:
    """Give the address, below the door, that lists the cases of a figure."""
    chosen = figure.filter
    query = {
        "by": chosen.dimension.value,
        "key": chosen.key,
        "depth": chosen.depth,
        "since": chosen.since.isoformat(),
        "until": chosen.until.isoformat(),
        "cutoff": chosen.cutoff.isoformat(),
    }
    return f"/figures/{chosen.figure}/cases?{urlencode(query)}"


class FigureSchema(Schema):
    """A figure of a line, before and after exclusion; `cases` is the address below the door that lists its cases."""

    code = fields.String()
    name = fields.String()
    before = fields.Nested(ShareSchema)
    after = fields.Nested(ShareSchema)
    cases = fields.Function(_link, metadata={"type": "string"})


class OneFigureSchema(FigureSchema):
    """A figure with its definition, of which group it is, its period and its cut-off."""

    by = Word(Dimension, attribute="filter.dimension")
    key = fields.String(attribute="filter.key")
    group = fields.String(attribute="filter.group")
    depth = fields.Integer(attribute="filter.depth")
    definition = fields.String()
    since = Moment(attribute="period.since")
    until = Moment(attribute="period.until")
    cutoff = Moment()


class CountedRowSchema(Schema):
    """What was counted of a case: whose it was, in which round, whether it stands in the numerator, and what decided that.

    A case began when it was accepted, a part when it was dispatched, a whistle's call when it was blown; due and met are signing
    and arriving. A round tells the least favourable words.
    """

    unit = fields.Nested(NamedSchema, allow_none=True)
    round = fields.Integer()
    in_numerator = fields.Boolean()
    began_at = Moment(allow_none=True)
    due_at = Moment(allow_none=True)
    met_at = Moment(allow_none=True)
    contacted = fields.Boolean(allow_none=True)
    solved = fields.Boolean(allow_none=True)
    satisfaction = Word(Satisfaction, allow_none=True)
    satisfaction_label = Label("satisfaction", allow_none=True)


class FigureCaseSchema(QueueRowSchema):
    """A case behind a figure as it is now, with what was counted of it."""

    counted = fields.List(fields.Nested(CountedRowSchema))


class FigureCasePageSchema(Schema):
    """A page of the cases behind a figure; the first tells how many rows were counted, and how many of them one may see."""

    items = fields.List(fields.Nested(FigureCaseSchema))
    next_cursor = fields.String(allow_none=True)
    counted = fields.Integer(allow_none=True)
    shown = fields.Integer(allow_none=True)


class FigureLineSchema(Schema):
    """One line of a table."""

    key = fields.String()
    name = fields.String()
    figures = fields.List(fields.Nested(FigureSchema))


class FigureTableSchema(Schema):
    """A report: its period and cut-off, its definitions, its lines, and the total pooled from their counts."""

    report = Word(Report)
    name = fields.Function(lambda table: REPORT_NAMES[table.report], metadata={"type": "string"})
    chosen_by = fields.Function(lambda table: CHOSEN_BY[table.report], metadata={"type": "string"})
    by = Word(Dimension, attribute="dimension")
    since = Moment(attribute="period.since")
    until = Moment(attribute="period.until")
    cutoff = Moment()
    definitions = fields.List(fields.Nested(FigureDefinitionSchema), attribute="total.figures")
    lines = fields.List(fields.Nested(FigureLineSchema))
    total = fields.Nested(FigureLineSchema)


def _catalogue() -> dict[str, Any]:
    reports = [
        {
            "code": report,
            "name": REPORT_NAMES[report],
            "chosen_by": CHOSEN_BY[report],
            "figures": [figure for figure in FIGURES if figure.report is report],
        }
        for report in Report
    ]
    return {"reports": reports, "dimensions": [{"code": each, "name": DIMENSION_NAMES[each]} for each in Dimension]}


def _dated(wanted: dict[str, Any]) -> dict[str, Any]:
    """Put the period in the place of the ways in which it was named."""
    named = {name: wanted.pop(name) for name in FigurePeriod().fields}
    return wanted | {"period": period_of(county(), **named)}


def _chosen(code: str, wanted: dict[str, Any]) -> dict[str, Any]:
    paging = {name: wanted.pop(name) for name in PageQuery().fields}
    return {"chosen": Chosen(figure=code, **_dated(wanted))} | paging


def _sheet_of(code: str, wanted: dict[str, Any]) -> Iterator[bytes]:
    chosen = Chosen(figure=code, **_dated(wanted))
    same = {name: getattr(chosen, name) for name in ("period", "cutoff", "dimension", "key", "depth")}
    figure = one_figure(stamp(), code, **same)
    return case_workbook(figure, chosen, counted_cases(stamp(), chosen))


@blp.route("", methods=["GET"])
@blp.response(200, FigureCatalogueSchema)
def show_catalogue() -> Any:
    """Show every figure with its definition, and by what figures are told"""
    return _catalogue()


@blp.route("/table", methods=["GET"])
@blp.arguments(FigureTableQuery, location="query")
@blp.response(200, FigureTableSchema)
def show_table(wanted: dict[str, Any]) -> Any:
    """Count a report of a period by unit, place, category, channel or kind"""
    return table(stamp(), **_dated(wanted))


@blp.route("/table.xlsx", methods=["GET"])
@blp.arguments(FigureTableQuery, location="query")
@blp.response(200, BINARY, content_type=XLSX)
def export_table(wanted: dict[str, Any]) -> Any:
    """Give the same table as a spreadsheet"""
    return download(workbook(table(stamp(), **_dated(wanted))), "figures")


@blp.route("/<code>", methods=["GET"])
@blp.arguments(OneFigureQuery, location="query")
@blp.response(200, OneFigureSchema)
def show_figure(wanted: dict[str, Any], code: str) -> Any:
    """Count one figure of a period, of one group or of all together"""
    return one_figure(stamp(), code, **_dated(wanted))


@blp.route("/<code>/cases", methods=["GET"])
@blp.arguments(FigureCasesQuery, location="query")
@blp.response(200, FigureCasePageSchema)
def list_cases(wanted: dict[str, Any], code: str) -> Any:
    """List the cases behind a figure, the newest first; only those that one may see"""
    return figure_cases(stamp(), **_chosen(code, wanted))


@blp.route("/<code>/cases.xlsx", methods=["GET"])
@blp.arguments(FigureSheetQuery, location="query")
@blp.response(200, BINARY, content_type=XLSX)
def export_cases(wanted: dict[str, Any], code: str) -> Any:
    """Give the same cases as a spreadsheet, without anything of the persons"""
    return download(_sheet_of(code, wanted), "cases")
