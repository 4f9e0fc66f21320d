"""The lists that the desk chooses from, in pages."""


def everything(caller, path: str, **query) -> list[dict]:
    found, cursor = [], None
    while True:
        page = caller.get(path, **query, **({"cursor": cursor} if cursor else {})).json
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_units_are_a_tree_told_flat(desk, cast):
    units = everything(desk("du"), "/units", limit=7)
    assert len(units) == len(cast.units) == 22
    by_code = {unit["code"]: unit for unit in units}
    village = by_code[cast.units["柳林村"].code]
    assert (village["name"], village["level"], by_code[village["parent"]]["name"]) == ("柳林村", "village", "柳河镇")
    assert [unit["name"] for unit in units if unit["parent"] is None] == ["云溪县"]


def test_units_below_one_and_of_a_level(desk, cast):
    town = cast.units["柳河镇"].code
    assert [unit["name"] for unit in everything(desk("du"), "/units", under=town)] == ["柳河镇", "柳林村", "河湾村", "桥头社区"]
    assert len(everything(desk("du"), "/units", level="department")) == 9
    assert [unit["name"] for unit in everything(desk("du"), "/units", name="水")] == ["水利局", "供水公司"]
    assert everything(desk("du"), "/units", name="%") == []
    assert everything(desk("du"), "/units", under="nowhere") == []


def test_grids_below_a_unit(desk, cast):
    grids = everything(desk("fang"), "/grids", under=cast.units["柳河镇"].code, limit=4)
    assert len(grids) == 6
    assert grids[0] == {"code": cast.grids["柳林村一网格"].code, "name": "柳林村一网格", "unit": "柳林村"}


def test_categories_come_each_after_the_one_above_it(desk, cast):
    categories = everything(desk("fang"), "/categories", limit=10)
    assert len(categories) == len(cast.categories)
    seen = {None}
    for category in categories:
        assert category["parent_id"] in seen
        seen.add(category["id"])
    assert [category["name"] for category in categories if category["urgent"]] == ["燃气泄漏"]


def test_reasons_by_kind(desk):
    reasons = everything(desk("fang"), "/reasons", kind="redirect", limit=2)
    assert {reason["code"] for reason in reasons} == {"emergency", "in_litigation", "other_county", "petition"}
    assert reasons[0]["kind_label"] == "转其他渠道"
