"""Keeps the editing of the category tree and of the catalogue of reasons; cases keep what they have, by its id or code."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Stamp
from app.ledger.models import Category, Reason
from app.ledger.rules.policy_changes import begin_change, check_reader, check_version, note_change, versions_of
from app.ledger.vocabulary import RequestKind, Rule, VerifyBy

LONGEST_NAME = 40
FARTHEST_M = 100_000


class CategoryUnfit(Invalid):
    """分类填写有误"""


class CategoryTaken(Conflict):
    """同一级下已有这个分类"""


class CategoryNotFound(NotFound):
    """没有这个分类"""


class ReasonUnfit(Invalid):
    """理由填写有误"""


class ReasonTaken(Conflict):
    """这个理由编号已用于另一种申请"""


class LastReason(Conflict):
    """这是这种申请的最后一条理由，停用后就没有人能提出申请"""


@dataclass(frozen=True, kw_only=True)
class CategoryView:
    """A category as its editor sees it; None: as the nearest category above it says. `version` is how often it was changed."""

    id: int
    path: str
    name: str
    parent_id: int | None
    urgent: bool
    active: bool
    asks_evidence: bool | None
    check_distance_m: int | None
    verify_by: VerifyBy | None
    version: int


@dataclass(frozen=True, kw_only=True)
class ReasonView:
    """A reason as its editor sees it. `version` is how often it was changed."""

    code: str
    kind: RequestKind
    words: str
    active: bool
    version: int


_OWN = ("urgent", "asks_evidence", "check_distance_m", "verify_by")
"""What a category says of itself besides its place."""


def edited_categories(stamp: Stamp, *, cursor: str | None = None, limit: int = LIMIT) -> Page[CategoryView]:
    """Give a page of all categories, those out of use too, each after the one above it. Raises RulesAreTheAdministrators."""
    check_reader(stamp)
    rows = db.session.scalars(paged(select(Category), key=[(Category.path, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.path])
    return Page(_categories(page.items), page.next_cursor)


def add_category(stamp: Stamp, *, name: str, parent_id: int | None = None, reason: str, **own: Any) -> CategoryView:
    """Add a category below another, or a new root; `own` may say urgent, asks_evidence, check_distance_m, verify_by.

    Raises CategoryUnfit, CategoryTaken, CategoryNotFound, RulesAreTheAdministrators, ReasonNeeded.
    """
    begin_change(stamp, reason)
    parent = _category(parent_id) if parent_id is not None else None
    if parent is not None and not parent.active:
        raise CategoryUnfit(errors={"parent_id": ["上级分类已停用"]})
    return _categories([write_category(stamp, name=name, parent=parent, reason=reason, **own)])[0]


def write_category(stamp: Stamp, *, name: str, parent: Category | None, reason: str, active: bool = True, **own: Any) -> Category:
    """Store a new category in a change that was begun. Raises CategoryUnfit, CategoryTaken."""
    category = Category(name="", path="", parent_id=parent.id if parent else None, active=active, urgent=False)
    _place(category, parent, name)
    _say(category, own)
    db.session.add(category)
    db.session.flush()
    note_change(stamp, Rule.CATEGORY, str(category.id), before=None, after=plain_category(category), reason=reason)
    return category


def change_category(stamp: Stamp, category_id: int, *, reason: str, version: int | None = None, **given: Any) -> CategoryView:
    """Change what is given of a category: name, parent_id (None: a root), active, and what it says of itself.

    Renamed or moved, it takes all below it along. Taken out of use, it takes all below it out of use; cases keep it, none gets
    it anew. `version` is how often it had been changed when it was seen. Where nothing changes, nothing is put on record.
    Raises CategoryNotFound, CategoryUnfit, CategoryTaken, RuleChanged, RulesAreTheAdministrators, ReasonNeeded.
    """
    begin_change(stamp, reason)
    category = _category(category_id)
    check_version(Rule.CATEGORY, str(category_id), version)
    rewrite_category(stamp, category, given, reason)
    return _categories([category])[0]


def rewrite_category(stamp: Stamp, category: Category, given: Mapping[str, Any], reason: str) -> bool:
    """Change what is given of a category in a change that was begun; gives whether anything changed."""
    before = plain_category(category)
    below = _below(category)
    if "name" in given or "parent_id" in given:
        parent_id = given.get("parent_id", category.parent_id)
        if parent_id is not None and parent_id in {category.id, *(each.id for each in below)}:
            raise CategoryUnfit(errors={"parent_id": ["不能移到自己或自己的下级分类里"]})
        old = category.path
        _place(category, _category(parent_id) if parent_id is not None else None, given.get("name", category.name))
        for each in below:
            each.path = category.path + each.path.removeprefix(old)
    ended = _use(category, below, active=given.get("active", category.active))
    _say(category, {name: given[name] for name in _OWN if name in given})
    after = plain_category(category)
    if before == after:
        return False
    told = after | ({"with": [each.path for each in ended]} if ended else {})
    note_change(stamp, Rule.CATEGORY, str(category.id), before=before, after=told, reason=reason)
    return True


def _category(category_id: int) -> Category:
    category = db.session.get(Category, category_id)
    if category is None:
        raise CategoryNotFound
    return category


def _below(category: Category) -> list[Category]:
    query = select(Category).where(Category.path.startswith(f"{category.path}/", autoescape=True))
    return list(db.session.scalars(query.order_by(Category.path)))


def _place(category: Category, parent: Category | None, name: str) -> None:
    """Put a category below a parent under a name; raises CategoryUnfit, CategoryTaken."""
    name = name.strip()
    if not name or "/" in name or len(name) > LONGEST_NAME or not name.isprintable():
        raise CategoryUnfit(errors={"name": ["名称不能为空，不能含“/”，不超过 40 个字"]})
    path = f"{parent.path}/{name}" if parent else name
    if path != category.path:
        with db.session.no_autoflush:
            taken = db.session.scalars(select(Category.id).where(Category.path == path)).first()
        if taken is not None:
            raise CategoryTaken
    category.name, category.path, category.parent_id = name, path, parent.id if parent else None


def _use(category: Category, below: Sequence[Category], *, active: bool) -> list[Category]:
    """Take a category and all below it out of use, or itself back into use; gives those below that went along."""
    parent = db.session.get(Category, category.parent_id) if category.parent_id is not None else None
    if active and parent is not None and not parent.active:
        raise CategoryUnfit(errors={"active": ["上级分类已停用，请先启用上级分类或移到别处"]})
    category.active = active
    ended = [each for each in below if each.active and not active]
    for each in ended:
        each.active = False
    return ended


def _say(category: Category, own: Mapping[str, Any]) -> None:
    distance = own.get("check_distance_m")
    if distance is not None and not 0 < distance <= FARTHEST_M:
        raise CategoryUnfit(errors={"check_distance_m": ["应填 1 到 100000 米"]})
    for name, value in own.items():
        setattr(category, name, value)


def plain_category(category: Category) -> dict[str, Any]:
    """Give a category as it goes on record and into an export: by its path, without ids."""
    verify = category.verify_by.value if category.verify_by else None
    same = {name: getattr(category, name) for name in ("path", "urgent", "active", "asks_evidence", "check_distance_m")}
    return same | {"verify_by": verify}


def _categories(rows: Sequence[Category]) -> list[CategoryView]:
    versions = versions_of(Rule.CATEGORY, [str(row.id) for row in rows])
    same = ("id", "path", "name", "parent_id", "active", *_OWN)
    return [CategoryView(**{n: getattr(row, n) for n in same}, version=versions.get(str(row.id), 0)) for row in rows]


def edited_reasons(
    stamp: Stamp, *, kind: RequestKind | None = None, cursor: str | None = None, limit: int = LIMIT
) -> Page[ReasonView]:
    """Give a page of all reasons, those out of use too, by code. Raises RulesAreTheAdministrators."""
    check_reader(stamp)
    query = select(Reason) if kind is None else select(Reason).where(Reason.kind == kind)
    rows = db.session.scalars(paged(query, key=[(Reason.code, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.code])
    return Page(_reasons(page.items), page.next_cursor)


def put_reason(
    stamp: Stamp, code: str, *, kind: RequestKind, words: str, active: bool = True, reason: str, version: int | None = None
) -> ReasonView:
    """Add a reason to the catalogue, change its words, or take it out of use; its kind stays, and so does what was told by it.

    `version` is how often it had been changed when it was seen. Raises ReasonUnfit, ReasonTaken, LastReason, RuleChanged,
    RulesAreTheAdministrators, ReasonNeeded.
    """
    begin_change(stamp, reason)
    check_version(Rule.REASON, code, version)
    write_reason(stamp, code, kind=kind, words=words, active=active, reason=reason)
    return _reasons([db.session.get_one(Reason, code)])[0]


def write_reason(stamp: Stamp, code: str, *, kind: RequestKind, words: str, active: bool, reason: str) -> bool:
    """Write a reason in a change that was begun; gives whether anything changed."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", code):
        raise ReasonUnfit(errors={"code": ["编号用小写字母、数字和下划线"]})
    row = db.session.get(Reason, code)
    before = None if row is None else plain_reason(row)
    if row is not None and row.kind is not kind:
        raise ReasonTaken
    if row is not None and row.active and not active:
        _check_not_last(row)
    if row is None:
        row = Reason(code=code, kind=kind)
        db.session.add(row)
    row.words, row.active = words.strip(), active
    after = plain_reason(row)
    if before != after:
        note_change(stamp, Rule.REASON, code, before=before, after=after, reason=reason)
    return before != after


def _check_not_last(reason: Reason) -> None:
    others = select(Reason.code).where(Reason.kind == reason.kind, Reason.active, Reason.code != reason.code)
    if db.session.scalars(others.limit(1)).first() is None:
        raise LastReason


def plain_reason(reason: Reason) -> dict[str, Any]:
    """Give a reason as it goes on record and into an export."""
    return {"code": reason.code, "kind": reason.kind.value, "words": reason.words, "active": reason.active}


def _reasons(rows: Sequence[Reason]) -> list[ReasonView]:
    versions = versions_of(Rule.REASON, [row.code for row in rows])
    same = ("code", "kind", "words", "active")
    return [ReasonView(**{n: getattr(row, n) for n in same}, version=versions.get(row.code, 0)) for row in rows]
