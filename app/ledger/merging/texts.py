"""Keeps the index of texts in step with the open ledger: written at intake, completed and pruned by a job, grams counted anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from app.core.bulk import insert_many
from app.core.database import db, table_of
from app.core.held import Held
from app.ledger.county import county
from app.ledger.merging.likeness import PRIOR, Shares, figures_in, grams_of
from app.ledger.merging.models import CaseText, GramShares
from app.ledger.models import Case, Report

BATCH = 1000
SAMPLE = 50_000
"""The grams of so many cases are counted; their number does not grow with the ledger."""
KEPT = 60_000
"""So many grams are kept, the most common ones: some megabytes in each process."""
PRIOR_CASES = 200
"""The shares known beforehand count as much as so many cases."""

SOUTHWARD, EASTWARD = 222, 125
"""Squares to a degree of latitude and of longitude: nowhere in China narrower than 500 m."""


@dataclass(frozen=True)
class Stated:
    """The shares, and when they were counted; None before the first count."""

    at: datetime | None
    shares: Shares


def _counted_at() -> datetime | None:
    return db.session.scalar(select(GramShares.at))


def _load() -> Stated:
    row = db.session.scalars(select(GramShares)).first()
    if row is None:
        return Stated(None, Shares())
    db.session.expunge(row)
    return Stated(row.at, Shares(dict(zip(row.grams, row.shares, strict=True)), row.least, row.cases))


_held = Held(_load, still=lambda stated: stated.at == _counted_at())


def shares() -> Shares:
    """Give in which share of the texts each gram stands, as it was counted last."""
    return _held().shares


def square_of(latitude: float, longitude: float) -> int:
    """Give the number of the square in which a point lies."""
    return int(latitude * SOUTHWARD) * 100_000 + int(longitude * EASTWARD)


def squares_around(latitude: float, longitude: float) -> list[int]:
    """Give the squares in which every point within 500 m lies."""
    here = square_of(latitude, longitude)
    return [here + north * 100_000 + east for north in (-1, 0, 1) for east in (-1, 0, 1)]


def text_row(case_id: int, title: str, body: str, *, latitude: float | None, longitude: float | None) -> dict[str, Any]:
    """Give the columns under which a case is found again."""
    placed = latitude is not None and longitude is not None
    return {
        "case_id": case_id,
        "grams": sorted(grams_of(title, body)),
        "figures": figures_in(body),
        "square": square_of(latitude, longitude) if latitude is not None and longitude is not None else None,
        "latitude": latitude if placed else None,
        "longitude": longitude if placed else None,
    }


COLUMNS = ("case_id", "grams", "figures", "square", "latitude", "longitude")
_INSERT = insert(table_of(CaseText)).values({name: bindparam(name) for name in COLUMNS})


def write_text(row: dict[str, Any]) -> None:
    """Store the text of a case that has just been taken in."""
    db.session.connection().execute(_INSERT, row)


def wanted_since(at: datetime) -> datetime:
    """Give since when a case must have been closed to be found still."""
    return at - timedelta(days=county().recurrence_days)


def fill_texts(at: datetime, *, after: int, most: int = BATCH) -> int | None:
    """Add the texts that are missing among the next cases after an id; give the last id looked at, None at the end."""
    wanted = or_(Case.closed_at.is_(None), Case.closed_at > wanted_since(at))
    looked = select(Case.id).where(Case.id > after, ~Case.archived, wanted).order_by(Case.id).limit(most)
    ids: Sequence[int] = db.session.scalars(looked).all()
    if not ids:
        return None
    query = select(Case.id, Report.title, Report.body, Report.latitude, Report.longitude)
    query = query.join(Report, Report.id == _opening()).outerjoin(CaseText, CaseText.case_id == Case.id)
    rows = [
        text_row(row.id, row.title, row.body, latitude=row.latitude, longitude=row.longitude)
        for row in db.session.execute(query.where(Case.id.in_(ids), CaseText.case_id.is_(None)))
    ]
    insert_many(CaseText, rows, unless="case_id")
    return ids[-1]


def _opening() -> ColumnElement[int]:
    """Give the id of the report that opened a case, wherever merges have moved it."""
    opener = aliased(Report)
    here = select(func.min(opener.id)).where(opener.case_id == Case.id, opener.opened_case_id.is_(None))
    moved = select(func.min(opener.id)).where(opener.opened_case_id == Case.id)
    return func.least(here.correlate(Case).scalar_subquery(), moved.correlate(Case).scalar_subquery())


def prune_texts(at: datetime, *, after: int, most: int = BATCH) -> int | None:
    """Take out the texts of cases that ended long ago among the next texts after an id; give the last id looked at."""
    looked = select(CaseText.case_id).where(CaseText.case_id > after).order_by(CaseText.case_id).limit(most)
    ids: Sequence[int] = db.session.scalars(looked).all()
    if not ids:
        return None
    # The words of a merged case are found as long as the case is that holds them now.
    now = aliased(Case)
    moved = select(Report.case_id).where(Report.opened_case_id == Case.id).limit(1).correlate(Case).scalar_subquery()
    since = wanted_since(at)
    kept = exists().where(now.id == moved, or_(now.closed_at.is_(None), now.closed_at > since)).correlate(Case)
    ended = select(Case.id).where(Case.id.in_(ids), Case.closed_at <= since, ~kept)
    db.session.execute(delete(CaseText).where(CaseText.case_id.in_(ended)))
    return ids[-1]


_COUNT = text(
    """
    SELECT gram, count(*) AS cases FROM case_text, unnest(case_text.grams) AS gram WHERE case_id % :step = 0
    GROUP BY gram HAVING count(*) > 1 ORDER BY cases DESC, gram LIMIT :kept
    """
)


def count_grams(at: datetime) -> None:
    """Count anew in which share of the texts each gram stands, over a sample that is the same for the same ledger."""
    total = db.session.scalar(select(func.count()).select_from(CaseText)) or 0
    step = max(1, total // SAMPLE)
    seen = db.session.scalar(select(func.count()).select_from(CaseText).where(CaseText.case_id % step == 0)) or 0
    counts = {row.gram: row.cases for row in db.session.execute(_COUNT, {"step": step, "kept": KEPT})}
    rarest = min(counts.values()) if len(counts) == KEPT else 1
    whole = seen + PRIOR_CASES
    found = {each: (counts.get(each, 0) + PRIOR.get(each, 0.0) * PRIOR_CASES) / whole for each in sorted(counts | PRIOR)}
    values = {"at": at, "cases": total, "least": rarest / whole, "grams": list(found), "shares": list(found.values())}
    change = insert(GramShares).values(id=1, **values)
    db.session.execute(change.on_conflict_do_update(index_elements=[GramShares.id], set_=values))
    _held.forget()
