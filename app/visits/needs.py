"""Keeps how a need heard at a visit becomes a case of its own, answered at once where the worker could answer it."""

from dataclasses import dataclass

from app.core.bulk import insert_many
from app.core.database import lock_rows
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.ledger.commands import answer_locked
from app.ledger.intake.submission import Receipt, Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Case
from app.ledger.vocabulary import Channel, State
from app.visits.models import Visit, VisitNeed
from app.visits.rules import Need, VisitLog


@dataclass(frozen=True)
class NeedLogged:
    """What became of a need: its case, and the claim code for the household, shown when it is first stored."""

    place: int
    number: str
    state: State
    answered: bool
    claim_code: str | None


def take_needs(stamp: Stamp, log: VisitLog, visit: Visit) -> list[NeedLogged]:
    """Make a case of every need of a visit; raises what taking in and answering raise, the fields named `needs.0.body`."""
    logged, rows = [], []
    for place, need in enumerate(log.needs):
        try:
            receipt = take_in(stamp, submission(log, visit, place))
            case = _answer(stamp, receipt, need) if need.answer is not None else None
        except Invalid as refused:
            raise below(refused, f"needs.{place}") from None
        rows.append({"visit_id": visit.id, "place": place, "case_id": receipt.case_id, "answered": case is not None})
        state = case.state if case else State.SUBMITTED
        logged.append(NeedLogged(place, receipt.number, state, case is not None, receipt.claim_code))
    insert_many(VisitNeed, rows)
    return logged


def submission(log: VisitLog, visit: Visit, place: int) -> Submission:
    """Give a need of a visit as it is taken in."""
    need = log.needs[place]
    return Submission(
        channel=Channel.VISIT,
        body=need.body,
        title=need.title,
        kind=need.kind,
        category_id=need.category_id,
        confidential=need.confidential,
        grid_id=visit.grid_id,
        household_id=visit.household_id,
        filer_staff_id=visit.staff_id,
        concerned_id=visit.resident_id,
        said_at=visit.visited_at,
        source_key=f"visit:{visit.key}:{place}",
    )


def _answer(stamp: Stamp, receipt: Receipt, need: Need) -> Case:
    (case,) = lock_rows(Case, [receipt.case_id])
    answer_locked(stamp, case, reply=need.answer or "")
    return case


def below(refused: Invalid, path: str) -> Invalid:
    """Give a refusal with its fields named below `path`."""
    refused.errors = {f"{path}.{name}": sentences for name, sentences in refused.errors.items()}
    return refused
