"""Two phones, one file: whoever comes first, the file is there once and whole."""

import os
import threading

from sqlalchemy import select

from app.core.database import db
from app.core.stamp import ActorKind
from app.demo.cast import find_cast
from app.files.local_store import LocalStore
from app.files.models import File, FileState
from app.files.sealing import fetch
from app.files.stores import store, use_store
from tests.callers import GRID, Caller
from tests.pictures import announced, photo, send
from tests.sessions import open_session


def send_all(caller: Caller, content: bytes, extension: str, part: int, faults: list[str]) -> None:
    """Send a file as a phone does that goes where it is told to."""
    made = caller.post("/uploads", announced(content, extension=extension))
    if made.status_code != 201:
        faults.append(made.text)
        return
    state, place = made.json, made.json["received"]
    for _ in range(200):
        if state["state"] == "ready":
            return
        answer = send(caller, state["id"], place, content[place : place + part])
        if answer.status_code == 200:
            state, place = answer.json, answer.json["received"]
        elif answer.status_code == 409:
            place = answer.json["facts"]["offset"]
        elif answer.status_code != 503:
            faults.append(answer.text)
            return
    faults.append("never ready")


def test_one_file_sent_by_two_phones_at_once_is_there_once(committed, tmp_path):
    before = store()
    kept = LocalStore(tmp_path / "files")
    use_store(kept)
    try:
        clock = committed.extensions["minhu"].clock
        with committed.app_context():
            zhou = find_cast().staff["zhou"].id
            tokens = [open_session(ActorKind.STAFF, zhou, clock()) for _ in range(4)]
        paper = b"%PDF-1.4\n" + os.urandom(400_000) + b"%%EOF"
        for content, extension in ((paper, "pdf"), (photo(size=(3000, 2000)), "jpg")):
            faults: list[str] = []
            phones = [
                threading.Thread(
                    target=send_all,
                    args=(Caller(committed.test_client(), GRID, token), content, extension, 20_000 + 7_000 * place, faults),
                )
                for place, token in enumerate(tokens)
            ]
            for phone in phones:
                phone.start()
            for phone in phones:
                phone.join(120)
            assert faults == []
        with committed.app_context():
            pdf, picture = db.session.scalars(select(File).order_by(File.id)).all()
            assert pdf.state is picture.state is FileState.READY
            assert fetch(pdf.name, "original", key=pdf.content_key) == paper
            assert fetch(picture.name, "list", key=picture.content_key).startswith(b"\xff\xd8\xff")
        left = sorted(path.name for path in kept.root.rglob("*") if path.is_file())
        assert left == ["list", "original", "original", "view"]
    finally:
        use_store(before)
