"""Keeps how lists go out: one's own roster to be edited and brought in again, masked unless a reason is on record."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

import xlsxwriter
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.clock import CHINA
from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.people.identity import Person, masked, note_list, open_person
from app.people.models import Resident, Sex
from app.people.roster.commands import open_household
from app.people.roster.lists.report import PLAIN_TEXT
from app.people.roster.queries import masked_place
from app.people.roster.scope import as_editor, find_grid, in_reach
from app.people.roster.tags import belonging, living, populations, tags_of
from app.territory.models import Grid, Household, HouseholdGroup, HouseholdKind

BATCH = 2000
CHUNK = 64 * 1024
PLAIN_FIELDS = ("name", "phone", "id_number", "place")
SEX_WORDS = {Sex.MALE: "男", Sex.FEMALE: "女"}
KIND_WORDS = {
    HouseholdKind.ORDINARY: "常住户",
    HouseholdKind.FLOATING: "流动户",
    HouseholdKind.COLLECTIVE: "集体户",
    HouseholdKind.VACANT: "空置户",
}
RELATIONS = ("户主", "配偶", "儿子", "女儿", "父亲", "母亲", "孙子", "孙女", "祖父", "祖母", "兄弟姐妹", "其他")
OWN_COLUMNS = (
    ("row_id", "系统编号"), ("row_version", "系统版本"), ("household_code", "户号"), ("head_name", "户主姓名"), ("name", "姓名"),
    ("relation", "与户主关系"), ("sex", "性别"), ("id_number", "身份证号"), ("birth_month", "出生年月"), ("phone", "联系电话"),
    ("place", "家庭住址"), ("grid_code", "所属网格"), ("household_kind", "户籍类别"), ("tags", "人群类别"), ("ended", "人员状态"),
)  # fmt: skip
"""Our own columns: what comes back by them is known again. The first two are hidden."""


class ExportReasonMissing(Invalid):
    """导出完整信息请填写用途"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which part of the roster: of a grid, of a population; `plain`: not masked, for a reason that goes on record."""

    grid: str | None = None
    tag: str | None = None
    plain: bool = False
    reason: str | None = None


def people_rows(stamp: Stamp, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Give the residents of one's reach as rows of fields, household by household, some at a time.

    Fields: those of OWN_COLUMNS, `grid_name`, `group`, and words as enums, to be written by a profile. In plain words only with
    a reason, which is put on record with the number of residents once the last is given: whoever writes them hands nothing on
    before, and nobody else who is put on record waits for the writing. Raises RosterIsNotYoursToEdit,
    ExportReasonMissing, GridNotFound, TagNotFound.
    """
    stamp = as_editor(stamp)
    ids = _ids(stamp, wanted)
    if wanted.plain and not wanted.reason:
        raise ExportReasonMissing(errors={"reason": [ExportReasonMissing.title()]})
    rows = _rows(stamp, ids, plain=wanted.plain)
    return _noted(stamp, wanted, rows, len(ids)) if wanted.plain else rows


def _noted(stamp: Stamp, wanted: Wanted, rows: Iterator[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """Give rows and put on record that they went out in plain words."""
    yield from rows
    scope = "roster" + "".join(f" {name} {value}" for name, value in (("grid", wanted.grid), ("tag", wanted.tag)) if value)
    note_list(stamp, scope=scope, count=count, fields=PLAIN_FIELDS, reason=wanted.reason or "")


def _ids(stamp: Stamp, wanted: Wanted) -> list[int]:
    today = stamp.at.astimezone(CHINA).date()
    query = select(Resident.id).join(Household, Household.id == Resident.household_id)
    query = query.where(living(today), in_reach(stamp, Resident.grid_id))
    if wanted.grid is not None:
        query = query.where(Resident.grid_id == find_grid(stamp, wanted.grid).id)
    if wanted.tag is not None:
        query = query.where(belonging(wanted.tag, today))
    return list(db.session.scalars(query.order_by(Household.code, Resident.id)))


def _rows(stamp: Stamp, ids: Sequence[int], *, plain: bool) -> Iterator[dict[str, Any]]:
    grids = {row.id: row for row in db.session.execute(select(Grid.id, Grid.code, Grid.name))}
    today = stamp.at.astimezone(CHINA).date()
    for begin in range(0, len(ids), BATCH):
        part = list(ids[begin : begin + BATCH])
        query = select(Resident, Household, HouseholdGroup.code).join(Household, Household.id == Resident.household_id)
        query = query.outerjoin(HouseholdGroup, HouseholdGroup.id == Household.group_id).where(Resident.id.in_(part))
        query = query.options(joinedload(Resident.identity), joinedload(Household.identity))
        found = {resident.id: (resident, household, group) for resident, household, group in db.session.execute(query)}
        tags = tags_of(part, today)
        for ident in part:
            resident, household, group = found[ident]
            head, place = open_household(household)
            person = open_person(resident.identity)
            shown = person if plain else masked(person)
            names = [tag.name for tag in tags[ident] if tag.source is not None]
            yield {
                "row_id": ident,
                "row_version": resident.version,
                "household_code": household.code,
                "head_name": head if plain else masked(Person(name=head)).name,
                "name": shown.name,
                "relation": resident.relation,
                "sex": resident.sex,
                "id_number": shown.id_number,
                "birth_month": resident.birth_month,
                "phone": shown.phone,
                "place": place if plain else masked_place(place),
                "grid_code": grids[resident.grid_id].code,
                "grid_name": grids[resident.grid_id].name,
                "household_kind": household.kind,
                "group": group,
                "tags": names,
                "ended": None,
            }


def roster_workbook(stamp: Stamp, wanted: Wanted) -> Iterator[bytes]:
    """Give one's roster as an .xlsx in our own columns, with lists to choose from, to be edited and brought in again.

    Raises as `people_rows` does. The file is written before this returns; only it is read after.
    """
    rows = people_rows(stamp, wanted)
    grids = db.session.execute(select(Grid.code).where(Grid.active, in_reach(stamp, Grid.id)).order_by(Grid.code)).scalars().all()
    lists = {
        "sex": tuple(SEX_WORDS.values()),
        "relation": RELATIONS,
        "household_kind": tuple(KIND_WORDS.values()),
        "tags": tuple(tag.name for tag in populations() if tag.active and tag.from_age is None),
        "grid_code": tuple(grids),
        "ended": ("正常", "去世", "迁出"),
    }
    with ExitStack() as held:
        file = held.enter_context(tempfile.TemporaryFile())
        with xlsxwriter.Workbook(file, {"constant_memory": True, **PLAIN_TEXT}) as book:
            sheet = book.add_worksheet("名册")
            choices = book.add_worksheet("选项")
            _write_lists(choices, lists)
            _write_own(book, sheet, rows, lists)
        return _parts(file, held.pop_all())


def _write_lists(sheet: Any, lists: Mapping[str, Sequence[str]]) -> None:
    """Write what cells may be chosen from, one list a column; a list that stands in cells has no longest length."""
    heads = dict(OWN_COLUMNS)
    for line in range(max(len(words) for words in lists.values()) + 1):
        for column, (field, words) in enumerate(lists.items()):
            if line == 0:
                sheet.write_string(0, column, f"可选的{heads[field]}")
            elif line <= len(words):
                sheet.write_string(line, column, words[line - 1])
    sheet.hide()


def _write_own(book: Any, sheet: Any, rows: Iterator[dict[str, Any]], lists: Mapping[str, Sequence[str]]) -> None:
    text = book.add_format({"num_format": "@"})
    head = book.add_format({"bold": True, "bg_color": "#D9E2F3", "border": 1})
    columns = {field: column for column, (field, _) in enumerate(OWN_COLUMNS)}
    for field, column in columns.items():
        hidden = {"hidden": True} if field in ("row_id", "row_version") else {}
        sheet.set_column(column, column, 20 if field in ("id_number", "place", "household_code", "grid_code") else 12, text, hidden)
        sheet.write_string(0, column, OWN_COLUMNS[column][1], head)
    for place, (field, words) in enumerate(lists.items()):
        if words:
            letter = chr(ord("A") + place)
            rule = {"validate": "list", "source": f"='选项'!${letter}$2:${letter}${len(words) + 1}"}
            # Several populations may stand in a cell, and a relation may be another: there the list only helps.
            loose = {"error_type": "information", "ignore_blank": True} if field in ("tags", "relation") else {}
            sheet.data_validation(1, columns[field], 1_048_575, columns[field], rule | loose)
    sheet.freeze_panes(1, 0)
    for line, row in enumerate(rows, start=1):
        for field, column in columns.items():
            words = _own_words(field, row[field])
            if words:
                sheet.write_string(line, column, words, text)


def _own_words(field: str, value: Any) -> str:
    if field == "sex":
        return SEX_WORDS.get(value, "")
    if field == "household_kind":
        return KIND_WORDS[value]
    if field == "tags":
        return "、".join(value)
    if isinstance(value, date):
        return value.strftime("%Y-%m")
    return "" if value is None else str(value)


def _parts(file: IO[bytes], held: ExitStack) -> Iterator[bytes]:
    with held:
        file.seek(0)
        while part := file.read(CHUNK):
            yield part


def plain_cell(value: Any, column: Mapping[str, Any]) -> str:
    """Give a field's value as another platform's column wants it: by its codes, its form of dates, joined lists."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return str(column.get("join", "、")).join(plain_cell(each, {**column, "join": ""}) for each in value)
    if isinstance(value, datetime):
        return value.astimezone(CHINA).strftime(column.get("date", "%Y-%m-%d %H:%M"))
    if isinstance(value, date):
        return value.strftime(column.get("date", "%Y-%m-%d"))
    codes: Mapping[str, str] = column.get("codes", {})
    return str(codes.get(str(value), value))


_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


def sheet_name(name: str) -> str:
    """Give a name as a sheet may bear it: without the characters that Excel forbids there, of 31 characters at most."""
    words = " ".join(name.translate(_FORBIDDEN).split())[:31].strip()
    return words if words and words.casefold() != "history" else f"名单 {words}".strip()


def write_profiled(rows: Iterator[dict[str, Any]], columns: Sequence[Mapping[str, Any]], *, name: str) -> Iterator[bytes]:
    """Write rows of fields in the columns of another platform into an .xlsx and give its bytes; every cell is text.

    `columns`: those of an `ExportProfile`: `field`, `header`, and where wanted `codes`, `date`, `join`. A field that a row has
    not got stays empty. The file is written before this returns; only it is read after.
    """
    with ExitStack() as held:
        file = held.enter_context(tempfile.TemporaryFile())
        with xlsxwriter.Workbook(file, {"constant_memory": True, **PLAIN_TEXT}) as book:
            sheet, text = book.add_worksheet(sheet_name(name)), book.add_format({"num_format": "@"})
            for place, column in enumerate(columns):
                sheet.set_column(place, place, 18, text)
                sheet.write_string(0, place, str(column["header"]))
            for line, row in enumerate(rows, start=1):
                for place, column in enumerate(columns):
                    if words := plain_cell(row.get(str(column["field"])), column):
                        sheet.write_string(line, place, words, text)
        return _parts(file, held.pop_all())
