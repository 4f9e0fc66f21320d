"""Twins: twenty phones send the same report at the same moment, and there is one case; nothing is doubled, nothing is lost."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.core.database import db
from app.ledger.models import Case, Entry, Report
from app.ledger.timeline import verify_ledger
from app.notices.models import Notice
from tests.callers import Caller, resident_caller

TWINS = 20


def all_at_once(app, caller, send):
    """Let every twin send at the same moment, each with a client of its own."""
    start = Barrier(TWINS)

    def twin(place):
        mine = Caller(app.test_client(), caller.door, caller.token)
        start.wait()
        return send(mine, place)

    with ThreadPoolExecutor(TWINS) as threads:
        return list(threads.map(twin, range(TWINS)))


@pytest.mark.parametrize("path", ["/reports", "/anonymous-reports"])
def test_twenty_concurrent_twins_make_one_case(committed, path):
    lin = resident_caller(committed.test_client(), "lin")
    key, body = str(uuid4()), {"body": "路口的路灯坏了三天了。"}
    answers = all_at_once(committed, lin, lambda me, _: me.post(path, body, key=key))
    told = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(told) + len(waiting) == TWINS
    assert told
    assert all(answer.headers["Retry-After"] == "1" and answer.json["code"] == "twin_at_work" for answer in waiting)
    again = lin.post(path, body, key=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert all(answer.json == again.json for answer in told)
    with committed.app_context():
        counts = [db.session.scalar(select(func.count()).select_from(model)) for model in (Case, Report, Entry)]
        assert counts == [1, 1, 1]
        assert db.session.scalar(select(func.count()).select_from(Notice)) == (1 if path == "/reports" else 0)
        assert verify_ledger().breaks == []
        db.session.remove()


def test_twenty_different_reports_at_once_are_twenty_cases_with_numbers_of_their_own(committed):
    lin = resident_caller(committed.test_client(), "lin")
    answers = all_at_once(committed, lin, lambda me, place: me.post("/reports", {"body": f"第 {place} 盏路灯坏了。"}))
    assert [answer.status_code for answer in answers] == [201] * TWINS
    assert len({answer.json["number"] for answer in answers}) == TWINS
    with committed.app_context():
        assert verify_ledger().breaks == []
        db.session.remove()


def test_twenty_ratings_at_once_are_one_rating(committed):
    """Each with a key of its own: one closes the case, the others are told that it has been rated."""
    from app.demo.cast import find_cast
    from app.ledger.callbacks.answers import AlreadyRated
    from app.ledger.callbacks.models import Callback
    from app.people.sessions import staff_actor
    from tests.backstage import HAPPY, Backstage

    lin = resident_caller(committed.test_client(), "lin")
    number = lin.post("/reports", {"body": "路口的路灯坏了三天了。"}).json["number"]
    clock = committed.extensions["minhu"].clock
    with committed.app_context():
        cast = find_cast()

        def as_staff(login):
            from app.core.stamp import Door, Stamp

            actor = staff_actor(cast.staff[login].id)
            return Stamp(actor, actor.posts[0].role, clock(), Door.DESK)

        Backstage(cast, clock, as_staff).handle(number)
        db.session.remove()
    answers = all_at_once(committed, lin, lambda me, _: me.post(f"/cases/{number}/rating", HAPPY))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (TWINS - 1)
    assert {answer.json.get("code") for answer in answers if answer.status_code == 409} == {AlreadyRated.code()}
    with committed.app_context():
        assert db.session.scalar(select(func.count()).select_from(Callback)) == 1
        assert verify_ledger().breaks == []
        db.session.remove()
