"""Keeps how a paper becomes a PDF: Typst sets it by the template beside this file, with the fonts that come along."""

import json
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import typst

TEMPLATE = Path(__file__).with_name("paper.typ")
FONTS = Path(pylopdf_fonts_zh_cn.__file__).parent


def write(paper: dict[str, Any]) -> bytes:
    """Give a paper as a PDF. Its words travel as data, so that no mark-up in them is read."""
    inputs = {"paper": json.dumps(paper)}
    return bytes(typst.compile(str(TEMPLATE), font_paths=[str(FONTS)], ignore_system_fonts=True, sys_inputs=inputs))
