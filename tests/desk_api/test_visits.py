"""Visits at the desk: rounds, rules and topics, what is late, and the coverage, each for whom it is."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app.core.database import transaction
from app.visits.models import TaskFor, TaskState, VisitRule, VisitTask
from app.visits.planning import plan_visits


@pytest.fixture
def round_given(cast):
    return {"name": "冬季遍访", "unit": cast.units["柳河镇"].code, "due_on": "2026-12-10"}


def test_a_round_reaches_every_household_of_its_unit_and_is_followed(session, desk, cast, round_given, as_system):
    answer = desk("tong").post("/campaigns", round_given)
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert (made["unit_name"], made["households"], made["starts_on"]) == ("柳河镇", 0, "2026-11-23")
    plan_visits(as_system)
    plan_visits(as_system)
    assert desk("sun").get(f"/campaigns/{made['id']}").json["households"] == 2
    assert [each["id"] for each in desk("tong").get("/campaigns").json["items"]] == [made["id"]]
    told = desk("sun").get("/figures/coverage", campaign=made["id"]).json
    assert (told["campaign"], told["total"]["due"], told["total"]["visited_share"]["percent"]) == ("冬季遍访", 2, "0.0")
    ended = desk("tong").post(f"/campaigns/{made['id']}/end", {}).json
    assert (ended["ended_at"] is not None, ended["households"]) == (True, 0)
    assert desk("tong").post(f"/campaigns/{made['id']}/end", {}).json["code"] == "campaign_over"
    plan_visits(as_system)
    states = session.execute(select(VisitTask.why, VisitTask.state).distinct()).all()
    assert (TaskFor.CAMPAIGN, TaskState.CANCELLED) in [tuple(row) for row in states]
    assert (TaskFor.CAMPAIGN, TaskState.OPEN) not in [tuple(row) for row in states]


def test_a_round_is_begun_for_ones_own_unit_by_a_date_ahead(desk, cast, round_given):
    assert desk("he").post("/campaigns", round_given).json["code"] == "campaigns_are_not_yours"
    for change, name in (
        ({"unit": cast.units["石桥镇"].code}, "unit"),
        ({"unit": "nowhere"}, "unit"),
        ({"due_on": "2026-11-22"}, "due_on"),
        ({"due_on": "2028-11-22"}, "due_on"),
        ({"tag": "nonsense"}, "tag"),
        ({"name": " "}, "name"),
    ):
        answer = desk("tong").post("/campaigns", round_given | change)
        assert (answer.status_code, list(answer.json["errors"])) == (422, [name]), answer.text


def test_another_units_round_is_not_there_even_by_id(desk, cast, round_given):
    made = desk("sun").post("/campaigns", round_given | {"unit": cast.units["石桥镇"].code}).json["id"]
    for wanted in (made, 10**9):
        answers = [desk("tong").get(f"/campaigns/{wanted}"), desk("tong").post(f"/campaigns/{wanted}/end", {})]
        answers.append(desk("tong").get("/figures/coverage", campaign=wanted))
        assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(404, "campaign_not_found")}


def test_a_rule_changes_by_a_new_version_with_its_reason(session, desk, cast, as_system):
    rules = {rule["code"]: rule for rule in desk("sun").get("/visit-rules").json}
    assert (rules["living_alone"]["every_months"], rules["floating"]["every_months"], rules["ordinary"]["every_months"]) == (
        1,
        3,
        6,
    )
    change = {"household_kind": "ordinary", "every_months": 12, "reason": "人手不足", "version": 1}
    assert desk("sun").put("/visit-rules/ordinary", change).json["code"] == "visit_plans_are_not_yours"
    plan_visits(as_system)
    told = desk("admin").put("/visit-rules/ordinary", change).json
    assert (told["version"], told["made_by"], told["reason"]) == (2, "管理员", "人手不足")
    stale = desk("admin").put("/visit-rules/ordinary", change)
    assert (stale.status_code, stale.json["facts"]) == (412, {"version": 2})
    assert len(session.scalars(select(VisitRule).where(VisitRule.code == "ordinary")).all()) == 2
    planned = plan_visits(as_system)
    assert (planned.cancelled, planned.made) == (2, 2)
    keys = set(session.scalars(select(VisitTask.key).where(VisitTask.state == TaskState.OPEN)))
    assert keys == {f"rule:2026:household:{home.id}" for home in cast.households.values()}


BAD_RULES = [
    ({"household_kind": "vacant"}, "household_kind"),
    ({"household_kind": None}, "tag"),
    ({"tag": "orphan"}, "tag"),
    ({"every_months": 5}, "every_months"),
    ({"reason": ""}, "reason"),
    ({"household_kind": None, "tag": "nonsense"}, "tag"),
]


@pytest.mark.parametrize(("change", "name"), BAD_RULES)
def test_an_unfit_rule_is_refused_by_field(desk, change, name):
    given = {"household_kind": "collective", "every_months": 3, "reason": "集体户", "version": 0}
    answer = desk("admin").put("/visit-rules/collective", given | change)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [name]), answer.text


def test_a_rule_does_not_come_to_mean_others(desk):
    given = {"household_kind": "floating", "every_months": 3, "reason": "改", "version": 1}
    answer = desk("admin").put("/visit-rules/ordinary", given)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["code"])


def test_topics_are_kept_by_administrators(desk):
    topics = desk("sun").get("/visit-topics").json
    assert {"code": "fraud", "name": "防诈骗", "place": 7, "active": True} in topics
    assert desk("sun").put("/visit-topics/fraud", {"name": "防骗", "place": 7}).json["code"] == "visit_plans_are_not_yours"
    assert desk("admin").put("/visit-topics/fraud", {"name": "防骗", "place": 7, "active": False}).json["active"] is False
    assert desk("admin").put("/visit-topics/other", {"name": "防骗", "place": 9}).json["code"] == "topic_name_taken"


def test_what_is_late_is_listed_by_village_without_names(desk, clock, cast, as_system):
    plan_visits(as_system)
    clock.move_to(datetime(2027, 1, 4, 1, 0, tzinfo=UTC))
    late = desk("sun").get("/late-visits").json["items"]
    assert [(each["village"], each["why"], each["due_on"]) for each in late] == [("柳林村", "rule", "2026-12-31")] * 2
    assert desk("sun").get("/late-visits", unit=cast.units["石桥镇"].code).json["items"] == []
    assert desk("gao").get("/late-visits").json["items"] == []
    (village,) = desk("tong").get("/late-visits/villages").json
    assert (village["unit_name"], village["households"], village["tasks"]) == ("柳林村", 2, 2)
    page = desk("sun").get("/late-visits", limit=1).json
    assert len(desk("sun").get("/late-visits", limit=1, cursor=page["next_cursor"]).json["items"]) == 1


def test_coverage_tells_no_figure_over_nothing_and_pools_its_total(desk, cast, as_system):
    nothing = desk("sun").get("/figures/coverage", period="2026-11").json
    assert (nothing["lines"], nothing["total"]["visited_share"]) == ([], {"numerator": "0", "denominator": 0, "percent": None})
    plan_visits(as_system)
    for by, names in (("township", ["柳河镇"]), ("village", ["柳林村"]), ("grid", ["柳林村一网格"])):
        told = desk("sun").get("/figures/coverage", period="2026-H2", by=by).json
        assert [line["name"] for line in told["lines"]] == names
        assert (told["total"]["due"], told["total"]["untouched"]) == (2, 2)
    assert "入户率" in told["definitions"]["visited"]


def test_coverage_is_for_those_whose_units_it_tells_of(desk, cast, as_system):
    plan_visits(as_system)
    assert desk("tong").get("/figures/coverage", period="2026-H2").json["total"]["due"] == 2
    assert desk("zhou").get("/figures/coverage", period="2026-H2").json["total"]["due"] == 2
    assert desk("zhao").get("/figures/coverage", period="2026-H2").json["total"]["due"] == 0
    assert desk("gao").get("/figures/coverage", period="2026-H2").json["code"] == "figures_are_not_yours"
    for unit in (cast.units["石桥镇"].code, "nowhere"):
        answer = desk("tong").get("/figures/coverage", period="2026-H2", unit=unit)
        assert (answer.status_code, answer.json["code"]) == (404, "coverage_unit_not_found")
    for query in ({}, {"period": "2026-13"}, {"period": "2026-11", "campaign": 1}):
        assert list(desk("sun").get("/figures/coverage", **query).json["errors"]) == ["period"]


def test_an_administrator_at_the_desk_undoes_what_a_visit_did(session, desk, cast, clock, as_staff):
    from uuid import uuid4

    from app.core.stamp import Door
    from app.visits.commands import log_visit
    from app.visits.models import VisitOutcome
    from app.visits.rules import VisitLog

    home, zheng = cast.households["郑守田"], cast.residents["zheng"]
    given = {"key": uuid4(), "household_id": home.id, "resident_id": zheng.id, "visited_at": clock(), "phone_at": clock()}
    with transaction():
        effect = log_visit(as_staff("zhou", Door.GRID), VisitLog(outcome=VisitOutcome.DECEASED, **given)).effect.id
    path = f"/visit-effects/{effect}/undoing"
    assert desk("sun").post(path, {"reason": "误登记"}).json["code"] == "visit_effect_not_found"
    assert desk("admin").post(path, {"reason": "误登记"}).json["state"] == "undone"
    session.expire_all()
    assert zheng.ended_at is None
