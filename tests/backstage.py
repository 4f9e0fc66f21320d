"""Backstage: the desk and the handling unit take a case along, step by step, so that a test of a door need not."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.core.database import db, transaction
from app.ledger.commands import accept_case, ask_info
from app.ledger.handling import dispatch_case, pass_result, record_contact, send_back, sign_case, submit_result
from app.ledger.models import Case
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.vocabulary import Kind


@dataclass
class Backstage:
    """Everybody behind the counter: each method is one step, some minutes after the last, really stored."""

    cast: Any
    clock: Any
    as_staff: Any

    def accept(self, number: str) -> None:
        given = {"category_id": self.cast.categories["路灯照明"], "grid_id": self.cast.grids["柳林村一网格"].id}
        self._step(accept_case, "fang", number, kind=Kind.HELP, **given)

    def ask(self, number: str, question: str) -> None:
        self._step(ask_info, "fang", number, question=question)

    def dispatch(self, number: str) -> None:
        self._step(dispatch_case, "du", number, lead_unit_id=self.cast.units["城市管理局"].id, note="内部：请尽快")

    def sign(self, number: str) -> None:
        self._step(sign_case, "he", number)

    def contact(self, number: str) -> None:
        self._step(record_contact, "he", number, how="phone", note="内部：电话联系过")

    def report_result(self, number: str, reply: str = "路灯已修好。") -> None:
        self._step(submit_result, "he", number, reply=reply, note="内部：换灯头一个", solved=True)

    def send_back(self, number: str) -> None:
        self._step(send_back, "qin", number, note="内部：没有照片")

    def let_pass(self, number: str) -> None:
        self._step(pass_result, "qin", number, note="内部：核对无误")

    def triage(self, number: str) -> None:
        self._step(triage_case, "sun", number, verdict=Triage.REWORK, note="内部：请重新办理")

    def handle(self, number: str) -> None:
        """Take a submitted case to where it waits for the person's word."""
        for step in (self.accept, self.dispatch, self.sign, self.contact, self.report_result, self.let_pass):
            step(number)

    def case(self, number: str) -> Case:
        db.session.expire_all()
        return db.session.scalars(select(Case).where(Case.number == number)).one()

    def _step(self, command: Any, login: str, number: str, **given: Any) -> None:
        self.clock.advance(minutes=5)
        with transaction():
            command(self.as_staff(login), number, **given)


HAPPY = {"contacted": True, "solved": True, "satisfaction": "satisfied"}
UNHAPPY = {"contacted": True, "solved": False, "satisfaction": "dissatisfied"}
