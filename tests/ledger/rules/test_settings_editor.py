"""The county's settings: each of its own kind, some only together, each change on record."""

from dataclasses import asdict, fields

import pytest

from app.ledger.callbacks.answers import rate_case
from app.ledger.county import County, CountySetting, county
from app.ledger.rules.policy_changes import RuleChanged, RulesAreTheAdministrators, changes_page
from app.ledger.rules.settings_editor import LABELS, SettingUnfit, UnknownSetting, set_settings, settings_list
from app.ledger.vocabulary import Rule, Urgency
from tests.counting import statements
from tests.ledger.test_straight_road import HAPPY, road

__all__ = ["road"]


@pytest.fixture
def admin(as_staff):
    return as_staff("admin")


def put(stamp, reason="调整", versions=None, **values):
    return set_settings(stamp, values=values, reason=reason, versions=versions)


def test_every_setting_has_a_name_for_people():
    assert set(LABELS) == {field.name for field in fields(County)}


def test_the_products_own_values_pass_their_own_checks(admin):
    for name, value in asdict(County()).items():
        if "weight" not in name:
            put(admin, **{name: list(value) if isinstance(value, tuple) else value})
    assert county() == County()


def test_a_number_is_set_works_and_is_set_back(road, admin, session):
    road.awaiting_callback()
    (shown,) = put(admin, rating_days=1)
    assert (shown.value, shown.default, shown.changed, shown.version) == (1, 15, True, 1)
    assert county().rating_days == 1
    (shown,) = put(admin, rating_days=None)
    assert (shown.value, shown.changed, shown.version) == (15, False, 2)
    assert session.get(CountySetting, "rating_days") is None
    rate_case(road.as_resident("lin"), road.number, HAPPY)
    assert [(change.before, change.after) for change in changes_page(admin, rule=Rule.SETTING).items] == [(1, 15), (15, 1)]


def test_danger_words_of_the_county_make_a_case_urgent(road, admin):
    road.submitted(body="变压器冒烟了")
    assert road.case.urgency is Urgency.NORMAL
    put(admin, danger_words=[*County().danger_words, "冒烟"])
    road.submitted(body="变压器冒烟了")
    assert road.case.urgency is Urgency.URGENT


def test_weights_change_together(admin):
    put(admin, response_weight=0.2, satisfaction_weight=0.3)
    assert (county().response_weight, county().satisfaction_weight, county().solution_weight) == (0.2, 0.3, 0.5)
    with pytest.raises(SettingUnfit) as refused:
        put(admin, solution_weight=0.6)
    assert list(refused.value.errors) == ["solution_weight"]
    put(admin, response_weight=None, satisfaction_weight=None)
    assert county().response_weight == 0.1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rating_days", 0), ("rating_days", -1), ("rating_days", "15"), ("rating_days", True), ("rating_days", 1.5),
        ("rating_days", 10**9), ("amber_share", 2), ("amber_share", 0), ("amber_share", "0.8"), ("amber_share", False),
        ("danger_words", "着火"), ("danger_words", [""]), ("danger_words", []), ("danger_words", ["着火", "着火"]),
        ("danger_words", ["长" * 21]), ("danger_words", [1]), ("digest_times", ["25:00"]), ("digest_times", ["15:00", "09:00"]),
        ("digest_times", ["9:00"]), ("digest_times", []), ("callback_hours", ["08:30"]), ("callback_hours", ["20:30", "08:30"]),
        ("bounds", [1, 2]), ("bounds", ["1", "2", "3", "4"]), ("bounds", [34, 115, 33, 116]), ("window_day", 29), ("window_day", 0),
        ("window_hour", 24), ("title_limit", 5000), ("text_limit", 10),
    ],
)  # fmt: skip
def test_a_value_of_another_shape_is_refused_by_name(admin, session, name, value):
    with pytest.raises(SettingUnfit) as refused:
        put(admin, **{name: value})
    assert list(refused.value.errors) == [name]
    assert session.get(CountySetting, name) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window_hour", 0),
        ("upstream_margin_hours", 0),
        ("extensions_most", 0),
        ("bounds", [32.5, 115.5, 33.5, 116.5]),
        ("bounds", []),
    ],
)
def test_nought_and_nothing_where_they_make_sense(admin, name, value):
    put(admin, **{name: value})
    held = getattr(county(), name)
    assert (list(held) if isinstance(held, tuple) else held) == value


def test_one_that_is_wrong_lets_none_of_them_in(admin, session):
    with pytest.raises(SettingUnfit):
        put(admin, rating_days=20, reopen_days=0)
    assert session.get(CountySetting, "rating_days") is None
    with pytest.raises(UnknownSetting):
        put(admin, rating_days=20, nonsense=1)
    assert county().rating_days == 15


def test_two_editors_do_not_overwrite_each_other(admin):
    put(admin, rating_days=20, versions={"rating_days": 0})
    with pytest.raises(RuleChanged):
        put(admin, rating_days=21, versions={"rating_days": 0})


def test_what_changes_nothing_is_not_on_record(admin):
    put(admin, rating_days=None)
    put(admin, rating_days=20)
    put(admin, rating_days=20)
    assert len(changes_page(admin).items) == 1


def test_supervisors_read_and_others_do_not(as_staff):
    with statements() as sent:
        shown = settings_list(as_staff("sun"))
    assert [each.name for each in shown] == [field.name for field in fields(County)]
    assert len(sent) <= 6
    with pytest.raises(RulesAreTheAdministrators):
        put(as_staff("sun"), rating_days=20)
    with pytest.raises(RulesAreTheAdministrators):
        settings_list(as_staff("he"))
