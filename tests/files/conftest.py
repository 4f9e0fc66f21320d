"""Who uploads: Zhou and Zhao with their phones, Lin and her neighbour Chen, and the desk."""

import pytest

from app.core.stamp import ActorKind
from app.files.local_store import LocalStore
from app.files.stores import store, use_store
from tests.callers import GRID, MINIPROGRAM, Caller
from tests.sessions import open_session


@pytest.fixture
def zhou(client, cast, clock) -> Caller:
    return Caller(client, GRID, open_session(ActorKind.STAFF, cast.staff["zhou"].id, clock()))


@pytest.fixture
def zhao(client, cast, clock) -> Caller:
    return Caller(client, GRID, open_session(ActorKind.STAFF, cast.staff["zhao"].id, clock()))


@pytest.fixture
def lin(client, cast, clock) -> Caller:
    return Caller(client, MINIPROGRAM, open_session(ActorKind.RESIDENT, cast.residents["lin"].id, clock()))


@pytest.fixture
def chen(client, cast, clock) -> Caller:
    return Caller(client, MINIPROGRAM, open_session(ActorKind.RESIDENT, cast.residents["chen"].id, clock()))


@pytest.fixture
def nobody(client) -> Caller:
    return Caller(client, MINIPROGRAM)


@pytest.fixture
def kept(app, tmp_path):
    """A local store of the test's own."""
    before = store()
    fresh = LocalStore(tmp_path / "files")
    use_store(fresh)
    yield fresh
    use_store(before)
