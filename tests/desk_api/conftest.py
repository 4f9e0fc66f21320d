"""Who sits at the desk: the cast with open sessions, and a case that goes its road through the door."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from app.core.stamp import ActorKind
from tests.callers import Caller
from tests.sessions import open_session

DESK = "/desk/v1"


@dataclass
class DeskCaller(Caller):
    """Somebody at the desk, who may say which version they saw."""

    def post(
        self, path: str, body: Any = None, *, key: str | None = "", address: str = "127.0.0.1", match: str = ""
    ) -> TestResponse:
        headers = self._headers() | ({"Idempotency-Key": key or str(uuid4())} if key is not None else {})
        headers |= {"If-Match": match} if match else {}
        return self.client.post(self.door + path, json=body, headers=headers, environ_base={"REMOTE_ADDR": address})


@pytest.fixture
def desk(client, cast, clock) -> Callable[[str], DeskCaller]:
    """Gives a member of staff by login with an open session (without the slow password)."""

    def sit(login: str) -> DeskCaller:
        token = open_session(ActorKind.STAFF, cast.staff[login].id, clock())
        return DeskCaller(client, DESK, token)

    return sit


@pytest.fixture
def heard(cast) -> dict[str, Any]:
    """What fang hears on the hotline about a street light."""
    return {
        "channel": "hotline",
        "body": "柳林村一组路口的路灯坏了三天了，晚上看不见路。",
        "kind": "help",
        "category_id": cast.categories["路灯照明"],
        "grid": cast.grids["柳林村一网格"].code,
        "name": "王桂花",
        "phone": "138 0000 1234",
    }


class Road:
    """A case on its road through the door, from a hotline call on; each step is done by whose job it is."""

    def __init__(self, desk, cast, clock, heard):
        self.desk, self.cast, self.clock, self.heard = desk, cast, clock, heard
        self.number = ""
        self.claim_code = ""

    def code(self, unit: str) -> str:
        return self.cast.units[unit].code

    def do(self, login: str, path: str, body: Any = None, *, expect: int = 200, **more: Any) -> Any:
        answer = self.desk(login).post(f"/cases/{self.number}{path}", body or {}, **more)
        assert answer.status_code == expect, answer.text
        return answer.json

    def see(self, login: str) -> Any:
        answer = self.desk(login).get(f"/cases/{self.number}")
        assert answer.status_code == 200, answer.text
        return answer.json

    def registered(self, **more: Any) -> "Road":
        answer = self.desk("fang").post("/registrations", {k: v for k, v in (self.heard | more).items() if v is not None})
        assert answer.status_code == 201, answer.text
        self.number, self.claim_code = answer.json["number"], answer.json["claim_code"]
        self.clock.advance(minutes=2)
        return self

    def accepted(self, **more: Any) -> "Road":
        self.registered(**more)
        body = {"kind": "help", "category_id": self.heard["category_id"], "grid": self.heard["grid"]}
        self.do("fang", "/acceptance", body)
        self.clock.advance(minutes=5)
        return self

    def dispatched(self, assists: tuple[str, ...] = (), **more: Any) -> "Road":
        self.accepted(**more)
        body = {"lead_unit": self.code("城市管理局"), "assist_units": [self.code(unit) for unit in assists], "note": "请尽快修复"}
        self.do("du", "/dispatch", body)
        self.clock.advance(minutes=5)
        return self

    def signed(self, **more: Any) -> "Road":
        self.dispatched(**more)
        self.do("he", "/signature")
        self.clock.advance(minutes=30)
        return self

    def under_review(self, **more: Any) -> "Road":
        self.signed(**more)
        self.do("he", "/contact", {"how": "phone", "note": "已电话联系，下午去修"})
        self.clock.advance(hours=2)
        self.do("he", "/result", {"reply": "路灯已修好。", "note": "更换灯头一个", "solved": True})
        return self

    def awaiting_callback(self, **more: Any) -> "Road":
        self.under_review(**more)
        self.do("qin", "/review/pass")
        return self


@pytest.fixture
def road(desk, cast, clock, heard) -> Road:
    return Road(desk, cast, clock, heard)
