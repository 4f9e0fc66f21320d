"""Keeps the catalogue as a table, out and in again: one item a row, lists within a cell one a line."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.sheets import Row, RowError, cleaned
from app.core.stamp import Stamp
from app.ledger.terms import Term, WrongTerm
from app.services.catalogue import Draft, Known, Material, Station, known, stations_of, unfit, write_item
from app.services.models import ITEM_KINDS, TAKERS, ServiceItem
from app.services.wording import read_term, term_words
from app.territory.models import Level

COLUMNS: dict[str, tuple[str, ...]] = {
    "code": ("事项编码", "编码"),
    "name": ("事项名称", "名称"),
    "kind": ("类型", "事项类型"),
    "theme": ("主题", "领域"),
    "category": ("事项分类", "分类"),
    "unit": ("责任单位代码", "单位代码"),
    "tags": ("适用人群", "人群"),
    "min_age": ("最低年龄", "年龄"),
    "takers": ("接单人", "由谁接单"),
    "term": ("办理时限", "时限"),
    "stations": ("办理环节", "环节"),
    "steps": ("办理步骤", "步骤"),
    "materials": ("申请材料", "材料"),
    "fee": ("收费", "收费标准"),
    "basis": ("政策依据", "依据"),
    "where_to": ("办理地点", "地点"),
    "when_to": ("办理时间",),
    "active": ("启用", "是否启用"),
}
"""Field → the names that its column usually has."""

REQUIRED = ("code", "name", "kind", "category", "term")
LEVELS = {Level.VILLAGE: "村级", Level.TOWNSHIP: "乡镇级", Level.COUNTY: "县级"}
_KINDS = {label: kind for kind, label in ITEM_KINDS.items()} | {kind.value: kind for kind in ITEM_KINDS}
_TAKERS = {label: taker for taker, label in TAKERS.items()} | {taker.value: taker for taker in TAKERS}
_LEVELS = {label: level for level, label in LEVELS.items()} | {level.value: level for level in LEVELS}
_STATION = re.compile(r"(?P<name>[^|｜]+)[|｜](?P<where>[^|｜]+)[|｜](?P<term>[^|｜]+)")
_YES, _NO = ("是", "启用", "yes", "true", "1", ""), ("否", "停用", "no", "false", "0")


@dataclass
class ItemPlan:
    """The items that a table puts, and what is wrong with it."""

    drafts: list[Draft] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


class _Wrong(Exception):
    """A cell that cannot be read: the field, and the sentence about it."""


def plan_items(rows: Iterable[Row | RowError], columns: Mapping[str, str]) -> ItemPlan:
    """Check a table of items against categories, units and populations, and plan the items to put."""
    plan, there, seen = ItemPlan(), known(), dict[str, int]()
    for row in rows:
        if isinstance(row, RowError):
            plan.errors.append(row)
            continue
        cells = {name: cleaned(row.cells[column])[0].strip() for name, column in columns.items()}
        try:
            draft = read_draft(cells)
        except _Wrong as wrong:
            plan.errors.append(RowError(row.line, *wrong.args))
            continue
        if first := seen.get(draft.code):
            plan.errors.append(RowError(row.line, "code", f"“{draft.code}” stands on line {first} already"))
        seen.setdefault(draft.code, row.line)
        plan.errors += [RowError(row.line, name, words) for name, said in unfit(draft, there).items() for words in said]
        plan.drafts.append(draft)
    return plan


def write_items(stamp: Stamp, plan: ItemPlan) -> int:
    """Put the items of a plan without errors in force; give how many say anything new. Items that it does not name stay."""
    there: Known = known()
    return sum(write_item(stamp, draft, there) for draft in plan.drafts)


def read_draft(cells: Mapping[str, str]) -> Draft:
    """Give the item that a row's cells say; raises _Wrong."""

    def cell(name: str) -> str:
        return cells.get(name, "")

    for name in REQUIRED:
        if not cell(name):
            raise _Wrong(name, "missing")
    if cell("kind") not in _KINDS:
        raise _Wrong("kind", f"“{cell('kind')}” is none of {', '.join(_KINDS)}")
    takers = _parts(cell("takers") or "单位人员")
    if strange := [each for each in takers if each not in _TAKERS]:
        raise _Wrong("takers", f"“{strange[0]}” is none of {', '.join(_TAKERS)}")
    if cell("active").lower() not in (*_YES, *_NO):
        raise _Wrong("active", f"“{cell('active')}” is neither 是 nor 否")
    if cell("min_age") and not re.fullmatch(r"\d{1,3}", cell("min_age")):
        raise _Wrong("min_age", f"“{cell('min_age')}” is no age")
    return Draft(
        code=cell("code"),
        name=cell("name"),
        kind=_KINDS[cell("kind")],
        category=cell("category"),
        term=_term("term", cell("term")),
        theme=cell("theme"),
        unit=cell("unit") or None,
        tags=_parts(cell("tags")),
        min_age=int(cell("min_age")) if cell("min_age") else None,
        takers=[_TAKERS[each] for each in takers],
        stations=[_station(line) for line in _lines(cell("stations"))],
        steps=_lines(cell("steps")),
        materials=[_material(line) for line in _lines(cell("materials"))],
        fee=cell("fee") or "不收费",
        basis=cell("basis"),
        where_to=cell("where_to"),
        when_to=cell("when_to"),
        active=cell("active").lower() in _YES,
    )


def _term(name: str, words: str) -> Term:
    try:
        term = read_term(words)
    except WrongTerm as wrong:
        raise _Wrong(name, wrong.detail) from None
    if term is None:
        raise _Wrong(name, f"“{words}” is no term: write it like 5 个工作日 or 30 分钟")
    return term


def _lines(cell: str) -> list[str]:
    return [line.strip() for line in re.split(r"[\n；;]", cell) if line.strip()]


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in re.split(r"[\n、,，；;]", cell) if part.strip()]


def _station(line: str) -> Station:
    found = _STATION.fullmatch(line)
    if found is None:
        raise _Wrong("stations", f"“{line}” is no station: write it like 乡镇审核|乡镇级|2 个工作日")
    where = found["where"].strip()
    level = _LEVELS.get(where)
    unit = where if level is None else None
    return Station(name=found["name"].strip(), unit=unit, level=level, term=_term("stations", found["term"]))


def _material(line: str) -> Material:
    name, *more = (part.strip() for part in re.split(r"[|｜]", line))
    must, form, copies = (*more, "", "", "")[:3]
    if must not in ("", "必交", "选交") or (copies and not re.fullmatch(r"[1-9]\d?", copies.removesuffix("份").strip())):
        raise _Wrong("materials", f"“{line}” is no material: write it like 户口簿|必交|复印件|1")
    return Material(name=name, must=must != "选交", form=form or "原件", copies=int(copies.removesuffix("份").strip() or 1))


def catalogue_rows() -> Iterator[list[str | float | None]]:
    """Give the items in force as the rows of a table that comes in again unchanged, headed by the columns' usual names."""
    yield [names[0] for names in COLUMNS.values()]
    query = select(ServiceItem).where(ServiceItem.replaced_at.is_(None)).order_by(ServiceItem.code)
    for item in db.session.scalars(query.options(joinedload(ServiceItem.unit), joinedload(ServiceItem.category))):
        yield [
            item.code,
            item.name,
            ITEM_KINDS[item.kind],
            item.theme,
            item.category.path,
            item.unit.code if item.unit else "",
            "、".join(item.tags),
            str(item.min_age) if item.min_age is not None else "",
            "、".join(label for taker, label in TAKERS.items() if taker in item.takers),
            term_words(item.term),
            "\n".join(_station_line(station) for station in stations_of(item)) if item.stations else "",
            "\n".join(item.steps),
            "\n".join(f"{m['name']}|{'必交' if m['must'] else '选交'}|{m['form']}|{m['copies']}" for m in item.materials),
            item.fee,
            item.basis,
            item.where_to,
            item.when_to,
            "是" if item.active else "否",
        ]


def _station_line(station: Station) -> str:
    where = station.unit or (LEVELS[station.level] if station.level is not None else "")
    return f"{station.name}|{where}|{term_words(station.term)}"
