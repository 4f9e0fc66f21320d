"""Keeps that whoever serves an order has been in touch with the person: the first contact of a case, which stops its clock."""

from app.core.stamp import Stamp
from app.ledger.handling import ContactByDesk, NobodyToContact, lead_of
from app.ledger.moves import Step, Words, move_case
from app.ledger.vocabulary import Action
from app.services.models import ServiceOrder

HOW = {"phone": "电话", "visit": "上门", "wechat": "微信", "other": "其他方式"}
"""How somebody may be reached, and how that is told."""


def record_order_contact(stamp: Stamp, order: ServiceOrder, *, how: str, note: str | None = None) -> None:
    """Record on a locked order that the person was reached: how (a key of HOW), and what was said.

    Raises NobodyToContact, and ContactByDesk for what has become confidential.
    """
    case = order.case

    def change(acting: Stamp) -> Step:
        if case.nobody_to_call:
            raise NobodyToContact
        if case.hides_identity:
            raise ContactByDesk
        part = lead_of(case)
        part.contacted_at = part.contacted_at or acting.at
        return Step(facts={"how": how})

    move_case(stamp, case, Action.CONTACT, Words(note=(note or "").strip() or f"已联系（{HOW[how]}）"), change)
