"""Looks on the spot at the grid door: what Zhou is to see in the own grid, and who may not."""

import pytest

from app.core.database import transaction
from app.ledger.catalogue import catalogue
from app.ledger.models import Category
from app.ledger.vocabulary import VerifyBy
from tests.callers import resident_caller


@pytest.fixture
def number(lin, cast, backstage, session):
    """Lin's street light, mended and under review; such results are looked at on the spot."""
    with transaction():
        session.get(Category, cast.categories["路灯照明"]).verify_by = VerifyBy.LOOK
    catalogue.forget()
    said = {
        "body": "柳林村一组路口的路灯坏了三天了。",
        "kind": "help",
        "category_id": cast.categories["路灯照明"],
        "grid": cast.grids["柳林村一网格"].code,
    }
    made = lin.post("/reports", said).json["number"]
    for step in (backstage.accept, backstage.dispatch, backstage.sign, backstage.contact, backstage.report_result):
        step(made)
    yield made
    catalogue.forget()


SEEN = {"solved": True, "words": "灯亮了"}


def test_zhou_finds_the_case_looks_and_it_leaves_the_list(zhou, number):
    (row,) = zhou.get("/looks").json["items"]
    assert (row["number"], row["grid"], row["state_label"]) == (number, "柳林村一网格", "待核验")
    answer = zhou.post(f"/cases/{number}/look", SEEN)
    assert (answer.status_code, answer.json["state"]) == (201, "under_review")
    assert zhou.get("/looks").json["items"] == []
    assert zhou.post(f"/cases/{number}/look", {"words": "灯亮了"}).status_code == 422


def test_others_do_not_look(zhao, wu, number, client):
    assert zhao.get("/looks").json["items"] == []
    assert zhao.post(f"/cases/{number}/look", SEEN).status_code == 404
    assert wu.post(f"/cases/{number}/look", SEEN).json["code"] == "not_your_move"
    assert wu.get("/looks").json["items"] == []
    lin = resident_caller(client, "lin")
    assert lin.post(f"/cases/{number}/look", SEEN).status_code == 404  # no such path at the residents' door


def test_a_stale_look_is_refused(zhou, number):
    assert zhou.post(f"/cases/{number}/look", SEEN | {"version": 1}).json["code"] == "stale_version"


def test_a_representatives_rating_is_recorded_by_the_cadre_where_it_is_asked(wu, number, session, cast):
    body = {"representative": "李代表", "satisfaction": "satisfied", "words": "走访了三户"}
    assert wu.post(f"/cases/{number}/appraisals", body).json["code"] == "no_representative_asked"
    with transaction():
        session.get(Category, cast.categories["路灯照明"]).verify_by = VerifyBy.REPRESENTATIVE
    catalogue.forget()
    assert wu.post(f"/cases/{number}/appraisals", body).status_code == 201
