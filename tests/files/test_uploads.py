"""Uploads: what is acknowledged stays, what is repeated changes nothing, and nobody gets another's file by its hash."""

import io
import os

import pytest
from sqlalchemy import select

from app.core.database import db
from app.files.models import File, FileState
from app.files.uploading import MOST_LOOSE
from tests.pictures import PART, announced, photo, send, upload


@pytest.fixture
def noise() -> bytes:
    """A PDF of 300 KB: five parts."""
    return b"%PDF-1.7\n" + os.urandom(300_000) + b"\n%%EOF\n"


def test_a_photo_arrives_in_parts_and_is_ready(zhou, kept, noise):
    answer = upload(zhou, noise, extension="pdf")
    assert (answer.status_code, answer.json["state"], answer.json["kind"]) == (200, "ready", "pdf")


def test_an_answer_that_got_lost_is_asked_again_and_nothing_is_there_twice(zhou, kept, noise, session):
    said = announced(noise, extension="pdf")
    first, again = (zhou.post("/uploads", said) for _ in range(2))
    assert first.json == again.json
    ident = first.json["id"]
    for place in range(0, len(noise), PART):
        part = noise[place : place + PART]
        answers = [send(zhou, ident, place, part) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json["received"] == answers[1].json["received"] == place + len(part)
    assert zhou.get(f"/uploads/{ident}").json["state"] == "ready"
    assert send(zhou, ident, 0, noise[:PART]).json["state"] == "ready"
    assert session.scalars(select(File)).one().state is FileState.READY


def test_a_phone_goes_on_where_the_network_left_it(zhou, kept, noise):
    ident = zhou.post("/uploads", announced(noise, extension="pdf")).json["id"]
    send(zhou, ident, 0, noise[:PART])
    again = zhou.post("/uploads", announced(noise, extension="pdf")).json
    assert (again["id"], again["received"], again["state"]) == (ident, PART, "uploading")
    assert send(zhou, ident, PART, noise[PART:]).json["state"] == "ready"


def test_a_wrong_place_is_told_the_right_one(zhou, kept, noise):
    ident = zhou.post("/uploads", announced(noise, extension="pdf")).json["id"]
    send(zhou, ident, 0, noise[:PART])
    for place in (PART + 1, PART - 1, 2 * PART):
        answer = send(zhou, ident, place, noise[place : place + PART])
        assert (answer.status_code, answer.json["code"], answer.json["facts"]) == (409, "wrong_offset", {"offset": PART})
    assert zhou.get(f"/uploads/{ident}").json["received"] == PART


@pytest.mark.parametrize("length", [1, 16 * 1024 - 1])
def test_crumbs_are_refused_unless_they_are_the_last(zhou, kept, noise, length):
    ident = zhou.post("/uploads", announced(noise, extension="pdf")).json["id"]
    assert send(zhou, ident, 0, noise[:length]).json["code"] == "part_unfit"
    send(zhou, ident, 0, noise[:-1])
    assert send(zhou, ident, len(noise) - 1, noise[-1:]).json["state"] == "ready"


def test_more_bytes_than_were_announced_are_refused(zhou, kept, noise):
    ident = zhou.post("/uploads", announced(noise, extension="pdf")).json["id"]
    assert send(zhou, ident, 0, noise + b"x").json["code"] == "part_unfit"
    assert zhou.get(f"/uploads/{ident}").json["received"] == 0


def test_other_bytes_than_were_announced_begin_anew(zhou, kept, noise):
    ident = zhou.post("/uploads", announced(noise, extension="pdf")).json["id"]
    wrong = send(zhou, ident, 0, b"x" + noise[1:])
    assert (wrong.status_code, wrong.json["code"], wrong.json["facts"]) == (422, "content_differs", {"offset": 0})
    assert send(zhou, ident, 0, noise).json["state"] == "ready"


def test_the_same_content_again_by_the_same_person_is_there_at_once(zhou, kept, noise):
    first = upload(zhou, noise, extension="pdf").json
    again = zhou.post("/uploads", announced(noise, extension="pdf")).json
    assert (again["id"], again["state"], again["received"]) == (first["id"], "ready", len(noise))


def test_knowing_a_hash_is_no_right_to_the_file(zhou, zhao, lin, kept, noise):
    first = upload(zhou, noise, extension="pdf").json
    for other in (zhao, lin):
        theirs = other.post("/uploads", announced(noise, extension="pdf")).json
        assert theirs["id"] != first["id"]
        assert (theirs["received"], theirs["state"]) == (0, "uploading")
        assert other.get(f"/uploads/{first['id']}").status_code == 404
        assert send(other, first["id"], 0, noise[:PART]).status_code == 404
        missing = other.get("/uploads/999999")
        assert missing.json | {"request_id": ""} == other.get(f"/uploads/{first['id']}").json | {"request_id": ""}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"size": 0}, "size"),
        ({"size": 10 * 1024 * 1024 + 1}, "size"),
        ({"sha256": "../../etc/passwd"}, "sha256"),
        ({"extension": "exe"}, "extension"),
        ({"extension": "../jpg"}, "extension"),
        ({"purpose": "passport"}, "purpose"),
    ],
)
def test_a_file_that_cannot_be_is_refused_by_its_field(zhou, kept, change, field):
    answer = zhou.post("/uploads", announced(photo()) | change)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_a_part_beyond_the_limit_of_a_request_is_refused(zhou, kept):
    big = b"%PDF-1.7\n" + os.urandom(2_000_000) + b"%%EOF"
    ident = zhou.post("/uploads", announced(big, extension="pdf")).json["id"]
    assert send(zhou, ident, 0, big).status_code == 413
    assert zhou.get(f"/uploads/{ident}").json["received"] == 0


def test_nobody_heaps_up_files_that_belong_to_nothing(lin, kept):
    for number in range(MOST_LOOSE["resident_id"]):
        assert lin.post("/uploads", announced(b"%d" % number)).status_code == 201
    answer = lin.post("/uploads", announced(photo(color="green")))
    assert (answer.status_code, answer.json["code"]) == (429, "too_many_loose")


def test_nothing_in_the_store_can_be_read_or_named_without_the_keys(zhou, kept):
    mark = b"the-words-of-the-file"
    upload(zhou, b"%PDF-1.7\n" + mark * 2000 + b"%%EOF", extension="pdf")
    files = [path for path in kept.root.rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["original"]
    assert mark not in files[0].read_bytes()
    assert oct(files[0].stat().st_mode & 0o777) == "0o600"


def test_no_transaction_is_open_while_the_bytes_of_a_part_come_in(zhou, kept, noise):
    """A phone on a slow network would else hold a connection for as long as its part takes."""
    ident = zhou.post("/uploads", announced(noise, extension="pdf")).json["id"]
    open_then = []

    class Slow(io.BytesIO):
        def read(self, *size):
            open_then.append(db.session.registry.has() and db.session().in_transaction())
            return super().read(*size)

        def readinto(self, buffer):
            open_then.append(db.session.registry.has() and db.session().in_transaction())
            return super().readinto(buffer)

    headers = {"Authorization": f"Bearer {zhou.token}", "Upload-Offset": "0", "Content-Length": str(PART)}
    path = f"/grid/v1/uploads/{ident}"
    answer = zhou.client.patch(path, input_stream=Slow(noise[:PART]), headers=headers, content_type="application/octet-stream")
    assert (answer.status_code, answer.json["received"]) == (200, PART)
    assert set(open_then) == {False}
