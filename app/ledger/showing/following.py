"""Keeps what those who follow a case see of it: the person, the holder of its claim code, the filer, the grid.

They see where it stands, what happens next, the replies and their own words; never notes for the file, never names of staff.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, exists, false, func, or_, select, true
from sqlalchemy import case as when
from sqlalchemy.orm import aliased, joinedload

from app.core.database import db
from app.core.paging import Page, page_from, paged
from app.core.stamp import Actor, ActorKind, Role, Stamp
from app.files.models import FileSubject
from app.files.showing import FileShown, files_of
from app.ledger.callbacks.answers import rated_before
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.county import county
from app.ledger.intake.claims import prove
from app.ledger.merging.union import joined_at, last_of, merged_at
from app.ledger.models import Case, Entry, Report, ReportClaim
from app.ledger.numbers import check_number
from app.ledger.requests.withdrawal import may_wish, pending_wish
from app.ledger.rounds.reopening import may_reopen
from app.ledger.scope import CaseNotFound, opened_by, visible, written
from app.ledger.showing.lines import Line, lines_of
from app.ledger.showing.narrowing import in_reach
from app.ledger.showing.outlook import outlook
from app.ledger.vocabulary import Channel, Clock, Kind, State


@dataclass(frozen=True)
class Said:
    """A report in its own words."""

    said_at: datetime
    channel: Channel
    title: str
    body: str
    files: Sequence[FileShown]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a case stands, for a list: `promised_by` is the promise for the whole, `late` whether it was or is broken."""

    number: str
    state: State
    kind: Kind
    title: str
    opened_at: datetime
    promised_by: datetime | None
    late: bool


@dataclass(frozen=True, kw_only=True)
class Followed(Standing):
    """A case as its followers see it; `question` waits for their answer, `may_rate` says whether their rating would count.

    `may_reopen` and `may_withdraw` likewise; `withdrawing`: their wish to withdraw waits for the centre's call. Of a case that
    was merged they see, under its own number and title, how the case `merged_into` gets on.
    """

    version: int
    merged_into: str | None
    category: str | None
    grid: str | None
    closed_at: datetime | None
    what_next: str
    question: str | None
    may_rate: bool
    may_reopen: bool
    may_withdraw: bool
    withdrawing: bool
    reports: list[Said]
    timeline: list[Line]


@dataclass(frozen=True)
class _Follower:
    """Who looks: the actor, and the report whose claim code was proved."""

    actor: Actor
    report_id: int | None = None

    def reports(self) -> ColumnElement[bool]:
        """Give the condition for the reports of a case whose words the follower may read."""
        if self.report_id is not None:
            return Report.id == self.report_id
        if self.actor.kind is ActorKind.RESIDENT:
            me = self.actor.id
            claimed = exists().where(ReportClaim.report_id == Report.id, ReportClaim.resident_id == me)
            return or_(Report.filer_resident_id == me, Report.concerned_id == me, claimed)
        return or_(Report.filer_staff_id == self.actor.id, ~Report.confidential)

    def own(self) -> ColumnElement[bool]:
        """Give the condition for the entries whose words are the follower's own."""
        if self.report_id is not None:
            return and_(Entry.actor == ActorKind.ANONYMOUS, Entry.facts["report"].as_integer() == self.report_id)
        return and_(Entry.actor == self.actor.kind, Entry.actor_id == self.actor.id)


def follow(stamp: Stamp, number: str) -> Followed:
    """Give a case that the actor sees as its followers see it; raises CaseNotFound."""
    return _followed(stamp, and_(Case.number == written(number), visible(stamp.actor)), _Follower(stamp.actor))


def follow_by_claim(stamp: Stamp, number: str, code: str) -> Followed:
    """Give a case as the holder of its claim code sees it; raises WrongClaim."""
    report = prove(number, code)
    return _followed(stamp, Case.number == check_number(number), _Follower(stamp.actor, report.id))


def follow_list(stamp: Stamp, *, state: State | None = None, cursor: str | None, limit: int) -> Page[Standing]:
    """Give the cases of a resident, or those in the grids and villages of staff, newest first."""
    which = [visible(stamp.actor), *_near(stamp.actor), *_opened_by_own(stamp.actor)]
    query = standings(stamp).add_columns(Case.id).where(*which)
    if state is not None:
        query = query.where(query.selected_columns.state == state)
    rows = db.session.execute(paged(query, key=[(Case.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page([standing(row) for row in page.items], page.next_cursor)


def _near(actor: Actor) -> list[ColumnElement[bool]]:
    if actor.kind is not ActorKind.STAFF:
        return []
    near: list[ColumnElement[bool]] = [Case.territory_path.startswith(path) for path in actor.paths(Role.CADRE)]
    if actor.grid_ids:
        near.append(Case.grid_id.in_(sorted(actor.grid_ids)))
    return [or_(*near), *in_reach(actor)] if near else [false()]


def _opened_by_own(actor: Actor) -> list[ColumnElement[bool]]:
    """Give the condition that one of a resident's own reports opened the case, or was said on it: its number is the one known."""
    if actor.kind is not ActorKind.RESIDENT:
        return []
    own = _Follower(actor).reports()
    return [Case.id.in_(select(func.coalesce(Report.opened_case_id, Report.case_id)).where(own))]


def _told_title(actor: Actor) -> ColumnElement[str]:
    """Give the title of a case as its list tells it: to a resident who only said "me too", the published one."""
    if actor.kind is not ActorKind.RESIDENT:
        return Case.title.expression
    opened = exists().where(opened_by(Case.id), ~Report.me_too, _Follower(actor).reports()).correlate(Case)
    return when((opened, Case.title), else_=func.coalesce(Case.public_title, Case.title))


def standings(stamp: Stamp) -> Select[Any]:
    """Give the query for `standing` rows of cases, to be narrowed and ordered.

    Of a case that was merged a resident is told how the case gets on in which their report is now.
    """
    resident = stamp.actor.kind is ActorKind.RESIDENT
    now: Any = aliased(Case) if resident else Case
    promise = promise_of_case(now)
    running = and_(promise.c.met_at.is_(None), promise.c.paused_at.is_(None))
    late = or_(promise.c.breached_at.is_not(None), and_(running, promise.c.due_at < stamp.at))
    title = _told_title(stamp.actor).label("title")
    columns = (Case.number, now.state, Case.kind, title, Case.opened_at, promise.c.due_at.label("promised_by"))
    query = select(*columns, late.label("late")).select_from(Case)
    if resident:
        moved = select(Report.case_id).where(Report.opened_case_id == Case.id).correlate(Case).limit(1).scalar_subquery()
        query = query.join(now, now.id == when((Case.merged_into_id.is_not(None), moved), else_=Case.id))
    return query.outerjoin(promise, true())


def standing(row: Any) -> Standing:
    """Make a `standings` row what it stands for."""
    return Standing(
        number=row.number,
        state=row.state,
        kind=row.kind,
        title=row.title,
        opened_at=row.opened_at,
        promised_by=row.promised_by,
        late=bool(row.late),
    )


def promise_of_case(case: Any) -> FromClause:
    """Give the newest version of a case's overall clock, to be joined to a query over cases (`case`); a merged one has none."""
    columns = (Deadline.due_at, Deadline.breached_at, Deadline.met_at, Deadline.paused_at)
    newest = select(*columns).where(Deadline.case_id == case.id, Deadline.clock == Clock.OVERALL, Deadline.cancelled_at.is_(None))
    return newest.correlate(case).order_by(Deadline.id.desc()).limit(1).lateral("promise")


def _followed(stamp: Stamp, which: ColumnElement[bool], follower: _Follower) -> Followed:
    asked = db.session.scalars(select(Case).where(which).options(joinedload(Case.grid))).first()
    if asked is None:
        raise CaseNotFound
    case = last_of(stamp.actor, asked)
    theirs = [Report.case_id == case.id if case.merged_into_id is None else opened_by(case.id), follower.reports()]
    if asked is not case and stamp.actor.kind is ActorKind.STAFF:  # of others in the other case they were told nothing
        theirs.append(or_(Report.filer_staff_id == stamp.actor.id, Report.opened_case_id == asked.id))
    reports = db.session.scalars(select(Report).where(*theirs).order_by(Report.id)).all()
    clocks = db.session.scalars(select(Deadline).where(Deadline.case_id == case.id).order_by(Deadline.id)).all()
    since = joined_at(case, reports) if asked is case else merged_at(asked, case)
    lines, question = lines_of(stamp, case.id, follower.own(), since=since)
    if asked is not case:
        lines = sorted(lines_of(stamp, asked.id, follower.own())[0] + lines, key=lambda line: line.at)
    promise = next((clock for clock in reversed(clocks) if clock.clock is Clock.OVERALL), None)
    rate_until = _rate_until(stamp, case, reports, follower)
    concerned = _is_concerned(follower, reports)
    withdrawing = pending_wish(stamp, case) is not None
    running = [clock for clock in clocks if clock.met_at is None and clock.cancelled_at is None and clock.round == case.round]
    return Followed(
        number=asked.number,
        state=case.state,
        kind=asked.kind,
        title=asked.title if asked is not case or since is None or not reports else reports[0].title,
        opened_at=asked.opened_at,
        promised_by=promise.due_at if promise else None,
        late=promise is not None and _is_late(promise, stamp.at),
        version=case.version,
        merged_into=case.number if asked is not case else None,
        category=catalogue().category(case.category_id).path if case.category_id is not None else None,
        grid=case.grid.name if case.grid else None,
        closed_at=case.closed_at,
        what_next=outlook(
            case.state,
            stamp.at,
            due={clock.clock: clock.due_at for clock in sorted(running, key=lambda clock: clock.due_at)},
            promise=promise.due_at if promise else None,
            rate_until=rate_until if case.state is State.CLOSED else None,
        ),
        question=question if case.state is State.INFO_REQUESTED else None,
        may_rate=rate_until is not None,
        may_reopen=concerned and may_reopen(stamp.at, case),
        may_withdraw=concerned and not withdrawing and may_wish(stamp, case, reports),
        withdrawing=withdrawing,
        reports=_said(stamp, reports),
        timeline=lines,
    )


def _said(stamp: Stamp, reports: Sequence[Report]) -> list[Said]:
    files = files_of(stamp, FileSubject.REPORT, [report.id for report in reports])
    return [Said(each.said_at, each.channel, each.title, each.body, files.get(each.id, [])) for each in reports]


def _is_late(clock: Deadline, at: datetime) -> bool:
    return clock.breached_at is not None or (clock.met_at is None and clock.paused_at is None and clock.due_at < at)


def _rate_until(stamp: Stamp, case: Case, reports: Sequence[Report], follower: _Follower) -> datetime | None:
    """Give until when the follower's rating would count; None when it would not."""
    if (
        case.archived
        or case.triage
        or case.state not in (State.AWAITING_CALLBACK, State.CLOSED)
        or not _is_concerned(follower, reports)
    ):
        return None
    until = (case.closed_at or stamp.at) + timedelta(days=county().rating_days)
    own = [report.id for report in reports if report.withdrawn_at is None and _is_concerned(follower, [report])]
    if stamp.at > until or not own or rated_before(case, own):
        return None
    return until


def _is_concerned(follower: _Follower, reports: Sequence[Report]) -> bool:
    if follower.report_id is not None:
        return any(report.withdrawn_at is None for report in reports)
    if follower.actor.kind is not ActorKind.RESIDENT:
        return False
    me = follower.actor.id
    kept = [report for report in reports if report.withdrawn_at is None and not report.me_too]
    return any(report.concerned_id == me or report.filer_resident_id != me for report in kept)
