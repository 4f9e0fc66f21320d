"""Keeps matters that are settled (不再重复受理): answered and reviewed often enough, not taken up again without new facts."""

from sqlalchemy import func, select

from app.core.database import db
from app.core.errors import Conflict
from app.core.stamp import Stamp
from app.ledger.county import county
from app.ledger.handling import check_outside
from app.ledger.models import Case, Entry
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.vocabulary import Action


class NotAnsweredOftenEnough(Conflict):
    """经过核验的答复次数还不够"""


def mark_settled(stamp: Stamp, number: str, *, reply: str, note: str, version: int | None = None) -> Case:
    """Mark the matter of a closed case, never its person, as not taken up again; the person is told why.

    Needs as many reviewed answers as the county sets, over all rounds of the case and of those it came back from. Raises OwnWork,
    ByTheCentre, NotAnsweredOftenEnough.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        check_outside(acting, case, Action.MARK_SETTLED)
        answers, needed = reviewed_answers(case), county().answers_to_settle
        if answers < needed:
            raise NotAnsweredOftenEnough(f"同一事项经过核验的答复有 {answers} 次，满 {needed} 次才能标记")
        case.settled = True
        return Step(facts={"answers": answers})

    move_case(stamp, case, Action.MARK_SETTLED, Words(reply=reply, note=note), change)
    return case


def reviewed_answers(case: Case) -> int:
    """Give how many results of a matter passed review, in this case and in those that it is a recurrence of.

    A direct answer does not count: nobody but its author has looked at it.
    """
    matter = select(Case.id).where(Case.id == case.id).cte("matter", recursive=True)
    earlier = select(Case.recurrence_of_id).join(matter, matter.c.id == Case.id).where(Case.recurrence_of_id.is_not(None))
    matter = matter.union(earlier)
    passed = select(func.count()).where(Entry.case_id.in_(select(matter.c.id)), Entry.action == Action.PASS)
    return db.session.scalar(passed) or 0
