"""Keeps how alike two matters are: our own measure of texts, and the chance that two reports speak of one thing. Pure.

A text is the set of its character bigrams, of the title and the beginning of what was said: who writes long begins with the
point. A gram weighs by how few texts have it, up to a cap: above it names of places would drown what is the matter there. Two
texts are as alike as the cosine of their weighted sets. Whether two cases are one thing is weighed in `chance_of_one`.
"""

import math
import re
import unicodedata
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import repeat

HEAD = 240
"""So many characters of title and text are read."""

CAP = 4.0
"""A gram in fewer than e^-4 (1.8 %) of the texts weighs no more for being rarer."""

_FOLDED = 0x80000000
_COMMON = (
    "尊敬的领导您好 你好 各位领导 我是一名业主 我们是居民 村民 市民 群众 反映 投诉 举报 咨询 请问 建议 希望有关部门 "
    "相关部门 请求政府 尽快解决 及时处理 "
    "请派人 看一下 严重影响 居民生活 正常生活 问题 情况 一直没有 至今 多次 没人管 什么时候 能不能 为什么 因为 所以 但是 现在 已经 "
    "可以 这个 那个 我家 我们家 小区 街道 社区 附近 门口 感谢 谢谢 打电话 物业 不作为 有没有 晚上 白天 每天 给我们 希望能"
)


def normalised(text: str) -> list[str]:
    """Give the runs of letters, digits and Chinese characters of a text in compatible form, in lower case."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return "".join(character if character.isalnum() else " " for character in plain).split()


def grams_of(title: str, body: str) -> frozenset[int]:
    """Give the grams of a text as signed 32-bit numbers; a title that repeats the beginning of the text is read once."""
    runs = normalised(body if body.startswith(title.removesuffix("…")) else f"{title}\n{body}")
    found: set[int] = set()
    left = HEAD
    for run in runs:
        run_read = run[:left]
        found.update(map(gram, run_read, run_read[1:]))
        left -= len(run_read)
        if left <= 0:
            break
    return frozenset(found)


def gram(first: str, second: str) -> int:
    """Give the number of two neighbouring characters; beyond the basic plane two grams may share one."""
    return ((ord(first) & 0xFFFF) << 16 | ord(second) & 0xFFFF) - _FOLDED


PRIOR = {each: 0.1 for phrase in _COMMON.split() for each in map(gram, phrase, phrase[1:])}
"""Shares of grams that every county's appeals are full of, for a ledger that has hardly any texts of its own."""


@dataclass(frozen=True)
class Shares:
    """In which share of the texts each gram stands; a gram that is not among them stands in fewer than `least`."""

    shares: Mapping[int, float] = field(default_factory=lambda: PRIOR)
    least: float = 0.0
    cases: int = 0

    @cached_property
    def _squares(self) -> dict[int, float]:
        """The squared weights of the common grams; all others weigh CAP."""
        common = math.exp(-CAP)
        return {each: math.log(share) ** 2 for each, share in self.shares.items() if share > common}

    def weight(self, each: int) -> float:
        """Give what a gram weighs, from 0 to CAP."""
        return math.sqrt(self._squares.get(each, CAP**2))

    def _square(self, grams: Iterable[int]) -> float:
        return sum(map(self._squares.get, grams, repeat(CAP**2)))

    def alike(self, one: frozenset[int], other: frozenset[int]) -> float:
        """Give how alike two texts are, from 0 to 1: the cosine of their weighted grams."""
        common = self._square(one & other)
        return common / math.sqrt(self._square(one) * self._square(other)) if common else 0.0


def shown(alike: float) -> float:
    """Give the likeness as people read it: spread over 0 to 1, for texts by different people are far below 1 when one thing."""
    return 1.0 - math.exp(-alike / 0.12)


_DIGITS = str.maketrans("零一二三四五六七八九", "0123456789")
_ROAD = re.compile(r"([^\W_]{2})(?:路(?![灯人面程])|大道|大街|街(?!道)|线(?!路)|桥(?![路头]))")
_NOT_ROADS = frozenset("道马公铁高走小上下的条是通出入这本在修干热路电光天网前红")
"""Before 路, 街, 线 or 桥 these make a common word, not a name."""
_NUMBERED = re.compile(r"(\d+)(号|栋|幢|楼|单元|室|组|期|路)")


def names_in(text: str) -> dict[str, frozenset[str]]:
    """Give what a text calls by name, by kind: roads by the two characters before 路, buildings, groups and stages by number."""
    plain = "".join(unicodedata.normalize("NFKC", text).translate(_DIGITS).split())
    found: dict[str, set[str]] = {}
    for name in _ROAD.findall(plain):
        if name[-1] not in _NOT_ROADS:
            found.setdefault("路", set()).add(name)
    for number, kind in _NUMBERED.findall(plain):
        found.setdefault(kind, set()).add(number)
    return {kind: frozenset(names) for kind, names in found.items()}


def names_differ(one: Mapping[str, frozenset[str]], other: Mapping[str, frozenset[str]]) -> bool:
    """Say whether two texts name things of one kind, and none that is the same: another road, another building."""
    return any(names.isdisjoint(other[kind]) for kind, names in one.items() if kind in other)


def figures_in(text: str) -> int:
    """Give a number that stands for all figures of a text in order; who says the same thing again says the same figures."""
    plain = unicodedata.normalize("NFKC", text).translate(_DIGITS)
    return zlib.crc32(" ".join(re.findall(r"\d+", plain)).encode()) - _FOLDED


class Place(StrEnum):
    """How the places of two cases lie to each other."""

    SAME = "same"
    NEAR = "near"
    UNKNOWN = "unknown"
    APART = "apart"


class Topic(StrEnum):
    """How the categories of two cases stand to each other: one, below one node, not known, or far apart."""

    SAME = "same"
    KIN = "kin"
    UNKNOWN = "unknown"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What is known of two cases: likeness of texts, days between them, whether they name different things, place and topic."""

    alike: float
    days: float
    differ: bool
    place: Place = Place.UNKNOWN
    topic: Topic = Topic.UNKNOWN
    same_person: bool = False


_BASE, _ALIKE, _DAYS, _DIFFER = 5.14, 1.63, -0.23, -2.34
"""Fitted by logistic regression on one half of labelled pairs; `benchmarks.merge` reports the other half."""
_PLACE = {Place.SAME: 1.2, Place.NEAR: 0.5, Place.UNKNOWN: 0.0, Place.APART: -3.5}
_TOPIC = {Topic.SAME: 0.4, Topic.KIN: 0.2, Topic.UNKNOWN: 0.0, Topic.OTHER: -1.0}
_SAME_PERSON = 1.0
"""Set by judgement: the labelled pairs know neither grids nor categories."""

ONE_CLICK = 0.67
"""From this chance on, cases are offered for merging by one click."""

WORTH_A_LOOK = 0.1
"""Below this chance a case is not offered at all."""


def chance_of_one(pair: Pair) -> float:
    """Give the chance, from 0 to 1, that two cases are one thing."""
    score = _BASE + _ALIKE * math.log(max(pair.alike, 0.001)) + _DAYS * math.log1p(pair.days) + _DIFFER * pair.differ
    score += _PLACE[pair.place] + _TOPIC[pair.topic] + _SAME_PERSON * pair.same_person
    return 1.0 / (1.0 + math.exp(-score))
