"""Keeps what cases that are one have together: their reports, whom they are against, how many people they move, who survives."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import any_, func, literal, select, update

from app.core.database import db
from app.core.stamp import Actor, ActorKind
from app.ledger.merging.models import Merge
from app.ledger.models import Case, Report, ReportClaim
from app.ledger.scope import visible


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


def name_parties(case: Case, parties: tuple[list[str] | None, int | None]) -> None:
    """Let a case itself be against these paths and this person; what was merged into it still adds whom it is against.

    Who is named is named for the numbers merged into it as well, for good: they answer still, and may be taken out again.
    """
    case.against_paths, case.against_staff_id = parties
    own = parties_of(case)
    merges = db.session.scalars(select(Merge).where(Merge.survivor_id == case.id, Merge.undone_at.is_(None))).all()
    for merge in merges:
        merge.own = own | {"anonymous": merge.own["anonymous"]}
    if merges:
        unite(case, merges[0].own, [merge.brought for merge in merges])
    paths, staff = parties
    for merged in db.session.scalars(select(Case).where(Case.id.in_(below([case.id])))):
        merged.against_paths = sorted({*(merged.against_paths or ()), *(paths or ())}) or None
        merged.against_staff_id = merged.against_staff_id or staff


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


def last_of(actor: Actor, case: Case) -> Case:
    """Give the case in which a merged case's reports are now: the end of its merges; the case itself where it is not merged.

    Staff who do not see the end, or are recused from it, are not led there: for them it is the case itself.
    """
    last = case
    while last.merged_into_id is not None:
        last = db.session.get_one(Case, last.merged_into_id)
    if last is not case and actor.kind is ActorKind.STAFF:
        seen = db.session.scalars(select(Case.id).where(Case.id == last.id, visible(actor))).first()
        return case if seen is None else last
    return last


def merged_at(case: Case, survivor: Case) -> datetime | None:
    """Give when the reports of a merged case came to the case in which they are now."""
    moved = select(Report.id).where(Report.opened_case_id == case.id).limit(1).scalar_subquery()
    came = select(func.max(Merge.at)).where(Merge.survivor_id == survivor.id, Merge.undone_at.is_(None))
    return db.session.scalar(came.where(moved == any_(Merge.report_ids)))


def joined_at(case: Case, reports: Sequence[Report]) -> datetime | None:
    """Give when somebody's reports, all brought by merges or said as "me too", came to a case; None where one opened it."""
    if not reports or any(report.opened_case_id is None and not report.me_too for report in reports):
        return None
    ids = [report.id for report in reports]
    came = select(func.min(Merge.at)).where(Merge.survivor_id == case.id, Merge.undone_at.is_(None))
    moved = db.session.scalar(came.where(Merge.report_ids.overlap(ids)))
    return min([report.received_at for report in reports if report.me_too] + ([moved] if moved else []), default=None)


@dataclass(frozen=True)
class Related:
    """The cases that a case is bound to: the one it was merged into, the one it comes back from, and by id those merged into it.

    `into` and `recurrence_of` are None also where the reader does not see that case. `settled`: what it comes back from is not
    taken up again without new facts.
    """

    into: str | None
    recurrence_of: str | None
    settled: bool
    merged: dict[int, str]


def cases_in(case: Case) -> list[int]:
    """Give the id of a case, and of every case whose reports it holds now."""
    return sorted({case.id, *(report.opened_case_id for report in case.reports if report.opened_case_id is not None)})


def below(case_ids: Iterable[int]) -> list[int]:
    """Give the ids of all cases merged into some cases, directly or through others."""
    tree = select(Case.id).where(Case.merged_into_id.in_(list(case_ids))).cte("tree", recursive=True)
    tree = tree.union_all(select(Case.id).where(Case.merged_into_id == tree.c.id))
    return sorted(db.session.scalars(select(tree.c.id)))


def spread(survivor: Case) -> None:
    """Let the cases merged into a survivor be as secret as it has become: their numbers still answer. All of them are locked.

    Never the other way: what was promised to a reporter stays, also when the cases are taken apart again.
    """
    if not survivor.confidential and not survivor.hidden_from_grid:
        return
    for case in db.session.scalars(select(Case).where(Case.id.in_(below([survivor.id])))):
        case.confidential = case.confidential or survivor.confidential
        case.hidden_from_grid = case.hidden_from_grid or survivor.hidden_from_grid


def related(actor: Actor, case: Case) -> Related:
    """Give the cases that a case is bound to, in one statement; those above it only where the actor sees them."""
    tree = select(Case.id, Case.number).where(Case.merged_into_id == case.id).cte("tree", recursive=True)
    tree = tree.union_all(select(Case.id, Case.number).where(Case.merged_into_id == tree.c.id))
    named_ids = [each for each in (case.merged_into_id, case.recurrence_of_id) if each]
    above = select(Case.id, Case.number, Case.settled).where(Case.id.in_(named_ids), visible(actor))
    down = select(tree.c.id, tree.c.number, literal(value=False), literal(value=True).label("is_below"))
    up = select(*above.subquery().c, literal(value=False))
    merged: dict[int, str] = {}
    named: dict[int, str] = {}
    settled: set[int] = set()
    for case_id, number, is_settled, is_below in db.session.execute(down.union_all(up)):
        (merged if is_below else named)[case_id] = number
        settled |= {case_id} if is_settled else set()
    back = case.recurrence_of_id or 0
    return Related(named.get(case.merged_into_id or 0), named.get(back), back in settled, merged)
