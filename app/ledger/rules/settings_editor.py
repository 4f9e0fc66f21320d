"""Keeps the editing of the county's settings: each number or list of `County`, checked by its kind and against the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import time
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Invalid, NotFound
from app.core.stamp import Stamp
from app.ledger.county import County, CountySetting, stored_county
from app.ledger.rules.policy_changes import begin_change, check_reader, check_version, note_change, versions_of
from app.ledger.vocabulary import Rule

MOST = 1_000_000
LONGEST_LIST = 500
LONGEST_WORD = 200
LONGEST_DANGER_WORD = 20


class UnknownSetting(NotFound):
    """没有这个设置项"""


class SettingUnfit(Invalid):
    """设置的值不合适"""


@dataclass(frozen=True, kw_only=True)
class SettingView:
    """A setting: what it is now, what it is where nobody changed it, and how often it was changed."""

    name: str
    label: str
    value: Any
    default: Any
    changed: bool
    version: int


LABELS: dict[str, str] = {
    "danger_words": "危险词",
    "callback_attempts": "回访最少次数",
    "callback_days": "回访最少分几天",
    "callback_gap_minutes": "两次回访最少间隔（分钟）",
    "callback_hours": "回访时段",
    "rating_days": "办结后可评价天数",
    "reopen_days": "办结后可重新办理天数",
    "answers_to_settle": "认定重复诉求所需答复次数",
    "same_reply_most": "同一答复用于其他工单的提醒数",
    "recurrence_days": "办结后视为重复诉求的天数",
    "repeat_minutes": "同一人重复提交自动合并（分钟）",
    "reopened_days": "重新办理的总时限（工作日）",
    "return_days": "退单期限（工作日）",
    "return_urgent_minutes": "紧急件退单期限（分钟）",
    "extensions_most": "最多延期次数",
    "suspend_days": "挂账复核最长天数",
    "group_from": "集体诉求人数起点",
    "representatives_most": "集体诉求代表最多人数",
    "urge_hours": "群众两次催办间隔（小时）",
    "reworks_to_interview": "返工几次列入约谈",
    "reassignments_to_interview": "改派几次列入约谈",
    "text_limit": "诉求正文最多字数",
    "title_limit": "标题最多字数",
    "amber_share": "临期提醒比例",
    "upstream_margin_hours": "早于上级期限（工作小时）",
    "digest_times": "汇总提醒时刻",
    "emergency_numbers": "紧急电话",
    "bounds": "地图范围（南、西、北、东）",
    "outside_metres": "县界外仍受理的距离（米）",
    "repeat_likeness": "同一人重复提交的相似度",
    "response_weight": "响应率权重",
    "satisfaction_weight": "满意率权重",
    "solution_weight": "解决率权重",
    "basically_satisfied_share": "“基本满意”折算系数",
    "window_day": "考核周期起始日",
    "window_hour": "考核日起始钟点",
    "whistle_metres": "吹哨报到签到距离（米）",
    "whistles_a_day": "群众每人每天吹哨次数",
    "home_take_hours": "上门代办接单时限（小时）",
    "home_come_hours": "上门代办上门时限（小时）",
    "volunteer_holds": "志愿者同时接单上限（件）",
    "volunteer_looks": "志愿者每天查看联系方式上限（人）",
}
"""Setting → what people call it; one that is not here goes by its own name."""


def settings_list(stamp: Stamp) -> list[SettingView]:
    """Give every setting of the county, in the product's order. Raises RulesAreTheAdministrators."""
    check_reader(stamp)
    now, usual = asdict(stored_county()), asdict(County())
    changed = set(db.session.scalars(select(CountySetting.name)))
    versions = versions_of(Rule.SETTING, list(usual))
    return [
        SettingView(
            name=name,
            label=LABELS.get(name, name),
            value=plain(now[name]),
            default=plain(usual[name]),
            changed=name in changed,
            version=versions.get(name, 0),
        )
        for name in usual
    ]


def plain(value: Any) -> Any:
    """Give a setting's value as it is stored and told: lists for tuples."""
    return list(value) if isinstance(value, tuple) else value


def set_settings(
    stamp: Stamp, *, values: Mapping[str, Any], reason: str, versions: Mapping[str, int] | None = None
) -> list[SettingView]:
    """Set some of the county's numbers and lists at once; None sets one back to the product's. Gives those.

    `versions` are how often each had been changed when it was seen. Raises UnknownSetting, SettingUnfit naming the field,
    RuleChanged, RulesAreTheAdministrators, ReasonNeeded.
    """
    begin_change(stamp, reason)
    now, usual = stored_county(), County()
    for name in values:
        if name not in asdict(usual):
            raise UnknownSetting(f"没有“{name}”这个设置项")
        check_version(Rule.SETTING, name, (versions or {}).get(name))
    fresh = {name: plain(getattr(usual, name)) if value is None else fit_value(name, value) for name, value in values.items()}
    check_together(replace(now, **{name: _held(value) for name, value in fresh.items()}), list(fresh))
    stored = {row.name: row for row in db.session.scalars(select(CountySetting).where(CountySetting.name.in_(fresh)))}
    for name, value in fresh.items():
        before = plain(getattr(now, name))
        _store(stored.get(name), name, None if values[name] is None else value)
        if value != before or (name in stored) != (values[name] is not None):
            note_change(stamp, Rule.SETTING, name, before=before, after=value, reason=reason)
    return [each for each in settings_list(stamp) if each.name in fresh]


def _store(row: CountySetting | None, name: str, value: Any) -> None:
    if row is None and value is not None:
        db.session.add(CountySetting(name=name, value=value))
    elif row is not None and value is None:
        db.session.delete(row)
    elif row is not None:
        row.value = value


def _held(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def fit_value(name: str, value: Any) -> Any:
    """Give a value in the kind that a setting has; raises SettingUnfit for another kind, and for what makes no sense."""
    usual = getattr(County(), name)
    try:
        fresh = _KINDS[type(usual)](value, usual)
        why = _CHECKS.get(name, lambda _: None)(fresh)
    except _Wrong as wrong:
        why = str(wrong)
    if why:
        raise SettingUnfit(errors={name: [why]})
    return fresh


class _Wrong(ValueError):
    """A value of another kind; the message is for people."""


def _list(value: Any, usual: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > LONGEST_LIST:
        raise _Wrong("应填列表")
    if usual == ():  # the one list of numbers
        return [_number(each) for each in value]
    if not all(isinstance(each, str) and each.strip() and len(each) <= LONGEST_WORD and each.isprintable() for each in value):
        raise _Wrong("列表里每一项都应是文字，不能为空")
    words = [each.strip() for each in value]
    if len(set(words)) < len(words):
        raise _Wrong("列表里有重复的项")
    return words


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not -MOST <= value <= MOST:
        raise _Wrong("应填数字")
    return float(value) + 0.0  # no minus zero: it would not come back from the database as it went


def _share(value: Any, _: Any) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise _Wrong("应填 0 到 1 之间的数")
    return number


def _flag(value: Any, _: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("应填是或否")
    return value


def _whole(value: Any, _: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise _Wrong("应填整数，不能是负数")
    return value


def _text(value: Any, _: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_WORD or not value.isprintable():
        raise _Wrong("应填文字，不能为空")
    return value.strip()


_KINDS: dict[type, Callable[[Any, Any], Any]] = {
    tuple: _list, float: _share, bool: _flag, int: _whole, str: _text,
}  # fmt: skip
"""The kind of a setting's own value → how another is taken."""


def _in_order(value: list[str]) -> str | None:
    try:
        moments = [time.fromisoformat(each) for each in value]
    except ValueError:
        return "时刻应写成 09:00 这样"
    if any(f"{moment:%H:%M}" != each for moment, each in zip(moments, value, strict=True)):
        return "时刻应写成 09:00 这样"
    return None if moments and moments == sorted(moments) else "时刻应从早到晚"


def _two_times(value: list[str]) -> str | None:
    return _in_order(value) if len(value) == 2 else "应填开始和结束两个时刻"


def _short_words(value: list[str]) -> str | None:
    if not value:
        return "至少要有一个危险词，否则险情无法自动提醒"
    return "每个词不超过 20 个字" if any(len(word) > LONGEST_DANGER_WORD for word in value) else None


def _corners(value: list[float]) -> str | None:
    if not value:
        return None
    if len(value) != 4:
        return "应填南、西、北、东四个数"
    south, west, north, east = value
    return None if -90 <= south < north <= 90 and -180 <= west < east <= 180 else "南应小于北，西应小于东"


def _not_none(value: int | float) -> str | None:
    return None if value > 0 else "应大于 0"


_CHECKS: dict[str, Callable[[Any], str | None]] = {
    **dict.fromkeys(
        ("callback_attempts", "callback_days", "rating_days", "reopen_days", "reopened_days", "return_days",
         "return_urgent_minutes", "suspend_days", "answers_to_settle", "same_reply_most", "reworks_to_interview",
         "reassignments_to_interview", "text_limit", "title_limit", "amber_share", "group_from", "representatives_most"), _not_none,
    ),
    "danger_words": _short_words,
    "callback_hours": _two_times,
    "digest_times": _in_order,
    "bounds": _corners,
    "window_day": lambda value: None if 1 <= value <= 28 else "应填 1 到 28，每个月都有的日子",
    "window_hour": lambda value: None if value <= 23 else "应填 0 到 23 点",
}  # fmt: skip
"""Setting → what its value must be besides; gives what is wrong in words."""

WEIGHTS = ("response_weight", "satisfaction_weight", "solution_weight")


def check_together(settings: County, changed: Sequence[str]) -> None:
    """Raise SettingUnfit, naming the first of `changed` that it is about, where settings do not go together."""
    weights = [name for name in changed if name in WEIGHTS]
    if weights and abs(sum(getattr(settings, name) for name in WEIGHTS) - 1) > 1e-9:
        raise SettingUnfit(errors={weights[0]: ["响应、满意、解决三项权重之和应为 1，请一起修改"]})
    limits = [name for name in changed if name in ("title_limit", "text_limit")]
    if limits and settings.title_limit > settings.text_limit:
        raise SettingUnfit(errors={limits[0]: ["标题字数不能多于正文字数"]})
