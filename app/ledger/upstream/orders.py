"""Keeps what binds a case to the upstream platform: its moments, its own word on a result, and what goes back to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Actor, Stamp
from app.ledger.callbacks.answers import Verdict
from app.ledger.callbacks.models import Callback
from app.ledger.catalogue import catalogue
from app.ledger.deadlines import ClockFor, is_open, lock_case_clocks, new_version, note_due, start_clock, upstream_limit
from app.ledger.handling import works_for_case
from app.ledger.labels import label
from app.ledger.models import Case
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.requests.asking import ask
from app.ledger.requests.checks import Asked
from app.ledger.requests.limits import check_upstream_return
from app.ledger.requests.models import Request
from app.ledger.scope import visible
from app.ledger.vocabulary import UNHAPPY, Action, Audience, CallbackBy, Clock, RequestKind, RequestState, State, Subject
from app.ledger.workflow import CENTRE, RUNS_IN

PLATFORM = "上级 12345 平台"
BOUND = frozenset({Clock.RESOLVE, Clock.OVERALL})
"""The clocks that upstream's due moment, less the county's margin, bounds."""


class NothingSentBack(Conflict):
    """这个工单没有等待上级签收的退单"""


class UpstreamMomentUnfit(Invalid):
    """上级时限有误"""


class NotFromUpstream(Conflict):
    """这个工单不是上级平台交办的"""


class UpstreamIsTheCentres(NotAllowed):
    """上级平台的时限由县级派单员或督办员登记"""


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
    _bind(stamp.at, case)
    note_due(case, lock_case_clocks([case.id]))


def _bind(at: datetime, case: Case) -> None:
    """Let no open term of handling, and not the promise, go past what upstream leaves the county."""
    db.session.flush()
    clocks = lock_case_clocks([case.id])
    limit = upstream_limit(clocks, at)
    for deadline in clocks:
        if deadline.clock in BOUND and is_open(deadline) and limit is not None and limit < deadline.due_at:
            new_version(deadline, at, due=limit)
    db.session.flush()


def _start(stamp: Stamp, case: Case, clock: Clock, due: datetime) -> None:
    county_id = catalogue().county_id
    wanted = ClockFor(clock, Subject.CASE, case.kind, case.urgency, case.category_id, label(clock), county_id, due=due)
    start_clock(wanted, stamp.at, subject_id=case.id, case_id=case.id)


def adjust_upstream(
    stamp: Stamp,
    number: str,
    *,
    note: str,
    due_by: datetime | None = None,
    return_by: datetime | None = None,
    version: int | None = None,
) -> Case:
    """Record, with a reason, that upstream has set another moment: until when it wants the answer, or takes a return.

    Each becomes a new version of its clock, the old one stays readable. A stricter moment binds the running terms and the
    promise at once; a later one only makes room for an extension. Raises NotFromUpstream, UpstreamIsTheCentres,
    UpstreamMomentUnfit.
    """
    case = lock_case(stamp, number, version=version)
    given = {Clock.UPSTREAM_DUE: due_by, Clock.UPSTREAM_RETURN: return_by}

    def change(acting: Stamp) -> Step:
        if case.upstream_number is None:
            raise NotFromUpstream
        if not keeps_upstream(acting.actor) or works_for_case(acting, case):
            raise UpstreamIsTheCentres
        _check_moments(acting.at, case, given)
        before = {clock.clock: clock for clock in lock_case_clocks([case.id]) if is_open(clock)}
        facts = {}
        for clock, due in given.items():
            if due is None:
                continue
            old = before.get(clock)
            if old is None:
                _start(acting, case, clock, due)
            else:
                new_version(old, acting.at, due=due, breached_at=None)  # upstream itself has moved what was missed
            facts[clock.value] = {"from": old.due_at.isoformat() if old else None, "to": due.isoformat()}
        _bind(acting.at, case)
        return Step(facts=facts)

    move_case(stamp, case, Action.ADJUST_CLOCK, Words(note=note), change)
    return case


def keeps_upstream(actor: Actor) -> bool:
    """Say whether somebody keeps the moments of upstream: a dispatcher or supervisor of the county."""
    return any(catalogue().county_path in actor.paths(role) for role in CENTRE)


def _check_moments(at: datetime, case: Case, given: Mapping[Clock, datetime | None]) -> None:
    names = {Clock.UPSTREAM_DUE: "due_by", Clock.UPSTREAM_RETURN: "return_by"}
    if all(due is None for due in given.values()):
        raise UpstreamMomentUnfit(errors={name: ["请填写上级新的时限"] for name in names.values()})
    late = {names[clock]: ["上级新的时限要晚于现在"] for clock, due in given.items() if due is not None and due <= at}
    if given[Clock.UPSTREAM_RETURN] is not None and case.state not in RUNS_IN[Clock.UPSTREAM_RETURN]:
        late["return_by"] = ["工单已经派出，不再向上级退单"]
    if late:
        raise UpstreamMomentUnfit(errors=late)


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
    upstream gives a new due moment, which bounds the promise again. Raises UpstreamMomentUnfit.
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
            _bind(acting.at, case)
        facts = {"by": row.by, "contacted": verdict.contacted, "solved": verdict.solved, "satisfaction": verdict.satisfaction}
        return Step(facts=facts, unhappy=unhappy, templates={Audience.SUPERVISORS: "triage_waits" if unhappy else None})

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
        return Step(facts={"request": request.id, "signed": True}, templates={Audience.SUPERVISORS: None})

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
