"""Who may hear a person's number, and that every look is on record with its reason."""

import pytest
from sqlalchemy import select

from app.people.identity import verify_accesses
from app.people.models import IdentityAccess


def ask(road, login: str, *, expect: int = 200):
    answer = road.desk(login).post(f"/cases/{road.number}/dial", key=None)
    assert answer.status_code == expect, answer.text
    return answer.json


def unmask(road, login: str, *, expect: int = 200, **more):
    body = {"fields": ["name", "phone"], "reason": "核实重复投诉"} | more
    answer = road.desk(login).post(f"/cases/{road.number}/unmask", {k: v for k, v in body.items() if v is not None}, key=None)
    assert answer.status_code == expect, answer.text
    return answer.json


def looks(session) -> list[tuple[int, str, str]]:
    return [(row.staff_id, row.fields, row.reason) for row in session.scalars(select(IdentityAccess).order_by(IdentityAccess.id))]


def test_ones_own_open_case_is_dialled_and_the_case_is_the_reason(road, session, cast):
    road.signed()
    assert ask(road, "he") == {"phone": "13800001234"}
    assert looks(session) == [(cast.staff["he"].id, "phone", f"case {road.number}")]
    assert verify_accesses() is None


@pytest.mark.parametrize("login", ["fang", "du", "lu"])
def test_the_desk_dials(road, login):
    road.registered()
    assert ask(road, login) == {"phone": "13800001234"}


@pytest.mark.parametrize("login", ["sun", "qin", "zhou", "wu", "liu", "yan"])
def test_who_only_sees_the_case_does_not_dial(road, login, session):
    road.signed()
    assert ask(road, login, expect=403)["code"] == "not_yours_to_dial"
    assert looks(session) == []


def test_an_assisting_unit_dials_and_a_stranger_sees_nothing(road):
    road.signed(assists=("水利局",))
    assert ask(road, "shui") == {"phone": "13800001234"}
    ask(road, "xu", expect=404)


def test_a_confidential_persons_phone_is_the_desks_alone(road, session):
    road.signed(confidential=True)
    assert ask(road, "he", expect=403)["code"] == "not_yours_to_dial"
    assert road.see("he")["may_dial"] is False
    assert ask(road, "lu") == {"phone": "13800001234"}
    assert road.see("lu")["may_dial"] is True


def test_an_ended_case_is_not_dialled(road):
    road.registered(answer="好的")
    assert ask(road, "fang", expect=409)["code"] == "case_ended"
    assert road.see("fang")["may_dial"] is False


def test_nobody_stands_behind_an_anonymous_report(road, session):
    road.registered(name=None, phone=None, anonymous=True)
    assert ask(road, "fang", expect=409)["code"] == "nobody_to_contact"
    assert unmask(road, "sun", expect=409)["code"] == "nobody_to_contact"
    assert looks(session) == []


def test_who_left_no_phone_is_not_put_on_record(road, session):
    road.registered(channel="letter", phone=None)
    assert ask(road, "fang", expect=409)["code"] == "no_such_detail"
    assert looks(session) == []


def test_every_call_is_on_record_even_the_same_one_again(road, session):
    road.registered()
    ask(road, "fang")
    ask(road, "fang")
    assert len(looks(session)) == 2


def test_a_supervisor_unmasks_with_a_reason(road, session, cast):
    road.registered(id_number="110101199003077758")
    assert unmask(road, "sun") == {"name": "王桂花", "phone": "13800001234", "id_number": None}
    assert looks(session) == [(cast.staff["sun"].id, "name,phone", f"case {road.number}: 核实重复投诉")]
    assert unmask(road, "sun", fields=["id_number"])["id_number"] == "110101199003077758"


@pytest.mark.parametrize("login", ["fang", "du", "lu", "qin", "ma"])
def test_others_do_not_unmask(road, login, session):
    road.registered()
    assert unmask(road, login, expect=403)["code"] == "not_yours_to_unmask"
    assert looks(session) == []


@pytest.mark.parametrize("more", [{"reason": None}, {"reason": "  "}, {"fields": []}, {"fields": ["openid"]}, {"fields": "name"}])
def test_unmasking_needs_a_reason_and_known_fields(road, more):
    road.registered()
    (field,) = unmask(road, "sun", expect=422, **more)["errors"]
    assert field.split(".")[0] in more


def test_whom_a_case_is_against_unmasks_nothing(road):
    road.registered(against_staff="sun")
    unmask(road, "sun", expect=404)
