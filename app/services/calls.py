"""Keeps village hotlines (村级热线): calls that cadres take on the telephone, each with the order or report that it makes."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.errors import Invalid, NotAllowed
from app.core.stamp import ActorKind, Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.intake.calls import as_phone, clean_number, join_call, keep_call, number_index, wait_for_number
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Call, Case
from app.ledger.vocabulary import CallOutcome, Channel, Kind, State
from app.people.identity import Person, WrongIdentity, clean_person, enrol_resident, find_or_enrol, open_person, residents_by_phone
from app.people.models import Resident
from app.services.defaults import CALL_BACK
from app.services.models import ServiceOrder
from app.services.ordering import NEAR, Wanted, covers, order_for
from app.territory.models import Grid, Unit

MAKES_NONE = frozenset({CallOutcome.CONSULTED, CallOutcome.SILENT, CallOutcome.WRONG_NUMBER, CallOutcome.NUISANCE})
"""Outcomes of a call after which nothing is left to be done."""
TO_CALL = (State.ACCEPTED, State.DISPATCHED, State.IN_PROGRESS)
"""The states in which a call-back is still to be made; who hangs up after it was is called back anew."""
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

    Who hung up is called back: an order of the item `call_back`, in minutes, one a number and village at a time. A silent or wrong
    call makes nothing. Raises CallsAreTheVillages, VillageCallUnfit, CallUnfit, WrongIdentity, ItemNotFound, and what ordering and
    `take_in` raise.
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
    with _of_person():
        caller = _caller(call)
        if call.order is not None:
            return _order(stamp, call.order, kept, caller, grid_id)
        assert call.report is not None
        return _report(stamp, call.report, kept, caller, grid_id)


@contextmanager
def _of_person() -> Iterator[None]:
    """Let what is wrong about the caller name its field as the door does."""
    try:
        yield
    except WrongIdentity as refused:
        refused.errors = {f"person.{field}": words for field, words in refused.errors.items()}
        raise


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
    """Give the grid of what a call makes: as named, else the caller's own where they are known, else the actor's only one.

    Whoever hung up is called back from the village, wherever in it they live. In all other cases one must say it.
    """
    code = call.grid or (call.order.grid if call.order is not None else None)
    if code is not None:
        grid_id = catalogue().grid_id(code)
        if not covers(stamp, grid_id):
            raise VillageCallUnfit(errors={"grid": ["这不是您负责的网格"]})
        return grid_id
    known = _known_grid(stamp, call)
    if known is not None:
        return known
    paths = [Unit.path.startswith(path) for path in stamp.actor.paths(Role.CADRE)]
    mine = or_(Grid.id.in_(sorted(stamp.actor.grid_ids)), *paths)
    grids = select(Grid.id, Grid.unit_id).join(Unit, Unit.id == Grid.unit_id).where(mine, Grid.active).order_by(Grid.code)
    found = db.session.execute(grids).all()
    alike = {row.unit_id if call.outcome is CallOutcome.HUNG_UP else row.id for row in found}
    if len(alike) != 1:
        raise VillageCallUnfit(errors={"grid": ["请选择网格"]})
    return found[0][0]


def _known_grid(stamp: Stamp, call: VillageCall) -> int | None:
    """Give the one grid of the actor's where those live who have the caller's telephone, and their name where it was said."""
    said = call.person or Person()
    phone, name = as_phone(said.phone) or as_phone(call.number), re.sub(r"\s+", "", said.name or "")
    if phone is None:
        return None
    query = select(Resident).where(Resident.id.in_(residents_by_phone(phone)), Resident.ended_at.is_(None))
    people = db.session.scalars(query.options(joinedload(Resident.identity))).all()
    fit = [each for each in people if not name or open_person(each.identity).name == name]
    grids = {each.grid_id for each in fit if each.grid_id is not None and covers(stamp, each.grid_id)}
    return grids.pop() if len(grids) == 1 else None


def _caller(call: VillageCall) -> Person | None:
    """Give who calls, with the number that they call from where none was said; None where neither name nor telephone is known.

    A short or local number is nobody's telephone: it stays on the call, and is shown from there to who is to call.
    """
    said = clean_person(call.person or Person())
    person = Person(said.name, said.phone or as_phone(call.number), said.id_number)
    return person if person.name or person.phone else None


def _call_back(stamp: Stamp, call: VillageCall, kept: Call, grid_id: int) -> Registered:
    """Order that a number is called back, once while it waits for that in a village."""
    assert call.number is not None
    number = clean_number(call.number)
    wait_for_number(number)
    waiting = (
        select(Case)
        .join(Call, Call.case_id == Case.id)
        .join(ServiceOrder, ServiceOrder.case_id == Case.id)
        .where(Call.number_index == number_index(number), ServiceOrder.item_code == CALL_BACK)
        .where(Case.state.in_(TO_CALL), ServiceOrder.village_id == db.session.get_one(Grid, grid_id).unit_id)
    )
    case = db.session.scalars(waiting.order_by(Case.id).limit(1)).first()
    if case is not None:
        kept.case_id = case.id
        return Registered(kept.id, kept.outcome, case.number, None, joined=True)
    wanted = Wanted(item=CALL_BACK, grid=_code(grid_id), words="来电未接通或已挂断，请尽快回拨。")
    with _of_person():
        made = _order(stamp, wanted, kept, _caller(call), grid_id)
    kept.outcome = CallOutcome.HUNG_UP
    return Registered(kept.id, kept.outcome, made.case, None, joined=False)


def _code(grid_id: int) -> str:
    return db.session.get_one(Grid, grid_id).code


def _order(stamp: Stamp, wanted: Wanted, kept: Call, caller: Person | None, grid_id: int) -> Registered:
    named = replace(wanted, grid=_code(grid_id))
    unnamed = _unnamed(stamp, kept, grid_id) if caller is None else None
    person = caller or Person() if unnamed is None else None
    made = order_for(stamp, named, resident_id=unnamed, person=person, call_id=kept.id)
    return Registered(kept.id, CallOutcome.REGISTERED, made.number, made.claim_code, joined=False)


def _unnamed(stamp: Stamp, kept: Call, grid_id: int) -> int | None:
    """Give somebody new for a caller of whom only the call's number is known, so that there is one to call back."""
    return enrol_resident(stamp, Person(), grid_id=grid_id).id if kept.number is not None else None


def _report(stamp: Stamp, asked: Asked, kept: Call, caller: Person | None, grid_id: int) -> Registered:
    known = find_or_enrol(stamp, caller, grid_id=grid_id).id if caller is not None else None
    receipt = take_in(
        stamp,
        Submission(
            channel=Channel.HOTLINE, body=asked.body, title=asked.title, kind=asked.kind, category_id=asked.category_id,
            grid_id=grid_id, filer_staff_id=stamp.actor.id, concerned_id=known or _unnamed(stamp, kept, grid_id), said_at=kept.at,
            files=asked.files,
        ),
    )  # fmt: skip
    join_call(kept.id, db.session.get_one(Case, receipt.case_id))
    return Registered(kept.id, CallOutcome.REGISTERED, receipt.number, receipt.claim_code, joined=False)
