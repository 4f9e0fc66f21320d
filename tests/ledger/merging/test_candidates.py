"""Candidates: which cases are offered as the same thing, with what reasons, and which never are. All texts are made up."""

import pytest

from app.core.jobs import JOBS
from app.ledger.commands import answer_case
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.merging.candidates import CandidatesAreTheDesks, merge_candidates
from app.ledger.merging.likeness import CAP, gram
from app.ledger.merging.models import CaseText, GramShares
from app.ledger.merging.repeats import LinkedBefore, RecurrenceUnfit, link_recurrence
from app.ledger.merging.texts import shares, square_of, squares_around
from app.ledger.models import Case
from app.ledger.scope import CaseNotFound
from app.ledger.vocabulary import Channel, Kind, State
from tests.counting import statements

LAMP = "柳林村一组云桥路口的路灯坏了三天了，晚上老人出门看不见，请派人修。"
LAMP_AGAIN = "云桥路口那盏路灯不亮好几天了，老人晚上出门看不见路，赶紧修修。"
RUBBISH = "河湾村村口的垃圾堆了半个月没有人来清运，臭得很。"


@pytest.fixture
def said(session, cast, as_staff):
    """Registers what somebody said and gives the case's number."""

    def say(body: str, who: str = "lin", grid: str | None = "柳林村一网格", **more) -> str:
        given = {
            "channel": Channel.HOTLINE,
            "kind": Kind.HELP,
            "body": body,
            "grid_id": cast.grids[grid].id if grid else None,
            "filer_staff_id": cast.staff["fang"].id,
            "concerned_id": cast.residents[who].id,
        }
        return take_in(as_staff("fang"), Submission(**(given | more))).number

    return say


def test_the_same_matter_of_a_neighbour_is_offered_first_with_its_reasons(said, clock, as_staff):
    said(RUBBISH, grid="河湾村一网格")
    lamp = said(LAMP)
    clock.advance(hours=2)
    found = merge_candidates(as_staff("du"), said(LAMP_AGAIN, "chen", "柳林村二网格"))
    assert [each.number for each in found] == [lamp]
    assert found[0].reasons == f"相邻网格，文字相似 {found[0].likeness:.2f}，相隔 2 小时"
    assert found[0].one_click
    assert not found[0].recurrence


def test_a_point_within_500_metres_counts_across_grids_and_a_farther_one_does_not(said, as_staff):
    lamp = said(LAMP, latitude=33.5400, longitude=117.5500)
    near = said(LAMP_AGAIN, "chen", "河湾村一网格", latitude=33.5430, longitude=117.5500)
    far = said(LAMP_AGAIN, "zheng", "河湾村一网格", latitude=33.6400, longitude=117.5500)
    found = {each.number: each for each in merge_candidates(as_staff("du"), lamp)}
    assert "相距约 330 米" in found[near].reasons
    assert found[near].one_click
    assert not found[far].one_click
    assert found[near].score > found[far].score + 0.3


@pytest.mark.parametrize("step", [(0.0044, 0.0), (-0.0044, 0.0), (0.0, 0.0053), (0.0031, -0.0037)])
def test_every_point_within_500_metres_lies_in_a_square_that_is_looked_at(step):
    for place in range(40):
        here = (33.50 + place * 0.00013, 117.50 + place * 0.00021)
        assert square_of(here[0] + step[0], here[1] + step[1]) in squares_around(*here)


def test_what_the_looker_may_not_see_is_never_offered(said, cast, as_staff, session):
    lamp = said(LAMP)
    hidden = [
        said(LAMP_AGAIN, "chen", confidential=True),
        said(LAMP_AGAIN, "chen", kind=Kind.TIP_OFF),
        said(LAMP_AGAIN, "chen", against_staff_id=cast.staff["du"].id),
    ]
    found = {each.number for each in merge_candidates(as_staff("du"), lamp)}
    assert not found & set(hidden)
    assert hidden[2] in {each.number for each in merge_candidates(as_staff("pai"), lamp)}
    with pytest.raises(CaseNotFound):
        merge_candidates(as_staff("du"), hidden[2])
    assert merge_candidates(as_staff("pai"), hidden[0]) == []


def test_the_anonymous_are_offered_like_all(said, as_staff):
    lamp = said(LAMP)
    unnamed = said(LAMP_AGAIN, anonymous=True, concerned_id=None, filer_staff_id=None)
    assert [each.number for each in merge_candidates(as_staff("du"), lamp)] == [unnamed]


def test_only_the_desk_looks_for_candidates(said, as_staff):
    lamp = said(LAMP)
    for login in ("he", "zhou", "lu"):
        with pytest.raises(CandidatesAreTheDesks):
            merge_candidates(as_staff(login), lamp)


def close(number, cast, as_staff):
    answer_case(as_staff("fang"), number, reply="已修好。", category_id=cast.categories["路灯照明"])


def test_what_was_closed_lately_is_offered_as_recurrence_and_linked_never_merged(said, cast, clock, as_staff, session):
    lamp = said(LAMP)
    close(lamp, cast, as_staff)
    clock.advance(days=29)
    again = said(LAMP_AGAIN, "chen")
    (found,) = merge_candidates(as_staff("du"), again)
    assert (found.number, found.recurrence, found.one_click) == (lamp, True, False)
    assert found.reasons.endswith("已办结，可关联为重复诉求")
    case = link_recurrence(as_staff("fang"), again, of=lamp)
    assert session.get(Case, case.recurrence_of_id).number == lamp
    assert case.state is State.SUBMITTED
    with pytest.raises(LinkedBefore):
        link_recurrence(as_staff("fang"), again, of=lamp)
    clock.advance(days=2)
    third = said(LAMP_AGAIN, "zheng")
    assert lamp not in {each.number for each in merge_candidates(as_staff("du"), third)}
    with pytest.raises(RecurrenceUnfit):
        link_recurrence(as_staff("du"), third, of=lamp)
    with pytest.raises(RecurrenceUnfit):
        link_recurrence(as_staff("du"), third, of=again)


def texts(session):
    session.expire_all()
    return {row.case_id for row in session.query(CaseText)}


def run(name, as_system):
    JOBS[name].work(as_system)


def test_the_index_of_texts_follows_the_open_ledger(said, cast, clock, as_staff, as_system, session):
    lamp, rubbish = said(LAMP), said(RUBBISH)
    ids = {case.number: case.id for case in session.query(Case)}
    assert texts(session) == set(ids.values())
    close(lamp, cast, as_staff)
    clock.advance(days=31)
    run("keep-texts", as_system)
    assert texts(session) == {ids[rubbish]}
    session.query(CaseText).delete()
    run("keep-texts", as_system)
    assert texts(session) == {ids[rubbish]}
    row = session.get(CaseText, ids[rubbish])
    assert gram("垃", "圾") in row.grams


def test_grams_that_many_cases_share_weigh_less_once_they_are_counted(said, as_system, session):
    for _ in range(12):
        said("路灯不亮了，" + LAMP)
    assert shares().weight(gram("路", "灯")) == CAP
    run("count-grams", as_system)
    counted = session.query(GramShares).one()
    assert counted.cases == 12
    assert shares().weight(gram("路", "灯")) < CAP == shares().weight(gram("垃", "圾"))


def test_looking_for_candidates_costs_the_same_whatever_is_found(said, as_staff):
    lamp = said(LAMP)
    merge_candidates(as_staff("du"), lamp)
    with statements() as few:
        merge_candidates(as_staff("du"), lamp)
    for who in ("chen", "zheng", "chen", "zheng"):
        said(LAMP_AGAIN, who)
    with statements() as many:
        assert len(merge_candidates(as_staff("du"), lamp)) == 4
    assert len(few) == len(many)
