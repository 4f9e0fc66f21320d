"""Who stands at the residents' door: Lin, her neighbour Chen, and somebody without an account."""

import pytest

from tests.backstage import Backstage
from tests.callers import MINIPROGRAM, Caller, resident_caller


@pytest.fixture
def lin(client) -> Caller:
    return resident_caller(client, "lin")


@pytest.fixture
def chen(client) -> Caller:
    return resident_caller(client, "chen")


@pytest.fixture
def nobody(client) -> Caller:
    return Caller(client, MINIPROGRAM)


@pytest.fixture
def street_light(cast) -> dict:
    """What Lin says about the street light."""
    return {
        "body": "柳林村一组路口的路灯坏了三天了，晚上老人出门看不见。",
        "kind": "help",
        "category_id": cast.categories["路灯照明"],
        "grid": cast.grids["柳林村一网格"].code,
    }


@pytest.fixture
def backstage(cast, clock, as_staff) -> Backstage:
    return Backstage(cast, clock, as_staff)
