"""Keeps the writing of residents on the roster: entered once, edited, moved and never doubled, ended, merged, restored."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import exists, or_, select, update

from app.core.clock import CHINA
from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid
from app.core.stamp import Stamp
from app.people.identity import Person, clean_person, enrol_resident, open_person, seal_person
from app.people.models import EndedBy, Resident, ResidentIdentity, Sex, WechatAccount
from app.people.roster.changes import changed, noted
from app.people.roster.commands import HouseholdOver
from app.people.roster.merging import hand_over
from app.people.roster.models import Care, GroupHead, ResidentTag, RosterChangeKind
from app.people.roster.numbers import hold_number
from app.people.roster.scope import as_editor, find_resident, in_reach, lock_household, lock_resident
from app.territory.models import Household

LONGEST_RELATION = 20


class WrongResident(Invalid):
    """居民信息填写有误"""


class ResidentOnRoster(Conflict):
    """这位居民已在名册上"""


class ResidentElsewhere(Conflict):
    """这位居民已在本县其他网格登记"""


class ResidentOver(Conflict):
    """这位居民已经不在名册上"""


class ResidentToRestore(Conflict):
    """名册上这位居民已经注销，请先恢复"""


class ResidentNotOver(Conflict):
    """这位居民还在名册上"""


@dataclass(frozen=True, kw_only=True)
class ResidentGiven:
    """A resident as they are entered; what the ID number says of sex and birth need not be given."""

    person: Person
    sex: Sex | None = None
    birth_month: date | None = None
    relation: str | None = None


def birth_of(id_number: str) -> date | None:
    """Give the birth date in an ID number of 18 characters; None where there is no such day."""
    try:
        return date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))
    except ValueError:
        return None


def sex_of(id_number: str) -> Sex:
    """Give the sex in an ID number of 18 characters: the seventeenth digit is odd for men."""
    return Sex.MALE if int(id_number[16]) % 2 else Sex.FEMALE


def checked(given: ResidentGiven, today: date) -> ResidentGiven:
    """Give a resident in one form, with what the ID number says; raises WrongResident naming each wrong field.

    The words are for people; a name must be there, an ID number must be of a real day before today and agree with the sex.
    """
    errors: dict[str, list[str]] = {}
    try:
        person = clean_person(given.person)
    except Invalid as refused:
        raise WrongResident(errors=refused.errors) from None
    if not person.name:
        errors["name"] = ["请填写姓名"]
    sex, birth = given.sex, given.birth_month
    relation = re.sub(r"\s+", "", given.relation or "") or None
    if relation and (len(relation) > LONGEST_RELATION or not relation.isprintable()):
        errors["relation"] = [f"与户主关系请不超过 {LONGEST_RELATION} 个字"]
    if person.id_number:
        born = birth_of(person.id_number)
        if born is None or not date(1900, 1, 1) <= born <= today:
            errors["id_number"] = ["身份证号里的出生日期不对，请逐位核对"]
        elif birth is not None and (birth.year, birth.month) != (born.year, born.month):
            errors["birth_month"] = ["出生年月与身份证号不一致"]
        elif sex is not None and sex is not sex_of(person.id_number):
            errors["sex"] = ["性别与身份证号不一致"]
        birth, sex = born, sex or sex_of(person.id_number)
    if birth is not None and not date(1900, 1, 1) <= birth <= today and "id_number" not in errors:
        errors["birth_month"] = ["出生日期不能晚于今天，也不能早于 1900 年"]
    if errors:
        raise WrongResident(errors=errors)
    return ResidentGiven(person=person, sex=sex, birth_month=birth.replace(day=1) if birth else None, relation=relation)


def enter_resident(stamp: Stamp, household_id: int, given: ResidentGiven) -> Resident:
    """Put somebody on the roster in a household; who is known of a filing only, or had moved away, is taken up, not doubled.

    Raises RosterIsNotYoursToEdit, HouseholdNotFound, HouseholdOver, WrongResident, ResidentOnRoster (naming the resident, to be
    moved instead), ResidentToRestore (naming one who was said to be dead), ResidentElsewhere (which tells nothing more).
    """
    stamp = as_editor(stamp)
    household = lock_household(stamp, household_id)
    if household.ended_at is not None:
        raise HouseholdOver
    given = checked(given, stamp.at.astimezone(CHINA).date())
    _check_new(stamp, given.person, household.id)
    known = _back(stamp, given.person) or _known(given.person)
    resident = known or enrol_resident(stamp, given.person, grid_id=household.grid_id, household_id=household.id)
    resident.grid_id, resident.household_id = household.grid_id, household.id
    resident.sex, resident.birth_month, resident.relation = given.sex, given.birth_month, given.relation
    (changed if known else noted)(stamp, resident, RosterChangeKind.RESIDENT_ADDED)
    return resident


def _check_new(stamp: Stamp, person: Person, household_id: int, *, but: int | None = None) -> None:
    """Raise ResidentOnRoster or ResidentElsewhere for whoever lives somewhere already: by ID number, else by name at home."""
    ring = keyring()
    if person.id_number:
        hold_number(person.id_number)
    query = select(Resident.id, Resident.household_id, in_reach(stamp, Resident.grid_id).label("mine")).join(ResidentIdentity)
    query = query.where(Resident.household_id.is_not(None), Resident.ended_at.is_(None), Resident.id != (but or 0))
    if person.id_number:
        same = ResidentIdentity.id_number_index == ring.blind(person.id_number, field="id_number")
    else:
        same = ResidentIdentity.name_index == ring.blind(person.name or "", field="name")
        same = (Resident.household_id == household_id) & same & ResidentIdentity.id_number_index.is_(None)
    found = db.session.execute(query.where(same).order_by(Resident.id)).first()
    if found is None:
        return
    if found.mine:
        raise ResidentOnRoster(resident_id=found.id, household_id=found.household_id)
    raise ResidentElsewhere


def _back(stamp: Stamp, person: Person) -> Resident | None:
    """Give whom the county knows by this name and ID number and who had moved away, to live here again, wherever it was.

    Raises ResidentToRestore for one who was said to be dead, ResidentElsewhere where that is beyond reach.
    """
    if not person.id_number:
        return None
    ring = keyring()
    same = (
        ResidentIdentity.id_number_index == ring.blind(person.id_number, field="id_number"),
        ResidentIdentity.name_index == ring.blind(person.name or "", field="name"),
    )
    query = select(Resident.id, Resident.ended_by, in_reach(stamp, Resident.grid_id).label("mine")).join(ResidentIdentity)
    gone = (Resident.household_id.is_not(None), Resident.ended_by.in_((EndedBy.DECEASED, EndedBy.MOVED_AWAY)))
    found = db.session.execute(query.where(*same, *gone).order_by(Resident.ended_at.desc(), Resident.id)).first()
    if found is None:
        return None
    if found.ended_by is EndedBy.DECEASED:
        raise ResidentToRestore(resident_id=found.id) if found.mine else ResidentElsewhere
    (resident,) = lock_rows(Resident, [found.id])
    resident.ended_at = resident.ended_by = None
    return resident


def _known(person: Person) -> Resident | None:
    """Give whom the county knows by the same name and ID number without a household; what a WeChat account says proves nobody."""
    if not person.id_number:
        return None
    declared = exists().where(WechatAccount.resident_id == Resident.id)
    same = ResidentIdentity.id_number_index == keyring().blind(person.id_number, field="id_number")
    query = select(Resident).join(ResidentIdentity).where(same, ~declared, Resident.household_id.is_(None))
    named = ResidentIdentity.name_index == keyring().blind(person.name or "", field="name")
    return db.session.scalars(query.where(named, Resident.ended_at.is_(None)).order_by(Resident.id)).first()


def edit_resident(stamp: Stamp, resident_id: int, *, version: int | None = None, **given: Any) -> Resident:
    """Change what is given of a resident: name, phone, id_number, sex, birth_month, relation; None empties a field but the name.

    Raises RosterIsNotYoursToEdit, ResidentNotFound, RosterStale, ResidentOver, WrongResident, ResidentOnRoster, ResidentElsewhere.
    """
    stamp = as_editor(stamp)
    resident = lock_resident(stamp, resident_id, version=version)
    _check_on(resident)
    before = open_person(resident.identity)
    person = Person(**{name: given.get(name, getattr(before, name)) for name in ("name", "phone", "id_number")})
    same = {name: given.get(name, getattr(resident, name)) for name in ("sex", "birth_month", "relation")}
    if given.get("id_number") not in (None, before.id_number):
        same |= {name: given.get(name) for name in ("sex", "birth_month")}
    fresh = checked(ResidentGiven(person=person, **same), stamp.at.astimezone(CHINA).date())
    if fresh.person.id_number != before.id_number and fresh.person.id_number:
        _check_new(stamp, fresh.person, resident.household_id or 0, but=resident.id)
    sealed = [name for name in ("name", "phone", "id_number") if getattr(fresh.person, name) != getattr(before, name)]
    facts = {name: getattr(fresh, name) for name in same if getattr(fresh, name) != getattr(resident, name)}
    if sealed:
        resident.identity = resident.identity or ResidentIdentity()
        for column, value in seal_person(fresh.person).items():
            if column.removesuffix("_index") in sealed:
                setattr(resident.identity, column, value)
    for name, value in facts.items():
        setattr(resident, name, value)
    if sealed or facts:
        words: dict[str, Any] = {name: value.isoformat() if isinstance(value, date) else value for name, value in facts.items()}
        changed(stamp, resident, RosterChangeKind.RESIDENT_EDITED, **words | ({"sealed": sealed} if sealed else {}))
    return resident


def _check_on(resident: Resident) -> None:
    if resident.ended_at is not None:
        raise ResidentOver


def move_resident(
    stamp: Stamp, resident_id: int, *, household_id: int, relation: str | None = None, version: int | None = None
) -> Resident:
    """Move a resident to another household, in another grid too: moved, never doubled; headships of the old group end.

    Raises RosterIsNotYoursToEdit, HouseholdNotFound, ResidentNotFound, RosterStale, HouseholdOver, ResidentOver.
    """
    stamp = as_editor(stamp)
    household = lock_household(stamp, household_id)
    resident = lock_resident(stamp, resident_id, version=version)
    _check_on(resident)
    if household.ended_at is not None:
        raise HouseholdOver
    if resident.household_id == household.id:
        return resident
    before, old = resident.grid_id, resident.household_id
    resident.household_id, resident.grid_id, resident.relation = household.id, household.grid_id, relation
    if before != household.grid_id:
        _end_all(stamp, resident, heads_only=True)
    changed(
        stamp,
        resident,
        RosterChangeKind.RESIDENT_MOVED,
        from_grid_id=before if before != household.grid_id else None,
        from_household_id=old,
    )
    return resident


def end_resident(
    stamp: Stamp, resident_id: int, *, why: EndedBy, merged_into_id: int | None = None, version: int | None = None
) -> Resident:
    """Take a resident off the roster: deceased, moved away, or a duplicate of another, to whom what hangs on it goes over.

    Raises RosterIsNotYoursToEdit, ResidentNotFound, RosterStale, ResidentOver, WrongResident.
    """
    stamp = as_editor(stamp)
    if (why is EndedBy.DUPLICATE) != (merged_into_id is not None) or merged_into_id == resident_id:
        raise WrongResident(errors={"merged_into_id": ["重复登记的，请指明并入哪位居民；其他情形不用填写"]})
    lock_rows(Resident, [resident_id, *([merged_into_id] if merged_into_id else [])])
    resident = lock_resident(stamp, resident_id, version=version)
    _check_on(resident)
    if merged_into_id is not None:
        survivor = lock_resident(stamp, merged_into_id)
        _check_on(survivor)
        hand_over(stamp, resident, survivor)
    resident.ended_at, resident.ended_by, resident.merged_into_id = stamp.at, why, merged_into_id
    _end_all(stamp, resident)
    changed(stamp, resident, RosterChangeKind.RESIDENT_ENDED, why=why, **({"into": merged_into_id} if merged_into_id else {}))
    return resident


def _end_all(stamp: Stamp, resident: Resident, *, heads_only: bool = False) -> None:
    """End a resident's headships and, unless these only, tags and care, given and received."""
    ends: list[tuple[Any, Any]] = [(GroupHead, GroupHead.resident_id == resident.id)]
    if not heads_only:
        ends += [
            (ResidentTag, ResidentTag.resident_id == resident.id),
            (Care, or_(Care.resident_id == resident.id, Care.carer_id == resident.id)),
        ]
    for model, whose in ends:
        db.session.execute(update(model).where(whose, model.ended_at.is_(None)).values(ended_at=stamp.at))


def restore_resident(stamp: Stamp, resident_id: int, *, version: int | None = None) -> Resident:
    """Put a resident back who was ended by mistake; tags and care are to be named anew.

    Raises RosterIsNotYoursToEdit, ResidentNotFound, RosterStale, ResidentNotOver, HouseholdOver (who lives elsewhere now is entered
    there), ResidentOnRoster, ResidentElsewhere.
    """
    stamp = as_editor(stamp)
    households = lock_rows(Household, [find_resident(stamp, resident_id).household_id or 0])
    resident = lock_resident(stamp, resident_id, version=version)
    if resident.ended_at is None:
        raise ResidentNotOver
    if any(household.ended_at is not None for household in households):
        raise HouseholdOver
    _check_new(stamp, open_person(resident.identity), resident.household_id or 0, but=resident.id)
    resident.ended_at = resident.ended_by = resident.merged_into_id = None
    changed(stamp, resident, RosterChangeKind.RESIDENT_RESTORED)
    return resident
