"""Files that nobody attaches are deleted after two weeks, bytes and all; what is attached stays."""

from sqlalchemy import select

from app.core.stamp import ActorKind, Door
from app.files.attaching import attach
from app.files.jobs import delete_loose_files
from app.files.models import File, FilePurpose, FileSubject
from tests.pictures import PART, announced, photo, send, upload
from tests.sessions import open_session


def test_loose_files_go_after_two_weeks_and_attached_ones_stay(zhou, kept, session, cast, clock, as_staff, as_system):
    used = upload(zhou, photo(color="red")).json["id"]
    attach(as_staff("zhou", Door.GRID), [used], subject=FileSubject.VISIT, subject_id=1, purpose=FilePurpose.PHOTO)
    session.commit()
    upload(zhou, photo(color="green"))
    half = b"%PDF-1.4\n" + b"x" * 2 * PART + b"%%EOF"
    send(zhou, zhou.post("/uploads", announced(half, extension="pdf")).json["id"], 0, half[:PART])
    upload(zhou, b"GIF89a" + b"\0" * 64)
    clock.advance(days=13)
    assert delete_loose_files(as_system) == 0
    zhou.token = open_session(ActorKind.STAFF, cast.staff["zhou"].id, clock())
    young = upload(zhou, photo(color="white")).json["id"]
    clock.advance(days=2)
    assert delete_loose_files(as_system) == 3
    assert delete_loose_files(as_system) == 0
    assert sorted(session.scalars(select(File.id))) == [used, young]
    names = set(session.scalars(select(File.name)))
    assert {path.parent.name for path in kept.root.rglob("*") if path.is_file()} == names


def test_what_is_announced_again_waits_anew(zhou, kept, session, cast, clock, as_system):
    """A phone that was offline announces its photo again on the thirteenth day, and sends the visit two days later."""
    mine = upload(zhou, photo(color="red")).json["id"]
    upload(zhou, photo(color="green"))
    clock.advance(days=13)
    zhou.token = open_session(ActorKind.STAFF, cast.staff["zhou"].id, clock())
    again = zhou.post("/uploads", announced(photo(color="red")))
    assert (again.json["id"], again.json["state"]) == (mine, "ready")
    clock.advance(days=2)
    assert delete_loose_files(as_system) == 1
    assert session.scalars(select(File.id)).all() == [mine]
    clock.advance(days=13)
    assert delete_loose_files(as_system) == 1
