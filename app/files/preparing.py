"""Keeps what is made of an upload once its bytes are whole: the checks, and of a picture three pictures made anew."""

import json
import logging
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.core.errors import Refusal
from app.files.attaching import Position
from app.files.kinds import FileUnfit, Recognised, check_promise, recognise
from app.files.links import Variant
from app.files.models import FileKind, FilePurpose

log = logging.getLogger("minhu.files")

PROGRAM = Path(__file__).with_name("picture_child.py")
PATIENCE = 30
"""Seconds that one picture may take, and seconds that it waits for its turn."""

_turns = threading.BoundedSemaphore(1)
"""One picture at a time in each web process: the machine's memory is the limit, not its patience."""

_line = threading.BoundedSemaphore(2)
"""Who is at work and who waits: anybody else is asked to come again, so that pictures never hold all threads of a process."""

_FORMS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_WORDS = {
    "pixels": "图片的像素太多，请用普通照片大小的图片",
    "broken": "图片已损坏或不完整，请重新拍摄或选择",
}


class PicturesBusy(Refusal):
    """正在处理其他图片，请稍后再试"""

    status = 503
    retry_after = 5


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What is kept of a file: its variants, and what is known of it. `width` and `height` are in pixels."""

    kind: FileKind
    mime: str
    variants: dict[Variant, bytes]
    width: int | None = None
    height: int | None = None
    taken_at: datetime | None = None
    position: Position | None = field(default=None, repr=False)


def prepare(content: bytes, *, promised: FileKind, purpose: FilePurpose) -> Prepared:
    """Check a whole file and make what is kept of it; raises FileUnfit with words, PicturesBusy."""
    found = recognise(content)
    check_promise(found, promised=promised, purpose=purpose)
    if found.kind is not FileKind.IMAGE:
        return Prepared(kind=found.kind, mime=found.mime, variants={Variant.ORIGINAL: content})
    return _picture(content, found)


def _picture(content: bytes, found: Recognised) -> Prepared:
    if not _line.acquire(blocking=False):
        raise PicturesBusy
    try:
        if not _turns.acquire(timeout=PATIENCE):
            raise PicturesBusy
        try:
            said, blobs = _read(content, _FORMS[found.mime])
        finally:
            _turns.release()
    finally:
        _line.release()
    return Prepared(
        kind=FileKind.IMAGE,
        mime="image/jpeg",
        variants=dict(zip((Variant.ORIGINAL, Variant.VIEW, Variant.LIST), blobs, strict=True)),
        width=said["width"],
        height=said["height"],
        taken_at=datetime.fromisoformat(said["taken_at"]) if said["taken_at"] else None,
        position=Position(*said["position"]) if said["position"] else None,
    )


def _read(content: bytes, form: str) -> tuple[dict[str, Any], list[bytes]]:
    """Let the child read a picture; whatever ends the child early, its picture is to blame."""
    command = [sys.executable, "-I", str(PROGRAM), form]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=PATIENCE, check=False, env={})  # noqa: S603 - our own
    except subprocess.TimeoutExpired:
        raise FileUnfit(_WORDS["pixels"]) from None
    except OSError:
        raise PicturesBusy from None
    if done.returncode == -signal.SIGKILL:  # by a machine that is short of memory, not for what the picture is
        raise PicturesBusy
    if done.returncode:
        log.warning("a picture ended its reader: %s", done.returncode)
        raise FileUnfit(_WORDS["broken"])
    head, _, rest = done.stdout.partition(b"\n")
    said = json.loads(head)
    if "unfit" in said:
        raise FileUnfit(_WORDS.get(said["unfit"], _WORDS["broken"]))
    blobs = []
    for size in said["sizes"]:
        blobs.append(rest[:size])
        rest = rest[size:]
    return said, blobs
