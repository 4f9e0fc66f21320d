"""Keeps counts of tries per key and window, shared by all processes; the table is unlogged, a crash forgives."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import case, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, db, transaction
from app.core.errors import TooMany
from app.core.jobs import job
from app.core.stamp import Stamp

LONGEST_WINDOW = timedelta(days=1)


class Throttle(Base):
    """How often a key was tried since its window opened."""

    __tablename__ = "throttle"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 (SQLAlchemy reads it from the class)

    key: Mapped[str] = mapped_column(primary_key=True)
    opened_at: Mapped[datetime]
    tries: Mapped[int]


def count_try(key: str, at: datetime, *, most: int, window: timedelta) -> None:
    """Count a try of `key`; raises TooMany beyond `most` tries in a window. The caller stores the count even then."""
    stale = Throttle.opened_at <= at - window
    change = insert(Throttle).values(key=key, opened_at=at, tries=1)
    change = change.on_conflict_do_update(
        index_elements=[Throttle.key],
        set_={"tries": case((stale, 1), else_=Throttle.tries + 1), "opened_at": case((stale, at), else_=Throttle.opened_at)},
    )
    row = db.session.execute(change.returning(Throttle.tries, Throttle.opened_at)).one()
    if row.tries > most:
        raise TooMany(retry_after=max(1, int((row.opened_at + window - at).total_seconds())))


@job("forget-tries", every=timedelta(hours=1))
def forget_tries(stamps: Callable[[], Stamp]) -> int:
    """Delete counts whose window opened more than a day ago; give how many."""
    with transaction():
        old = delete(Throttle).where(Throttle.opened_at < stamps().at - LONGEST_WINDOW)
        return len(db.session.execute(old.returning(Throttle.tries)).all())
