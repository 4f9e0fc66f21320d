"""Keeps how the columns of a list of people are known by their headers: usual names, a unit's own, populations."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.core.sheets import Unreadable
from app.people.roster.tags import TagFacts

FIELDS: dict[str, tuple[str, ...]] = {
    "row_id": ("系统编号",),
    "row_version": ("系统版本",),
    "household_version": ("户系统版本",),
    "name": ("姓名", "居民姓名", "成员姓名", "家庭成员姓名", "人员姓名"),
    "head_name": ("户主姓名", "户主", "家庭户主"),
    "id_number": ("身份证号", "身份证号码", "证件号码", "证件号", "公民身份号码", "公民身份证号", "身份证", "居民身份证号"),
    "sex": ("性别",),
    "birth": ("出生日期", "出生年月", "出生年月日", "生日"),
    "relation": ("与户主关系", "户主关系", "家庭关系", "关系", "与户主的关系"),
    "phone": ("联系电话", "手机", "手机号", "手机号码", "电话", "电话号码", "联系方式", "联系号码"),
    "place": ("家庭住址", "住址", "现住址", "家庭地址", "详细地址", "居住地址", "地址", "现居住地"),
    "door": ("门牌号", "门牌", "房号"),
    "team": ("村民小组", "所属小组", "组别", "小组", "组"),
    "household": ("户号", "户编号", "户籍编号", "家庭编号"),
    "kind": ("户籍类别", "户类型", "户类别", "家庭类型", "户别"),
    "grid": ("所属网格", "网格", "网格名称", "网格编码", "所属网格编码", "网格代码", "网格编号"),
    "village": ("村", "社区", "行政村", "所属村", "所属社区", "村居", "村社区", "村(社区)", "所在村"),
    "tags": ("人群类别", "人员类别", "重点人群", "人群标签", "重点人群类别", "特殊人群"),
    "tag_terms": ("人群来源与期限",),
    "tag_source": ("人群来源", "标签来源"),
    "tag_until": ("人群到期日期", "人群到期", "标签到期日期", "标签到期"),
    "group": ("户区", "所属户区", "户区名称", "户区编号", "联户", "联户单元"),
    "heads": ("户长", "是否户长", "担任户长"),
    "group_head": ("户长姓名", "所属户长", "户区户长"),
    "carers": ("帮扶人", "帮扶人姓名", "帮扶责任人", "帮扶联系人", "帮扶干部", "结对帮扶人", "包户干部"),
    "died": ("是否去世", "是否死亡", "去世", "死亡"),
    "moved_away": ("是否迁出", "迁出", "是否搬离"),
    "ended": ("人员状态", "状态", "注销原因"),
    "note": ("备注", "说明"),
    "number": ("序号", "编号"),
}
"""Field → the names that its column usually has; `note` and `number` are known, and nothing is taken from them."""

NEEDED = ("name", "head_name")
"""One of them must be there."""

TAG_NAMES: dict[str, tuple[str, ...]] = {
    "living_alone": ("独居", "独居老人"),
    "over_80": ("高龄", "高龄老人", "80岁以上", "80岁以上老人"),
    "disabled": ("残疾", "残疾人"),
    "low_income": ("低保", "低保户", "低保对象"),
    "extreme_poverty": ("特困", "五保", "五保户", "特困人员", "特困供养"),
    "left_behind_child": ("留守儿童",),
    "orphan": ("孤儿", "困境儿童"),
    "chronic_illness": ("慢性病", "慢病", "慢病患者"),
    "severe_illness": ("重病", "大病", "大病患者"),
    "mental_illness": ("精神障碍", "严重精神障碍", "精神病人"),
    "relapse_watch": ("监测户", "防返贫监测", "脱贫不稳定户", "边缘易致贫户"),
    "bereaved_only_child": ("失独", "失独家庭", "计生特殊家庭"),
    "over_60": ("60岁以上", "60岁以上老人"),
    "veteran": ("退役军人", "退伍军人"),
    "party_member": ("党员", "中共党员"),
    "volunteer": ("志愿者",),
}
"""Population code → what lists call it beside its name."""

TERM_ENDINGS = {
    "until:": ("有效期至", "到期日期", "到期时间", "有效期", "到期", "截止日期"),
    "source:": ("来源", "认定单位", "认定部门"),
}
"""What stands behind a population's name in the header of a column that says until when, or by whose word."""

MORE_PHONES = ("phone:2", "phone:3")
"""Where further columns of phones stand: the first that is filled counts."""

LOOKED_AT = 20
"""So many lines from the top a header is looked for."""


@dataclass(frozen=True)
class Heading:
    """Where a sheet's header stands (its last line, from 1), the headers as they are, and field or `tag:code` → column."""

    line: int
    names: tuple[str, ...]
    columns: Mapping[str, int]
    title: str

    @property
    def fingerprint(self) -> bytes:
        """The mark by which the same headers are known again, in whatever order."""
        return fingerprint(self.names)


def fingerprint(names: Iterable[str]) -> bytes:
    """Give the mark of a set of headers, however they are spaced and ordered."""
    return hashlib.sha256("\0".join(sorted({plain(name) for name in names if name})).encode()).digest()


def plain(name: str) -> str:
    """Give a header for comparing: half-width, lower case, without blanks, marks of what must be filled in, and hints."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(text.split()).replace("*", "").rstrip(":")


def tag_words(tags: Iterable[TagFacts]) -> dict[str, TagFacts]:
    """Give what populations are called in lists → the population."""
    return {plain(word): tag for tag in tags for word in (tag.name, tag.code, *TAG_NAMES.get(tag.code, ()))}


class Headers:
    """How headers are read: the usual names, those that were given or remembered, and the populations."""

    def __init__(self, tags: Iterable[TagFacts], *, given: Mapping[str, str] | None = None) -> None:
        """Take the populations and field → header; raises Unreadable for a field that there is not."""
        self.tags = tag_words(tags)
        self.given = dict(given or {})
        for field in self.given:
            if field not in FIELDS and field not in MORE_PHONES and not field.startswith(("tag:", *TERM_ENDINGS)):
                raise Unreadable(f"没有“{field}”这个字段。可用的字段：{'、'.join(FIELDS)}")
        self._known = {plain(word): field for field, words in FIELDS.items() for word in (*words, field)}
        own = {plain(header): field for field, header in self.given.items() if header}
        taken = {field for field, header in self.given.items() if header}
        self._known = {word: field for word, field in self._known.items() if field not in taken} | own
        for field, header in self.given.items():
            if not header:
                self._known = {word: known for word, known in self._known.items() if known != field}

    def field_of(self, name: str) -> str | None:
        """Give the field, or `tag:code`, `until:code`, `source:code`, of a header; None for one that is not known."""
        word = plain(name)
        if not word:
            return None
        if word in self._known:
            return self._known[word]
        bare = word.split("(")[0]
        if bare in self._known:
            return self._known[bare]
        asked = bare.removeprefix("是否").removeprefix("为").removesuffix("人员") if bare.startswith("是否") else bare
        tag = self.tags.get(bare) or self.tags.get(asked)
        return f"tag:{tag.code}" if tag else self._term_of(bare)

    def _term_of(self, word: str) -> str | None:
        for kind, endings in TERM_ENDINGS.items():
            for ending in endings:
                tag = self.tags.get(word.removesuffix(ending)) if word.endswith(ending) else None
                if tag is not None:
                    return f"{kind}{tag.code}"
        return None

    def find(self, rows: Sequence[Sequence[object]]) -> Heading | None:
        """Find the header among a sheet's first rows: the line with most known names, with what belongs to it above or below.

        Raises Unreadable where two columns are for the same field.
        """
        best, most = -1, 1
        read = [self._names(rows, place) for place in range(min(len(rows), LOOKED_AT))]
        for place, (names, _) in enumerate(read):
            if not any(self.field_of(_text(cell)) for cell in rows[place]):
                continue  # a title above a header is no part of it
            fields = {self.field_of(name) for name in names} - {None}
            if len(fields) > most and fields & set(NEEDED):
                best, most = place, len(fields)
        if best < 0:
            return None
        names, last = read[best]
        title = " ".join(dict.fromkeys(word for row in rows[:best] for cell in row if (word := _text(cell))))
        return Heading(last + 1, tuple(names), self._columns(names), title)

    def _names(self, rows: Sequence[Sequence[object]], place: int) -> tuple[list[str], int]:
        """Give the headers that stand in a line with those above or below it that belong to them, and the last of the lines."""
        names = [_text(cell) for cell in rows[place]]
        if place:
            names = [
                name or (_text(above) if self.field_of(_text(above)) else "") for name, above in _pairs(names, rows[place - 1])
            ]
        below = rows[place + 1] if place + 1 < len(rows) else []
        said = [_text(cell) for cell in below]
        if any(said) and all(not word or self.field_of(word) is not None for word in said):
            return [under or name for name, under in _pairs(names, said)], place + 1
        return names, place

    def _columns(self, names: Sequence[str]) -> dict[str, int]:
        columns: dict[str, int] = {}
        for place, name in enumerate(names):
            field = self.field_of(name)
            if field is None or field in ("note", "number"):
                continue
            if field == "phone" and field in columns:
                field = next((more for more in MORE_PHONES if more not in columns), field)
            if field in columns:
                both = f"“{names[columns[field]]}”和“{name}”两列是同一项内容"
                raise Unreadable(f"{both}，请留下一列，或在导入时指明字段 {field} 用哪一列")
            columns[field] = place
        return columns


def _text(cell: object) -> str:
    return cell.strip() if isinstance(cell, str) else ""


def _pairs(names: Sequence[str], others: Sequence[object]) -> Iterable[tuple[str, str]]:
    width = max(len(names), len(others))
    padded = [*names, *[""] * (width - len(names))]
    return zip(padded, [*(_text(other) for other in others), *[""] * (width - len(others))], strict=True)
