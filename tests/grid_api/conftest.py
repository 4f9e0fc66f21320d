"""Who stands at the grid door: Zhou of 柳林村一网格, Zhao of 河湾村一网格, the cadre Wu of 柳林村; and Lin at her own door."""

from datetime import timedelta
from uuid import uuid4

import pytest

from app.core.clock import CHINA
from app.demo.cast import PASSWORD
from tests.backstage import Backstage
from tests.callers import MINIPROGRAM, Caller, grid_caller, resident_caller
from tests.files.conftest import kept  # noqa: F401


@pytest.fixture
def zhou(client) -> Caller:
    return grid_caller(client, "zhou", PASSWORD)


@pytest.fixture
def zhao(client) -> Caller:
    return grid_caller(client, "zhao", PASSWORD)


@pytest.fixture
def wu(client) -> Caller:
    return grid_caller(client, "wu", PASSWORD)


@pytest.fixture
def lin(client) -> Caller:
    return resident_caller(client, "lin")


@pytest.fixture
def nobody(client) -> Caller:
    return Caller(client, MINIPROGRAM)


@pytest.fixture
def backstage(cast, clock, as_staff) -> Backstage:
    return Backstage(cast, clock, as_staff)


@pytest.fixture
def visit(cast, clock) -> dict:
    """Zhou's visit to old Zheng an hour ago, with two needs, one of them answered on the spot."""
    an_hour_ago = (clock() - timedelta(hours=1)).astimezone(CHINA)
    return {
        "key": str(uuid4()),
        "household_id": cast.households["郑守田"].id,
        "outcome": "met",
        "visited_at": an_hour_ago.isoformat(),
        "phone_at": (an_hour_ago + timedelta(minutes=10)).isoformat(),
        "findings": "老人身体尚好，独居。",
        "needs": [
            {"body": "门前水沟堵了，下雨就漫进院子。", "kind": "help", "category_id": cast.categories["沟渠灌溉"]},
            {
                "body": "想问高龄津贴怎么办。",
                "kind": "consultation",
                "category_id": cast.categories["高龄津贴"],
                "answer": "满 80 岁带身份证到村里登记，次月发放，已当面讲清。",
            },
        ],
    }


@pytest.fixture
def filing(cast) -> dict:
    """What Wu files for old Zheng, who said yes before a witness."""
    return {
        "person": {"name": "郑守田", "phone": "0557-0000001"},
        "consent": {"method": "spoken", "witness": "邻居赵婶", "evidence": "2026-11-23 在郑家当面询问"},
        "grid": cast.grids["柳林村一网格"].code,
        "body": "高龄津贴三个月没有到账，老人不会用手机。",
        "kind": "help",
        "category_id": cast.categories["高龄津贴"],
    }
