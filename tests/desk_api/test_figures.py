"""Figures at the desk: the catalogue, a table, one figure, the cases behind it, spreadsheets; who may and who may not."""

import io
import re
import zipfile
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.figures.sheets import book
from app.ledger.vocabulary import Satisfaction
from tests.conftest import MONDAY
from tests.factories.ledger import Made, Word, fill

SINCE = MONDAY - timedelta(days=30)
PERIOD = {"since": SINCE.isoformat(), "until": MONDAY.isoformat()}
SATISFACTION = PERIOD | {"report": "satisfaction"}


@pytest.fixture
def filled(cast):
    """Four cases of the city's office, one of them unsolved and one of them excluded."""
    place = {"territory_path": cast.units["柳林村"].path, "unit_id": cast.units["城市管理局"].id}
    bad = Word(solved=False, satisfaction=Satisfaction.DISSATISFIED)
    fill(SINCE, Made(times=2, words=(Word(),), **place), Made(words=(bad,), **place), Made(words=(Word(),), excluded=True, **place))


def get(desk, login, path, *, expect=200, **query):
    answer = desk(login).get(f"/figures{path}", **query)
    assert answer.status_code == expect, answer.text
    return answer


def test_the_catalogue_names_every_figure_with_its_definition(desk):
    told = get(desk, "du", "").json
    assert [report["code"] for report in told["reports"]] == ["closure", "satisfaction", "parts", "whistles"]
    (solution,) = [figure for figure in told["reports"][1]["figures"] if figure["code"] == "solution"]
    assert solution["name"] == "解决率"
    assert solution["definition"].startswith("有效回访中")
    assert {"unit", "township", "village", "grid", "category", "channel", "kind"} <= {each["code"] for each in told["dimensions"]}


def test_a_table_tells_each_figure_before_and_after_exclusion_with_its_period_and_cutoff(desk, filled, cast, clock):
    told = get(desk, "sun", "/table", by="unit", **SATISFACTION).json
    assert (told["since"], told["until"], told["cutoff"]) == (
        "2026-10-24T09:00:00+08:00",
        "2026-11-23T09:00:00+08:00",
        "2026-11-23T09:00:00+08:00",
    )
    (line,) = told["lines"]
    assert (line["key"], line["name"]) == (cast.units["城市管理局"].code, "城市管理局")
    solution = line["figures"][1]
    assert solution["before"] == {"numerator": "3", "denominator": 4, "percent": "75.0"}
    assert solution["after"] == {"numerator": "2", "denominator": 3, "percent": "66.7"}
    assert [each["code"] for each in told["definitions"]] == ["response", "solution", "satisfaction", "composite", "coverage"]
    assert told["total"]["figures"][1]["before"] == solution["before"]


def test_the_link_of_a_figure_lists_its_cases_page_by_page(desk, filled, cast):
    told = get(desk, "sun", "/table", by="unit", **SATISFACTION).json
    link = urlsplit(told["lines"][0]["figures"][1]["cases"])

    def follow(**more):
        return get(desk, "sun", link.path.removeprefix("/figures"), **dict(parse_qsl(link.query)), **more).json

    first = follow(limit=3)
    rest = follow(limit=3, cursor=first["next_cursor"])
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (3, 1, None)
    assert len(follow(part="numerator")["items"]) == 3
    (unsolved,) = follow(part="missing")["items"]
    assert unsolved["number"] in {row["number"] for row in first["items"] + rest["items"]}
    assert len(follow(part="numerator", excluded=False)["items"]) == 2
    assert (first["counted"], first["shown"], rest["counted"]) == (4, 4, None)
    assert unsolved["counted"] == [
        {
            "unit": {"code": cast.units["城市管理局"].code, "name": "城市管理局"}, "round": 1, "in_numerator": False,
            "began_at": None, "due_at": None, "met_at": None, "contacted": True, "solved": False, "satisfaction": "dissatisfied",
            "satisfaction_label": "不满意",
        }
    ]  # fmt: skip


def test_the_link_of_a_figure_carries_its_cutoff_and_lists_the_same_cases_ever_after(desk, road, clock):
    road.signed()
    month = {"month": "2026-11"}
    told = get(desk, "sun", "/closed_of_accepted", **month).json
    link = urlsplit(told["cases"])
    assert dict(parse_qsl(link.query))["cutoff"] == clock().isoformat()
    path, then = link.path.removeprefix("/figures"), dict(parse_qsl(link.query))
    assert [len(get(desk, "sun", path, part=part, **then).json["items"]) for part in ("numerator", "denominator")] == [0, 1]
    clock.advance(hours=1)
    road.do("he", "/contact", {"how": "phone", "note": "已电话联系，下午去修"})
    road.do("he", "/result", {"reply": "路灯已修好。", "note": "更换灯头一个", "solved": True})
    road.do("qin", "/review/pass", {"note": "核实无误"})
    clock.advance(hours=1)
    road.do("lu", "/callbacks", {"contacted": True, "solved": True, "satisfaction": "satisfied"})
    now = get(desk, "sun", "/closed_of_accepted", **month).json
    again = get(desk, "sun", "/closed_of_accepted", cutoff=told["cutoff"], **month).json
    assert (now["before"]["percent"], again["before"]["percent"], again["cutoff"]) == ("100.0", "0.0", told["cutoff"])
    assert [len(get(desk, "sun", path, part=part, **then).json["items"]) for part in ("numerator", "denominator")] == [0, 1]
    told = cells(get(desk, "sun", "/closed_of_accepted/cases.xlsx", **then), 1)
    assert "办理中" in told
    assert "已办结" not in told


def test_one_figure_is_told_with_its_definition(desk, filled, cast):
    told = get(desk, "sun", "/solution", by="unit", key=cast.units["城市管理局"].code, **PERIOD).json
    assert told["before"] == {"numerator": "3", "denominator": 4, "percent": "75.0"}
    assert told["definition"].startswith("有效回访中")
    nothing = get(desk, "sun", "/solution", by="unit", key=cast.units["水利局"].code, **PERIOD).json
    assert nothing["before"] == {"numerator": "0", "denominator": 0, "percent": None}


def cells(answer, sheet):
    """Give the texts of a sheet; formulas would be `<f>`."""
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        told = book.read(f"xl/worksheets/sheet{sheet}.xml").decode()
        shared = book.read("xl/sharedStrings.xml").decode() if "xl/sharedStrings.xml" in book.namelist() else ""
    assert "<f>" not in told
    return told + shared


def test_a_table_is_exported_as_a_spreadsheet_whose_names_stay_text(desk, filled, cast, session):
    cast.units["城市管理局"].name = "=HYPERLINK(1+1)"
    session.flush()
    answer = get(desk, "sun", "/table.xlsx", by="unit", **SATISFACTION)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="figures.xlsx"'
    assert answer.mimetype.endswith("spreadsheetml.sheet")
    told = cells(answer, 1)
    assert "=HYPERLINK(1+1)" in told
    assert "2026-10-24 09:00 至 2026-11-23 09:00" in told
    assert "合计" in told
    assert "有效回访中" in cells(answer, 2)


def test_the_cases_behind_a_figure_are_exported_without_anything_of_the_persons(desk, road, clock):
    road.awaiting_callback()
    verdict = {"contacted": True, "solved": True, "satisfaction": "satisfied"}
    road.do("lu", "/callbacks", verdict)
    clock.advance(hours=1)
    month = {"month": "2026-11"}
    answer = get(desk, "sun", "/solution/cases.xlsx", **month)
    told = cells(answer, 1)
    assert road.number in told
    assert "城市管理局" in told
    for secret in ("王桂花", "13800001234", "柳林村一组路口"):
        assert secret not in told
    assert re.search(r"分子.*", cells(answer, 2))
    assert road.number not in cells(get(desk, "sun", "/solution/cases.xlsx", part="missing", **month), 1)


def test_a_sheet_of_cases_names_the_figure_its_group_and_which_part_of_it_is_listed(desk, filled, cast):
    where = {"by": "unit", "key": cast.units["城市管理局"].code, **PERIOD}
    missing = get(desk, "sun", "/solution/cases.xlsx", part="missing", excluded=False, **where)
    told = cells(missing, 2)
    for words in ("解决率", "承办单位", "城市管理局", where["key"], "计入分母、未计入分子的", "不含已剔除的工单", "截止时刻"):
        assert words in told
    assert "含已剔除的工单" in cells(get(desk, "sun", "/solution/cases.xlsx", **PERIOD), 2)
    one = get(desk, "sun", "/solution", **where).json
    assert (one["by"], one["key"], one["group"]) == ("unit", where["key"], "城市管理局")


def test_what_is_more_than_a_sheet_holds_goes_on_in_a_further_one(app):
    lines = [["头"], *([float(each)] for each in range(7))]
    with zipfile.ZipFile(io.BytesIO(b"".join(book({"工单": iter(lines), "指标": iter([["尾"]])}, most=4)))) as made:
        names = re.findall(r'<sheet name="([^"]+)"', made.read("xl/workbook.xml").decode())
        rows = [len(re.findall(r"<row ", made.read(f"xl/worksheets/sheet{place}.xml").decode())) for place in (1, 2, 3, 4)]
    assert (names, rows) == (["工单", "工单 2", "工单 3", "指标"], [4, 4, 2, 1])


@pytest.mark.parametrize("login", ["fang", "du", "lu", "admin"])
def test_the_countys_other_staff_read_no_figures(login, desk, filled):
    for path in ("/solution", "/solution/cases", "/solution/cases.xlsx"):
        assert get(desk, login, path, expect=403, **PERIOD).json["code"] == "figures_are_not_yours"
    for path in ("/table", "/table.xlsx"):
        assert get(desk, login, path, expect=403, **SATISFACTION).json["code"] == "figures_are_not_yours"


def test_a_unit_reads_its_own_figures_and_no_others(desk, filled, cast):
    assert get(desk, "gao", "/solution", **PERIOD).json["before"]["denominator"] == 4
    assert get(desk, "shui", "/solution", **PERIOD).json["before"]["denominator"] == 0
    key = cast.units["城市管理局"].code
    assert get(desk, "shui", "/solution", by="unit", key=key, expect=404, **PERIOD).json["code"] == "unknown_group"


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/happiness", PERIOD, 404),
        ("/solution", PERIOD | {"by": "unit", "key": "nowhere"}, 404),
        ("/solution", {}, 422),
        ("/solution", {"month": "2026-11", "window": "2026-11"}, 422),
        ("/solution", {"month": "2026-13"}, 422),
        ("/solution", {"since": SINCE.isoformat()}, 422),
        ("/solution", {"since": MONDAY.isoformat(), "until": SINCE.isoformat()}, 422),
        ("/solution", PERIOD | {"by": "weather"}, 422),
        ("/solution", PERIOD | {"typo": "1"}, 422),
        ("/table", PERIOD, 422),
        ("/table", SATISFACTION | {"by": "category", "depth": 0}, 422),
        ("/solution/cases", PERIOD | {"part": "half"}, 422),
        ("/solution/cases", PERIOD | {"cursor": "x"}, 422),
        ("/solution", PERIOD | {"cutoff": "gestern"}, 422),
    ],
)
def test_what_is_asked_wrongly_is_refused(desk, path, query, code):
    get(desk, "sun", path, expect=code, **query)


def test_without_a_token_nobody_reads_figures(client):
    assert client.get("/desk/v1/figures/solution", query_string=PERIOD).status_code == 401
