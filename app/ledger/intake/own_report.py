"""Keeps how people speak for themselves through the mini-program: under their name, or unnamed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.stamp import Stamp
from app.ledger.catalogue import catalogue
from app.ledger.county import county
from app.ledger.intake.codes import in_ids
from app.ledger.intake.places import Point, located, where_is
from app.ledger.intake.report_people import People, check_people, keep_people
from app.ledger.intake.submission import Receipt, Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.merging.repeats import join_repeat
from app.ledger.vocabulary import Channel, Kind
from app.people.models import Resident


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What a person says, where it is, and whom it is against; grid and unit go by code.

    `at_home` keeps the point of a matter at home out of the ledger. `people` stand beside the person: representatives of a
    group, the guardian of a minor. `files` are the ids of the person's own uploads; who is unnamed shows their `upload_ticket`.
    """

    body: str
    title: str | None = None
    kind: Kind = Kind.OTHER
    category_id: int | None = None
    grid: str | None = None
    point: Point | None = None
    at_home: bool = False
    against_unit: str | None = None
    confidential: bool = False
    people: People = field(default_factory=People)
    files: Sequence[int] = ()
    upload_ticket: str | None = field(default=None, repr=False)


def report_own(stamp: Stamp, matter: Matter) -> Receipt:
    """Take in what a signed-in resident says for themselves.

    The same words again within minutes join the case that they made before. A matter at home keeps its grid and household only,
    the resident's own where none is named, else that of the point. Raises what `take_in` raises,
    and PointOutsideCounty, PeopleIncomplete, WrongIdentity.
    """
    me = stamp.actor.id
    check_people(matter.people)
    said: dict[str, Any] = _said(matter) | {"filer_resident_id": me, "concerned_id": me, "confidential": matter.confidential}
    said |= {"keep_position": _keeps_position(matter)}
    if matter.at_home:
        home = db.session.execute(select(Resident.grid_id, Resident.household_id).where(Resident.id == me)).one()
        said |= {"grid_id": said["grid_id"] or home.grid_id or _grid_of(matter.point), "household_id": home.household_id}
    receipt = take_in(stamp, Submission(**said))
    if matter.people:
        keep_people(receipt.report_id, matter.people)
    join_repeat(stamp, receipt)
    return receipt


def report_unnamed(stamp: Stamp, matter: Matter) -> Receipt:
    """Take in what somebody says without a name; only the claim code leads back to it. Raises as `report_own`."""
    return take_in(stamp, Submission(**_said(matter), anonymous=True, upload_ticket=matter.upload_ticket))


def _keeps_position(matter: Matter) -> bool:
    """Say whether a photo's position is evidence: only where the category asks for it, and never of a home or in confidence."""
    if matter.category_id is None or matter.at_home or matter.confidential:
        return False
    return catalogue().category(matter.category_id).asks_evidence


def _grid_of(point: Point | None) -> int | None:
    """Give the grid of a point that is not kept itself."""
    if point is None:
        return None
    found = where_is(point).grid
    return found.id if found is not None else None


def _said(matter: Matter) -> dict[str, Any]:
    place = located(matter.point, county()) if matter.point is not None and not matter.at_home else {}
    return {
        "channel": Channel.MINI_PROGRAM,
        "body": matter.body,
        "title": matter.title,
        "kind": matter.kind,
        "category_id": matter.category_id,
        "grid_id": catalogue().grid_id(matter.grid) if matter.grid is not None else None,
        **in_ids({"against_unit": matter.against_unit}),
        "files": matter.files,
        **place,
    }
