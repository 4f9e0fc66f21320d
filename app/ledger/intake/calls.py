"""Keeps hotline calls: each its own record, whether or not it makes a case; the number is sealed and found by blind index."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, not_, or_, select, text

from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.paging import Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.ledger.models import Call, Case
from app.ledger.recusal import not_recused
from app.ledger.scope import keeps_from, visible
from app.ledger.vocabulary import CASELESS, CallOutcome
from app.people.identity import Person, clean_person
from app.people.models import Staff, StaffPost
from app.territory.models import Unit

TAKES_CALLS = (Role.INTAKE, Role.DISPATCHER, Role.CALLBACK_AGENT)
READS_CALLS = (*TAKES_CALLS, Role.SUPERVISOR)


class CallsAreTheDesks(NotAllowed):
    """来电由热线坐席登记和查看"""


class CallUnfit(Invalid):
    """来电登记有误"""


class CallMadeNoCase(Conflict):
    """无声、打错或骚扰来电不生成工单"""


class CallHasCase(Conflict):
    """这通来电已经登记过工单"""


def clean_number(number: str) -> str:
    """Give a telephone number as digits (blanks and hyphens dropped, +86 too); raises CallUnfit. Short and foreign ones pass."""
    digits = re.sub(r"[\s\-()（）]", "", number).removeprefix("+86").lstrip("+")
    if not re.fullmatch(r"[0-9]{3,20}", digits):
        raise CallUnfit(errors={"number": ["请填写 3 到 20 位的电话号码"]})
    return digits


def number_index(number: str) -> bytes:
    """Give the blind index of a clean number, the same as that of a resident's phone."""
    return keyring().blind(number, field="phone")


def as_phone(number: str | None) -> str | None:
    """Give a caller's number as somebody's telephone; None for a short or local one, which is kept on the call alone."""
    try:
        return clean_person(Person(phone=clean_number(number))).phone if number else None
    except Invalid:
        return None


def wait_for_number(number: str) -> None:
    """Let the transactions that do something about one clean number wait for each other, until they end."""
    key = int.from_bytes(number_index(number)[:8], "big", signed=True)
    db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def called_from(case_id: int) -> str | None:
    """Give in plain words from which number the call came that made a case, if one did and its number is known."""
    query = select(Call.number).where(Call.case_id == case_id, Call.number.is_not(None)).order_by(Call.id).limit(1)
    sealed = db.session.scalar(query)
    return keyring().decrypt(sealed, field="call.number") if sealed is not None else None


def log_call(
    stamp: Stamp, *, at: datetime, outcome: CallOutcome, number: str | None = None, recording: str | None = None
) -> "CallView":
    """Log a call that the actor took: when it came, from which number (if shown), the recording's reference, what became of it.

    Raises CallsAreTheDesks, CallUnfit.
    """
    if stamp.actor.holds(TAKES_CALLS) is None or stamp.actor.id is None:
        raise CallsAreTheDesks
    call = keep_call(stamp, at=at, outcome=outcome, number=number, recording=recording)
    return _view(call, db.session.get_one(Staff, call.agent_id).name, None)


def keep_call(stamp: Stamp, *, at: datetime, outcome: CallOutcome, number: str | None = None, recording: str | None = None) -> Call:
    """Keep a call that a member of staff took, its number sealed; raises CallUnfit."""
    assert stamp.actor.id is not None
    if at > stamp.at:
        raise CallUnfit(errors={"at": ["来电时间不能晚于现在"]})
    digits = clean_number(number) if number else None
    call = Call(at=at, agent_id=stamp.actor.id, recording=recording, outcome=outcome)
    if digits:
        call.number, call.number_index = keyring().encrypt(digits, field="call.number"), number_index(digits)
    db.session.add(call)
    db.session.flush()
    return call


def join_call(call_id: int, case: Case) -> None:
    """Join a call to the case that it made; raises CallUnfit, CallHasCase, CallMadeNoCase.

    The call of an anonymous person forgets number and recording: they would tell who it was.
    """
    found = lock_rows(Call, [call_id])
    if not found:
        raise CallUnfit(errors={"call_id": ["没有这通来电"]})
    (call,) = found
    if call.case_id is not None:
        raise CallHasCase
    if call.outcome in CASELESS:
        raise CallMadeNoCase
    call.case_id, call.outcome = case.id, CallOutcome.REGISTERED
    if case.anonymous:
        call.number = call.number_index = call.recording = None


@dataclass(frozen=True, kw_only=True)
class CallView:
    """A call as the desk sees it: the number masked, the case by its number where the viewer sees that case."""

    id: int
    at: datetime
    number: str | None
    agent: str
    recording: str | None
    outcome: CallOutcome
    case: str | None


def _view(call: Call, agent: str, case: str | None) -> CallView:
    number = keyring().decrypt(call.number, field="call.number") if call.number is not None else None
    return CallView(
        id=call.id, at=call.at, number=number and masked_number(number), agent=agent, recording=call.recording,
        outcome=call.outcome, case=case,
    )  # fmt: skip


def masked_number(number: str) -> str:
    """Give a number as it is shown by default; a short one shows its last two digits only."""
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 11 else f"****{number[-2:]}"


def own_calls(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[CallView]:
    """Give the calls that the actor took themselves, the latest logged first."""
    query = select(Call, Staff.name, Case.number).join(Staff, Staff.id == Call.agent_id)
    query = query.outerjoin(Case, (Case.id == Call.case_id) & visible(stamp.actor)).where(Call.agent_id == stamp.actor.id)
    rows = db.session.execute(paged(query, key=[(Call.id, True)], cursor=cursor, limit=limit)).all()
    return page_from([_view(call, agent, case) for call, agent, case in rows], limit=limit, key=lambda call: [call.id])


def calls_page(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[CallView]:
    """Give calls taken by the staff of the actor's units, the latest logged first; raises CallsAreTheDesks.

    Left out are those whose case is against the actor, and those that would tell a handling unit whose confidential case it is.
    """
    paths: Sequence[str] = stamp.actor.paths(*READS_CALLS)
    if not paths:
        raise CallsAreTheDesks
    agents = select(StaffPost.staff_id).join(Unit, Unit.id == StaffPost.unit_id)
    agents = agents.where(or_(*(Unit.path.startswith(path) for path in paths)))
    query = (
        select(Call, Staff.name, Case.number)
        .join(Staff, Staff.id == Call.agent_id)
        .outerjoin(Case, (Case.id == Call.case_id) & visible(stamp.actor))
        .where(Call.agent_id.in_(agents))
    )
    kept = exists().where(Case.id == Call.case_id, or_(not_(not_recused(stamp.actor)), keeps_from(stamp.actor)))
    query = query.where(not_(kept.correlate(Call)))
    rows = db.session.execute(paged(query, key=[(Call.id, True)], cursor=cursor, limit=limit)).all()
    return page_from([_view(call, agent, case) for call, agent, case in rows], limit=limit, key=lambda call: [call.id])
