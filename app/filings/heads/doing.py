"""Keeps what a head does for the households of their own group: short visits, help given, needs and suggestions as reports.

Another group's household is not there for them, whatever they guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Role, Stamp
from app.filings.heads.heading import headed
from app.filings.heads.models import HeadDid, HeadLog
from app.filings.rules import body_named
from app.ledger.intake.submission import Submission, WordsUnfit, has_control
from app.ledger.intake.taking_in import take_in
from app.ledger.vocabulary import Channel, Kind
from app.people.identity import open_person
from app.people.models import Resident, ResidentIdentity
from app.people.roster.models import GroupHead
from app.people.roster.scope import GroupNotFound, HouseholdNotFound
from app.territory.models import Household

LONGEST = 1000
_FILED = (HeadDid.NEED, HeadDid.SUGGESTION)


class HeadLogUnfit(Invalid):
    """记录的内容需要修改"""


@dataclass(frozen=True, kw_only=True)
class HeadNote:
    """What a head did: in which household (a suggestion is the group's), in which words; `group` by code if several.

    A need or suggestion may have `files`, uploaded by the head.
    """

    what: HeadDid
    words: str
    household_id: int | None = None
    group: str | None = None
    files: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Logged:
    """A stored log; `number` is the case's where it became one."""

    id: int
    what: HeadDid
    number: str | None


def log_as_head(stamp: Stamp, note: HeadNote) -> Logged:
    """Log what was done for one's group; a need is filed by the head for the household, a suggestion as their own.

    Raises NotAHead, GroupNotFound, HouseholdNotFound, HeadLogUnfit, and what `take_in` raises.
    """
    heads = headed(stamp)
    stamp = stamp.acting_as(Role.HOUSEHOLD_HEAD)
    if note.what is HeadDid.SUGGESTION and note.household_id is None:
        head, household = _for_group(heads, note.group), None
    else:
        head, household = _for_household(heads, note.household_id)
    words = _fit(note)
    if note.files and note.what not in _FILED:
        raise HeadLogUnfit(errors={"files": ["走访和帮办记录不带附件；需要解决的事请记为需求，附件会随工单交办"]})
    report_id, number = None, None
    if note.what in _FILED:
        with body_named("words"):
            receipt = take_in(stamp, _submission(stamp, note, head, household))
        report_id, number = receipt.report_id, receipt.number
    row = HeadLog(
        group_id=head.group_id,
        head_id=head.id,
        household_id=household.id if household is not None else None,
        what=note.what,
        words=words,
        report_id=report_id,
        at=stamp.at,
    )
    db.session.add(row)
    db.session.flush()
    return Logged(id=row.id, what=note.what, number=number)


def _for_group(heads: list[GroupHead], code: str | None) -> GroupHead:
    fit = [head for head in heads if code in (None, head.group.code)]
    if code is not None and not fit:
        raise GroupNotFound
    if len(fit) != 1:
        raise HeadLogUnfit(errors={"group": ["您是几个户区的户长，请选择一个"]})
    return fit[0]


def _for_household(heads: list[GroupHead], household_id: int | None) -> tuple[GroupHead, Household]:
    if household_id is None:
        raise HeadLogUnfit(errors={"household_id": ["请选择是哪一户"]})
    own = {head.group_id: head for head in heads}
    query = select(Household).where(Household.id == household_id, Household.group_id.in_(own), Household.ended_at.is_(None))
    household = db.session.scalars(query).first()
    if household is None or household.group_id is None:
        raise HouseholdNotFound
    return own[household.group_id], household


def _fit(note: HeadNote) -> str:
    words = note.words.strip()
    if note.what in _FILED:
        return words
    if not any(character.isalnum() for character in words) or len(words) > LONGEST or has_control(words):
        raise WordsUnfit(errors={"words": [f"请用不超过 {LONGEST} 个字说明"]})
    return words


def _submission(stamp: Stamp, note: HeadNote, head: GroupHead, household: Household | None) -> Submission:
    """Give a need as the head's report on a household, or a suggestion as the head's own.

    A need concerns whoever heads the household where a notice or a call reaches them; else the group's head speaks for it. Either
    way the head who filed is told of the number and the answer.
    """
    suggests = note.what is HeadDid.SUGGESTION
    concerned = _reached_in(household, besides=head.resident_id) if household is not None and not suggests else None
    return Submission(
        channel=Channel.MINI_PROGRAM,
        body=note.words,
        kind=Kind.SUGGESTION if suggests else Kind.HELP,
        grid_id=head.group.grid_id,
        filer_resident_id=stamp.actor.id,
        concerned_id=concerned or stamp.actor.id,
        household_id=household.id if household is not None else None,
        place_note=f"户区：{head.group.name}",
        files=note.files,
    )


def _reached_in(household: Household, *, besides: int) -> int | None:
    """Give who heads a household on the roster, where they have a telephone; None also where that is the group's head."""
    name = keyring().decrypt(household.identity.head_name, field="household.head_name") if household.identity is not None else ""
    query = select(Resident).join(ResidentIdentity).where(Resident.household_id == household.id, Resident.ended_at.is_(None))
    query = query.where(ResidentIdentity.phone.is_not(None), Resident.id != besides).options(contains_eager(Resident.identity))
    people = db.session.scalars(query.order_by(Resident.id))
    return next((each.id for each in people if name and open_person(each.identity).name == name), None)
