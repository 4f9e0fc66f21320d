"""Keeps a whole Minhu for tests that need its processes: a data folder with the cast, run by the supervisor."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.clock import system_clock
from app.core.database import db, transaction
from app.core.migrate import upgrade
from app.core.postgres import ensure_running, stop
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.demo.cast import build_county
from app.factory import create_app
from app.notices.gateways import RecordingGateway
from benchmarks.house import ROOT, free_port
from config import TestConfig


@contextmanager
def running_house(**settings: str) -> Iterator[tuple[int, Path]]:
    """Build the cast in a fresh data folder and let the supervisor run it with more settings; gives port and folder."""
    folder = Path(tempfile.mkdtemp(prefix="minhu-house-"))
    folder.chmod(0o755)
    url = ensure_running(folder)
    made = create_app(
        TestConfig(database_url=url, keys_file=str(folder / "keys.json")), clock=system_clock, notices=RecordingGateway()
    )
    with made.app_context():
        upgrade(db.engine)
        with transaction():
            build_county(Stamp(SYSTEM, Role.SYSTEM, system_clock(), Door.COMMAND_LINE), appid="wx-test")
        db.session.remove()
        db.engine.dispose()
    port = free_port()
    usual = {"DATA_DIR": str(folder), "PORT": str(port), "WECHAT_GATEWAY": "development", "DEMO": "off", "DATABASE_URL": ""}
    usual |= {"REPORT_LIMIT_PERSON": "0", "REPORT_LIMIT_ADDRESS": "0", "WECHAT_APPID": "wx-test"}
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "app.supervise"],
        cwd=ROOT,
        env=os.environ | usual | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port, folder
    finally:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait(30)
        stop(folder, mode="immediate")
        shutil.rmtree(folder, ignore_errors=True)
