"""Keeps what cases that are one have together: their reports, whom they are against, how many people they move, who survives."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select, update

from app.core.database import db
from app.ledger.merging_models import Merge
from app.ledger.models import Case, Report, ReportClaim


def parties_of(case: Case) -> dict[str, Any]:
    """Give whom a case is against, and whether it is anonymous, as a merge remembers it."""
    return {"paths": sorted(case.against_paths or []), "staff": case.against_staff_id, "anonymous": case.anonymous}


def own_parties(survivor: Case) -> dict[str, Any]:
    """Give what a survivor had before its first merge that is in force."""
    first = select(Merge.own).where(Merge.survivor_id == survivor.id, Merge.undone_at.is_(None)).order_by(Merge.id).limit(1)
    return db.session.scalars(first).first() or parties_of(survivor)


def brought_to(survivor: Case) -> list[dict[str, Any]]:
    """Give what each case merged into a survivor adds to it."""
    return list(db.session.scalars(select(Merge.brought).where(Merge.survivor_id == survivor.id, Merge.undone_at.is_(None))))


def united(own: dict[str, Any], brought: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Give whom several cases are against together; they are anonymous only where all of them are."""
    every = [own, *brought]
    staff = next((each["staff"] for each in every if each["staff"] is not None), None)
    return {
        "paths": sorted({path for each in every for path in each["paths"]}),
        "staff": staff,
        "anonymous": all(each["anonymous"] for each in every),
    }


def unite(survivor: Case, own: dict[str, Any], brought: Iterable[dict[str, Any]]) -> None:
    """Let a survivor be against whom any of its reports is, and anonymous only where all of them are."""
    both = united(own, brought)
    survivor.against_paths, survivor.against_staff_id = both["paths"] or None, both["staff"]
    survivor.anonymous = both["anonymous"]


def point_reports(report_ids: Sequence[int], to: Case, *, opened: int | None) -> None:
    """Point reports to a case; those that move for the first time remember the case that they opened."""
    moved = update(Report).where(Report.id.in_(report_ids))
    came_back = func.nullif(Report.opened_case_id, to.id)
    remembered = func.coalesce(Report.opened_case_id, opened) if opened is not None else came_back
    db.session.execute(moved.values(case_id=to.id, opened_case_id=remembered))


def heat_of(case: Case) -> int:
    """Give how many different people a case moves: those whose matter it is or who claimed it; whoever is nameless is one each."""
    claimed = select(func.min(ReportClaim.resident_id)).where(ReportClaim.report_id == Report.id).scalar_subquery()
    person = func.coalesce(Report.concerned_id, claimed, -Report.id)
    query = select(func.count(person.distinct())).where(Report.case_id == case.id, Report.withdrawn_at.is_(None))
    return max(1, db.session.scalar(query) or 0)


def last_of(case: Case) -> Case:
    """Give the case in which a merged case's reports are now: the end of its merges; the case itself where it is not merged."""
    while case.merged_into_id is not None:
        case = db.session.get_one(Case, case.merged_into_id)
    return case
