"""Callers: people with a client and a token, who speak JSON to a door as a phone does."""

from dataclasses import dataclass
from json import dumps
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

MINIPROGRAM = "/miniprogram/v1"
GRID = "/grid/v1"


@dataclass
class Caller:
    """Somebody at a door; `token` is None for who has not signed in."""

    client: FlaskClient
    door: str
    token: str | None = None

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.client.get(self.door + path, query_string=query, headers=self._headers())

    def put(self, path: str, body: Any) -> TestResponse:
        return self.client.put(self.door + path, json=body, headers=self._headers())

    def post(self, path: str, body: Any = None, *, key: str | None = "", address: str = "127.0.0.1") -> TestResponse:
        """Post with a fresh Idempotency-Key, with the given one, or with none (`key=None`)."""
        headers = self._headers() | ({"Idempotency-Key": key or str(uuid4())} if key is not None else {})
        sent = {} if body is None else {"data": dumps(body), "content_type": "application/json"}
        return self.client.post(self.door + path, headers=headers, environ_base={"REMOTE_ADDR": address}, **sent)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def resident_caller(client: FlaskClient, name: str) -> Caller:
    """Sign a resident in at the residents' door."""
    answer = client.post(f"{MINIPROGRAM}/sign-in", json={"code": f"dev:{name}"})
    assert answer.status_code == 201, answer.text
    return Caller(client, MINIPROGRAM, answer.json["token"])


def grid_caller(client: FlaskClient, login: str, password: str) -> Caller:
    """Sign a member of staff in at the grid door."""
    answer = client.post(f"{GRID}/sign-in", json={"login": login, "password": password})
    assert answer.status_code == 201, answer.text
    return Caller(client, GRID, answer.json["token"])
