"""Likeness: our own measure of texts, and the chance that two cases are one thing. All texts are made up."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.merging.likeness import (
    CAP,
    HEAD,
    ONE_CLICK,
    PRIOR,
    Pair,
    Place,
    Shares,
    Topic,
    chance_of_one,
    figures_in,
    gram,
    grams_of,
    names_differ,
    names_in,
    shown,
)

LAMP = ("云桥路路灯不亮", "柳林村云桥路边的路灯坏了一个星期，晚上接孩子看不见路，请尽快修好。")
LAMP_AGAIN = ("路灯坏了没人修", "我住云桥路，路边路灯坏了好几天，晚上黑得看不见，孩子上学害怕。")
WATER = ("云桥路停水", "柳林村云桥路这几天一到晚上就停水，做饭洗澡都成问题，请自来水公司查一查。")
TEXT = st.text(st.characters(codec="utf-8"), max_size=400)


def alike(one, other, shares=None):
    return (shares or Shares()).alike(grams_of(*one), grams_of(*other))


def test_the_same_matter_in_other_words_is_liker_than_another_matter_at_the_same_place():
    assert alike(LAMP, LAMP_AGAIN) > alike(LAMP, WATER) > 0


def test_a_text_is_exactly_like_itself_and_unlike_one_without_a_common_gram():
    assert alike(LAMP, LAMP) == pytest.approx(1.0)
    assert alike(LAMP, ("", "低保")) == 0.0


@given(TEXT, TEXT)
def test_likeness_is_a_share_and_the_same_both_ways(one, other):
    there, back = alike(("", one), ("", other)), alike(("", other), ("", one))
    assert there == pytest.approx(back)
    assert -1e-9 <= there <= 1 + 1e-9


@given(TEXT)
def test_every_gram_fits_a_column_of_four_bytes_and_there_are_no_more_than_characters_read(text):
    grams = grams_of("", text)
    assert len(grams) < HEAD
    assert all(-(2**31) <= each < 2**31 for each in grams)


def test_width_case_and_punctuation_do_not_matter():
    assert grams_of("", "Ａ1栋，路灯！坏了") == grams_of("", "a1栋 路灯 坏了")


def test_only_the_beginning_counts_and_a_title_made_of_it_is_not_read_twice():
    body = "路灯坏了" + "很长" * 300
    assert grams_of("", body) == grams_of("", body[:HEAD])
    assert grams_of("柳林村路灯…", "柳林村路灯坏了") == grams_of("", "柳林村路灯坏了")


def test_what_everybody_says_weighs_less_and_rarity_is_capped():
    shares = Shares({gram("路", "灯"): 0.5, gram("云", "桥"): 0.001}, least=0.0001, cases=10_000)
    assert shares.weight(gram("路", "灯")) < 1 < shares.weight(gram("云", "桥")) == CAP == shares.weight(gram("稀", "有"))
    assert Shares().weight(next(iter(PRIOR))) < CAP


def test_names_of_roads_and_numbers_tell_two_things_apart():
    first, second = names_in("云桥路3栋停水"), names_in("望江路三栋停水")
    assert names_differ(first, second)
    assert not names_differ(names_in("云桥路停水"), names_in("云桥路又停水"))
    assert not names_differ(names_in("云桥路停水"), names_in("小区停水"))
    assert names_differ(names_in("一组路灯坏了"), names_in("2组路灯坏了"))
    assert not names_differ(names_in("第三期"), names_in("3期"))
    assert names_in("门口马路上的热线打不通") == {}


def test_figures_are_the_same_only_where_all_figures_are():
    assert figures_in("3号路灯坏了，电话打了2次") == figures_in("三号灯坏了，打了两次电话共 2 次".replace("两次电话共", ""))
    assert figures_in("3号路灯") != figures_in("5号路灯")
    assert figures_in("没有数字") == figures_in("也没有数")


def pair(**more):
    return Pair(**({"alike": 0.2, "days": 1.0, "differ": False} | more))


def test_the_chance_rises_with_likeness_and_nearness_and_falls_with_time_and_other_names():
    usual = chance_of_one(pair())
    assert chance_of_one(pair(alike=0.4)) > usual > chance_of_one(pair(alike=0.1))
    assert chance_of_one(pair(days=200.0)) < usual
    assert chance_of_one(pair(differ=True)) < usual
    places = [chance_of_one(pair(place=place)) for place in (Place.SAME, Place.NEAR, Place.UNKNOWN, Place.APART)]
    topics = [chance_of_one(pair(topic=topic)) for topic in (Topic.SAME, Topic.KIN, Topic.UNKNOWN, Topic.OTHER)]
    assert places == sorted(places, reverse=True)
    assert topics == sorted(topics, reverse=True)


def test_one_click_needs_more_than_a_place():
    assert chance_of_one(pair(alike=0.02, place=Place.SAME, topic=Topic.SAME)) < ONE_CLICK
    assert chance_of_one(pair(alike=0.3, days=timedelta(hours=2) / timedelta(days=1))) >= ONE_CLICK


def test_the_likeness_that_people_read_goes_from_none_to_all():
    assert shown(0.0) == 0.0
    assert 0.5 < shown(0.1) < shown(0.3) < shown(1.0)
    assert shown(1.0) == pytest.approx(1.0, abs=0.001)
