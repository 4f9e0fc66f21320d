"""Keeps how a resident urges: on the phone, by claim code, or told to the desk; once in the county's hours by their own hand."""

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, select

from app.core.database import db, lock_rows
from app.core.errors import TooMany
from app.core.stamp import ActorKind, Role, Stamp
from app.ledger.county import county
from app.ledger.intake.claims import prove
from app.ledger.models import Case, Entry
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.supervision.models import Urging
from app.ledger.supervision.slips import acting, unit_of
from app.ledger.vocabulary import Action, CallbackBy, SlipState

HEARS_RESIDENTS = (Role.CALLBACK_AGENT, Role.INTAKE, Role.DISPATCHER)

URGED = "请尽快办理。"
"""What a resident who urges without words is taken to say."""


class UrgedAlready(TooMany):
    """这件事刚刚催办过"""


def urge_as_resident(stamp: Stamp, number: str, *, words: str | None = None) -> Case:
    """Urge one's own case, any time while it is open; raises UrgedAlready when they did within the county's hours."""
    case = lock_case(stamp, number)
    _give_time(stamp, case, and_(Entry.actor == ActorKind.RESIDENT, Entry.actor_id == stamp.actor.id))
    _residents_urge(stamp, case, words, {})
    return case


def urge_by_claim(stamp: Stamp, number: str, code: str, *, words: str | None = None) -> Case:
    """Urge a case as the holder of its claim code. Raises WrongClaim, UrgedAlready."""
    report = prove(number, code)
    (case,) = lock_rows(Case, [report.case_id])
    _give_time(stamp, case, Entry.facts["report"].as_integer() == report.id)
    _residents_urge(stamp, case, words, {"by": CallbackBy.CLAIM_CODE, "report": report.id})
    return case


def record_residents_urge(stamp: Stamp, number: str, *, words: str, version: int | None = None) -> Case:
    """Record at the desk that the resident called and urged; every such call is put on record."""
    case = lock_case(stamp, number, version=version)
    _residents_urge(acting(stamp, case, Action.URGE, HEARS_RESIDENTS), case, words, {"by": Role.RESIDENT})
    return case


def _give_time(stamp: Stamp, case: Case, by_them: ColumnElement[bool]) -> None:
    """Refuse who urged a short while ago, by their own hand; what others urged, or the desk recorded, keeps nobody waiting."""
    wait = timedelta(hours=county().urge_hours)
    query = select(Urging.issued_at).join(Entry, and_(Entry.case_id == Urging.case_id, Entry.seq == Urging.entry_seq))
    query = query.where(Urging.case_id == case.id, Urging.by_resident, by_them).order_by(Urging.id.desc()).limit(1)
    last = db.session.scalars(query).first()
    if last is not None and stamp.at < last + wait:
        left = last + wait - stamp.at
        raise UrgedAlready(
            f"您在 {county().urge_hours} 小时内已经催办过这件事，我们已转告承办人员，请稍后再催。",
            retry_after=max(1, int(left.total_seconds())),
        )


def _residents_urge(stamp: Stamp, case: Case, words: str | None, facts: dict[str, object]) -> None:
    urging = Urging(
        case_id=case.id,
        round=case.round,
        by_resident=True,
        state=SlipState.ISSUED,
        unit_id=unit_of(case),
        person_times=0,
        drafted_at=stamp.at,
        issued_at=stamp.at,
    )

    def change(_: Stamp) -> Step:
        case.urgings += 1
        db.session.add(urging)
        return Step(facts=facts, unit_id=urging.unit_id, said=True)

    urging.entry_seq = move_case(stamp, case, Action.URGE, Words(note=(words or "").strip() or URGED), change).seq
