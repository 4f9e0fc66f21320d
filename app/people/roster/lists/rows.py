"""Keeps what a row of a list says of a person, and every way in which it may be wrong, in sentences for those who mend it."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from app.core.errors import Invalid
from app.core.sheets import cleaned
from app.people.identity import Person, is_id_number
from app.people.models import EndedBy, Sex
from app.people.roster.commands import clean_head, clean_place
from app.people.roster.groups import LONGEST_NAME
from app.people.roster.lists.ends import NO, ended
from app.people.roster.lists.headings import MORE_PHONES, plain
from app.people.roster.lists.reading import row_text
from app.people.roster.lists.terms import Term, WrongTerm, read_day, read_source, read_terms
from app.people.roster.residents import ResidentGiven, checked
from app.people.roster.tags import TagFacts
from app.territory.models import HouseholdKind

LOST = "身份证号在 Excel 里被当成数字，后几位已经丢失：请把这一列设为文本格式后重新填写"
UNKNOWN_PLACE = "住址不详"
TIES = ("group", "heads", "carers")
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


_NO_TERMS: Mapping[str, Term] = MappingProxyType({})
_OWN_HOUSEHOLD = re.compile(r"H(\d{1,17})")
_PERSONAL = ("id_number", "sex", "birth", "relation", "phone")


@dataclass(slots=True)
class PersonRow:
    """What a row says: of a person, of the household, of populations (yes and no), and whether somebody is gone.

    `masked`: what the row does not say in plain words, because it is masked, or because nobody wrote it. `household_id`: the
    household of our own export where nobody lived; `nobody`: the row names no person. Of `group`, `heads` and `carers` None is
    nothing said; in our own export an empty cell says that there is none.
    """

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
    is_head: bool = False
    nobody: bool = False
    household_id: int | None = None
    household_version: int | None = None
    group: str | None = None
    heads: str | None = None
    group_head: str = ""
    carers: str | None = None
    terms: Mapping[str, Term] = field(default_factory=lambda: _NO_TERMS)

    @property
    def own(self) -> bool:
        """Say whether the row is of our own export."""
        return self.row_id is not None or self.household_id is not None


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
    """What the rows above said of the household: members often leave it out. `broken`: its head's row has no name.

    `guessed`: which of it nobody wrote.
    """

    head_name: str = ""
    place: str = ""
    household: str = ""
    broken: bool = False
    guessed: frozenset[str] = frozenset()
    is_head: bool = False


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
        empty = _OWN_HOUSEHOLD.fullmatch(words.get("row_id", ""))
        if wrong := hidden - ({"head_name", "place"} if empty else set()) if row_id is None else ():
            return [RowFault(min(wrong), "这是脱敏后的内容，不能作为新的居民导入")]
        kind = KINDS.get(words.get("kind", ""))
        nobody = _names_nobody(words) and (empty is not None or kind is HouseholdKind.VACANT)
        given = ResidentGiven(person=Person()) if nobody else self._person(words, cells, columns, hidden, faults)
        household = self._household(words, place, faults, hidden, nobody=nobody)
        if words.get("kind") and kind is None:
            faults.append(RowFault("kind", f"不认识的户类别“{words['kind']}”，可填：常住户、流动户、集体户、空置户"))
        yes, no = self._tags(words, faults)
        if row_id is not None and "tags" in columns:  # our own list names every population, so what was taken out is over
            no = {tag.code for tag in self.tags.values() if tag.from_age is None} - yes
        terms = self._terms(words, yes, faults)
        own = row_id is not None or empty is not None
        group, heads, carers = (words.get(name, "") if own and name in columns else words.get(name) or None for name in TIES)
        if group and len(group) > LONGEST_NAME:
            faults.append(RowFault("group", f"户区名称请不超过 {LONGEST_NAME} 个字"))
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
            masked=hidden | household.guessed,
            remarks=_remarks(given),
            is_head=household.is_head,
            nobody=nobody,
            household_id=int(empty[1]) if empty else None,
            household_version=_whole(words.get("household_version", "")),
            group="" if group and group.casefold() in NO else group,
            heads=heads if row_id is not None or heads else None,
            group_head=words.get("group_head", ""),
            carers=carers if row_id is not None or carers else None,
            terms=terms,
        )

    def _person(
        self, words: dict[str, str], cells: list[Any], columns: Mapping[str, int], hidden: frozenset[str], faults: list[RowFault]
    ) -> ResidentGiven | None:
        number = "" if "id_number" in hidden else words.get("id_number", "")
        phone = words.get("phone") or next((words[more] for more in MORE_PHONES if words.get(more)), "")
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
                faults.append(RowFault("birth", f"看不准的出生日期“{words['birth']}”，请设为文本，写成 1950-03 或 1950-03-07"))
        name = words.get("name") or ("" if "name" in columns else words.get("head_name", ""))
        person = Person("某" if "name" in hidden else name, None if "phone" in hidden else _phone(phone), number or None)
        try:
            return checked(ResidentGiven(person=person, sex=sex, birth_month=birth, relation=words.get("relation")), self.today)
        except Invalid as refused:
            fields = {"birth_month": "birth"}
            faults += [RowFault(fields.get(field, field), each) for field, said in refused.errors.items() for each in said]
            return None

    def _household(
        self, words: dict[str, str], place: Place, faults: list[RowFault], hidden: frozenset[str], *, nobody: bool
    ) -> Before:
        """Give the household of a row: what it says itself, else what the head's row above said."""
        told = Before(words.get("head_name", ""), _address(words, place.team), words.get("household", ""))
        asks = words.keys() & {"relation", "head_name", "household"}
        told.is_head = not nobody and (words.get("relation", "") in HEAD or not asks)
        if told.is_head and not told.head_name:
            told.head_name = words.get("name", "")
        above = self.before
        new = told.is_head or (told.household and told.household != above.household)
        new = new or bool(told.head_name and told.head_name != above.head_name)
        if not new:
            unsaid = {field for field in above.guessed if not getattr(told, field)}
            told = Before(
                told.head_name or above.head_name,
                told.place or above.place,
                told.household or above.household,
                above.broken and not told.head_name,
                frozenset(unsaid),
            )
            if told.broken:
                faults.append(RowFault("relation", "本户户主那一行没有姓名，请一起改好再导入"))
        elif told.is_head and not told.head_name and not told.household:
            told.broken = True
        if not told.head_name:
            told.head_name, told.guessed = words.get("name", ""), told.guessed | {"head_name"}
        if not told.place and place.team:
            told.place, told.guessed = place.team, told.guessed | {"place"}
        self.before = told
        told.guessed |= {field for field in ("head_name", "place") if "*" in getattr(told, field)}
        if told.head_name and (told.head_name, told.place) == (above.head_name, above.place):
            return told
        try:
            told.head_name = told.head_name if "*" in told.head_name else clean_head(told.head_name)
            told.place = clean_place(told.place)
        except Invalid as refused:
            if "place" in refused.errors and told.household:
                told.place, told.guessed = UNKNOWN_PLACE, told.guessed | {"place"}
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

    def _terms(self, words: dict[str, str], yes: set[str], faults: list[RowFault]) -> Mapping[str, Term]:
        """Give by whose word and until when the row says that somebody belongs to the populations that it names."""
        said = [name for name, word in words.items() if word and name.startswith(("until:", "source:", "tag_"))]
        if not said:
            return _NO_TERMS
        found: dict[str, Term] = {}
        for name in said:
            kind, _, code = name.partition(":")
            try:
                if kind == "tag_terms":
                    found |= read_terms(words[name], self.tags)
                    continue
                until = read_day(words[name]) if kind in ("until", "tag_until") else None
                source = read_source(words[name]) if kind in ("source", "tag_source") else None
            except WrongTerm as wrong:
                faults.append(RowFault(name, str(wrong)))
                continue
            for each in [code] if code else sorted(yes):
                before = found.get(each, Term())
                found[each] = Term(source or before.source, until or before.until)
        return {code: term for code, term in found.items() if code in yes and term != Term()}


def _names_nobody(words: Mapping[str, str]) -> bool:
    return not words.get("name") and not any(words.get(field) for field in _PERSONAL)


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
    """Give the month of birth; None for what may be another: 1950.10 as a number is 1950.1, a bare 20123 is a day's number."""
    if isinstance(value, datetime | date):
        return date(value.year, value.month, 1)
    if isinstance(value, float) and not value.is_integer():
        return None
    text = str(int(value)) if isinstance(value, float | int) else str(value).strip()
    if re.fullmatch(r"\d{5}|\d{7}", text):
        return None
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
