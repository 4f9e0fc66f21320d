"""Keeps what a row of a list says of a person, and every way in which it may be wrong, in sentences for those who mend it."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.core.errors import Invalid
from app.core.sheets import cleaned
from app.people.identity import Person, is_id_number
from app.people.models import EndedBy, Sex
from app.people.roster.commands import clean_head, clean_place
from app.people.roster.lists.ends import NO, ended
from app.people.roster.lists.headings import plain
from app.people.roster.lists.reading import row_text
from app.people.roster.residents import ResidentGiven, checked
from app.people.roster.tags import TagFacts
from app.territory.models import HouseholdKind

LOST = "身份证号在 Excel 里被当成数字，后几位已经丢失：请把这一列设为文本格式后重新填写"
SEXES = {"男": Sex.MALE, "女": Sex.FEMALE, "male": Sex.MALE, "female": Sex.FEMALE, "1": Sex.MALE, "2": Sex.FEMALE, "m": Sex.MALE}
HEAD = frozenset({"户主", "本人", "本人或户主"})
_KIND_WORDS = {
    HouseholdKind.ORDINARY: "常住 常住户 户籍 户籍户 普通户 一般户 农业 非农业 家庭户 农业户口 非农业户口 居民户口",
    HouseholdKind.FLOATING: "流动 流动户 流动人口 租住户 租户",
    HouseholdKind.COLLECTIVE: "集体 集体户",
    HouseholdKind.VACANT: "空置 空置户 空户 空挂户",
}
KINDS = {word: kind for kind, words in _KIND_WORDS.items() for word in words.split()}
_YEAR_MONTH = re.compile(r"(\d{4})\D{0,2}(\d{1,2})(?:\D.*|\d{2})?$")


@dataclass(slots=True)
class PersonRow:
    """What a row says: of a person, of the household, of populations (yes and no), and whether somebody is gone."""

    sheet: str
    line: int
    given: ResidentGiven
    head_name: str
    place: str
    household: str
    grid_id: int
    kind: HouseholdKind | None
    tags: frozenset[str]
    no_tags: frozenset[str]
    ended: EndedBy | None
    row_id: int | None
    row_version: int | None
    masked: frozenset[str]
    remarks: list[str]


@dataclass(frozen=True)
class RowFault:
    """What is wrong with a row: the field, and a sentence for people."""

    field: str
    words: str


@dataclass(frozen=True)
class Place:
    """Where a row's people live: the grid if it is known, why not if it is not, and the group that the sheet is of."""

    grid_id: int | None
    why: str = ""
    team: str = ""


@dataclass
class Before:
    """What the rows above said of the household: members often leave it out. `broken`: its head's row has no name."""

    head_name: str = ""
    place: str = ""
    household: str = ""
    broken: bool = False


class RowReader:
    """Reads the rows of one sheet after the other; `today` judges birth dates."""

    def __init__(self, tags: Mapping[str, TagFacts], today: date) -> None:
        """Take what populations are called."""
        self.tags, self.today = tags, today
        self.before = Before()

    def read(self, sheet: str, line: int, cells: list[Any], columns: Mapping[str, int], place: Place) -> PersonRow | list[RowFault]:
        """Give what a row says, or all that is wrong with it."""
        faults: list[RowFault] = []
        words = {name: _clean(row_text(cells, column)) for name, column in columns.items()}
        hidden = frozenset(name for name in ("name", "phone", "id_number", "head_name", "place") if "*" in words.get(name, ""))
        row_id, row_version = (_whole(words.get(name, "")) for name in ("row_id", "row_version"))
        if hidden and row_id is None:
            return [RowFault(next(iter(sorted(hidden))), "这是脱敏后的内容，不能作为新的居民导入")]
        given = self._person(words, cells, columns, hidden, faults)
        household = self._household(words, place, faults, hidden)
        kind = KINDS.get(words.get("kind", ""))
        if words.get("kind") and kind is None:
            faults.append(RowFault("kind", f"不认识的户类别“{words['kind']}”，可填：常住户、流动户、集体户、空置户"))
        yes, no = self._tags(words, faults)
        if row_id is not None and "tags" in columns:  # our own list names every population, so what was taken out is over
            no = {tag.code for tag in self.tags.values() if tag.from_age is None} - yes
        gone, unread = ended(words)
        faults += [RowFault(field, why) for field, why in unread.items()]
        if place.grid_id is None:
            faults.append(RowFault("grid", place.why))
        if faults or given is None or place.grid_id is None:
            return faults
        return PersonRow(
            sheet=sheet,
            line=line,
            given=given,
            head_name=household.head_name,
            place=household.place,
            household=household.household,
            grid_id=place.grid_id,
            kind=kind,
            tags=frozenset(yes),
            no_tags=frozenset(no),
            ended=gone,
            row_id=row_id,
            row_version=row_version,
            masked=hidden,
            remarks=_remarks(given),
        )

    def _person(
        self, words: dict[str, str], cells: list[Any], columns: Mapping[str, int], hidden: frozenset[str], faults: list[RowFault]
    ) -> ResidentGiven | None:
        number = "" if "id_number" in hidden else words.get("id_number", "")
        if number:
            lost = _lost(cells[columns["id_number"]], number)
            if lost:
                faults.append(RowFault("id_number", lost))
                number = ""
        sex = SEXES.get(words.get("sex", "").casefold())
        if words.get("sex") and sex is None:
            faults.append(RowFault("sex", f"性别请填“男”或“女”，现在是“{words['sex']}”"))
        birth = None
        if words.get("birth"):
            birth = _month(cells[columns["birth"]])
            if birth is None:
                faults.append(RowFault("birth", f"看不懂的出生日期“{words['birth']}”，请写成 1950-03-07"))
        name = words.get("name") or ("" if "name" in columns else words.get("head_name", ""))
        person = Person(
            "某" if "name" in hidden else name, None if "phone" in hidden else _phone(words.get("phone", "")), number or None
        )
        try:
            return checked(ResidentGiven(person=person, sex=sex, birth_month=birth, relation=words.get("relation")), self.today)
        except Invalid as refused:
            fields = {"birth_month": "birth"}
            faults += [RowFault(fields.get(field, field), each) for field, said in refused.errors.items() for each in said]
            return None

    def _household(self, words: dict[str, str], place: Place, faults: list[RowFault], hidden: frozenset[str]) -> Before:
        """Give the household of a row: what it says itself, else what the head's row above said."""
        told = Before(words.get("head_name", ""), _address(words, place.team), words.get("household", ""))
        is_head = words.get("relation", "") in HEAD or not words.keys() & {"relation", "head_name", "household"}
        if is_head and not told.head_name:
            told.head_name = words.get("name", "")
        above = self.before
        new = is_head or (told.household and told.household != above.household)
        new = new or bool(told.head_name and told.head_name != above.head_name)
        if not new:
            told = Before(
                told.head_name or above.head_name,
                told.place or above.place,
                told.household or above.household,
                above.broken and not told.head_name,
            )
            if told.broken:
                faults.append(RowFault("relation", "本户户主那一行没有姓名，请一起改好再导入"))
        elif is_head and not told.head_name and not told.household:
            told.broken = True
        if not told.head_name:
            told.head_name = words.get("name", "")
        if not told.place and place.team:
            told.place = place.team
        self.before = told
        if told.head_name and (told.head_name, told.place) == (above.head_name, above.place):
            return told
        try:
            told.head_name = told.head_name if "*" in told.head_name else clean_head(told.head_name)
            told.place = clean_place(told.place)
        except Invalid as refused:
            if "place" in refused.errors and told.household:
                told.place = "住址不详"
            elif not hidden:
                faults += [RowFault(field, each) for field, said in refused.errors.items() for each in said]
        return told

    def _tags(self, words: dict[str, str], faults: list[RowFault]) -> tuple[set[str], set[str]]:
        yes, no = set[str](), set[str]()
        for name, word in words.items():
            if name.startswith("tag:") and word:
                (no if word.casefold() in NO else yes).add(name.removeprefix("tag:"))
        for word in re.split(r"[、,，;；/\s]+", words.get("tags", "")):
            if word and word.casefold() not in NO | {"一般", "普通"}:
                tag = self.tags.get(plain(word))
                if tag is None:
                    faults.append(RowFault("tags", f"不认识的人群类别“{word}”"))
                else:
                    yes.add(tag.code)
        derived = {tag.code for tag in self.tags.values() if tag.from_age is not None}
        return yes - derived, no - derived


def _clean(text: str) -> str:
    if text.isprintable():  # nearly all are, and have nothing to be taken out
        return text if text.isascii() else unicodedata.normalize("NFC", text).strip()
    return cleaned(text)[0].strip()


def _lost(value: Any, text: str) -> str | None:
    """Give why an ID number cannot be what somebody typed; None where it may be."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 1e15:
        return LOST
    if re.fullmatch(r"\d(\.\d+)?[eE]\+?\d+", text):
        return LOST
    if re.fullmatch(r"\d{15}0{3}", text) and not is_id_number(text):
        return LOST
    if re.fullmatch(r"\d{15}", text):
        return "这是 15 位的旧身份证号，请填 18 位的"
    return None


def _phone(text: str) -> str | None:
    """Give the first phone of a cell that may hold several."""
    first = re.split(r"[/、,，;；\n]", unicodedata.normalize("NFKC", text))[0].strip() if text else ""
    return re.sub(r"^(\+?86)(?=1[3-9]\d{9}$)", "", re.sub(r"[\s\-()]", "", first)) or None


def _month(value: Any) -> date | None:
    if isinstance(value, datetime | date):
        return date(value.year, value.month, 1)
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    found = _YEAR_MONTH.match(text)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), 1)
    except ValueError:
        return None


def _address(words: Mapping[str, str], team: str) -> str:
    """Give the place: address and door number, after the group of the village where the address does not name it."""
    group = words.get("team", "") or team
    if group and re.fullmatch(r"[\d一二三四五六七八九十]+", group):
        group += "组"
    place = words.get("place", "")
    door = words.get("door", "")
    if door and door not in place:
        place = f"{place} {door}".strip()
    return place if not group or group in place or not place else f"{group} {place}"


def _whole(word: str) -> int | None:
    return int(word) if word.isdecimal() and len(word) < 18 else None


def _remarks(given: ResidentGiven) -> list[str]:
    number = given.person.id_number or ""
    return ["身份证号以 000 结尾，校验位正确，已导入，请再核对一次"] if number.endswith("000") else []
