"""Keeps when it is told who a person is: dialling for one's own open case, unmasking with a reason; hidden where promised."""

from collections.abc import Sequence

from app.core.errors import Conflict, NotAllowed
from app.core.stamp import Role, Stamp
from app.ledger.handling import NobodyToContact, works_for_case
from app.ledger.intake.calls import called_from
from app.ledger.models import Case, Report
from app.ledger.scope import DESK_ROLES, belongs, find_case, reaches
from app.ledger.vocabulary import TERMINAL
from app.people.identity import Person, unmask

DIALS = (Role.INTAKE, Role.DISPATCHER, Role.CALLBACK_AGENT)
UNMASKS = (Role.SUPERVISOR, Role.DATA_PROTECTION_OFFICER)


class NotYoursToDial(NotAllowed):
    """只有经办本工单的人员可以拨打"""


class NotYoursToUnmask(NotAllowed):
    """查看完整信息需要督办员或个人信息保护负责人"""


class CaseEnded(Conflict):
    """工单已经结束"""


class NoSuchDetail(Conflict):
    """没有登记这项信息"""


def _holds(stamp: Stamp, case: Case, roles: tuple[Role, ...]) -> bool:
    """Say whether a role reaches the case and its holder does not work for a unit that handles it."""
    return any(reaches(stamp.actor, role, case.territory_path) for role in roles) and not works_for_case(stamp, case)


def shows_identity(stamp: Stamp, case: Case, said: Sequence[Report] = ()) -> bool:
    """Say whether the actor may see who a case is about, masked: only the desk when confidential, nobody when anonymous.

    What one report was promised binds, whatever the case says; `said` are reports that a merge has moved elsewhere.
    """
    hidden = case.hides_identity or any(report.confidential for report in said)
    return not case.anonymous and (not hidden or _holds(stamp, case, DESK_ROLES))


def may_dial(stamp: Stamp, case: Case) -> bool:
    """Say whether the actor may have the phone of a case's person now."""
    return not case.nobody_to_call and case.state not in TERMINAL and _is_own(stamp, case)


def _is_own(stamp: Stamp, case: Case) -> bool:
    """Say whether a case is the actor's own: the desk's, or that of a handling unit unless it is confidential."""
    if _holds(stamp, case, DIALS):
        return True
    return not case.hides_identity and any(a.ended_at is None and belongs(stamp.actor, a) for a in case.assignments)


def dial(stamp: Stamp, number: str, *, report_id: int | None = None) -> Person:
    """Give the plain phone of the person concerned, of several reporters the one of a report; the case is the reason on record.

    Where no phone of theirs is known it is the number from which they called. Raises CaseNotFound, NotYoursToDial, NobodyToContact,
    CaseEnded, NoSuchDetail.
    """
    case = find_case(stamp, number)
    if not _is_own(stamp, case):
        raise NotYoursToDial
    if case.nobody_to_call:
        raise NobodyToContact
    if case.state in TERMINAL:
        raise CaseEnded
    reports = [report for report in case.reports if report_id is None or report.id == report_id]
    concerned = _concerned(reports)
    person = unmask(stamp, concerned, fields=("phone",), reason=f"case {number}")
    if person.phone is None:
        opened = [report.opened_case_id or report.case_id for report in reports if report.concerned_id == concerned]
        person = Person(phone=next(filter(None, map(called_from, opened)), None))
    if person.phone is None:
        raise NoSuchDetail("没有登记电话")
    return person


def unmask_person(stamp: Stamp, number: str, *, fields: list[str], reason: str) -> Person:
    """Give fields of the person concerned in plain words for a typed reason, put on record.

    Raises CaseNotFound, NotYoursToUnmask, NobodyToContact, NoSuchDetail.
    """
    case = find_case(stamp, number)
    if not _holds(stamp, case, UNMASKS):
        raise NotYoursToUnmask
    if case.anonymous:
        raise NobodyToContact
    return unmask(stamp, _concerned(case.reports), fields=tuple(sorted(set(fields))), reason=f"case {number}: {reason}")


def _concerned(reports: Sequence[Report]) -> int:
    named = [report.concerned_id for report in reports if report.concerned_id is not None and report.withdrawn_at is None]
    concerned = next(iter([*named, *(claim.resident_id for report in reports for claim in report.claims)]), None)
    if concerned is None:
        raise NoSuchDetail("没有登记当事人")
    return concerned
