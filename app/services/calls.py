"""Keeps village hotlines (村级热线): calls that cadres take on the telephone, each with the order or report that it makes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Invalid, NotAllowed
from app.core.stamp import ActorKind, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.intake.calls import clean_number, join_call, keep_call, number_index
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Call, Case
from app.ledger.vocabulary import OPEN, CallOutcome, Channel, Kind
from app.people.identity import Person, find_or_enrol
from app.services.defaults import CALL_BACK
from app.services.models import ServiceOrder
from app.services.ordering import NEAR, Wanted, covers, order_for
from app.territory.models import Grid, Unit

MAKES_NONE = frozenset({CallOutcome.CONSULTED, CallOutcome.SILENT, CallOutcome.WRONG_NUMBER, CallOutcome.NUISANCE})
"""Outcomes of a call after which nothing is left to be done."""
TAKEN = MAKES_NONE | {CallOutcome.REGISTERED, CallOutcome.HUNG_UP}


class VillageCallUnfit(Invalid):
    """村级热线来电登记有误"""


class CallsAreTheVillages(NotAllowed):
    """村级热线来电由村干部或网格员登记"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a caller reports: in words, of what kind, about what."""

    body: str
    title: str | None = None
    kind: Kind = Kind.OTHER
    category_id: int | None = None
    files: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class VillageCall:
    """A call as it is registered: when, from which number, by whom, what became of it, and the order or report that it makes."""

    at: datetime
    outcome: CallOutcome
    number: str | None = None
    person: Person | None = None
    grid: str | None = None
    order: Wanted | None = None
    report: Asked | None = None


@dataclass(frozen=True)
class Registered:
    """A registered call: the case that it made, or joined where the same number waits to be called back already."""

    id: int
    outcome: CallOutcome
    case: str | None
    claim_code: str | None
    joined: bool


def register_call(stamp: Stamp, call: VillageCall) -> Registered:
    """Register a call at the village hotline with what it makes, in one go.

    Who hung up is called back: an order of the item `call_back`, in minutes, one a number at a time. A silent or wrong call makes
    nothing. Raises CallsAreTheVillages, VillageCallUnfit, CallUnfit, ItemNotFound, and what ordering and `take_in` raise.
    """
    role = stamp.actor.holds(NEAR) if stamp.actor.kind is ActorKind.STAFF else None
    if role is None:
        raise CallsAreTheVillages
    stamp = stamp.acting_as(role)
    _check(call)
    kept = keep_call(stamp, at=call.at, outcome=call.outcome, number=call.number)
    if call.outcome in MAKES_NONE:
        return Registered(kept.id, call.outcome, None, None, joined=False)
    grid_id = _grid(stamp, call)
    if call.outcome is CallOutcome.HUNG_UP:
        return _call_back(stamp, call, kept, grid_id)
    person = call.person or Person()
    person = Person(person.name, person.phone or (clean_number(call.number) if call.number else None))
    if call.order is not None:
        return _order(stamp, call.order, kept, person, grid_id)
    assert call.report is not None
    return _report(stamp, call.report, kept, person if person.name or person.phone else None, grid_id)


def _check(call: VillageCall) -> None:
    wrong: dict[str, list[str]] = {}
    given = [each for each in (call.order, call.report) if each is not None]
    if call.outcome not in TAKEN:
        wrong["outcome"] = ["请选择：已登记、已解答、挂断、无声、打错或骚扰"]
    elif call.outcome is CallOutcome.REGISTERED and len(given) != 1:
        wrong["order"] = ["请登记这通来电的点单或诉求，二者选一"]
    elif call.outcome is not CallOutcome.REGISTERED and given:
        wrong["outcome"] = ["有点单或诉求的来电，结果请选“已登记”"]
    if call.outcome is CallOutcome.HUNG_UP and call.number is None:
        wrong["number"] = ["挂断的来电请填写号码，以便回拨"]
    if wrong:
        raise VillageCallUnfit(errors=wrong)


def _grid(stamp: Stamp, call: VillageCall) -> int:
    """Give the grid of what a call makes: the one named, else the actor's only or first one."""
    code = call.grid or (call.order.grid if call.order is not None else None)
    if code is not None:
        grid_id = catalogue().grid_id(code)
        if not covers(stamp, grid_id):
            raise VillageCallUnfit(errors={"grid": ["这不是您负责的网格"]})
        return grid_id
    if stamp.actor.grid_ids:
        return min(stamp.actor.grid_ids)
    villages = [Unit.path.startswith(path) for path in stamp.actor.paths(*NEAR)]
    grid = select(Grid.id).join(Unit, Unit.id == Grid.unit_id).where(villages[0], Grid.active).order_by(Grid.code).limit(1)
    found = db.session.scalar(grid)
    if found is None:
        raise VillageCallUnfit(errors={"grid": ["请选择网格"]})
    return found


def _call_back(stamp: Stamp, call: VillageCall, kept: Call, grid_id: int) -> Registered:
    assert call.number is not None
    waiting = (
        select(Case)
        .join(Call, Call.case_id == Case.id)
        .join(ServiceOrder, ServiceOrder.case_id == Case.id)
        .where(Call.number_index == number_index(clean_number(call.number)), ServiceOrder.item_code == CALL_BACK)
        .where(Case.state.in_(OPEN), ServiceOrder.grid_id == grid_id)
    )
    case = db.session.scalars(waiting.order_by(Case.id).limit(1)).first()
    if case is not None:
        kept.case_id = case.id
        return Registered(kept.id, kept.outcome, case.number, None, joined=True)
    wanted = Wanted(item=CALL_BACK, grid=_code(grid_id), words="来电未接通或已挂断，请尽快回拨。")
    person = Person(call.person.name if call.person else None, clean_number(call.number))
    made = _order(stamp, wanted, kept, person, grid_id)
    kept.outcome = CallOutcome.HUNG_UP
    return Registered(kept.id, kept.outcome, made.case, None, joined=False)


def _code(grid_id: int) -> str:
    return db.session.get_one(Grid, grid_id).code


def _order(stamp: Stamp, wanted: Wanted, kept: Call, person: Person, grid_id: int) -> Registered:
    made = order_for(stamp, replace(wanted, grid=_code(grid_id)), person=person, call_id=kept.id)
    return Registered(kept.id, CallOutcome.REGISTERED, made.number, made.claim_code, joined=False)


def _report(stamp: Stamp, asked: Asked, kept: Call, person: Person | None, grid_id: int) -> Registered:
    concerned = find_or_enrol(stamp, person, grid_id=grid_id).id if person is not None else None
    receipt = take_in(
        stamp,
        Submission(
            channel=Channel.HOTLINE, body=asked.body, title=asked.title, kind=asked.kind, category_id=asked.category_id,
            grid_id=grid_id, filer_staff_id=stamp.actor.id, concerned_id=concerned, said_at=kept.at,
            files=asked.files,
        ),
    )  # fmt: skip
    join_call(kept.id, db.session.get_one(Case, receipt.case_id))
    return Registered(kept.id, CallOutcome.REGISTERED, receipt.number, receipt.claim_code, joined=False)
