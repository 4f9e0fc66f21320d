"""Keeps whom a list means by those who care for somebody (帮扶人): staff by login or name, residents by number or name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from app.core.database import db
from app.core.stamp import Role
from app.people.models import Staff
from app.people.roster.care import BY_STAFF
from app.people.roster.lists.ends import NO
from app.people.roster.lists.headings import plain
from app.people.roster.models import CareBy
from app.people.staff import posts_held

BY_WORDS = {
    CareBy.FAMILY: "亲属",
    CareBy.CADRE: "干部",
    CareBy.GRID_WORKER: "网格员",
    CareBy.PARTY_MEMBER: "党员",
    CareBy.VOLUNTEER: "志愿者",
}
_BY = {word: by for by, word in BY_WORDS.items()} | {"村干部": CareBy.CADRE, "家属": CareBy.FAMILY, "家人": CareBy.FAMILY}
_RESIDENT = re.compile(r"(?:.*[(（])?居民\s*(\d{1,17})[)）]?")
_STAFF = re.compile(r".*[(（]([^()（）]+)[)）]")


@dataclass(frozen=True, slots=True)
class Carer:
    """Who cares, as what where that is said: a member of staff, a resident by number, or a resident of the grid by `name`."""

    by: CareBy | None = None
    staff_id: int | None = None
    carer_id: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class CarersRead:
    """What a cell says of carers, and what of it could not be understood, in words for people."""

    carers: tuple[Carer, ...]
    unread: tuple[str, ...]


class NamedCarers:
    """The staff whom lists may name: by login, and who hold a post by name too; looked up once."""

    def __init__(self) -> None:
        """Look them up at the first use."""
        self._logins: dict[str, int] | None = None
        self._names: dict[str, list[int]] = {}
        self._cells: dict[str, CarersRead] = {}
        self._workers = frozenset({post.staff_id for post in posts_held().by_role.get(Role.GRID_WORKER, ())})

    def as_what(self, carer: Carer) -> CareBy:
        """Give as what somebody cares; where nobody says: grid workers and cadres by their posts, residents as family."""
        if carer.staff_id is None:
            return carer.by or CareBy.FAMILY
        return carer.by or (CareBy.GRID_WORKER if carer.staff_id in self._workers else CareBy.CADRE)

    def read(self, cell: str) -> CarersRead:
        """Give who cares by a cell such as `吴村（wu）、亲属：李小田`."""
        if cell not in self._cells:  # a cadre's name stands on many rows
            self._cells[cell] = self._read(cell)
        return self._cells[cell]

    def _read(self, cell: str) -> CarersRead:
        carers, unread = list[Carer](), list[str]()
        for word in re.split(r"[、,，;；/\n]+", cell):
            if not word.strip() or word.strip().casefold() in NO:
                continue
            said, colon, who = word.replace(":", "：", 1).partition("：")
            by = _BY.get(said.strip()) if colon else None
            carer = self._carer(by, (who if colon else word).strip()) if by or not colon else None
            if carer is None:
                unread.append(f"帮扶人“{word.strip()}”不清楚是谁，未登记：干部和网格员请写账号，亲属请写“亲属：姓名”")
            else:
                carers.append(carer)
        return CarersRead(tuple(carers), tuple(unread))

    def _carer(self, by: CareBy | None, who: str) -> Carer | None:
        resident = _RESIDENT.fullmatch(who)
        if resident is not None:
            return None if by in BY_STAFF else Carer(by, carer_id=int(resident[1]))
        staff_id = self._staff(who) if by is not CareBy.FAMILY else None
        if staff_id is not None:
            return Carer(by, staff_id=staff_id)
        return Carer(by, name=who) if by is not None and by not in BY_STAFF else None

    def _staff(self, who: str) -> int | None:
        if self._logins is None:
            rows = db.session.execute(select(Staff.id, Staff.login, Staff.name)).all()
            self._logins = {row.login: row.id for row in rows}
            for row in rows:
                if holds_post(row.id):
                    self._names.setdefault(plain(row.name), []).append(row.id)
        inside = _STAFF.fullmatch(who)
        for login in (who, inside[1].strip() if inside else who):
            if login in self._logins:
                return self._logins[login]
        named = self._names.get(plain(who), [])
        return named[0] if len(named) == 1 else None


def holds_post(staff_id: int) -> bool:
    """Say whether a member of staff holds a post now: nobody else is named as a carer."""
    return staff_id in posts_held().paths


CarerFacts = tuple[CareBy, tuple[str, str] | None, tuple[str | None, int] | None]
"""As what, and a member of staff by name and login, or a resident by name and number."""


def carer_words(carers: Iterable[CarerFacts]) -> list[str]:
    """Give carers as `NamedCarers.read` reads them."""
    words = []
    for by, staff, resident in carers:
        who = f"{staff[0]}（{staff[1]}）" if staff else f"{resident[0] or ''}（居民{resident[1]}）" if resident else ""
        words.append(f"{BY_WORDS[by]}：{who}")
    return words
