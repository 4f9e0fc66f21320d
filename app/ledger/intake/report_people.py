"""Keeps who stands beside the person of a report: representatives of a group, the guardian of a minor, their names sealed."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core.crypto import keyring
from app.core.database import Base, db
from app.core.errors import Invalid
from app.ledger.county import county
from app.people.identity import Person, WrongIdentity, clean_person, masked


class PeopleIncomplete(Invalid):
    """请登记集体诉求的代表或未成年人的监护人"""


class ReportPeople(Base):
    """The people beside the person concerned of one report; there is a row only where there are any."""

    __tablename__ = "report_people"
    __table_args__ = (CheckConstraint("group_size IS NULL OR group_size > 1", name="group_size"),)

    report_id: Mapped[int] = mapped_column(ForeignKey("report.id"), primary_key=True)
    group_size: Mapped[int | None]
    representatives: Mapped[bytes | None]
    minor: Mapped[bool] = mapped_column(server_default="false")
    guardian: Mapped[bytes | None]


@dataclass(frozen=True, kw_only=True)
class People:
    """Who stands beside the person of a report: how many they are, who speaks for them, whether it is a minor, whose guardian."""

    group_size: int | None = None
    representatives: Sequence[Person] = ()
    minor: bool = False
    guardian: Person | None = None

    def __bool__(self) -> bool:
        """Say whether there is anybody."""
        return bool(self.group_size or self.representatives or self.minor or self.guardian)


def wrong_people(people: People, *, no_guardian: bool) -> dict[str, list[str]]:
    """Give what is missing or wrong, by field: representatives of a group that is large enough, the guardian of a minor.

    `no_guardian`: none is asked for where abuse is suspected, for it may be the one, nor where nobody is named at all.
    """
    errors: dict[str, list[str]] = {}
    group, most = county().group_from, county().representatives_most
    named = [person for person in people.representatives if (person.name or "").strip()]
    if people.group_size is not None and people.group_size >= group and not named:
        errors["representatives"] = [f"{group} 人及以上的集体诉求，请登记 1 到 {most} 名代表"]
    elif people.representatives and (people.group_size is None or len(people.representatives) > people.group_size):
        errors["group_size"] = ["请填写集体诉求的人数，代表不能比人数多"]
    elif len(named) != len(people.representatives) or len(named) > most:
        errors["representatives"] = [f"请写明每名代表的姓名，最多 {most} 名"]
    guardian = people.guardian and (people.guardian.name or "").strip()
    if people.minor and not guardian and not no_guardian:
        errors["guardian"] = ["未成年人的事项，请登记监护人姓名"]
    return errors


def check_people(people: People) -> None:
    """Raise PeopleIncomplete where a group names nobody who speaks for it, or a minor's matter no guardian."""
    errors = wrong_people(people, no_guardian=False)
    if errors:
        raise PeopleIncomplete(errors=errors)


def keep_people(report_id: int, people: People) -> None:
    """Store who stands beside the person of a report, names and phones sealed. Raises WrongIdentity naming the field."""
    row = ReportPeople(report_id=report_id, group_size=people.group_size, minor=people.minor)
    if people.representatives:
        plain = _packed("representatives", people.representatives)
        row.representatives = keyring().encrypt(plain, field="report_people.representatives")
    if people.guardian is not None:
        row.guardian = keyring().encrypt(_packed("guardian", [people.guardian]), field="report_people.guardian")
    db.session.add(row)
    db.session.flush()


def _packed(field: str, persons: Sequence[Person]) -> str:
    try:
        clean = [clean_person(person) for person in persons]
    except WrongIdentity as wrong:
        wrong.errors = {field: [line for lines in wrong.errors.values() for line in lines]}
        raise
    return orjson.dumps([[person.name, person.phone] for person in clean]).decode()


def people_of(report_ids: Sequence[int]) -> dict[int, People]:
    """Give who stands beside the persons of reports, masked."""
    rows = db.session.scalars(select(ReportPeople).where(ReportPeople.report_id.in_(report_ids)))
    return {row.report_id: _masked(row) for row in rows}


def _masked(row: ReportPeople) -> People:
    return People(
        group_size=row.group_size,
        representatives=_opened("representatives", row.representatives),
        minor=row.minor,
        guardian=next(iter(_opened("guardian", row.guardian)), None),
    )


def _opened(field: str, sealed: bytes | None) -> list[Person]:
    if sealed is None:
        return []
    plain = orjson.loads(keyring().decrypt(sealed, field=f"report_people.{field}"))
    return [masked(Person(name, phone)) for name, phone in plain]
