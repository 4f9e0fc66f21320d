"""Keeps how a list says by whose word and until when somebody belongs to a population: in one cell, or in columns of its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.people.roster.lists.headings import plain
from app.people.roster.tags import TagFacts, TagHeld

LONGEST_SOURCE = 100
_ENTRY = re.compile(r"(?P<source>.*?)(?:[,，]?\s*(?:有效期)?至\s*(?P<until>\d[\d\-./年月日]*))?", re.DOTALL)
_DAY = re.compile(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?")
FORM = "请写成“低保户：县民政局，至 2026-12-31”，几类人群之间用分号隔开"


@dataclass(frozen=True, slots=True)
class Term:
    """By whose word and until when; None for what is not said."""

    source: str | None = None
    until: date | None = None


class WrongTerm(ValueError):
    """What a cell says of terms cannot be read; the message is for people."""


def terms_words(held: list[TagHeld]) -> str:
    """Give the sources and last days of what somebody was named to, as `read_terms` reads them."""
    return "；".join(
        f"{tag.name}：{tag.source}" + (f"，至 {tag.expires_on.isoformat()}" if tag.expires_on else "")
        for tag in held
        if tag.source is not None
    )


def read_terms(words: str, tags: Mapping[str, TagFacts]) -> dict[str, Term]:
    """Give population → term by a cell such as `低保户：县民政局，至 2026-12-31；残疾人：县残联`; raises WrongTerm."""
    found: dict[str, Term] = {}
    if not words:
        return found
    pieces = list[str]()
    for piece in re.split(r"[；;\n]", words):  # a source may have such a mark itself: only a population's name begins anew
        name, colon, _ = piece.replace(":", "：", 1).partition("：")
        if pieces and not (colon and plain(name) in tags):
            pieces[-1] += "；" + piece
        else:
            pieces.append(piece)
    for piece in filter(str.strip, pieces):
        name, colon, said = piece.strip().replace(":", "：", 1).partition("：")
        tag = tags.get(plain(name))
        if not colon or tag is None:
            raise WrongTerm(f"看不懂的人群来源与期限“{piece.strip()}”，{FORM}")
        entry = _ENTRY.fullmatch(said.strip())
        assert entry is not None
        found[tag.code] = Term(read_source(entry["source"]), read_day(entry["until"] or ""))
    return found


def read_source(words: str) -> str | None:
    """Give a source in one form; raises WrongTerm for one too long."""
    source = " ".join(words.split())
    if len(source) > LONGEST_SOURCE:
        raise WrongTerm(f"人群来源请不超过 {LONGEST_SOURCE} 个字")
    return source or None


def read_day(words: str) -> date | None:
    """Give a day as lists write it; None for none; raises WrongTerm."""
    text = words.strip().rstrip(".。").partition(" ")[0]
    if not text or text in ("长期", "永久", "无"):
        return None
    found = _DAY.fullmatch(text)
    try:
        if re.fullmatch(r"\d{8}", text):
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        return date(int(found[1]), int(found[2]), int(found[3])) if found else _wrong_day(text)
    except ValueError:
        return _wrong_day(text)


def _wrong_day(text: str) -> date:
    raise WrongTerm(f"看不懂的到期日期“{text}”，请写成 2026-12-31")
