"""Keeps how a live batch of upstream orders comes in from a table: each row becomes a registered case with upstream's clocks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Refusal
from app.core.moments import read_moment
from app.core.sheets import Row, RowError, cleaned
from app.core.stamp import Stamp
from app.ledger.intake.importing import names_of_categories
from app.ledger.intake.registration import Registration, register
from app.ledger.labels import label
from app.ledger.models import Case
from app.ledger.vocabulary import Channel, Kind

COLUMNS: dict[str, tuple[str, ...]] = {
    "number": ("上级编号", "工单编号", "编号", "工单号"),
    "body": ("诉求内容", "反映内容", "内容", "正文"),
    "title": ("标题", "主题", "诉求标题"),
    "said_at": ("诉求时间", "反映时间", "来电时间"),
    "kind": ("诉求类型", "类型", "类别"),
    "category": ("事项分类", "诉求分类", "分类"),
    "grid": ("网格代码", "网格"),
    "place": ("地址", "地点", "位置"),
    "name": ("诉求人", "姓名", "反映人"),
    "phone": ("电话", "联系电话", "手机"),
    "sign_by": ("签收时限", "签收截止时间"),
    "return_by": ("退单时限", "退单截止时间"),
    "due_by": ("办理时限", "办结时限", "办理截止时间", "截止时间"),
}
"""Field → the names that its column usually has."""

REQUIRED = ("number", "body", "due_by")
MOMENTS = ("said_at", "sign_by", "return_by", "due_by")
KINDS = {**{kind.value: kind for kind in Kind}, **{label(kind): kind for kind in Kind}}


@dataclass
class UpstreamPlan:
    """The orders that a table brings; how many the ledger has already; and what is wrong."""

    new: list[tuple[int, Registration]] = field(default_factory=list)
    known: int = 0
    errors: list[RowError] = field(default_factory=list)


def plan_upstream(rows: Iterable[Row | RowError], columns: Mapping[str, str]) -> UpstreamPlan:
    """Check a table of upstream orders and plan their registrations; an order whose number is in the ledger is left alone."""
    plan, seen, categories = UpstreamPlan(), dict[str, int](), names_of_categories()
    stored = set(db.session.scalars(select(Case.upstream_number).where(Case.upstream_number.is_not(None))))
    for row in rows:
        if isinstance(row, RowError):
            plan.errors.append(row)
            continue
        cells = {name: cleaned(row.cells[column])[0].strip() for name, column in columns.items()}
        number = cells["number"]
        if number in stored:
            plan.known += 1
        elif number and (first := seen.setdefault(number, row.line)) != row.line:
            plan.errors.append(RowError(row.line, "number", f"{number} stands in line {first} already"))
        else:
            _read(row.line, cells, categories, plan)
    return plan


def _read(line: int, cells: Mapping[str, str], categories: Mapping[str, int], plan: UpstreamPlan) -> None:
    errors = [RowError(line, name, "missing") for name in REQUIRED if not cells[name]]
    moments: dict[str, datetime] = {}
    for name in MOMENTS:
        if cells.get(name):
            try:
                moments[name] = read_moment(cells[name])
            except ValueError:
                errors.append(RowError(line, name, f"“{cells[name]}” is no date"))
    kind, category = cells.get("kind", ""), cells.get("category", "")
    if kind and kind not in KINDS:
        errors.append(RowError(line, "kind", f"“{kind}” is none of {', '.join(label(each) for each in Kind)}"))
    if category and category not in categories:
        errors.append(RowError(line, "category", f"there is no category “{category}”, or several have this name: write its path"))
    if errors:
        plan.errors += errors
        return
    given: dict[str, Any] = {name: cells.get(name) or None for name in ("title", "grid", "place", "name", "phone")}
    registration = Registration(
        channel=Channel.UPSTREAM_12345,
        body=cells["body"],
        upstream_number=cells["number"],
        kind=KINDS.get(kind, Kind.OTHER),
        category_id=categories.get(category),
        **given | moments,
    )
    plan.new.append((line, registration))


def write_upstream(stamp: Stamp, plan: UpstreamPlan) -> None:
    """Register the orders of a plan, in the running transaction; what a registration refuses becomes an error of its row.

    Afterwards `plan.new` holds those that were registered.
    """
    wanted, plan.new = plan.new, []
    for line, registration in wanted:
        try:
            with db.session.begin_nested():
                register(stamp, registration)
            plan.new.append((line, registration))
        except Refusal as refusal:
            wrong = getattr(refusal, "errors", {}) or {"": [refusal.detail or refusal.title()]}
            plan.errors += [RowError(line, name, "; ".join(words)) for name, words in wrong.items()]
