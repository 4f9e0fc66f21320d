"""Keeps what a visit log must be before it is stored: pure checks of its times, its outcome and its needs."""

import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from app.core.errors import Invalid
from app.ledger.intake.places import Point
from app.ledger.intake.submission import has_control
from app.ledger.vocabulary import Kind
from app.people.identity import Person
from app.visits.models import VisitOutcome
from app.visits.periods import day_of

AHEAD = timedelta(minutes=5)
"""How far a visit may lie after the phone's own clock before it counts as one in the future."""

CLOCK_OFF = timedelta(minutes=10)
"""From so much on a phone's clock counts as off, and the visit's time is put right by the difference."""

OLDEST = timedelta(days=90)
"""So long before its sending nothing was written down by a clock that was right, and no visit so long before that."""

LONGEST_VISIT = 12 * 3600
"""Seconds."""

FOLLOW_UP_DAYS = 366
MET_MOST = 50
NEEDS_MOST = 20
UNHEARD = frozenset({VisitOutcome.NOBODY_HOME, VisitOutcome.VACANT})
"""Outcomes at which nobody was there to say anything."""


IN_NOBODYS_PRESENCE = frozenset({VisitOutcome.NOBODY_HOME, VisitOutcome.VACANT, VisitOutcome.WORKING_AWAY})
NOTE_MOST = 500


class VisitInFuture(Invalid):
    """走访时间不能晚于现在"""


class VisitUnfit(Invalid):
    """走访记录需要修改"""


@dataclass(frozen=True, kw_only=True)
class Need:
    """One need heard at a visit; `answer` is what the grid worker answered on the spot, which closes it."""

    body: str
    title: str | None = None
    kind: Kind = Kind.OTHER
    category_id: int | None = None
    confidential: bool = False
    answer: str | None = None


@dataclass(frozen=True, kw_only=True)
class VisitLog:
    """A visit as the phone tells it: its own key, whom, when, how it went, what was found, what was needed.

    `household_id` or `grid` (its code) says where. Who was met is a resident on the roster, or a person told by name and number;
    `met_ids` names others who were there. Who died or moved is `resident_id`. `phone_at` is the phone's clock when the visit was
    written down, `sent_at` when it was sent, where the phone tells that too. `position` is where the phone was then.
    `timed`: the phone itself said when; else the moment of sending stands for it.
    """

    key: UUID
    outcome: VisitOutcome
    visited_at: datetime
    phone_at: datetime
    household_id: int | None = None
    grid: str | None = None
    resident_id: int | None = None
    person: Person | None = None
    met_ids: tuple[int, ...] = ()
    findings: str | None = None
    needs: tuple[Need, ...] = field(default_factory=tuple)
    topics: tuple[str, ...] = ()
    seconds: int | None = None
    position: Point | None = None
    follow_up_on: date | None = None
    follow_up_note: str | None = None
    file_ids: tuple[int, ...] = ()
    sent_at: datetime | None = None
    timed: bool = True


@dataclass(frozen=True)
class When:
    """When a visit was by our clock, and whether the phone's clock was off."""

    visited_at: datetime
    clock_off: bool


def when(log: VisitLog, at: datetime) -> When:
    """Give when a visit was by our clock; raises VisitInFuture for one that lies after the phone's own time.

    A phone that tells its clock at sending is put right exactly, whether fast or slow. What was written down ahead of the sending,
    or of us where that is not told, or so long before it that no phone was out of reach for that time, was written by a clock that
    has been put right since: it counts as written at the sending. A clock that was slow by less cannot be told from a phone that
    was out of reach. Raises VisitUnfit for a visit long before it was written down.
    """
    latest = max(log.phone_at, log.sent_at or log.phone_at)
    if log.visited_at > latest + AHEAD:
        raise VisitInFuture("请核对手机的日期和时间", errors={"visited_at": ["走访时间不能晚于现在，请核对手机的日期和时间"]})
    if log.phone_at - log.visited_at > OLDEST:
        raise VisitUnfit(errors={"visited_at": [f"走访时间不能早于登记前 {OLDEST.days} 天，请核对日期"]})
    sending = log.sent_at or at
    put_right = log.phone_at - sending > CLOCK_OFF or sending - log.phone_at > OLDEST
    now = log.phone_at if put_right else sending
    off = put_right or abs(now - at) > CLOCK_OFF
    return When(min(at + (log.visited_at - now) if off else log.visited_at, at), off)


def check_visit(log: VisitLog, at: datetime, *, text_limit: int) -> None:
    """Raise VisitInFuture or VisitUnfit unless the log may be stored at `at` (the server's time)."""
    visited = when(log, at)
    errors: dict[str, list[str]] = {}
    findings = fit_findings(log.findings)
    if findings is not None and len(findings) > text_limit:
        errors["findings"] = [f"走访情况请不超过 {text_limit} 个字，现在是 {len(findings)} 个字"]
    elif findings is not None and has_control(findings):
        errors["findings"] = ["走访情况里有看不见的控制字符，请重新输入"]
    if log.household_id is None and log.grid is None:
        errors["household_id"] = ["请选择走访的户或网格"]
    if log.resident_id is not None and log.person is not None:
        errors["person"] = ["已选择居民，不用再填写姓名和电话"]
    if log.needs and log.outcome in UNHEARD:
        errors["needs"] = ["没有见到人，不能登记诉求；看到的问题请另行上报"]
    if len(log.needs) > NEEDS_MOST:
        errors["needs"] = [f"一次走访最多登记 {NEEDS_MOST} 件诉求"]
    errors |= _unfit_details(log, visited)
    if errors:
        raise VisitUnfit(errors=errors)


def _unfit_details(log: VisitLog, visited: When) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if log.outcome is VisitOutcome.DECEASED and (log.resident_id is None or log.household_id is None):
        errors["resident_id"] = ["请选择去世的居民"]
    if log.outcome in (VisitOutcome.DECEASED, VisitOutcome.MOVED) and log.resident_id in log.met_ids:
        errors["met_ids"] = ["去世或搬走的居民不能同时登记为见到的人"]
    if log.outcome in IN_NOBODYS_PRESENCE and (log.met_ids or log.resident_id or log.person):
        errors["outcome"] = ["没有见到人，不能填写见到的居民"]
    if len(log.met_ids) > MET_MOST:
        errors["met_ids"] = [f"一次走访最多登记 {MET_MOST} 位见到的居民"]
    if log.seconds is not None and not 0 <= log.seconds <= LONGEST_VISIT:
        errors["seconds"] = ["走访时长应在 0 到 12 小时之间"]
    note = fit_findings(log.follow_up_note)
    if log.follow_up_on is None and note is not None:
        errors["follow_up_on"] = ["请选择再次走访的日期"]
    if log.follow_up_on is not None:
        ahead = (log.follow_up_on - day_of(visited.visited_at)).days
        if not 1 <= ahead <= FOLLOW_UP_DAYS:
            errors["follow_up_on"] = ["再次走访的日期应在走访之后一年以内"]
        elif log.household_id is None:
            errors["household_id"] = ["再次走访要选择户"]
    if note is not None and (len(note) > NOTE_MOST or has_control(note)):
        errors["follow_up_note"] = [f"备注请不超过 {NOTE_MOST} 个字，不含看不见的控制字符"]
    return errors


def fit_findings(findings: str | None) -> str | None:
    """Give findings as they are stored: NFC, outer blanks dropped; nothing for blanks alone."""
    return unicodedata.normalize("NFC", findings or "").strip() or None
