"""The service catalogue from a table: all or none, a changed line is the next version, what went out comes in unchanged."""

import pytest
from sqlalchemy import select

from app.core.database import db
from app.figures.sheets import book
from app.services.models import ServiceItem
from app.services.sheet import catalogue_rows

HEAD = "事项编码,事项名称,类型,事项分类,办理时限,办理环节,申请材料,接单人"
LINE = (
    "id_card,身份证换领,办事,低保,5个工作日,村里|村级|1个工作日；民政局|990101D05|4 工作日,"
    "身份证|必交|原件|1；照片|选交|纸质|2,单位人员、志愿者"
)


def versions(code: str) -> list[tuple[int, bool]]:
    rows = db.session.execute(select(ServiceItem.version, ServiceItem.replaced_at).where(ServiceItem.code == code))
    return sorted((row.version, row.replaced_at is None) for row in rows)


def test_an_item_comes_in_and_again_as_its_next_version(run, table):
    assert "1 items read, 1 new or changed" in run("import", "services", table(HEAD, LINE)).output
    assert "1 items read, 0 new or changed" in run("import", "services", table(HEAD, LINE)).output
    run("import", "services", table(HEAD, LINE.replace("5个工作日", "30 分钟（值班时间）")))
    assert versions("id_card") == [(1, False), (2, True)]
    item = db.session.scalars(select(ServiceItem).where(ServiceItem.code == "id_card", ServiceItem.version == 2)).one()
    assert (item.amount, item.unit_of_term, item.hours) == (30, "minute", "duty")
    assert [(each["name"], each["level"], each["unit"]) for each in item.stations] == [
        ("村里", "village", None),
        ("民政局", None, "990101D05"),
    ]
    assert [(each["name"], each["must"], each["copies"]) for each in item.materials] == [("身份证", True, 1), ("照片", False, 2)]


def test_what_goes_out_as_excel_comes_in_unchanged(run, tmp_path):
    count = len(db.session.scalars(select(ServiceItem.id)).all())
    file = tmp_path / "services.xlsx"
    file.write_bytes(b"".join(book({"服务目录": catalogue_rows()})))
    assert f"{count} items read, 0 new or changed" in run("import", "services", str(file)).output


def test_a_dry_run_writes_nothing(run, table):
    run("import", "services", table(HEAD, LINE), "--dry-run")
    assert versions("id_card") == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (LINE.replace("5个工作日", "五天"), "line 2, term: “五天” is no term"),
        (LINE.replace("低保", "没有"), "line 2, category: 没有这个分类"),
        (LINE.replace("办事", "办"), "line 2, kind: “办” is none of"),
        (LINE.replace("990101D05", "77"), "line 2, stations.1.unit: 没有这个单位"),
        (LINE.replace("身份证换领", ""), "line 2, name: missing"),
        (LINE.replace("志愿者", "路人"), "line 2, takers: “路人” is none of"),
    ],
)
def test_a_wrong_row_is_refused_with_its_number(run, table, line, told):
    assert told in run("import", "services", table(HEAD, line), fails=True).output
    assert versions("id_card") == []
