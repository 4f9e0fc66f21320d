"""Keeps what binds a case to the upstream platform: its moments, its own word on a result, and what goes back to it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, Invalid
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Stamp
from app.ledger.callbacks import Verdict
from app.ledger.catalogue import catalogue
from app.ledger.deadlines import ClockFor, is_open, lock_case_clocks, new_version, note_due, start_clock, upstream_limit
from app.ledger.models import Callback, Case, Request
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.request_checks import Asked
from app.ledger.request_limits import check_upstream_return
from app.ledger.requests import ask
from app.ledger.scope import visible
from app.ledger.vocabulary import UNHAPPY, Action, CallbackBy, Clock, RequestKind, RequestState, State, Subject, label

PLATFORM = "上级 12345 平台"


class NothingSentBack(Conflict):
    """这个工单没有等待上级签收的退单"""


class UpstreamMomentUnfit(Invalid):
    """上级时限有误"""


@dataclass(frozen=True, kw_only=True)
class SentBack:
    """A case that went back upstream and is not signed for there yet."""

    number: str
    title: str
    upstream_number: str | None
    reason_code: str | None
    sent_at: datetime


def begin_upstream(
    stamp: Stamp,
    case: Case,
    *,
    sign_by: datetime | None = None,
    return_by: datetime | None = None,
    due_by: datetime | None = None,
) -> None:
    """Start upstream's clocks on a locked case, each at the moment that upstream gives; the promise is bound by its due moment.

    Moments that are past already stand as they are: such a case is late upstream from the start.
    """
    given = {Clock.UPSTREAM_SIGN: sign_by, Clock.UPSTREAM_RETURN: return_by, Clock.UPSTREAM_DUE: due_by}
    for clock, due in given.items():
        if due is not None:
            _start(stamp, case, clock, due)
    db.session.flush()
    clocks = lock_case_clocks([case.id])
    limit = upstream_limit(clocks, stamp.at)
    for deadline in clocks:
        if deadline.clock is Clock.OVERALL and is_open(deadline) and limit is not None and limit < deadline.due_at:
            new_version(deadline, stamp.at, due=limit)
    db.session.flush()
    note_due(case, lock_case_clocks([case.id]))


def _start(stamp: Stamp, case: Case, clock: Clock, due: datetime) -> None:
    county_id = catalogue().county_id
    wanted = ClockFor(clock, Subject.CASE, case.kind, case.urgency, case.category_id, label(clock), county_id, due=due)
    start_clock(wanted, stamp.at, subject_id=case.id, case_id=case.id)


def hear_upstream(
    stamp: Stamp,
    number: str,
    verdict: Verdict,
    *,
    note: str,
    due_by: datetime | None = None,
    version: int | None = None,
) -> Case:
    """Record upstream's own call-back on a result: a third word beside the unit's and the person's.

    Satisfied, it closes the case; dissatisfied, the case waits for the supervisor's triage, with a fresh upstream clock where
    upstream gives a new due moment. Raises UpstreamMomentUnfit.
    """
    case = lock_case(stamp, number, version=version)
    if due_by is not None and due_by <= stamp.at:
        raise UpstreamMomentUnfit(errors={"due_by": ["上级新的办理时限要晚于现在"]})

    def change(acting: Stamp) -> Step:
        if case.state is not State.AWAITING_UPSTREAM:
            raise NothingSentBack("这个工单没有等待上级审核的结果")
        unhappy = verdict.satisfaction in UNHAPPY
        row = Callback(
            case_id=case.id, round=case.round, at=acting.at, by=CallbackBy.UPSTREAM, staff_id=acting.actor.id, reached=True,
            **vars(verdict),
        )  # fmt: skip
        db.session.add(row)
        case.triage = unhappy
        if unhappy and due_by is not None:
            _start(acting, case, Clock.UPSTREAM_DUE, due_by)
        facts = {"by": row.by, "contacted": verdict.contacted, "solved": verdict.solved, "satisfaction": verdict.satisfaction}
        return Step(facts=facts, unhappy=unhappy)

    move_case(stamp, case, Action.CONFIRM_UPSTREAM, Words(note=note), change)
    return case


def send_back_upstream(stamp: Stamp, number: str, *, reason_code: str, reply: str, version: int | None = None) -> Request:
    """Ask that a matter go back to the upstream platform; a second person decides, and it is tracked until signed there.

    Raises ReturnLapsed once upstream's moment for returns is past, UnknownReason, RequestPending.
    """
    case = lock_case(stamp, number, version=version)
    check_upstream_return(stamp.at, case)
    asked = Asked(note=reply, reason_code=reason_code, reply=reply, redirect_to=PLATFORM)
    request = ask(stamp, number, RequestKind.REDIRECT, asked)
    request.to_upstream = True
    db.session.flush()
    return request


def sign_returned(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Record that upstream has signed for what went back to it; raises NothingSentBack."""
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        request = db.session.scalars(select(Request).where(Request.case_id == case.id, *_UNSIGNED)).first()
        if request is None or case.state is not State.REDIRECTED:
            raise NothingSentBack
        request.signed_at = acting.at
        return Step(facts={"request": request.id, "signed": True})

    move_case(stamp, case, Action.CONFIRM_UPSTREAM, Words(note=note), change)
    return case


_UNSIGNED = (Request.to_upstream, Request.state == RequestState.APPROVED, Request.signed_at.is_(None))


def unsigned_returns(stamp: Stamp, *, cursor: str | None = None, limit: int = LIMIT) -> Page[SentBack]:
    """Give a page of the cases that went back upstream and are not signed for, the longest waiting first."""
    columns = (Request.id, Case.number, Case.title, Case.upstream_number, Request.reason_code, Request.decided_at)
    query = select(*columns).join(Case, Case.id == Request.case_id).where(*_UNSIGNED, visible(stamp.actor))
    query = query.where(Case.state == State.REDIRECTED)
    rows = db.session.execute(paged(query, key=[(Request.id, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page(
        [
            SentBack(
                number=row.number,
                title=row.title,
                upstream_number=row.upstream_number,
                reason_code=row.reason_code,
                sent_at=row.decided_at,
            )
            for row in page.items
        ],
        page.next_cursor,
    )


def waits_for_signature(case: Case) -> bool:
    """Say whether a case went back upstream and is not signed for there."""
    return db.session.scalars(select(Request.id).where(Request.case_id == case.id, *_UNSIGNED)).first() is not None
