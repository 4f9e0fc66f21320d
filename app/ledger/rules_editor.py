"""Keeps the editing of the county's other rules: its settings, the category tree, the catalogue of reasons."""

from dataclasses import asdict, dataclass, fields
from datetime import time
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.stamp import Stamp
from app.ledger.catalogue import catalogue
from app.ledger.county import County, CountySetting, county
from app.ledger.models import Category, Reason
from app.ledger.policy_changes import check_administrator, check_reader, note_change
from app.ledger.vocabulary import RequestKind


class UnknownSetting(NotFound):
    """没有这个设置项"""


class SettingUnfit(Invalid):
    """设置的值不合适"""


class CategoryTaken(Conflict):
    """同一级下已有这个分类"""


class CategoryNotFound(NotFound):
    """没有这个分类"""


class ReasonTaken(Conflict):
    """这个理由编号已被使用"""


@dataclass(frozen=True, kw_only=True)
class SettingView:
    """A setting: what it is now, and what it is where nobody changed it."""

    name: str
    value: Any
    default: Any
    changed: bool


def settings_list(stamp: Stamp) -> list[SettingView]:
    """Give every setting of the county in the order of their names."""
    check_reader(stamp)
    now, usual = asdict(county()), asdict(County())
    changed = set(db.session.scalars(select(CountySetting.name)))
    return [
        SettingView(name=name, value=_shown(now[name]), default=_shown(usual[name]), changed=name in changed)
        for name in sorted(usual)
    ]


def _shown(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def set_setting(stamp: Stamp, name: str, *, value: Any, reason: str) -> SettingView:
    """Set one of the county's numbers or lists; None sets it back to the product's. Raises UnknownSetting, SettingUnfit."""
    check_administrator(stamp)
    usual = getattr(County(), name, None)
    if name not in {each.name for each in fields(County)}:
        raise UnknownSetting
    if value is not None:
        _check_value(name, usual, value)
    row = db.session.get(CountySetting, name, with_for_update=True)
    before = _shown(getattr(county(), name))
    if value is None:
        if row is not None:
            db.session.delete(row)
    elif row is None:
        db.session.add(CountySetting(name=name, value=value))
    else:
        row.value = value
    db.session.flush()
    note_change(stamp, f"setting:{name}", before=before, after=_shown(usual) if value is None else value, reason=reason)
    county.forget()
    return SettingView(name=name, value=_shown(getattr(county(), name)), default=_shown(usual), changed=value is not None)


def _check_value(name: str, usual: Any, value: Any) -> None:
    """Refuse a value of another shape than the product's own, and numbers that make no sense."""

    def refuse(words: str) -> None:
        raise SettingUnfit(errors={"value": [words]})

    if isinstance(usual, tuple):
        if not isinstance(value, list):
            refuse("应填列表")
        if name == "bounds":
            if not all(isinstance(each, int | float) for each in value) or len(value) not in (0, 4):
                refuse("应填南、西、北、东四个数")
        elif not all(isinstance(each, str) and each.strip() for each in value):
            refuse("列表里每一项都应是文字")
        if name == "digest_times":
            _check_times(value)
    elif isinstance(usual, bool):
        if not isinstance(value, bool):
            refuse("应填是或否")
    elif isinstance(usual, float):
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            refuse("应填 0 到 1 之间的数")
    elif not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 100_000:
        refuse("应填大于 0 的整数")


def _check_times(value: list[str]) -> None:
    try:
        moments = [time.fromisoformat(each) for each in value]
    except ValueError:
        raise SettingUnfit(errors={"value": ["时刻应写成 09:00 这样"]}) from None
    if moments != sorted(set(moments)) or not moments:
        raise SettingUnfit(errors={"value": ["时刻应从早到晚，不能重复"]})


def add_category(stamp: Stamp, *, name: str, parent_id: int | None = None, urgent: bool = False, reason: str) -> Category:
    """Add a category below another, or a new root. Raises CategoryTaken, UnknownCategory."""
    check_administrator(stamp)
    path = f"{catalogue().category(parent_id).path}/{name}" if parent_id is not None else name
    if db.session.scalars(select(Category.id).where(Category.path == path)).first() is not None:
        raise CategoryTaken
    category = Category(path=path, name=name, parent_id=parent_id, urgent=urgent)
    db.session.add(category)
    db.session.flush()
    note_change(stamp, f"category:{category.id}", before=None, after=_category(category), reason=reason)
    catalogue.forget()
    return category


def change_category(
    stamp: Stamp,
    category_id: int,
    *,
    reason: str,
    name: str | None = None,
    urgent: bool | None = None,
    active: bool | None = None,
) -> Category:
    """Rename a category (with all below it), mark it urgent, or take it out of use; cases keep theirs.

    Raises CategoryNotFound, CategoryTaken.
    """
    check_administrator(stamp)
    category = db.session.get(Category, category_id, with_for_update=True)
    if category is None:
        raise CategoryNotFound
    before = _category(category)
    if name is not None and name != category.name:
        _rename(category, name)
    category.urgent = category.urgent if urgent is None else urgent
    category.active = category.active if active is None else active
    db.session.flush()
    note_change(stamp, f"category:{category.id}", before=before, after=_category(category), reason=reason)
    catalogue.forget()
    return category


def _rename(category: Category, name: str) -> None:
    old = category.path
    path = old.removesuffix(category.name) + name
    if db.session.scalars(select(Category.id).where(Category.path == path)).first() is not None:
        raise CategoryTaken
    below = db.session.scalars(select(Category).where(Category.path.startswith(f"{old}/", autoescape=True))).all()
    for each in below:
        each.path = path + each.path.removeprefix(old)
    category.path, category.name = path, name


def _category(category: Category) -> dict[str, Any]:
    return {"path": category.path, "urgent": category.urgent, "active": category.active}


def put_reason(stamp: Stamp, code: str, *, kind: RequestKind, words: str, active: bool = True, reason: str) -> Reason:
    """Add a reason to the catalogue, or change the words of one; its kind stays. Raises ReasonTaken."""
    check_administrator(stamp)
    row = db.session.get(Reason, code, with_for_update=True)
    before = None if row is None else {"kind": row.kind.value, "words": row.words, "active": row.active}
    if row is not None and row.kind is not kind:
        raise ReasonTaken
    if row is None:
        row = Reason(code=code, kind=kind)
        db.session.add(row)
    row.words, row.active = words, active
    db.session.flush()
    note_change(stamp, f"reason:{code}", before=before, after={"kind": kind.value, "words": words, "active": active}, reason=reason)
    return row
