"""The story that the README tells with curl is run as it stands, against running processes."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest

from benchmarks.house import ROOT
from tests.running import running_house


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_story_of_the_readme_goes_as_it_is_told():
    with running_house(DEVELOPMENT_CLOCK="on") as (port, folder):
        wait_for_a_heartbeat(port)
        settings = {"BASE": f"http://127.0.0.1:{port}", "DATA_DIR": str(folder), "SWEEP_WAIT": "22", "PYTHON": sys.executable}
        done = subprocess.run(
            ["bash", "docs/story.sh"], cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        said = done.stdout
        assert said.count("受理超时") == 2
        assert said.count("没有超时") == 2
        assert "403 " in said
        assert said.index("403 ") < said.index("已办结", said.index("403 "))
        assert "0 broken cases" in said


def wait_for_a_heartbeat(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if b'"alive":true' in answer.read():
                    return
        except OSError:
            pass
        time.sleep(0.3)
    raise AssertionError("no scheduler's heartbeat within 60 seconds")
