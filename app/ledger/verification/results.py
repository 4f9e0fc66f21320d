"""Keeps the results that leads submit, and finds for a review what its checklist is made from."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.ledger.catalogue import CategoryFacts, catalogue
from app.ledger.county import county
from app.ledger.intake.places import Point, located, placed
from app.ledger.labels import label
from app.ledger.models import Assignment, Case, Entry
from app.ledger.verification.checklist import Check, Findings, checklist, missing
from app.ledger.verification.models import Result, Verification
from app.ledger.vocabulary import UNHAPPY, Action, Duty, VerifyBy
from app.territory.datum import metres_between

MOST_COUNTED = 200
"""So many other cases with the same reply are counted; more would say no more."""


class MissingUnexplained(Invalid):
    """核验清单有缺项，通过时请写明理由"""


def keep_result(
    stamp: Stamp,
    case: Case,
    *,
    reply: str,
    evidence: Sequence[str] = (),
    files: int = 0,
    point: Point | None = None,
    by_phone: bool = False,
) -> dict[str, Any]:
    """Store a result of a locked case with references to its evidence and the point where it was done; give facts for the entry.

    `files` is how many uploaded files go with it: they count as evidence. `by_phone`: the point is where a phone says that it
    is, which is noted wherever that lies. Raises PointOutsideCounty.
    """
    place = None if point is None else placed(point) if by_phone else located(point, county())
    where = (place["latitude"], place["longitude"]) if place else None
    distance = _metres_off(case, where) if where else None
    db.session.add(
        Result(
            case_id=case.id,
            round=case.round,
            at=stamp.at,
            reply_index=reply_index(reply),
            evidence=list(evidence),
            files=files,
            latitude=where[0] if where else None,
            longitude=where[1] if where else None,
            distance_m=distance,
        )
    )
    db.session.flush()
    return {"evidence": len(evidence) + files, "metres_off": round(distance) if distance is not None else None}


def metres_off(case: Case, point: Point | None) -> int | None:
    """Give how many metres a point lies from where a case is; None without one of the two. Far off warns, it bars nothing."""
    if point is None:
        return None
    where = placed(point)
    distance = _metres_off(case, (where["latitude"], where["longitude"]))
    return round(distance) if distance is not None else None


def is_far_off(case: Case, metres: int | None) -> bool:
    """Say whether metres are more than the case's category allows, or where it says nothing the county for checking in."""
    return metres is not None and metres > (facts_of(case).check_distance_m or county().whistle_metres)


def _metres_off(case: Case, where: tuple[float, float]) -> float | None:
    there = place_of(case)
    return metres_between(where, there) if there is not None else None


def place_of(case: Case) -> tuple[float, float] | None:
    """Give where a case is: the first point that one of its reports has."""
    for report in case.reports:
        if report.latitude is not None and report.longitude is not None:
            return report.latitude, report.longitude
    return None


def reply_index(reply: str) -> bytes:
    """Give the blind index of a reply, the same for replies that differ only in blanks, punctuation, width or case."""
    plain = "".join(each for each in unicodedata.normalize("NFKC", reply).casefold() if each.isalnum())
    return keyring().blind(plain, field="result.reply")


def newest_result(case: Case) -> Result | None:
    """Give the newest result of a case's present round."""
    query = select(Result).where(Result.case_id == case.id, Result.round == case.round)
    return db.session.scalars(query.order_by(Result.id.desc()).limit(1)).first()


def checks_of(case: Case) -> list[Check]:
    """Give the checklist of a case's newest result."""
    return checklist(_findings(case))


def check_missing(case: Case, *, note: str | None) -> dict[str, Any]:
    """Raise MissingUnexplained where the checklist has gaps and no note tells why the result passes; give facts for the entry."""
    checks = checks_of(case)
    gaps = missing(checks)
    if gaps and not (note or "").strip():
        words = "；".join(f"{label(check.item)}：{check.words}" for check in gaps)
        raise MissingUnexplained(f"{words}。通过时请写明理由", errors={"note": ["核验清单有缺项，请写明通过的理由"]})
    return {"checklist": {check.item.value: check.state.value for check in checks}}


def facts_of(case: Case) -> CategoryFacts:
    """Give how the results of a case's category are verified."""
    return catalogue().category(case.category_id) if case.category_id is not None else CategoryFacts("", (), urgent=False)


def _findings(case: Case) -> Findings:
    facts, result = facts_of(case), newest_result(case)
    lead = next((a for a in reversed(case.assignments) if a.duty is Duty.LEAD and a.round == case.round), None)
    helping = [a for a in case.assignments if a.duty is not Duty.LEAD and a.round == case.round and _counts(a)]
    return Findings(
        submitted_at=result.at if result is not None else lead.submitted_at if lead is not None else None,
        nobody_to_call=case.nobody_to_call,
        contacted_at=_first_contact(case, lead),
        contacted_before=any(a.contacted_at for a in case.assignments if a.duty is Duty.LEAD and a is not lead),
        asks_evidence=facts.asks_evidence,
        evidence=len(result.evidence) + result.files if result is not None else 0,
        case_has_place=place_of(case) is not None,
        distance_m=result.distance_m if result is not None else None,
        limit_m=facts.check_distance_m,
        same_reply=_same_reply(case, result) if result is not None else 0,
        same_reply_most=county().same_reply_most,
        assists=len(helping),
        assists_out=sum(a.submitted_at is None for a in helping),
        verify_by=facts.verify_by,
        approved=_approved(case, facts.verify_by),
    )


def _counts(assignment: Assignment) -> bool:
    """Say whether an assist or sub took part to the end of its round, or has reported."""
    return assignment.ended_at is None or assignment.submitted_at is not None


def _first_contact(case: Case, lead: Assignment | None) -> datetime | None:
    """Give the first contact since the lead of this round was given the case, whoever had to make it."""
    if lead is None:
        return None
    contact = select(func.min(Entry.at)).where(Entry.case_id == case.id, Entry.action == Action.CONTACT)
    return db.session.scalar(contact.where(Entry.at >= lead.dispatched_at))


def _same_reply(case: Case, result: Result) -> int:
    others = select(Result.case_id).where(Result.reply_index == result.reply_index, Result.case_id != case.id).distinct()
    return db.session.scalar(select(func.count()).select_from(others.limit(MOST_COUNTED).subquery())) or 0


def _approved(case: Case, by: VerifyBy) -> bool | None:
    """Give what those who verify for the category said last in this round; None while nobody has, or where the person is called."""
    query = select(Verification).where(Verification.case_id == case.id, Verification.round == case.round, Verification.by == by)
    last = db.session.scalars(query.order_by(Verification.id.desc()).limit(1)).first()
    if last is None:
        return None
    return last.solved if last.satisfaction is None else last.satisfaction not in UNHAPPY
