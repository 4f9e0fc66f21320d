"""Keeps what a paper is, and how it is set: in a process of its own, since fonts and setters take half a web worker's memory."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from app.core.errors import Refusal

PATIENCE = 60.0
"""Seconds that setting a paper may take; it takes one."""


class PaperNotSet(Refusal):
    """文件暂时无法生成，请稍后再试"""

    status = 503


class Format(StrEnum):
    """How a paper is set."""

    PDF = "pdf"
    DOCX = "docx"


@dataclass(frozen=True)
class PaperTable:
    """A table: its head, its rows as they are printed, and how wide its columns are against each other."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]
    caption: str | None = None


@dataclass(frozen=True)
class PaperSection:
    """A headed section: sentences, then tables, then small print."""

    heading: str
    sentences: tuple[str, ...] = ()
    tables: tuple[PaperTable, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Paper:
    """A whole paper."""

    title: str
    subtitle: str
    sections: tuple[PaperSection, ...] = field(default_factory=tuple)
    foot: str = ""


def typeset(paper: Paper, how: Format) -> bytes:
    """Give a paper as the bytes of a PDF or Word file; raises PaperNotSet when that does not end well in time."""
    command = [sys.executable, "-m", "app.core.papers", how.value]
    try:
        made = subprocess.run(  # noqa: S603 (our own module, no shell; the paper goes in by standard input)
            command,
            input=json.dumps(asdict(paper)).encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=True,
            cwd=Path(__file__).parents[3],
        )
    except (subprocess.SubprocessError, OSError) as failure:
        raise PaperNotSet from failure
    return made.stdout
