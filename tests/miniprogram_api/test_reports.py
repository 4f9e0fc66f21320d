"""Filing at the residents' door: stored once, whole, where it is; what is unfit is refused by field and leaves nothing."""

from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.core.database import transaction
from app.core.held import forget_all
from app.ledger.county import CountySetting
from app.ledger.models import Case, Report
from app.ledger.numbers import in_fours
from app.ledger.showing.case_view import case_view
from app.ledger.vocabulary import Channel, State
from app.notices.models import Notice
from app.people.models import Resident
from app.territory.datum import metres_between


def count(session, model=Report):
    return session.scalar(select(func.count()).select_from(model))


def test_lin_files_and_gets_the_number_of_her_case(session, lin, cast, street_light):
    answer = lin.post("/reports", street_light)
    assert answer.status_code == 201
    number = answer.json["number"]
    assert answer.json == {"number": number, "number_in_fours": in_fours(number)}
    case = session.scalars(select(Case).where(Case.number == number)).one()
    (report,) = case.reports
    me = cast.residents["lin"].id
    assert (case.state, case.channel, case.grid_id) == (State.SUBMITTED, Channel.MINI_PROGRAM, cast.grids["柳林村一网格"].id)
    assert (report.filer_resident_id, report.concerned_id, report.body) == (me, me, street_light["body"])


def test_a_report_needs_nothing_but_words(lin):
    assert lin.post("/reports", {"body": "村口的桥栏杆松了。"}).status_code == 201


def test_a_gcj_point_is_stored_as_wgs84_beside_what_was_given(session, lin, street_light):
    given = {"latitude": 33.546, "longitude": 117.551, "datum": "gcj02"}
    lin.post("/reports", street_light | {"point": given})
    report = session.scalars(select(Report)).one()
    assert report.raw_point == given
    moved = metres_between((report.latitude, report.longitude), (33.546, 117.551))
    assert 100 < moved < 1000


def test_a_matter_at_home_keeps_grid_and_household_and_no_point(session, lin, cast, street_light):
    with transaction():
        home = session.get(Resident, cast.residents["lin"].id)
        home.grid_id, home.household_id = cast.grids["柳林村一网格"].id, cast.households["林秀英"].id
    point = {"latitude": 33.5, "longitude": 117.5, "datum": "wgs84"}
    answer = lin.post("/reports", {"body": "家里的自来水又黄又少。", "at_home": True, "point": point})
    assert answer.status_code == 201
    report = session.scalars(select(Report)).one()
    assert (report.latitude, report.longitude, report.raw_point) == (None, None, None)
    assert report.household_id == cast.households["林秀英"].id
    assert report.case.grid_id == cast.grids["柳林村一网格"].id


def test_a_report_against_a_unit_is_kept_from_that_unit(session, lin, cast, street_light, as_staff):
    from app.ledger.scope import visible

    bureau = cast.units["城市管理局"]
    assert lin.post("/reports", street_light | {"against_unit": bureau.code, "kind": "complaint"}).status_code == 201
    case = session.scalars(select(Case)).one()
    assert case.against_paths == [bureau.path]
    seen = select(Case.id).where(visible(as_staff("gao").actor))
    assert session.scalars(seen).all() == []


def test_a_tip_off_is_confidential_without_being_asked(session, lin, street_light):
    lin.post("/reports", street_light | {"kind": "tip_off"})
    lin.post("/reports", street_light | {"confidential": True})
    assert [case.confidential for case in session.scalars(select(Case))] == [True, True]


def test_danger_to_life_alerts_the_shift_head_at_once(session, lin, cast):
    lin.post("/reports", {"body": "楼道里闻到很重的味道，怕是燃气泄漏！"})
    told = session.scalars(select(Notice.recipient_id).where(Notice.template == "danger")).all()
    assert told == [cast.staff["ma"].id]


BAD = [
    ({"body": "长" * 5000}, "body"),
    ({"body": "😀😀😀"}, "body"),
    ({"body": "   "}, "body"),
    ({"body": "路灯坏了\u0007"}, "body"),
    ({"body": "路灯坏了\ud83d"}, "body"),
    ({"title": "题" * 61}, "title"),
    ({"kind": "revolution"}, "kind"),
    ({"category_id": 10**6}, "category_id"),
    ({"grid": "0000"}, "grid"),
    ({"against_unit": "0000"}, "against_unit"),
    ({"point": {"latitude": 48.85, "longitude": 2.35, "datum": "wgs84"}}, "point"),
    ({"point": {"latitude": 91, "longitude": 117, "datum": "wgs84"}}, "point.latitude"),
    ({"point": {"latitude": 33.5, "longitude": 117.5, "datum": "bd09"}}, "point.datum"),
    ({"point": {"latitude": 33.5, "longitude": 117.5}}, "point.datum"),
    ({"phone": "13800000001"}, "phone"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
def test_bad_input_names_its_field_and_stores_nothing(session, lin, street_light, change, field):
    answer = lin.post("/reports", street_light | change)
    assert answer.status_code == 422
    assert answer.content_type.startswith("application/problem+json")
    assert list(answer.json["errors"]) == [field]
    assert count(session) == count(session, Case) == 0


def test_a_point_outside_the_county_is_refused(session, lin, street_light):
    with transaction():
        session.add(CountySetting(name="bounds", value=[33.3, 117.2, 34.0, 117.9]))
    forget_all()
    inside = {"latitude": 33.5, "longitude": 117.5, "datum": "wgs84"}
    assert lin.post("/reports", street_light | {"point": inside}).status_code == 201
    answer = lin.post("/reports", street_light | {"point": inside | {"latitude": 34.5}})
    assert (answer.status_code, answer.json["code"]) == (422, "point_outside_county")


def test_the_same_key_gives_the_same_answer_and_one_case(session, lin, street_light):
    key = str(uuid4())
    first, second = lin.post("/reports", street_light, key=key), lin.post("/reports", street_light, key=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert second.headers["Idempotency-Replayed"] == "true"
    assert count(session, Case) == 1


def test_the_same_key_with_another_body_is_refused(session, lin, street_light):
    key = str(uuid4())
    lin.post("/reports", street_light, key=key)
    answer = lin.post("/reports", street_light | {"body": "另一件事情。"}, key=key)
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert count(session, Case) == 1


def test_a_refused_body_leaves_its_key_free(lin, street_light):
    key = str(uuid4())
    assert lin.post("/reports", street_light | {"body": ""}, key=key).status_code == 422
    assert lin.post("/reports", street_light, key=key).status_code == 201


@pytest.mark.parametrize("key", [None, "not-a-uuid"])
def test_filing_needs_a_key(session, lin, street_light, key):
    answer = lin.post("/reports", street_light, key=key)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json["errors"]
    assert count(session) == 0


def test_two_people_may_use_the_same_key(lin, chen, street_light):
    key = str(uuid4())
    assert lin.post("/reports", street_light, key=key).json != chen.post("/reports", street_light, key=key).json


def test_the_filing_form_shows_the_emergency_numbers_to_everybody(nobody):
    form = nobody.get("/filing-form").json
    assert [number["number"] for number in form["emergency_numbers"]] == ["110", "119", "120"]
    assert {"code": "help", "label": "求助"} in form["kinds"]
    assert "service" not in [kind["code"] for kind in form["kinds"]]


def test_the_filing_page_finds_categories_grids_and_units(nobody, cast):
    paths = [category["path"] for category in nobody.get("/categories").json]
    assert "城乡建设/市政管理/路灯照明" in paths
    grids = nobody.get("/grids", name="柳林").json["items"]
    assert [grid["name"] for grid in grids] == ["柳林村一网格", "柳林村二网格"]
    below = nobody.get("/grids", unit_code=cast.units["柳河镇"].code).json["items"]
    assert len(below) == 6
    assert [unit["name"] for unit in nobody.get("/units", name="水利").json["items"]] == ["水利局"]


def test_lists_of_the_filing_page_go_page_by_page(nobody):
    seen, cursor = [], None
    while True:
        page = nobody.get("/grids", limit=5, **({"cursor": cursor} if cursor else {})).json
        seen += [grid["code"] for grid in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 18
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 201}, {"cursor": "%%%"}, {"cursor": "WzFd"}, {"cursor": "W10"}, {"page": 2}]
)
def test_a_list_asked_for_wrongly_says_so(nobody, query):
    assert nobody.get("/grids", **query).status_code == 422


class TestPeopleBeside:
    def test_a_group_names_who_speaks_for_it_and_a_parent_stands_by_a_minor(self, session, lin, street_light, as_staff):
        group = {"group_size": 8, "representatives": [{"name": "王大力", "phone": "13800005555"}]}
        answer = lin.post("/reports", street_light | group | {"minor": True, "guardian": {"name": "林秀英"}})
        assert answer.status_code == 201
        (report,) = case_view(as_staff("fang"), answer.json["number"]).reports
        (speaker,) = report.representatives
        assert (report.group_size, speaker.name, speaker.phone) == (8, "王**", "138****5555")
        assert (report.minor, report.guardian.name) == (True, "林**")

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"group_size": 5}, "representatives"),
            ({"representatives": [{"name": "王大力"}]}, "group_size"),
            ({"minor": True}, "guardian"),
        ],
    )
    def test_who_is_missing_is_named_and_nothing_is_kept(self, session, lin, street_light, given, field):
        refused = lin.post("/reports", street_light | given)
        assert (refused.status_code, refused.json["code"], list(refused.json["errors"])) == (422, "people_incomplete", [field])
        assert count(session) == 0

    def test_from_how_many_on_is_the_countys_to_say(self, session, lin, street_light):
        with transaction():
            session.add(CountySetting(name="group_from", value=10))
        forget_all()
        assert lin.post("/reports", street_light | {"group_size": 9}).status_code == 201
        assert "10 人" in lin.post("/reports", street_light | {"group_size": 10}).json["errors"]["representatives"][0]
