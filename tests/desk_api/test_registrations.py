"""What the desk registers: who said it, against whom, what is refused, and what is answered at once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.ledger.models import Case, Entry, Report
from app.people.identity import open_person
from app.people.models import Resident


@pytest.fixture
def register(desk, heard):
    """Registers, with changes to what was heard (None leaves a field out); checks the status."""

    def post(login: str = "fang", *, expect: int = 201, **more):
        answer = desk(login).post("/registrations", {k: v for k, v in (heard | more).items() if v is not None})
        assert answer.status_code == expect, answer.text
        return answer.json

    return post


def stored(session, number) -> tuple[Case, Report]:
    case = session.scalars(select(Case).where(Case.number == number)).one()
    return case, session.scalars(select(Report).where(Report.case_id == case.id)).one()


def test_a_call_becomes_a_case_of_the_caller_and_gives_a_claim_code(register, session, cast):
    told = register()
    assert told["number_in_fours"].replace(" ", "") == told["number"]
    assert len(told["claim_code"]) == 10
    assert (told["state"], told["state_label"], told["dangers"]) == ("submitted", "待受理", [])
    case, report = stored(session, told["number"])
    assert case.channel == "hotline"
    assert report.filer_staff_id == cast.staff["fang"].id
    person = open_person(session.get(Resident, report.concerned_id).identity)
    assert (person.name, person.phone) == ("王桂花", "13800001234")


def test_the_same_caller_is_enrolled_once(register, session):
    first, second = (stored(session, register(body=body)["number"])[1] for body in ("路灯不亮", "井盖丢了"))
    assert first.concerned_id == second.concerned_id


def test_the_claim_code_opens_the_case_for_the_person(register, client):
    told = register()
    proof = {"number": told["number_in_fours"], "claim_code": told["claim_code"]}
    assert client.post("/miniprogram/v1/look-ups", json=proof).json["state"] == "submitted"
    assert client.post("/miniprogram/v1/look-ups", json=proof | {"claim_code": "0000000000"}).status_code in (404, 422)


def test_half_a_character_is_refused(desk, heard):
    caller = desk("fang")
    body = '{"channel": "letter", "name": "王", "body": "路灯坏了\\ud800"}'
    headers = caller._headers() | {"Idempotency-Key": "0b4d6a51-0b6a-4c39-9b0e-7f9a3f7c3d10", "Content-Type": "application/json"}
    answer = caller.client.post("/desk/v1/registrations", data=body.encode(), headers=headers)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["body"])


@pytest.mark.parametrize("channel", ["letter", "mailbox", "window", "patrol", "leader"])
def test_every_desk_channel_is_taken(register, session, channel):
    assert stored(session, register(channel=channel)["number"])[0].channel == channel


@pytest.mark.parametrize("channel", ["mini_program", "visit", "proxy"])
def test_channels_of_other_doors_are_refused(register, channel):
    assert list(register(channel=channel, expect=422)["errors"]) == ["channel"]


def test_an_upstream_number_is_taken_once(register, session):
    told = register(channel="upstream_12345", upstream_number=" SZ-2026-0001 ")
    assert stored(session, told["number"])[0].upstream_number == "SZ-2026-0001"
    refused = register(channel="upstream_12345", upstream_number="SZ-2026-0001", body="换个说法", expect=409)
    assert refused["code"] == "already_in_ledger"


def test_an_upstream_order_needs_its_number_and_nothing_else_has_one(register):
    assert list(register(channel="upstream_12345", expect=422)["errors"]) == ["upstream_number"]
    assert list(register(upstream_number="SZ-1", expect=422)["errors"]) == ["upstream_number"]


def test_praise_is_registered(register, session):
    assert stored(session, register(kind="praise", body="感谢柳林村网格员周格帮我送药。")["number"])[0].kind == "praise"


def test_a_tip_off_is_confidential_by_itself(register, session):
    assert stored(session, register(kind="tip_off")["number"])[0].confidential


def test_who_speaks_must_be_known_or_anonymous(register, session):
    nobody = {"name": None, "phone": None}
    assert list(register(**nobody, expect=422)["errors"]) == ["phone"]
    assert list(register(anonymous=True, expect=422)["errors"]) == ["anonymous"]
    case, report = stored(session, register(**nobody, anonymous=True)["number"])
    assert case.anonymous
    assert (report.filer_staff_id, report.filer_resident_id, report.concerned_id) == (None, None, None)
    assert stored(session, register(**nobody, channel="patrol")["number"])[1].concerned_id is None


def test_identity_is_checked_field_by_field(register):
    refused = register(phone="12", id_number="34122319800101123", expect=422)
    assert set(refused["errors"]) == {"phone", "id_number"}


def test_nothing_is_said_in_the_future(register, clock, session):
    refused = register(said_at=(clock() + timedelta(minutes=1)).isoformat(), expect=422)
    assert refused["errors"] == {"said_at": ["反映时间不能晚于现在"]}
    assert session.scalars(select(Case.id)).all() == []
    last_week = clock() - timedelta(days=7)
    case, report = stored(session, register(channel="letter", said_at=last_week.isoformat())["number"])
    assert (report.said_at, report.received_at, case.opened_at) == (last_week, clock(), clock())


@pytest.mark.parametrize("when", ["2026-11-22 10:00", "2026-11-22T10:00:00", "yesterday", "0001-01-01T00:00:00+14:00", 20261122])
def test_a_moment_needs_its_zone_and_must_exist(register, when):
    assert list(register(said_at=when, expect=422)["errors"]) == ["said_at"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("body", "😀😀"),
        ("body", "字" * 4001),
        ("body", "路灯\x00坏了"),
        ("body", "   "),
        ("title", "题" * 61),
        ("category_id", 999_999),
        ("grid", "000"),
        ("against_unit", "000"),
        ("against_staff", "nobody"),
        ("kind", "service order"),
        ("channel", "telex"),
        ("call_id", 999_999),
        ("urgent", True),
    ],
)
def test_bad_input_names_its_field(register, session, field, value):
    assert list(register(**{field: value}, expect=422)["errors"]) == [field]
    assert session.scalars(select(Case.id)).all() == []


def test_whom_it_is_against_is_stored(register, session, cast):
    case, _ = stored(session, register(against_unit=cast.units["水利局"].code, against_staff="xu")["number"])
    assert case.against_paths == [cast.units["水利局"].path]
    assert case.against_staff_id == cast.staff["xu"].id


def test_danger_is_told_back_and_to_the_shift_head(register, session, gateway):
    told = register(body="楼下燃气泄漏，味道很大", category_id=None)
    assert told["dangers"] == ["燃气泄漏"]


def test_an_urgent_category_makes_the_case_urgent(register, session, cast):
    assert stored(session, register(category_id=cast.categories["燃气泄漏"])["number"])[0].urgency == "urgent"
    assert stored(session, register(urgency="urgent")["number"])[0].urgency == "urgent"


def test_what_is_answered_at_once_opens_and_closes_in_one_step(register, session):
    told = register(kind="consultation", answer="高龄津贴每季度第一个月发放。")
    case, _ = stored(session, told["number"])
    assert (told["state"], case.outcome) == ("closed", "direct")
    assert case.opened_at == case.closed_at
    lines = session.scalars(select(Entry).where(Entry.case_id == case.id).order_by(Entry.seq)).all()
    assert [line.action for line in lines] == ["submit", "answer"]
    assert lines[1].words.reply == "高龄津贴每季度第一个月发放。"


def test_an_answer_by_letter_waits_for_the_call_back(register):
    assert register(channel="letter", answer="高龄津贴每季度发放。")["state"] == "awaiting_callback"


def test_an_answer_needs_category_and_place_and_nothing_is_half_stored(register, session):
    assert list(register(answer="好的", category_id=None, expect=422)["errors"]) == ["category_id"]
    assert list(register(answer="好的", grid=None, expect=422)["errors"]) == ["grid"]
    assert session.scalars(select(Case.id)).all() == []
    assert session.scalars(select(Resident.id)).all() == [1, 2, 3]  # the cast; the caller of the refused ones was not enrolled
    assert register(answer="好的", grid=None, outside_grids=True)["state"] == "closed"


@pytest.mark.parametrize("login", ["he", "zhou", "wu", "sun", "admin", "qin"])
def test_who_does_not_sit_at_the_desk_does_not_register(register, login):
    assert register(login, expect=403)["code"] == "registered_by_desk"


def test_a_registration_sent_twice_is_one_case(desk, heard, session):
    fang, key = desk("fang"), "0b4d6a51-0b6a-4c39-9b0e-7f9a3f7c3d10"
    first, again = (fang.post("/registrations", heard, key=key) for _ in range(2))
    assert first.json == again.json
    assert len(session.scalars(select(Case.id)).all()) == 1
    assert fang.post("/registrations", heard | {"body": "别的话"}, key=key).status_code == 422
    assert desk("ding").post("/registrations", heard, key=key).json["number"] != first.json["number"]
