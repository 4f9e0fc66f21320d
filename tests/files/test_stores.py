"""Stores: an object is there whole or not at all; full and away are told as such, and nothing that was acknowledged is lost."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from moto.server import ThreadedMotoServer
from sqlalchemy import select

from app.core.crypto import Undecipherable
from app.core.database import db
from app.factory import StoreUnknown, store_for
from app.files.local_store import LocalStore
from app.files.models import File
from app.files.s3_store import Bucket, S3Store
from app.files.sealing import fetch
from app.files.stores import ObjectMissing, StoreAway, StoreFull, store, use_store
from config import ROOT, TestConfig
from tests.pictures import PART, announced, photo, send, upload

NAME = "0123456789abcdef0123456789abcdef"


def bucket(endpoint: str) -> Bucket:
    return Bucket(endpoint=endpoint, name="minhu-files", access_key="key", secret_key="secret", timeout=0.5)


@pytest.fixture(scope="module")
def s3():
    """A real S3-speaking server on loopback, with an empty bucket; gives its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    S3Store(bucket(address))._client().create_bucket(Bucket="minhu-files")
    yield address
    server.stop()


@pytest.fixture(params=["local", "s3"])
def any_store(request, tmp_path):
    return LocalStore(tmp_path / "files") if request.param == "local" else S3Store(bucket(request.getfixturevalue("s3")))


@contextmanager
def used(fresh):
    """Let this process use another store for a while."""
    before = store()
    use_store(fresh)
    try:
        yield
    finally:
        use_store(before)


@contextmanager
def deaf_server():
    """A server that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_store_gives_back_what_it_was_given(any_store):
    any_store.delete(NAME)
    assert not any_store.exists(NAME, "original")
    with pytest.raises(ObjectMissing):
        any_store.get(NAME, "original")
    any_store.put(NAME, "part-0-5", b"first")
    any_store.put(NAME, "original", b"one")
    any_store.put(NAME, "original", b"two")
    any_store.put(NAME[::-1], "original", b"another's")
    assert any_store.get(NAME, "original") == b"two"
    any_store.delete(NAME, but=["original"])
    assert (any_store.exists(NAME, "part-0-5"), any_store.exists(NAME, "original")) == (False, True)
    any_store.delete(NAME)
    any_store.delete(NAME)
    assert not any_store.exists(NAME, "original")
    assert any_store.get(NAME[::-1], "original") == b"another's"


def test_a_photo_travels_through_a_bucket_sealed(zhou, s3, session):
    held = S3Store(bucket(s3))
    with used(held):
        assert upload(zhou, photo(size=(1600, 1200)), part=16 * 1024).json["state"] == "ready"
        file = session.scalars(select(File)).one()
        assert fetch(file.name, "view", key=file.content_key).startswith(b"\xff\xd8\xff")
    assert not held.get(file.name, "view")[13:].startswith(b"\xff\xd8\xff")
    listed = held._client().list_objects_v2(Bucket="minhu-files", Prefix=f"{file.name}/")["Contents"]
    assert sorted(each["Key"].partition("/")[2] for each in listed) == ["list", "original", "view"]


@pytest.mark.parametrize("fault", ["refusing", "deaf"])
def test_a_store_that_is_away_loses_nothing_and_the_phone_tries_again(zhou, s3, fault):
    content = b"%PDF-1.4\n" + os.urandom(2 * PART) + b"%%EOF"
    with used(S3Store(bucket(s3))):
        ident = zhou.post("/uploads", announced(content, extension="pdf")).json["id"]
        assert send(zhou, ident, 0, content[:PART]).json["received"] == PART
    with deaf_server() as deaf, used(S3Store(bucket(deaf if fault == "deaf" else "http://127.0.0.1:1"))):
        away = send(zhou, ident, PART, content[PART : 2 * PART])
        assert (away.status_code, away.json["code"], away.headers["Retry-After"]) == (503, "store_away", "5")
        assert zhou.get(f"/uploads/{ident}").json["received"] == PART
    with used(S3Store(bucket(s3))):
        assert send(zhou, ident, PART, content[PART:]).json["state"] == "ready"


def test_a_store_that_goes_away_before_the_checks_is_asked_again(zhou, s3):
    content = b"%PDF-1.4\n" + os.urandom(PART) + b"%%EOF"
    held = S3Store(bucket(s3))
    with used(held):
        ident = zhou.post("/uploads", announced(content, extension="pdf")).json["id"]

        class Fails(S3Store):
            def put(self, name, part, content):
                if part == "original":
                    raise StoreAway
                super().put(name, part, content)

        with used(Fails(bucket(s3))):
            assert send(zhou, ident, 0, content).status_code == 503
        told = zhou.get(f"/uploads/{ident}").json
        assert (told["state"], told["received"]) == ("uploading", len(content))
        assert send(zhou, ident, len(content), b"").json["state"] == "ready"


def test_parts_that_the_store_has_lost_are_asked_for_again(zhou, kept):
    content = b"%PDF-1.4\n" + os.urandom(2 * PART) + b"%%EOF"
    ident = zhou.post("/uploads", announced(content, extension="pdf")).json["id"]
    send(zhou, ident, 0, content[:PART])
    kept.delete(db.session.scalars(select(File.name)).one())
    assert send(zhou, ident, PART, content[PART:]).json["code"] == "content_differs"
    assert send(zhou, ident, 0, content).json["state"] == "ready"


def test_an_object_that_was_altered_or_moved_does_not_open(zhou, kept, session):
    upload(zhou, photo())
    file = session.scalars(select(File)).one()
    folder = kept.root / file.name[:2] / file.name[2:4] / file.name
    (folder / "view").write_bytes((folder / "list").read_bytes())
    with pytest.raises(Undecipherable):
        fetch(file.name, "view", key=file.content_key)


WRITER = """
import os, resource, sys
from pathlib import Path
from app.files.local_store import LocalStore
from app.files.stores import StoreFull
held = LocalStore(Path(sys.argv[1]))
if sys.argv[2] == "limited":
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
if sys.argv[2] == "forever":
    number = 0
    while True:
        number += 1
        held.put("%032x" % (number * 2654435761 % 2**128), "original", b"%08d" % number * 5000)
        print(number, flush=True)
held.put("a" * 32, "small", b"x" * 1000)
try:
    held.put("a" * 32, "large", b"x" * 200_000)
except StoreFull:
    print("full", held.exists("a" * 32, "large"), held.get("a" * 32, "small") == b"x" * 1000)
    print(sorted(path.name for path in Path(sys.argv[1]).rglob("*") if path.is_file()))
"""


def told_by(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_disk_that_is_full_takes_nothing_in_half(tmp_path):
    said = told_by(sys.executable, "-c", WRITER, str(tmp_path / "files"), "limited")
    assert said == "full False True\n['small']\n"


def test_a_full_file_system_of_its_own_is_told_as_full(tmp_path):
    made = 'mount -t tmpfs -o size=128k tmpfs $0 && exec $1 -c "$2" $0/files plain'
    tried = subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", tmp_path], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("this machine mounts nothing for us")
    assert told_by("unshare", "-Urm", "sh", "-c", made, str(tmp_path), sys.executable, WRITER) == "full False True\n['small']\n"


def test_a_full_store_answers_507_and_goes_on_when_there_is_room(zhou, kept):
    class Full(LocalStore):
        def put(self, name, part, content):
            raise StoreFull

    content = b"%PDF-1.4\n%%EOF"
    ident = zhou.post("/uploads", announced(content, extension="pdf")).json["id"]
    with used(Full(kept.root)):
        answer = send(zhou, ident, 0, content)
    assert (answer.status_code, answer.mimetype, answer.json["code"]) == (507, "application/problem+json", "store_full")
    assert send(zhou, ident, 0, content).json["state"] == "ready"


def test_what_was_acknowledged_before_a_kill_is_there_whole(tmp_path):
    root = tmp_path / "files"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root), "forever"], cwd=ROOT, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
    )
    acknowledged = [int(writer.stdout.readline()) for _ in range(60)]
    threading.Timer(0.02, writer.send_signal, [signal.SIGKILL]).start()
    acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.wait(10)
    writer.stdout.close()
    held = LocalStore(root)
    for number in acknowledged:
        assert held.get("%032x" % (number * 2654435761 % 2**128), "original") == b"%08d" % number * 5000
    for path in root.rglob("original"):
        assert path.stat().st_size == 40_000


def test_settings_choose_the_store(tmp_path):
    assert isinstance(store_for(TestConfig(data_dir=tmp_path)), LocalStore)
    assert isinstance(store_for(TestConfig(files_store="s3", s3_bucket="b")), S3Store)
    for wrong in (TestConfig(files_store="s3"), TestConfig(files_store="tape")):
        with pytest.raises(StoreUnknown):
            store_for(wrong)
    assert "geheim" not in repr(TestConfig(s3_secret_key="geheim", s3_access_key="geheim"))
