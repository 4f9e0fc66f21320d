"""Keeps verification by people besides the call-back: a grid worker's look on the spot, a representative's rating (评单).

What they found stands in the checklist of the review. Source: the rules of a case, section 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import not_, select
from sqlalchemy.orm import joinedload

from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import Conflict, NotAllowed
from app.core.paging import Page, page_from, paged
from app.core.stamp import Stamp
from app.files.models import FileSubject
from app.files.showing import FileShown, files_of
from app.ledger.handling import works_for_case
from app.ledger.models import Case, Entry
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.scope import find_case, visible
from app.ledger.verification.checklist import Check
from app.ledger.verification.lookers import awaits_look, looks_for_grid
from app.ledger.verification.models import Verification
from app.ledger.verification.results import checks_of, facts_of, newest_result
from app.ledger.vocabulary import Action, Satisfaction, State, VerifyBy
from app.people.models import Staff


class NoResultYet(Conflict):
    """还没有办理结果，没有可以核验的内容"""


class VerifyOwnWork(NotAllowed):
    """承办单位的人员不能核验自己的办理结果"""


class NotYourGrid(NotAllowed):
    """这个工单不在您的网格"""


class NoRepresentativeAsked(Conflict):
    """这类事项不需要代表评单"""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What somebody found: who recorded it when; a look says whether it is solved, a representative how satisfied."""

    by: VerifyBy
    at: datetime
    recorded_by: str
    solved: bool | None
    satisfaction: Satisfaction | None
    representative: str | None


@dataclass(frozen=True, kw_only=True)
class Review:
    """What a reviewer looks at: the checklist, the references to evidence, the files, and what people found in this round."""

    number: str
    round: int
    verify_by: VerifyBy
    checks: Sequence[Check]
    evidence: Sequence[str]
    files: Sequence[FileShown]
    verified: Sequence[Verified]


@dataclass(frozen=True, kw_only=True)
class ToLookAt:
    """A case whose result a grid worker is to see on the spot."""

    number: str
    title: str
    state: State
    grid: str
    round: int


REVIEWED = frozenset({State.UNDER_REVIEW, State.AWAITING_CALLBACK, State.AWAITING_UPSTREAM, State.CLOSED})


def review_of(stamp: Stamp, number: str) -> Review:
    """Give what the review of a case's present round looks at. Raises CaseNotFound, NoResultYet."""
    case = find_case(stamp, number)
    result = newest_result(case)
    if case.state not in REVIEWED or (result is None and not case.assignments):
        raise NoResultYet
    query = select(Verification, Staff.name).join(Staff, Staff.id == Verification.staff_id)
    rows = db.session.execute(query.where(Verification.case_id == case.id, Verification.round == case.round)).all()
    return Review(
        number=case.number,
        round=case.round,
        verify_by=facts_of(case).verify_by,
        checks=checks_of(case),
        evidence=result.evidence if result is not None else [],
        files=_files(stamp, case) if result is not None and result.files else [],
        verified=[_verified(row, name) for row, name in rows],
    )


def _files(stamp: Stamp, case: Case) -> list[FileShown]:
    """Give the files of a case's newest result."""
    told = (
        select(Entry.id).where(Entry.case_id == case.id, Entry.action == Action.SUBMIT_RESULT).order_by(Entry.seq.desc()).limit(1)
    )
    return [file for shown in files_of(stamp, FileSubject.ENTRY, db.session.scalars(told).all()).values() for file in shown]


def _verified(row: Verification, name: str) -> Verified:
    who = keyring().decrypt(row.representative, field="verification.representative") if row.representative is not None else None
    return Verified(by=row.by, at=row.at, recorded_by=name, solved=row.solved, satisfaction=row.satisfaction, representative=who)


def record_look(stamp: Stamp, number: str, *, solved: bool, words: str, version: int | None = None) -> Case:
    """Record what a worker of the case's grid saw on the spot, or its township where the village handled it itself.

    Raises NotYourGrid, VerifyOwnWork.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        if case.grid_id not in acting.actor.grid_ids and not looks_for_grid(acting.actor, case):
            raise NotYourGrid
        _keep(acting, case, VerifyBy.LOOK, solved=solved)
        return Step(facts={"solved": solved})

    move_case(stamp, case, Action.LOOK, Words(note=words), change)
    return case


def record_appraisal(
    stamp: Stamp, number: str, *, representative: str, satisfaction: Satisfaction, words: str, version: int | None = None
) -> Case:
    """Record a representative's rating of the result, where the category asks for one.

    Raises NoRepresentativeAsked, VerifyOwnWork.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        if facts_of(case).verify_by is not VerifyBy.REPRESENTATIVE:
            raise NoRepresentativeAsked
        sealed = keyring().encrypt(representative.strip(), field="verification.representative")
        _keep(acting, case, VerifyBy.REPRESENTATIVE, satisfaction=satisfaction, representative=sealed)
        return Step(facts={"satisfaction": satisfaction})

    move_case(stamp, case, Action.APPRAISE, Words(note=words), change)
    return case


def _keep(stamp: Stamp, case: Case, by: VerifyBy, **found: Any) -> None:
    if works_for_case(stamp, case):
        raise VerifyOwnWork
    db.session.add(Verification(case_id=case.id, round=case.round, at=stamp.at, by=by, staff_id=stamp.actor.id, **found))
    db.session.flush()


def to_look_at(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[ToLookAt]:
    """Give the cases whose category asks for a look that nobody has taken in this round, and that the actor may take."""
    query = select(Case).where(awaits_look(stamp.actor), visible(stamp.actor))
    query = query.where(Case.closed_at.is_(None), not_(Case.archived)).options(joinedload(Case.grid))
    cases = db.session.scalars(paged(query, key=[(Case.id, False)], cursor=cursor, limit=limit)).all()
    page = page_from(cases, limit=limit, key=lambda case: [case.id])
    return Page([_to_look_at(case) for case in page.items], page.next_cursor)


def _to_look_at(case: Case) -> ToLookAt:
    return ToLookAt(
        number=case.number, title=case.title, state=case.state, grid=case.grid.name if case.grid else "", round=case.round
    )
