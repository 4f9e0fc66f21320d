"""What the factory sets for every request: who is believed about addresses, and that no error repeats what people say."""

import pytest
from flask import request
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.factory import create_app
from app.notices.gateways import RecordingGateway
from app.wechat.development import DevelopmentGateway
from config import TestConfig


def test_an_error_of_the_database_does_not_repeat_what_was_said(session):
    with pytest.raises(DBAPIError) as told:
        session.execute(text("SELECT CAST(:words AS text), 1 / 0"), {"words": "林秀英家的电话"})
    assert "林秀英" not in str(told.value)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, "203.0.113.7", ("127.0.0.1", False, "localhost")),
        (1, "203.0.113.7", ("203.0.113.7", True, "localhost")),
        (1, "198.51.100.1, 203.0.113.7", ("203.0.113.7", True, "localhost")),
    ],
)
def test_only_proxies_that_are_trusted_tell_the_address(template, keys, proxies, forwarded, seen):
    config = TestConfig(database_url=template, keys_file=keys, trusted_proxies=proxies)
    made = create_app(config, wechat=DevelopmentGateway(appid="wx-test", production=False), notices=RecordingGateway())
    found = []
    made.before_request(lambda: found.append((request.remote_addr, request.is_secure, request.host)))
    headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https", "X-Forwarded-Host": "elsewhere.example"}
    assert made.test_client().get("/healthz", headers=headers).status_code == 200
    assert found == [seen]
