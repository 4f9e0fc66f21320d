"""Keeps what the desk does before a case is handled: asking, accepting, answering."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.core.database import db, lock_rows
from app.core.errors import Invalid, NotFound
from app.core.stamp import Role, Stamp
from app.ledger.attachments import NO_FILES, EntryFiles, attach_to_entry, attach_to_words
from app.ledger.catalogue import catalogue
from app.ledger.intake.persons import check_person
from app.ledger.merging.union import name_parties, spread
from app.ledger.models import Case, Entry, Report, ReportClaim
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.recusal import against
from app.ledger.scope import opened_by
from app.ledger.vocabulary import Action, Kind, Outcome, Urgency


class CategoryMissing(Invalid):
    """请选择事项分类"""


class PlaceMissing(Invalid):
    """请选择网格，或注明不在网格内"""


class WrongClaim(NotFound):
    """工单号或查询码不正确"""


def accept_case(
    stamp: Stamp,
    number: str,
    *,
    kind: Kind,
    category_id: int,
    grid_id: int | None,
    outside_grids: bool = False,
    urgency: Urgency | None = None,
    confidential: bool = False,
    hidden_from_grid: bool = False,
    against_unit_id: int | None = None,
    against_staff_id: int | None = None,
    version: int | None = None,
) -> Case:
    """Accept a case: settle its kind, category, place and urgency, and what its words ask for besides.

    What is given of the rest is added to what the filer said: that it is `confidential`, or hidden from the grid (which makes it
    confidential), and whom it is against. Raises UnknownCategory, UnknownGrid, PlaceMissing, UnknownParty.
    """
    case = lock_case(stamp, number, version=version, whole=True)

    def change(_: Stamp) -> Step:
        case.kind = kind
        case.hidden_from_grid = case.hidden_from_grid or hidden_from_grid
        case.confidential = case.confidential or kind is Kind.TIP_OFF or confidential or hidden_from_grid
        for report in case.reports if confidential or hidden_from_grid else ():
            report.confidential = True
        spread(case)
        _add_parties(case, against_unit_id, against_staff_id)
        facts = _settle(case, category_id, grid_id, outside_grids=outside_grids)
        urgent = catalogue().category(category_id).urgent
        case.urgency = urgency or (Urgency.URGENT if urgent else case.urgency)
        return Step(facts={**facts, "kind": kind, "urgency": case.urgency})

    move_case(stamp, case, Action.ACCEPT, Words(), change)
    return case


def _add_parties(case: Case, unit_id: int | None, staff_id: int | None) -> None:
    """Let a case be against a unit or a person as well."""
    if unit_id is not None or staff_id is not None:
        paths, person = against(unit_id, staff_id, county_id=catalogue().county_id)
        both = sorted({*(case.against_paths or ()), *(paths or ())})
        name_parties(case, (both or None, person or case.against_staff_id))


def _settle(case: Case, category_id: int | None, grid_id: int | None, *, outside_grids: bool) -> dict[str, Any]:
    """Set category and place where given; a case needs both before anybody answers or handles it."""
    held = catalogue()
    if category_id is not None and category_id != case.category_id:
        held.offered(category_id)
        case.category_id = category_id
    if case.category_id is None:
        raise CategoryMissing(errors={"category_id": ["请选择事项分类"]})
    if grid_id is not None and outside_grids:
        raise PlaceMissing("网格和“不在网格内”只能选一个", errors={"grid_id": ["网格和“不在网格内”只能选一个"]})
    if grid_id is not None:
        case.territory_path = held.grid_path(grid_id)
        case.grid_id = grid_id
    elif outside_grids:
        case.territory_path = held.county_path
        case.grid_id = None
    if case.grid_id is None and not outside_grids:
        raise PlaceMissing(errors={"grid_id": ["请选择网格，或注明不在网格内"]})
    case.to_place = False
    return {"category_id": case.category_id, "grid_id": case.grid_id}


def ask_info(stamp: Stamp, number: str, *, question: str, version: int | None = None) -> Case:
    """Ask the filer for what is missing; the accept, dispatch and overall clocks stand still meanwhile."""
    case = lock_case(stamp, number, version=version)
    move_case(stamp, case, Action.ASK_INFO, Words(reply=question))
    return case


def supply_info(stamp: Stamp, number: str, *, words: str, files: Sequence[int] = (), version: int | None = None) -> Case:
    """Supply what was asked for, with `files` of one's own; the case goes back to where it was asked from. Raises FilesUnfit."""
    case = lock_case(stamp, number, version=version)
    attach_to_words(stamp, move_case(stamp, case, Action.SUPPLY_INFO, Words(note=words)), files)
    return case


def lapse_info(stamp: Stamp, case: Case) -> None:
    """Give a locked case whose info clock ran out back to a person: no machine ends an appeal."""
    move_case(stamp, case, Action.LAPSE_INFO, Words(), lambda _: Step(facts={"information": "incomplete"}))


def supplement(stamp: Stamp, number: str, *, words: str, files: Sequence[int] = ()) -> Case:
    """Add what a person has to say to a case that is under way, with `files` of one's own. Raises FilesUnfit."""
    case = lock_case(stamp, number)
    attach_to_words(stamp, move_case(stamp, case, Action.SUPPLEMENT, Words(note=words)), files)
    return case


def put_right(stamp: Stamp, number: str, *, words: str) -> Case:
    """Say, as the person concerned, what is wrong in what was written for them; the report itself stays as it was filed.

    Raises OnlyThePerson.
    """
    case = lock_case(stamp, number)
    report = check_person(stamp, case)[0]
    facts = {"corrects": report.id}
    move_case(stamp, case, Action.SUPPLEMENT, Words(note=words), lambda _: Step(facts=facts))
    return case


def answer_case(
    stamp: Stamp,
    number: str,
    *,
    reply: str,
    category_id: int | None = None,
    grid_id: int | None = None,
    outside_grids: bool = False,
    files: EntryFiles = NO_FILES,
    version: int | None = None,
) -> Case:
    """Answer a case at once: on the spot by who is there, directly by the centre.

    Raises CategoryMissing, PlaceMissing, FilesUnfit.
    """
    case = lock_case(stamp, number, version=version)
    entry = answer_locked(stamp, case, reply=reply, category_id=category_id, grid_id=grid_id, outside_grids=outside_grids)
    attach_to_entry(stamp, entry, files)
    return case


def answer_locked(
    stamp: Stamp,
    case: Case,
    *,
    reply: str,
    category_id: int | None = None,
    grid_id: int | None = None,
    outside_grids: bool = False,
) -> Entry:
    """Answer a case that the caller has locked (or has just taken in)."""

    def change(acting: Stamp) -> Step:
        facts = _settle(case, category_id, grid_id, outside_grids=outside_grids)
        case.outcome = Outcome.ON_THE_SPOT if acting.role in (Role.GRID_WORKER, Role.CADRE) else Outcome.DIRECT
        case.unit_solved = True
        return Step(facts={**facts, "outcome": case.outcome})

    return move_case(stamp, case, Action.ANSWER, Words(reply=reply), change)


def claim_case(stamp: Stamp, number: str, index: bytes) -> Case:
    """Join a case to the signed-in resident who proved its claim code (`index` is the code's blind index)."""
    report = report_of_claim(number, index)
    (case,) = lock_rows(Case, [report.case_id])
    assert stamp.actor.id is not None
    known = db.session.get(ReportClaim, (report.id, stamp.actor.id))
    if known is None:
        db.session.add(ReportClaim(report_id=report.id, resident_id=stamp.actor.id, at=stamp.at))
        move_case(stamp, case, Action.CLAIM, Words())
    return case


def report_of_claim(number: str, index: bytes) -> Report:
    """Give the report whose claim code was proved, by the number that it was given; raises WrongClaim, which tells nothing more."""
    query = select(Report).join(Case, opened_by(Case.id)).where(Case.number == number, Report.claim_index == index)
    report = db.session.scalars(query).first()
    if report is None:
        raise WrongClaim
    return report
