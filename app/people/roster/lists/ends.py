"""Keeps what a list may say of somebody who is gone: each question with its own answers, and nobody ended by a guess."""

import re
from collections.abc import Mapping

from app.people.models import EndedBy

YES = frozenset({"是", "有", "√", "✓", "1", "y", "yes", "对", "享受"})
NO = frozenset({"否", "无", "没有", "×", "✗", "x", "0", "n", "no", "不是", "不享受", "-", "/"})

_LIVING_WORDS = (
    "正常 在册 在世 健在 存活 生存 有效 活 在家 在住 在户 居住 常住 流动 暂住 外出 外出务工 务工 在外 就学 在校 在读 就业 服役"
)
_LIVING = frozenset(_LIVING_WORDS.split())
"""What lists write of the living where they keep a state of each person."""

_DECEASED = re.compile(r"(?:本人)?已?(?:去世|死亡|身故|亡故|病故|病逝|过世|逝世|故)(?:注销|销户|人员)?")
_MOVED = re.compile(r"(?:本人|户口|户籍)?已?(?:迁出|迁走|搬离|搬走|搬出)(?:注销|销户|人员)?")
_NOT = re.compile(r"(?:未|没有|没|非|不)(?:去世|死亡|身故|亡故|迁出|迁走|搬离|搬走|注销|销户)")

Ends = tuple[EndedBy | None, dict[str, str]]


def ended(words: Mapping[str, str]) -> Ends:
    """Give how somebody ended by the cells `died`, `moved_away` and `ended` (None: lives here), and field → why not to be read.

    A yes counts only where the header asks yes or no; where a state or a cause is asked, only its own words end somebody.
    """
    faults: dict[str, str] = {}
    dead = _asked(words.get("died", ""), EndedBy.DECEASED)
    gone = _asked(words.get("moved_away", ""), EndedBy.MOVED_AWAY)
    state = _said(words.get("ended", ""))
    if dead is False:
        faults["died"] = f"看不懂的“{words['died']}”，请填“是”或“否”"
    if gone is False:
        faults["moved_away"] = f"看不懂的“{words['moved_away']}”，请填“是”或“否”"
    if state is False:
        faults["ended"] = f"看不懂的人员状态“{words['ended']}”，请填：正常、去世、迁出"
    for found in (EndedBy.DECEASED, EndedBy.MOVED_AWAY):
        if found in (dead, gone, state):
            return found, faults
    return None, faults


def _asked(word: str, meant: EndedBy) -> EndedBy | bool | None:
    """Give what an answer to yes or no means; False for one that is neither."""
    if word.casefold() in YES:
        return meant
    said = _said(word)
    return None if word.casefold() in NO else said


def _said(word: str) -> EndedBy | bool | None:
    """Give what a written state means: None for the living, False for a word that is not known."""
    if not word or word in _LIVING or word.casefold() in NO or _NOT.fullmatch(word):
        return None
    if _DECEASED.fullmatch(word):
        return EndedBy.DECEASED
    return EndedBy.MOVED_AWAY if _MOVED.fullmatch(word) else False
