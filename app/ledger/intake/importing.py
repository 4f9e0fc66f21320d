"""Keeps how rows of other people's tables are read for the ledger: categories of the tree, and past appeals."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from app.core.database import db
from app.core.moments import read_moment
from app.core.sheets import Row, RowError, cleaned
from app.ledger.intake.submission import title_of
from app.ledger.models import Category

CATEGORY_COLUMNS: dict[str, tuple[str, ...]] = {
    "first": ("一级分类", "一级", "大类"),
    "second": ("二级分类", "二级", "中类"),
    "third": ("三级分类", "三级", "小类"),
}

MESSAGE_COLUMNS: dict[str, tuple[str, ...]] = {
    "number": ("留言编号", "编号", "诉求编号", "工单编号", "工单号", "受理编号", "id"),
    "user": ("留言用户", "用户", "诉求人", "反映人", "来电人", "姓名", "name"),
    "title": ("留言主题", "主题", "标题", "诉求标题"),
    "said_at": ("留言时间", "诉求时间", "反映时间", "来电时间", "登记时间", "时间", "日期", "time", "date"),
    "body": ("留言详情", "诉求内容", "反映内容", "留言内容", "详情", "内容", "正文", "text", "content"),
    "category": ("诉求分类", "事项分类", "分类"),
    "reply": ("答复意见", "答复内容", "答复", "回复内容", "回复", "办理结果"),
    "replied_at": ("答复时间", "回复时间", "办结时间"),
}
"""Field → the names that its column usually has."""

MESSAGE_REQUIRED = ("number", "said_at", "body")
UNNAMED = frozenset({"匿名", "匿名用户", "匿名者", "匿名网友", "anonymous"})
OLDEST = datetime(1949, 10, 1, tzinfo=UTC)
LONGEST_NAME = 40
LONGEST_NUMBER = 100


@dataclass
class CategoryPlan:
    """The paths that a table names and the tree lacks, parents first; how many it knows already; and what is wrong."""

    new: list[str] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)


def plan_categories(rows: Iterable[Row | RowError], columns: Mapping[str, str], known: Iterable[str]) -> CategoryPlan:
    """Check a table of categories, one leaf a row, and plan the paths `a/b/c` to add; with any error, write nothing."""
    plan = CategoryPlan()
    there, seen = set(known), set[str]()
    for row in rows:
        if isinstance(row, RowError):
            plan.errors.append(row)
            continue
        names = [" ".join(cleaned(row.cells[columns[name]])[0].split()) for name in CATEGORY_COLUMNS if name in columns]
        wrong = [
            (name, part) for name, part in zip(CATEGORY_COLUMNS, names, strict=False) if "/" in part or len(part) > LONGEST_NAME
        ]
        while names and not names[-1]:
            names.pop()
        if wrong:
            plan.errors.append(RowError(row.line, wrong[0][0], f"“{wrong[0][1]}” holds a slash or is longer than {LONGEST_NAME}"))
        elif not names or "" in names:
            plan.errors.append(RowError(row.line, list(CATEGORY_COLUMNS)[names.index("") if "" in names else 0], "missing"))
        else:
            for depth in range(1, len(names) + 1):
                path = "/".join(names[:depth])
                if path not in seen:
                    seen.add(path)
                    plan.unchanged += path in there
                    plan.new += [] if path in there else [path]
    return plan


def known_paths() -> set[str]:
    """Give the paths of the categories that there are."""
    return set(db.session.scalars(select(Category.path)))


def write_categories(plan: CategoryPlan) -> None:
    """Add the categories of a plan without errors, in the running transaction."""
    ids = dict(db.session.execute(select(Category.path, Category.id)).all())
    for path in plan.new:
        above, _, name = path.rpartition("/")
        category = Category(path=path, name=name, parent_id=ids.get(above))
        db.session.add(category)
        db.session.flush()
        ids[path] = category.id


@dataclass(frozen=True, kw_only=True)
class PastMessage:
    """One past appeal: its number and user in the system it comes from, and what was said when.

    Who said it anonymously is nobody; without user and not anonymous, nobody knows. `removed` counts the control characters
    that were taken out of its words.
    """

    line: int
    number: str
    user: str | None
    anonymous: bool
    title: str
    body: str
    said_at: datetime
    category_id: int | None = None
    reply: str | None = None
    replied_at: datetime | None = None
    removed: int = 0


def read_message(
    row: Row, columns: Mapping[str, str], *, categories: Mapping[str, int], now: datetime
) -> PastMessage | list[RowError]:
    """Read one row of past appeals; gives every error in it instead when it has any.

    `categories` finds a category by its path or, where only one has it, by its name. Nothing is cut: limits that hold for new
    submissions do not hold for history.
    """
    cells, errors, removed = dict.fromkeys(MESSAGE_COLUMNS, ""), list[RowError](), 0
    for name, column in columns.items():
        text, gone = cleaned(row.cells[column])
        cells[name] = text.strip()
        removed += gone

    def wrong(name: str, message: str) -> None:
        errors.append(RowError(row.line, name, message))

    body, title = cells["body"] or cells["title"], " ".join(cells["title"].split())
    for name, text in (("number", cells["number"]), ("body", body)):
        if not text:
            wrong(name, "missing")
    if len(cells["number"]) > LONGEST_NUMBER:
        wrong("number", f"longer than {LONGEST_NUMBER} characters")
    user = "".join(cells["user"].split())
    if len(user) > LONGEST_NAME or not user.isprintable():
        wrong("user", f"no name: longer than {LONGEST_NAME} characters, or not printable")
    said_at = _moment(cells["said_at"], "said_at", now, wrong)
    replied_at = _moment(cells["replied_at"], "replied_at", now, wrong) if cells["replied_at"] else None
    category_id = categories.get(cells["category"])
    if cells["category"] and category_id is None:
        wrong("category", f"there is no category “{cells['category']}”, or several have this name: write its path")
    if errors or said_at is None:
        return errors
    unnamed = user.casefold() in UNNAMED
    return PastMessage(
        line=row.line,
        number=cells["number"],
        user=None if unnamed else user or None,
        anonymous=unnamed,
        title=title or title_of(body),
        body=body,
        said_at=said_at,
        category_id=category_id,
        reply=cells["reply"] or None,
        replied_at=replied_at,
        removed=removed,
    )


def _moment(text: str, name: str, now: datetime, wrong: Callable[[str, str], None]) -> datetime | None:
    try:
        at = read_moment(text)
    except ValueError:
        wrong(name, f"“{text}” is no date" if text else "missing")
        return None
    if not OLDEST <= at <= now + timedelta(days=1):
        wrong(name, f"“{text}” lies before {OLDEST.year} or in the future")
        return None
    return at


def names_of_categories() -> dict[str, int]:
    """Give category ids by path, and by name where only one category has it."""
    rows = db.session.execute(select(Category.id, Category.path, Category.name).order_by(Category.id)).all()
    by_name: dict[str, list[int]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row.id)
    return {name: ids[0] for name, ids in by_name.items() if len(ids) == 1} | {row.path: row.id for row in rows}
