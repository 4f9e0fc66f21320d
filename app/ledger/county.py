"""Keeps the county's own numbers and lists: defaults in one dataclass, overridden by rows that an administrator edits."""

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, db
from app.core.held import Held


class CountySetting(Base):
    """One overridden number or list; `name` is a field of `County`."""

    __tablename__ = "county_setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)


@dataclass(frozen=True)
class County:
    """What a county may set for itself. Lists are texts for people or words to look for."""

    danger_words: tuple[str, ...] = (
        "燃气泄漏", "煤气泄漏", "天然气泄漏", "自杀", "跳楼", "轻生", "爆炸", "着火", "火灾", "触电", "溺水", "塌方", "坍塌", "中毒", "有人被困", "持刀",
    )  # fmt: skip
    callback_attempts: int = 3
    callback_days: int = 2
    rating_days: int = 15
    text_limit: int = 4000
    title_limit: int = 60
    amber_share: float = 0.8


def _load() -> County:
    known = {field.name for field in fields(County)}
    rows = db.session.execute(select(CountySetting.name, CountySetting.value)).all()
    return County(**{name: tuple(value) if isinstance(value, list) else value for name, value in rows if name in known})


county = Held(_load)


def danger_in(text: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Give the danger words that a text contains, in the order of the list."""
    return tuple(word for word in words if word in text)
