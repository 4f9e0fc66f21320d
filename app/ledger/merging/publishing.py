"""Keeps published cases: words for everybody written by the centre, the list near by, and residents who say "me too"."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import joinedload

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotFound
from app.core.paging import Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.county import county
from app.ledger.intake.submission import Submission, fit_words
from app.ledger.merging.union import heat_of
from app.ledger.models import Case, Report, ReportClaim
from app.ledger.moves import Step, Words, lock_case, move_case, where_now
from app.ledger.numbers import WrongNumber, check_number
from app.ledger.vocabulary import OPEN, Action, Channel, Kind, State
from app.people.models import Resident

ME_TOO = "我也遇到这个问题。"


class NotForPublication(Conflict):
    """还没有受理的，以及保密、匿名、举报或针对单位、人员的事项不能公开"""


class PublicWordsUnfit(Invalid):
    """公开的文字里不能有电话号码或身份证号"""


class NotPublished(NotFound):
    """没有找到这个公开事项"""


class SaidAlready(Conflict):
    """您已经反映过这件事，可以直接查看进度"""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published case as everybody sees it; `mine` says whether the resident has a report in it."""

    number: str
    title: str
    summary: str
    state: State
    grid: str | None
    heat: int
    published_at: datetime
    mine: bool


def may_be_published(case: Case) -> bool:
    """Say whether a case may be published: an accepted one that is not secret, anonymous, a tip-off, nor against somebody."""
    secret = case.hides_identity or case.hidden_from_grid or case.anonymous or case.archived
    return (
        not secret
        and case.state not in (State.SUBMITTED, State.INFO_REQUESTED)
        and case.kind is not Kind.TIP_OFF
        and case.against_staff_id is None
        and case.against_paths is None
    )


def publish_case(stamp: Stamp, number: str, *, title: str, summary: str, version: int | None = None) -> Case:
    """Publish a case under words that name nobody, or change them. Raises NotForPublication, PublicWordsUnfit."""
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        if not may_be_published(case):
            raise NotForPublication
        for field, words in (("title", title), ("summary", summary)):
            if re.search(r"(?<!\d)(1\d{10}|\d{17}[\dXx])(?!\d)", words):
                raise PublicWordsUnfit(errors={field: ["请去掉电话号码和身份证号"]})
        case.public_title, case.public_summary = title.strip(), summary.strip()
        case.published_at = case.published_at or acting.at
        return Step(facts={"published": True})

    move_case(stamp, case, Action.PUBLISH, Words(note=f"{title}\n{summary}"), change)
    return case


def take_down(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Take a published case down with a reason; who said "me too" goes on following it. Raises NotPublished."""
    case = lock_case(stamp, number, version=version)

    def change(_: Stamp) -> Step:
        if case.published_at is None:
            raise NotPublished
        case.published_at = None
        return Step(facts={"published": False})

    move_case(stamp, case, Action.PUBLISH, Words(note=note), change)
    return case


def published_near(stamp: Stamp, *, grid: str | None, cursor: str | None, limit: int) -> Page[Published]:
    """Give the published cases of a grid's township, the resident's own where none is named, else of the county; newest first.

    Closed ones stay on the list for as long as they are offered as recurrence. Raises UnknownGrid.
    """
    grid_id = catalogue().grid_id(grid) if grid is not None else _home(stamp)
    mine = exists().where(Report.case_id == Case.id, _is_mine(stamp)).label("mine")
    query = select(Case, mine).where(_listed(stamp.at)).options(joinedload(Case.grid))
    if grid_id is not None:
        query = query.where(Case.territory_path.startswith(_township(catalogue().grid_path(grid_id))))
    rows = db.session.execute(paged(query, key=[(Case.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row[0].id])
    return Page([_shown(case, mine=said) for case, said in page.items], page.next_cursor)


def say_me_too(stamp: Stamp, number: str, *, words: str | None = None) -> Case:
    """Add a resident's own report to a published case that is open: it counts in its heat, not in the rates.

    By the number of one that was merged they speak to the case that goes on, and follow it by its own number. Raises
    NotPublished, SaidAlready, WordsUnfit.
    """
    try:
        plain = check_number(number)
    except WrongNumber:
        raise NotPublished from None
    published = db.session.scalars(select(Case.id).where(Case.number == plain, Case.published_at.is_not(None))).first()
    if published is None:
        raise NotPublished
    (case,) = lock_rows(Case, [where_now(published)])
    if db.session.scalars(select(Case.id).where(Case.id == case.id, _listed(stamp.at))).first() is None:
        raise NotPublished
    assert case.public_title is not None
    body = (words or "").strip() or ME_TOO
    said = Submission(channel=Channel.MINI_PROGRAM, title=case.public_title[: county().title_limit], body=body)
    title, body = fit_words(said, county())

    def change(acting: Stamp) -> Step:
        if db.session.scalars(select(Report.id).where(Report.case_id == case.id, _is_mine(acting)).limit(1)).first() is not None:
            raise SaidAlready
        me, at = acting.actor.id, acting.at
        people = {"filer_resident_id": me, "concerned_id": me, "me_too": True}
        report = Report(case_id=case.id, channel=said.channel, title=title, body=body, said_at=at, received_at=at, **people)
        db.session.add(report)
        db.session.flush()
        db.session.expire(case, ["reports"])
        case.heat = heat_of(case)
        return Step(facts={"report": report.id})

    move_case(stamp, case, Action.ME_TOO, Words(note=body), change)
    return case


def _listed(at: datetime) -> ColumnElement[bool]:
    lately = and_(Case.state == State.CLOSED, Case.closed_at > at - timedelta(days=county().recurrence_days))
    open_to_all = (~Case.confidential, ~Case.hidden_from_grid, Case.against_paths.is_(None), Case.against_staff_id.is_(None))
    return and_(Case.published_at.is_not(None), *open_to_all, or_(Case.state.in_(OPEN), lately))


def _is_mine(stamp: Stamp) -> ColumnElement[bool]:
    me = stamp.actor.id if stamp.role is Role.RESIDENT else None
    claimed = exists().where(ReportClaim.report_id == Report.id, ReportClaim.resident_id == me)
    return or_(Report.concerned_id == me, Report.filer_resident_id == me, claimed)


def _home(stamp: Stamp) -> int | None:
    return db.session.scalar(select(Resident.grid_id).where(Resident.id == stamp.actor.id))


def _township(path: str) -> str:
    """Give the path of the township in which a village lies: `/1/7/42/` gives `/1/7/`."""
    return "/".join(path.split("/")[:3]) + "/"


def _shown(case: Case, *, mine: bool) -> Published:
    assert case.public_title is not None
    assert case.public_summary is not None
    assert case.published_at is not None
    return Published(
        number=case.number,
        title=case.public_title,
        summary=case.public_summary,
        state=case.state,
        grid=case.grid.name if case.grid else None,
        heat=case.heat,
        published_at=case.published_at,
        mine=mine,
    )
