"""Links: ten minutes, by nobody's making but the house's, and never run in a page."""

import base64

import pytest
from sqlalchemy import select

from app.core.stamp import Door
from app.files.links import Variant, signed_link
from app.files.models import File
from tests.pictures import photo, upload


@pytest.fixture
def link(zhou, kept, session, as_staff) -> str:
    upload(zhou, photo())
    return signed_link(as_staff("zhou", Door.GRID), session.scalars(select(File)).one(), Variant.VIEW)


def test_a_picture_opens_in_the_page_and_is_kept_by_the_askers_browser_alone(client, link):
    answer = client.get(link)
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["Cache-Control"] == "max-age=600, private"
    assert client.get(link, headers={"Range": "bytes=0-9"}).status_code == 206


def test_all_else_is_handed_over_as_a_file(client, zhou, kept, session, as_staff):
    upload(zhou, b"%PDF-1.4\n%%EOF\n", extension="pdf")
    file = session.scalars(select(File)).one()
    answer = client.get(signed_link(as_staff("zhou"), file))
    assert answer.headers["Content-Disposition"] == f"attachment; filename={file.id}.pdf"
    assert client.get(signed_link(as_staff("zhou"), file, Variant.VIEW)).status_code == 404


def test_a_link_ends_after_ten_minutes(client, clock, link):
    clock.advance(minutes=9, seconds=59)
    assert client.get(link).status_code == 200
    clock.advance(seconds=1)
    assert client.get(link).status_code == 404


def test_what_opens_nothing_is_told_the_same(client, link, clock, session):
    token = link.removeprefix("/files/")
    signed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    other = signed.replace(b"view", b"list")
    later = signed[:-33] + b"9" + signed[-32:]
    forged = [
        base64.urlsafe_b64encode(each).decode().rstrip("=")
        for each in (other, later, b"1.original.9999999999.staff:1" + b"\0" * 32)
    ]
    told = set()
    for each in (*forged, "x", "", "..", token[:-1], token + "A", "é"):
        answer = client.get(f"/files/{each}")
        assert answer.status_code == 404, each
        if each:
            told.add((answer.json["code"], answer.json["title"], answer.json.get("detail"), answer.mimetype))
    clock.advance(minutes=11)
    ended = client.get(link)
    told.add((ended.json["code"], ended.json["title"], ended.json.get("detail"), ended.mimetype))
    assert told == {("link_invalid", "链接已失效", None, "application/problem+json")}


def test_a_link_to_a_file_that_is_gone_opens_nothing(client, link, kept, session):
    kept.delete(session.scalars(select(File.name)).one())
    assert client.get(link).status_code == 404
