"""The keys: made once, rotated while everybody goes on reading."""

import re
from pathlib import Path

import click
import pytest
from sqlalchemy import func, select, text

import app
from app.cli.keys import SEALED
from app.core.crypto import KeysMissing, keyring, load_keyring, use_keyring
from app.core.database import db, transaction
from app.factory import create_app
from app.ledger.intake.calls import log_call
from app.ledger.vocabulary import CallOutcome
from app.people.identity import Person, find_or_enrol, open_person
from app.people.models import Resident, ResidentIdentity
from config import TestConfig
from tests.cli.conftest import line_of


@pytest.fixture
def ring(app, keys):
    """The keys of all tests, restored afterwards."""
    file = Path(keys)
    kept = file.read_bytes()
    yield file
    file.write_bytes(kept)
    use_keyring(load_keyring(file, make=False), file=file)


def versions():
    """Key versions by field over all sealed columns."""
    found = {}
    for column, field in SEALED:
        prefixes = db.session.scalars(select(func.substring(column, 1, 2)).where(column.is_not(None)))
        found[field] = {int.from_bytes(prefix, "big") for prefix in prefixes}
    return found


def test_after_a_rotation_everything_is_sealed_by_the_new_key(run, ring, session, cast, as_staff):
    log_call(as_staff("fang"), at=as_staff("fang").at, outcome=CallOutcome.CONSULTED, number="05570001234")
    session.flush()
    before = {key: value for key, value in versions().items() if value}
    assert set(before) >= {
        "resident.name",
        "resident.phone",
        "household.head_name",
        "household.place",
        "wechat_account.openid",
        "call.number",
    }
    old = keyring().current
    result = run("keys", "rotate", "--batch", "2")
    assert f"Key {old + 1} seals from now on." in result.stdout
    assert "resident.name: 3 sealed anew" in result.stdout
    assert versions() == {field: {old + 1} if field in before else set() for _, field in SEALED}
    session.expire_all()
    assert open_person(session.get_one(Resident, cast.residents["lin"].id).identity).name == "林秀英"


def test_people_are_found_again_after_a_rotation(run, ring, session, cast, as_staff):
    run("keys", "rotate")
    found = find_or_enrol(as_staff("fang"), Person(name="郑守田", phone="05570000001"))
    assert found.id == cast.residents["zheng"].id


def test_an_interrupted_rotation_goes_on_without_another_key(run, ring, session):
    run("keys", "rotate")
    count = keyring().current
    result = run("keys", "rotate", "--no-new-key")
    assert keyring().current == count
    assert "resident.name: 0 sealed anew" in result.stdout


def test_a_running_process_learns_the_new_key_when_it_meets_it(run, ring, session, cast):
    old = load_keyring(ring, make=False)
    run("keys", "rotate")
    use_keyring(old, file=ring)  # as a web process that read the file before
    session.expire_all()
    assert open_person(session.get_one(Resident, cast.residents["lin"].id).identity).name == "林秀英"
    assert keyring().current == old.current + 1


def test_a_value_that_no_key_opens_stops_the_rotation_and_stays(run, ring, session):
    with transaction():
        session.execute(text("UPDATE resident_identity SET name = decode('0001', 'hex') || name WHERE resident_id = 2"))
    before = session.scalars(select(ResidentIdentity.name).order_by(ResidentIdentity.resident_id)).all()
    result = run("keys", "rotate", fails=True)
    assert "a value of resident.name does not open" in result.stderr
    assert session.scalars(select(ResidentIdentity.name).order_by(ResidentIdentity.resident_id)).all() == before


def test_every_sealed_field_is_rotated():
    root = Path(app.__file__).parent
    calls = [
        re.findall(r'encrypt\(.*?field="([a-z_.]+)"', file.read_text(encoding="utf-8"), re.DOTALL) for file in root.rglob("*.py")
    ]
    assert {field for fields in calls for field in fields} == {field for _, field in SEALED}


def test_in_production_a_command_makes_the_keys_and_all_else_asks_for_them(tmp_path):
    file = tmp_path / "kept" / "keys.json"
    config = TestConfig(environment="production", wechat_gateway="off", data_dir=tmp_path, keys_file=str(file))
    kept = keyring()
    try:
        with pytest.raises(KeysMissing, match="flask keys new"):
            create_app(config)
        with click.Context(click.Command("flask")):  # as `flask` loads the app before it runs a command of it
            made = create_app(config)
        assert "run `flask keys new` once" in line_of(made)("ledger", "verify", fails=True).stderr
        assert "is made. Keep a copy" in line_of(made)("keys", "new").stdout
        first = file.read_bytes()
        assert file.stat().st_mode & 0o777 == 0o600
        assert "stays as it is" in line_of(made)("keys", "new").stdout
        assert file.read_bytes() == first
        create_app(config)
    finally:
        use_keyring(kept)
