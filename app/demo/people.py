"""Keeps an invented county's people by real rules: surnames as common as they are, ID numbers that check, families that fit.

The area code 990101 is nobody's. The same seed gives the same people.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from app.people.identity import check_character
from app.people.models import Sex

AREA = "990101"

_SURNAMES = (
    "王72 李71 张68 刘53 陈46 杨31 黄23 赵21 吴20 周19 徐14 孙14 马13 朱12 胡12 郭11 何11 林11 高10 罗9 郑9 梁8 谢8 宋7 唐7 许7"
    " 邓6 冯6 韩6 曹6 曾6 彭6 萧5 蔡5 潘5 田5 董5 袁5 于5 余5 叶4 蒋4 杜4 苏4 魏4 程4 吕4 丁4 沈4 任4 姚4 卢4 傅3 钟3 姜3 崔3"
    " 谭3 廖3 范3 汪3 陆3 金3 石3 戴3 贾3 韦3 夏3 邱3 方3 侯3 邹3 熊3 孟3 秦3 白3 江3 阎3 薛3 尹2 段2 雷2 黎2 史2 龙2 陶2 贺2"
    " 顾2 毛2 郝2 龚2 邵2 万2 钱2 严2 赖2 覃2 洪2 武2 莫2 孔2 欧阳1 上官1 诸葛1"
)
_COUNTED = [
    (word.rstrip("0123456789"), int(word.lstrip("".join(c for c in word if not c.isdigit())))) for word in _SURNAMES.split()
]
SURNAMES, WEIGHTS = [name for name, _ in _COUNTED], [weight for _, weight in _COUNTED]
_MEN = "伟强磊军勇杰涛斌波辉刚健明亮国华建平志文海东林生成龙德福贵祥宝山根旺荣发才庆新民永安长春光清泉"
_WOMEN = "芳娟敏静丽艳娜秀英华玉兰萍红梅霞燕玲桂珍凤琴云莲翠菊香月花巧淑贞慧雪春荣爱珠"
RELATIONS = {
    "spouse": "配偶",
    "son": "儿子",
    "daughter": "女儿",
    "father": "父亲",
    "mother": "母亲",
    "grandson": "孙子",
    "granddaughter": "孙女",
}


@dataclass(frozen=True)
class Invented:
    """Somebody who does not exist."""

    name: str
    sex: Sex
    born: date
    id_number: str
    phone: str | None
    relation: str


@dataclass(frozen=True)
class InventedFamily:
    """A household that does not exist: its number in the village, its place, who lives there, the head first."""

    number: int
    place: str
    people: tuple[Invented, ...]


class County:
    """Invents families, one after the other, no ID number and no phone twice."""

    def __init__(self, seed: int, *, today: date) -> None:
        """Start anew from a seed; nobody is born after `today`."""
        self._draw = Random(seed)  # noqa: S311 (the same people every time)
        self._today = today
        self._numbers: set[tuple[date, int]] = set()
        self._phones: set[str] = set()

    def families(self, village: str, *, teams: int = 8) -> Iterator[InventedFamily]:
        """Give the families of a village without end, spread over its groups."""
        number = 0
        while True:
            number += 1
            team = "一二三四五六七八九十"[number % min(teams, 10)]
            yield InventedFamily(number, f"{village}{team}组 {number} 号", tuple(self._family()))

    def _family(self) -> Iterator[Invented]:
        draw = self._draw
        age = draw.choice((draw.randint(24, 45), draw.randint(40, 70), draw.randint(60, 93)))
        surname, sex = self._surname(), Sex.MALE if draw.random() < 0.78 else Sex.FEMALE
        yield self._person(surname, sex, age, "户主", phone=0.95 if age < 75 else 0.6)
        if draw.random() < (0.75 if age < 70 else 0.45):
            other = Sex.FEMALE if sex is Sex.MALE else Sex.MALE
            yield self._person(self._surname(), other, max(20, age + draw.randint(-4, 3)), "配偶", phone=0.8 if age < 75 else 0.4)
        for _ in range(draw.choice((0, 1, 1, 2, 2)) if age < 66 else draw.choice((0, 0, 0, 1))):
            child = max(0, age - draw.randint(21, 34))
            kind = "son" if draw.random() < 0.53 else "daughter"
            son = Sex.MALE if kind == "son" else Sex.FEMALE
            yield self._person(surname, son, child, RELATIONS[kind], phone=0.9 if child > 14 else 0.0)
        if 28 < age < 62 and draw.random() < 0.3:
            yield self._person(surname, Sex.MALE, min(99, age + draw.randint(21, 31)), RELATIONS["father"], phone=0.5)
        if 28 < age < 62 and draw.random() < 0.36:
            yield self._person(self._surname(), Sex.FEMALE, min(99, age + draw.randint(20, 30)), RELATIONS["mother"], phone=0.4)

    def _surname(self) -> str:
        return self._draw.choices(SURNAMES, WEIGHTS)[0]

    def _person(self, surname: str, sex: Sex, age: int, relation: str, *, phone: float) -> Invented:
        draw = self._draw
        letters = _MEN if sex is Sex.MALE else _WOMEN
        given = "".join(draw.sample(letters, 2 if draw.random() < 0.8 else 1))
        born = self._today - timedelta(days=age * 365 + age // 4 + draw.randint(1, 364))
        number = self._id_number(born, sex)
        return Invented(surname + given, sex, born, number, self.phone() if draw.random() < phone else None, relation)

    def _id_number(self, born: date, sex: Sex) -> str:
        while True:
            place = self._draw.randint(0, 498) * 2 + (1 if sex is Sex.MALE else 2)
            if (born, place) not in self._numbers:
                self._numbers.add((born, place))
                seventeen = f"{AREA}{born:%Y%m%d}{place:03d}"
                return seventeen + check_character(seventeen)

    def phone(self) -> str:
        """Give a phone that nobody has yet."""
        while True:
            phone = f"1{self._draw.randint(3, 9)}{self._draw.randint(0, 999_999_999):09d}"
            if phone not in self._phones:
                self._phones.add(phone)
                return phone
