"""Keeps urging and supervision by staff: they urge, supervisors order, units answer, supervisors accept or insist."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Actor, Role, Stamp
from app.ledger.models import Case
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.scope import NotYourUnit, visible
from app.ledger.supervision.models import SupervisionOrder, Urging
from app.ledger.supervision.slips import (
    Addressed,
    Slip,
    SlipNotDraft,
    SlipNotFound,
    acting,
    addressee,
    check_unit,
    discard_outlived,
    issue_order,
    issue_urging,
    lock_cases,
    meet_reply_clock,
    start_reply_clock,
)
from app.ledger.vocabulary import Action, PressMode, SlipKind, SlipState, Subject

URGES = (Role.SUPERVISOR, Role.LEADER, Role.DISPATCHER)
ORDERS = (Role.SUPERVISOR, Role.LEADER)

LEAD = Addressed()
"""Whoever leads the case."""


class OnlySlipsAreDrafted(Invalid):
    """只有书面的单子需要起草"""


class DraftWaits(Conflict):
    """这个单位已有一份待签发的单子"""


class OrderNotFound(SlipNotFound):
    """没有找到这份督办"""


class OrderNotOpen(Conflict):
    """这份督办已经反馈或销号"""


class AnswererMayNotAccept(NotAllowed):
    """反馈人不能给自己的反馈销号"""


class DueInThePast(Invalid):
    """反馈时限须晚于现在"""


def urge(
    stamp: Stamp, numbers: Sequence[str], *, mode: PressMode, words: str, to: Addressed = LEAD, draft: bool = False
) -> list[Urging]:
    """Urge the units of some cases; a written urging goes out as a numbered slip a case, or waits as a draft.

    What was said once to a unit about several cases (by phone, on the spot, in an interview) counts once, with its
    person-times.
    Raises CaseNotFound, OnlySlipsAreDrafted, DraftWaits and what an addressee may raise.
    """
    made: list[Urging] = []
    for case in lock_cases(stamp, numbers):
        now = acting(stamp, case, Action.URGE, URGES)
        urging = Urging(**_columns(now, case, mode, words, to, made=made))
        if draft:
            _draft(urging)
        else:
            issue_urging(now, case, urging)
        made.append(urging)
    return made


def order_supervision(
    stamp: Stamp,
    numbers: Sequence[str],
    *,
    mode: PressMode,
    words: str,
    to: Addressed = LEAD,
    due: datetime | None = None,
    draft: bool = False,
) -> list[SupervisionOrder]:
    """Order the units of some cases to answer, by `due` or by the policy's term; a written order is a numbered slip a case.

    Raises CaseNotFound, OnlySlipsAreDrafted, DraftWaits, DueInThePast and what an addressee may raise.
    """
    check_due(stamp, due)
    made: list[SupervisionOrder] = []
    for case in lock_cases(stamp, numbers):
        now = acting(stamp, case, Action.ORDER_SUPERVISION, ORDERS)
        order = SupervisionOrder(**_columns(now, case, mode, words, to, made=made))
        if draft:
            order.reply_by = due
            _draft(order)
        else:
            issue_order(now, case, order, action=Action.ORDER_SUPERVISION, due=due)
        made.append(order)
    return made


def check_due(stamp: Stamp, due: datetime | None) -> None:
    """Raise DueInThePast for a due moment that lies not ahead."""
    if due is not None and due <= stamp.at:
        raise DueInThePast(errors={"due": ["反馈时限须晚于现在"]})


def _columns(stamp: Stamp, case: Case, mode: PressMode, words: str, to: Addressed, *, made: Sequence[Slip]) -> dict[str, object]:
    whom = addressee(case, to, mode=mode)
    first = next((slip.id for slip in made if slip.unit_id == whom.unit_id), None)
    part = first if mode is not PressMode.WRITTEN else None
    return {
        "case_id": case.id,
        "round": case.round,
        "mode": mode,
        "state": SlipState.DRAFT,
        "words": words,
        "unit_id": whom.unit_id,
        "staff_ids": whom.staff_ids,
        "others": whom.others,
        "person_times": whom.person_times if part is None else 0,
        "part_of_id": part,
        "by_staff_id": stamp.actor.id,
        "drafted_at": stamp.at,
    }


def _draft(slip: Slip) -> None:
    if slip.mode is not PressMode.WRITTEN:
        raise OnlySlipsAreDrafted(errors={"draft": ["只有书面的单子需要起草"]})
    model = type(slip)
    discard_outlived(slip.drafted_at, [slip.case_id])
    waits = (model.case_id == slip.case_id, model.unit_id == slip.unit_id, model.state == SlipState.DRAFT)
    if db.session.scalars(select(model.id).where(*waits)).first() is not None:
        raise DraftWaits
    db.session.add(slip)
    db.session.flush()


_MODELS: dict[SlipKind, type[Slip]] = {SlipKind.URGING: Urging, SlipKind.SUPERVISION: SupervisionOrder}


def issue_drafts(
    stamp: Stamp, kind: SlipKind, ids: Sequence[int], *, words: str | None = None, due: datetime | None = None
) -> list[Slip]:
    """Issue drafts, each with its own number and entry; `words` and `due` replace those of all of them.

    Raises SlipNotFound, SlipNotDraft, DueInThePast; UnitNotInvolved where the case has gone to another unit since.
    """
    check_due(stamp, due)
    slips = _drafts(stamp, kind, ids)
    for slip in slips:
        slip.words = words or slip.words
        case = db.session.get_one(Case, slip.case_id)
        check_unit(case, slip.unit)
        if isinstance(slip, Urging):
            issue_urging(acting(stamp, case, Action.URGE, URGES), case, slip)
        else:
            now = acting(stamp, case, Action.ORDER_SUPERVISION, ORDERS)
            ahead = slip.reply_by if slip.reply_by is not None and slip.reply_by > stamp.at else None
            issue_order(now, case, slip, action=Action.ORDER_SUPERVISION, due=due or ahead)
    return slips


def discard_drafts(stamp: Stamp, kind: SlipKind, ids: Sequence[int]) -> list[Slip]:
    """Put drafts aside that are not needed: they take no number and leave no entry. Raises SlipNotFound, SlipNotDraft."""
    slips = _drafts(stamp, kind, ids)
    for slip in slips:
        case = db.session.get_one(Case, slip.case_id)
        acting(stamp, case, Action.URGE, URGES if kind is SlipKind.URGING else ORDERS)
        slip.state, slip.discarded_at = SlipState.DISCARDED, stamp.at
    db.session.flush()
    return slips


def _drafts(stamp: Stamp, kind: SlipKind, ids: Sequence[int]) -> list[Slip]:
    """Lock the cases of drafts that the actor sees, then the drafts; give them in id order."""
    model = _MODELS[kind]
    query = select(model.case_id).join(Case, Case.id == model.case_id).where(model.id.in_(ids), visible(stamp.actor))
    found = db.session.scalars(query).all()
    if not found or len(found) != len(set(ids)):
        raise SlipNotFound
    lock_rows(Case, found)
    slips = lock_rows(model, ids)
    if any(slip.state is not SlipState.DRAFT for slip in slips):
        raise SlipNotDraft
    return list(slips)


def answer_order(stamp: Stamp, number: str, order_id: int, *, words: str, version: int | None = None) -> Case:
    """Answer a supervision order for the unit that it is addressed to; stops its clock. Raises OrderNotFound, OrderNotOpen."""
    case, order = _order(stamp, number, order_id, version)

    def change(now: Stamp) -> Step:
        if not belongs_to(now.actor, order):
            raise NotYourUnit("这份督办不由您的单位反馈")
        if order.state is not SlipState.ISSUED:
            raise OrderNotOpen
        order.state, order.answered_at, order.answered_by = SlipState.ANSWERED, now.at, now.actor.id
        return Step(facts={"order": order.id, "slip": order.number}, about=(Subject.SUPERVISION_ORDER, order.id))

    order.answer_seq = move_case(stamp, case, Action.ANSWER_SUPERVISION, Words(note=words), change).seq
    return case


def belongs_to(actor: Actor, order: SupervisionOrder) -> bool:
    """Say whether somebody answers for the unit of an order, from that unit or one above it."""
    return any(order.unit.path.startswith(path) for path in actor.paths(Role.HANDLER, Role.UNIT_HEAD))


def accept_order(stamp: Stamp, number: str, order_id: int, *, words: str, version: int | None = None) -> Case:
    """Accept what was done (销号), answered or seen on the spot. Raises OrderNotFound, OrderNotOpen, AnswererMayNotAccept."""
    case, order = _order(stamp, number, order_id, version)

    def change(now: Stamp) -> Step:
        _judge(now, order, SlipState.ISSUED, SlipState.ANSWERED)
        meet_reply_clock(case, order, now.at)
        order.state, order.accepted_at = SlipState.ACCEPTED, now.at
        return Step(facts={"order": order.id, "slip": order.number, "accepted": True}, unit_id=order.unit_id)

    now = acting(stamp, case, Action.ORDER_SUPERVISION, ORDERS)
    move_case(now, case, Action.ORDER_SUPERVISION, Words(note=words), change)
    return case


def insist(
    stamp: Stamp, number: str, order_id: int, *, words: str, due: datetime | None = None, version: int | None = None
) -> Case:
    """Insist on more than was answered: the order is open again, with a fresh clock. Raises as accepting does, DueInThePast."""
    check_due(stamp, due)
    case, order = _order(stamp, number, order_id, version)

    def change(now: Stamp) -> Step:
        _judge(now, order, SlipState.ANSWERED)
        order.state, order.insisted = SlipState.ISSUED, order.insisted + 1
        start_reply_clock(case, order, now.at, due)
        return Step(facts={"order": order.id, "slip": order.number, "accepted": False}, unit_id=order.unit_id)

    now = acting(stamp, case, Action.ORDER_SUPERVISION, ORDERS)
    move_case(now, case, Action.ORDER_SUPERVISION, Words(note=words), change)
    return case


def _judge(stamp: Stamp, order: SupervisionOrder, *states: SlipState) -> None:
    if order.answered_by is not None and order.answered_by == stamp.actor.id:
        raise AnswererMayNotAccept
    if order.state not in states:
        raise OrderNotOpen("这份督办还没有反馈" if order.state is SlipState.ISSUED else "这份督办已经销号")


def _order(stamp: Stamp, number: str, order_id: int, version: int | None) -> tuple[Case, SupervisionOrder]:
    case = lock_case(stamp, number, version=version)
    query = select(SupervisionOrder).where(SupervisionOrder.id == order_id, SupervisionOrder.case_id == case.id)
    order = db.session.scalars(query.where(SupervisionOrder.issued_at.is_not(None))).first()
    if order is None:
        raise OrderNotFound
    return case, order
