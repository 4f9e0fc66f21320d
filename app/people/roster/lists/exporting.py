"""Keeps how lists go out: one's own roster to be edited and brought in again, masked unless a reason is on record."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

import xlsxwriter
from sqlalchemy import exists, null, select
from sqlalchemy.orm import joinedload

from app.core.clock import CHINA
from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Role, Stamp
from app.people.identity import Person, masked, note_list, open_person
from app.people.models import Resident, Sex, Staff
from app.people.roster.commands import open_household
from app.people.roster.lists.named_carers import CarerFacts, carer_words
from app.people.roster.lists.report import PLAIN_TEXT
from app.people.roster.lists.terms import terms_words
from app.people.roster.models import Care, GroupHead
from app.people.roster.queries import masked_place
from app.people.roster.scope import as_editor, find_grid, in_reach
from app.people.roster.tags import belonging, living, populations, tags_of
from app.people.staff import posts_held
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
    ("group_name", "户区"), ("heads", "户长"), ("tag_terms", "人群来源与期限"), ("carers", "帮扶人"),
    ("household_version", "户系统版本"),
)  # fmt: skip
"""Our own columns: what comes back by them is known again. The numbers and versions are hidden."""

HIDDEN = frozenset({"row_id", "row_version", "household_version"})
LOOSE = frozenset({"tags", "relation", "group_name", "heads", "carers"})
WIDE = frozenset({"id_number", "place", "household_code", "grid_code", "tag_terms", "carers"})


Home = tuple[int, int | None]
"""A household, and a resident of it; None for one in which nobody lives."""


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
    return _wanted_rows(stamp, wanted, empty=False)


def _wanted_rows(stamp: Stamp, wanted: Wanted, *, empty: bool) -> Iterator[dict[str, Any]]:
    """Give rows, with `empty` those of households in which nobody lives too; in plain words only with a reason."""
    homes = _homes(stamp, wanted, empty=empty)
    if wanted.plain and not wanted.reason:
        raise ExportReasonMissing(errors={"reason": [ExportReasonMissing.title()]})
    rows = _rows(stamp, homes, plain=wanted.plain)
    return _noted(stamp, wanted, rows, len(homes)) if wanted.plain else rows


def _noted(stamp: Stamp, wanted: Wanted, rows: Iterator[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """Give rows and put on record that they went out in plain words."""
    yield from rows
    scope = "roster" + "".join(f" {name} {value}" for name, value in (("grid", wanted.grid), ("tag", wanted.tag)) if value)
    note_list(stamp, scope=scope, count=count, fields=PLAIN_FIELDS, reason=wanted.reason or "")


def _homes(stamp: Stamp, wanted: Wanted, *, empty: bool) -> list[Home]:
    """Give the households and residents that are wanted, in order; with `empty`, the households in which nobody lives too."""
    today = stamp.at.astimezone(CHINA).date()
    here = select(Household.code, Household.id, Resident.id).join(Resident, Resident.household_id == Household.id)
    here = here.where(living(today), in_reach(stamp, Resident.grid_id))
    bare = select(Household.code, Household.id, null()).where(Household.ended_at.is_(None), in_reach(stamp, Household.grid_id))
    bare = bare.where(~exists().where(Resident.household_id == Household.id, Resident.ended_at.is_(None)))
    if wanted.grid is not None:
        grid_id = find_grid(stamp, wanted.grid).id
        here, bare = here.where(Resident.grid_id == grid_id), bare.where(Household.grid_id == grid_id)
    if wanted.tag is not None:
        here = here.where(belonging(wanted.tag, today))
    rows = [*db.session.execute(here), *(db.session.execute(bare) if empty and wanted.tag is None else ())]
    return [(home, ident) for _, home, ident in sorted(rows, key=lambda row: (row[0], row[2] or 0))]


def _rows(stamp: Stamp, homes: Sequence[Home], *, plain: bool) -> Iterator[dict[str, Any]]:
    grids = {row.id: row for row in db.session.execute(select(Grid.id, Grid.code, Grid.name))}
    groups = _group_words(stamp)
    for begin in range(0, len(homes), BATCH):
        part = homes[begin : begin + BATCH]
        ids = [ident for _, ident in part if ident is not None]
        found = db.session.scalars(select(Resident).where(Resident.id.in_(ids)).options(joinedload(Resident.identity)))
        residents = {resident.id: resident for resident in found}
        query = select(Household, HouseholdGroup.code).where(Household.id.in_({home for home, _ in part}))
        query = query.outerjoin(HouseholdGroup, HouseholdGroup.id == Household.group_id).options(joinedload(Household.identity))
        households = {household.id: (household, group) for household, group in db.session.execute(query)}
        tags, cared = tags_of(ids, stamp.at.astimezone(CHINA).date()), _carers(ids)
        led = _headed(ids)
        for home, ident in part:
            household, group = households[home]
            row = _household_row(household, group, plain=plain)
            row |= {"grid_code": grids[household.grid_id].code, "grid_name": grids[household.grid_id].name}
            row |= {"group_name": groups.get(household.group_id)}
            if ident is not None:
                resident = residents[ident]
                person = open_person(resident.identity)
                shown = person if plain else masked(person)
                row |= {name: getattr(resident, name) for name in ("relation", "sex", "birth_month")}
                row |= {"row_id": ident, "row_version": resident.version, "name": shown.name, "id_number": shown.id_number}
                row |= {"phone": shown.phone, "tags": [tag.name for tag in tags[ident] if tag.source is not None]}
                row |= {"tag_terms": terms_words(tags[ident]), "carers": carer_words(cared.get(ident, ()))}
                row |= {"heads": _heads_words(led.get(ident, ()), household.group_id, groups)}
            yield row


def _household_row(household: Household, group: str | None, *, plain: bool) -> dict[str, Any]:
    """Give what a row says of its household, with nobody in it."""
    head, place = open_household(household)
    return dict.fromkeys(field for field, _ in OWN_COLUMNS) | {
        "row_id": f"H{household.id}",
        "household_version": household.version,
        "household_code": household.code,
        "head_name": head if plain else masked(Person(name=head)).name,
        "place": place if plain else masked_place(place),
        "household_kind": household.kind,
        "group": group,
        "tags": [],
        "heads": [],
        "carers": [],
    }


def _group_words(stamp: Stamp) -> dict[int | None, str]:
    """Give how each group within reach is called in its grid: by name, by code where two have one name."""
    columns = (HouseholdGroup.id, HouseholdGroup.grid_id, HouseholdGroup.code, HouseholdGroup.name)
    query = select(*columns).where(HouseholdGroup.ended_at.is_(None), in_reach(stamp, HouseholdGroup.grid_id))
    rows = db.session.execute(query.order_by(HouseholdGroup.code)).all()
    named = Counter((row.grid_id, row.name) for row in rows)
    return {row.id: row.name if named[row.grid_id, row.name] == 1 and "、" not in row.name else row.code for row in rows}


def _headed(ids: Sequence[int]) -> dict[int, list[int]]:
    """Give resident → the groups that they head."""
    found: dict[int, list[int]] = {}
    columns = (GroupHead.resident_id, GroupHead.group_id)
    for ident, group_id in db.session.execute(select(*columns).where(GroupHead.resident_id.in_(ids), GroupHead.ended_at.is_(None))):
        found.setdefault(ident, []).append(group_id)
    return found


def _heads_words(led: Sequence[int], own: int | None, groups: Mapping[int | None, str]) -> list[str]:
    """Give 是 for whoever heads the group of their household, the names of groups where it is another one or more."""
    return ["是"] if list(led) == [own] else [groups[group_id] for group_id in led if group_id in groups]


def _carers(ids: list[int]) -> dict[int, list[CarerFacts]]:
    """Give resident → who cares for them, residents masked."""
    found: dict[int, list[CarerFacts]] = {}
    query = select(Care).where(Care.resident_id.in_(ids), Care.ended_at.is_(None)).order_by(Care.id)
    for care in db.session.scalars(query.options(joinedload(Care.staff), joinedload(Care.carer).joinedload(Resident.identity))):
        staff = (care.staff.name, care.staff.login) if care.staff is not None else None
        carer = (masked(open_person(care.carer.identity)).name, care.carer.id) if care.carer is not None else None
        found.setdefault(care.resident_id, []).append((care.by, staff, carer))
    return found


def roster_workbook(stamp: Stamp, wanted: Wanted) -> Iterator[bytes]:
    """Give one's roster as an .xlsx in our own columns, with lists to choose from, to be edited and brought in again.

    Raises as `people_rows` does. The file is written before this returns; only it is read after.
    """
    stamp = as_editor(stamp)
    rows = _wanted_rows(stamp, wanted, empty=True)
    grids = db.session.execute(select(Grid.code).where(Grid.active, in_reach(stamp, Grid.id)).order_by(Grid.code)).scalars().all()
    lists = {
        "sex": tuple(SEX_WORDS.values()),
        "relation": RELATIONS,
        "household_kind": tuple(KIND_WORDS.values()),
        "tags": tuple(tag.name for tag in populations() if tag.active and tag.from_age is None),
        "grid_code": tuple(grids),
        "ended": ("正常", "去世", "迁出"),
        "group_name": tuple(dict.fromkeys(_group_words(stamp).values())),
        "heads": ("是", "否"),
        "carers": _staff_words(stamp),
    }
    with ExitStack() as held:
        file = held.enter_context(tempfile.TemporaryFile())
        with xlsxwriter.Workbook(file, {"constant_memory": True, **PLAIN_TEXT}) as book:
            sheet = book.add_worksheet("名册")
            choices = book.add_worksheet("选项")
            _write_lists(choices, lists)
            _write_own(book, sheet, rows, lists)
        return _parts(file, held.pop_all())


def _staff_words(stamp: Stamp) -> tuple[str, ...]:
    """Give the staff at the grids and villages within reach, as they are named as carers."""
    units = set(db.session.scalars(select(Grid.unit_id).where(Grid.active, in_reach(stamp, Grid.id))))
    posted = {ident for unit_id in units for ident in posts_held().at(unit_id, Role.CADRE, Role.GRID_WORKER)}
    rows = db.session.execute(select(Staff.name, Staff.login).where(Staff.id.in_(posted)).order_by(Staff.login))
    return tuple(f"{name}（{login}）" for name, login in rows)


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
        hidden = {"hidden": True} if field in HIDDEN else {}
        sheet.set_column(column, column, 20 if field in WIDE else 12, text, hidden)
        sheet.write_string(0, column, OWN_COLUMNS[column][1], head)
    for place, (field, words) in enumerate(lists.items()):
        if words:
            letter = chr(ord("A") + place)
            rule = {"validate": "list", "source": f"='选项'!${letter}$2:${letter}${len(words) + 1}"}
            # Several populations or carers may stand in a cell, a relation or a group may be another: there the list only helps.
            loose = {"error_type": "information", "ignore_blank": True} if field in LOOSE else {}
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
    if isinstance(value, list):
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
