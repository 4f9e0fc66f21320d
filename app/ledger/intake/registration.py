"""Keeps what the desk registers for others: calls, letters, mailbox items, visitors, upstream orders, patrols, leaders' notes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.core.database import lock_rows
from app.core.errors import Invalid, NotAllowed
from app.core.stamp import Role, Stamp
from app.ledger.commands import answer_locked
from app.ledger.county import county, danger_in
from app.ledger.emergencies import hand_locked
from app.ledger.intake.calls import join_call
from app.ledger.intake.codes import in_ids, named_by_code
from app.ledger.intake.places import Point, located
from app.ledger.intake.report_people import People, keep_people, wrong_people
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.merging.repeats import join_repeat
from app.ledger.models import Case
from app.ledger.upstream.orders import begin_upstream
from app.ledger.vocabulary import Channel, EmergencyService, Kind, State, Urgency
from app.people.identity import Person, find_or_enrol

REGISTRARS = (Role.INTAKE, Role.DISPATCHER, Role.CALLBACK_AGENT)

BY_A_PERSON = frozenset({Channel.HOTLINE, Channel.WINDOW, Channel.LETTER, Channel.MAILBOX})
"""Channels on which a person speaks: who it is must be known, or the report be anonymous."""

DESK_CHANNELS = BY_A_PERSON | {Channel.UPSTREAM_12345, Channel.PATROL, Channel.LEADER}


class RegisteredByDesk(NotAllowed):
    """来电来件由受理员登记"""


class RegistrationUnfit(Invalid):
    """登记的内容有误"""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One thing said by somebody who is not here to file it. Grid, unit and staff go by code and login.

    `name`, `phone`, `id_number` are the person concerned; `answer` is what the person was told at once (answered directly).
    `people` stand beside that person. `emergency` is whom danger to life was handed to by three-party call, with what was said
    in it. A matter of `suspected_abuse` goes to the police and is hidden from the grid. `sign_by`, `return_by` and `due_by` are
    upstream's moments. `files` are the registrar's own uploads: a letter that was scanned, what a visitor brought.
    """

    channel: Channel
    body: str
    title: str | None = None
    kind: Kind = Kind.OTHER
    category_id: int | None = None
    urgency: Urgency | None = None
    grid: str | None = None
    outside_grids: bool = False
    place: str | None = None
    point: Point | None = None
    name: str | None = None
    phone: str | None = None
    id_number: str | None = None
    anonymous: bool = False
    confidential: bool = False
    against_unit: str | None = None
    against_staff: str | None = None
    said_at: datetime | None = None
    upstream_number: str | None = None
    call_id: int | None = None
    answer: str | None = None
    people: People = field(default_factory=People)
    suspected_abuse: bool = False
    emergency: EmergencyService | None = None
    emergency_note: str | None = None
    sign_by: datetime | None = None
    return_by: datetime | None = None
    due_by: datetime | None = None
    files: Sequence[int] = ()

    @property
    def rescue(self) -> EmergencyService | None:
        """Whom the matter is handed to: as said, and the police where abuse is suspected."""
        return self.emergency or (EmergencyService.POLICE if self.suspected_abuse else None)

    def person(self) -> Person | None:
        """Give the person concerned, None when nothing is known."""
        return Person(self.name, self.phone, self.id_number) if self.name or self.phone or self.id_number else None


@dataclass(frozen=True)
class Registered:
    """What the desk reads back: the number, the claim code (shown once), where the case stands, danger words that were heard."""

    number: str
    claim_code: str | None
    state: State
    version: int
    dangers: tuple[str, ...]


def register(stamp: Stamp, registration: Registration) -> Registered:
    """Register what was said, for the person concerned; with an `answer`, the case opens and is answered in one step.

    Raises RegisteredByDesk, RegistrationUnfit, UnknownGrid, UnknownParty, CallUnfit, CallHasCase, CallMadeNoCase, WrongIdentity
    and whatever `take_in` and `answer_locked` raise.
    """
    role = stamp.actor.holds(REGISTRARS)
    if role is None:
        raise RegisteredByDesk
    stamp = stamp.acting_as(role)
    _check(stamp, registration)
    with named_by_code():
        receipt = take_in(stamp, _submission(stamp, registration))
        (case,) = lock_rows(Case, [receipt.case_id])
        if registration.call_id is not None:
            join_call(registration.call_id, case)
        if registration.people:
            keep_people(receipt.report_id, registration.people)
        if registration.channel is Channel.UPSTREAM_12345:
            begin_upstream(stamp, case, sign_by=registration.sign_by, return_by=registration.return_by, due_by=registration.due_by)
        case.hidden_from_grid = registration.suspected_abuse
        if registration.rescue is not None:
            note = registration.emergency_note or "疑似侵害，登记时已移交公安机关"
            hand_locked(stamp, case, service=registration.rescue, note=note)
        if registration.answer is not None:
            answer_locked(stamp, case, reply=registration.answer, outside_grids=registration.outside_grids)
        if registration.person() is not None and registration.answer is None and registration.rescue is None:
            join_repeat(stamp, receipt)
    dangers = danger_in(f"{case.title}\n{registration.body}", county().danger_words)
    return Registered(receipt.number, receipt.claim_code, case.state, case.version, dangers)


def _check(stamp: Stamp, registration: Registration) -> None:
    errors: dict[str, list[str]] = {}
    person = registration.person()
    upstream = registration.channel is Channel.UPSTREAM_12345
    if registration.channel not in DESK_CHANNELS:
        errors["channel"] = ["这个渠道的事项不在坐席登记"]
    if registration.said_at is not None and registration.said_at > stamp.at:
        errors["said_at"] = ["反映时间不能晚于现在"]
    if upstream != (registration.upstream_number is not None):
        errors["upstream_number"] = ["请填写上级平台的工单编号" if upstream else "只有 12345 转办件有上级编号"]
    if registration.call_id is not None and registration.channel is not Channel.HOTLINE:
        errors["call_id"] = ["只有热线件可以关联来电"]
    beside = [*registration.people.representatives, registration.people.guardian]
    if registration.anonymous and any(each is not None for each in (person, *beside)):
        errors["anonymous"] = ["匿名登记不能填写姓名、电话或身份证号"]
    elif not registration.anonymous and person is None and registration.channel in BY_A_PERSON:
        errors["phone"] = ["请填写反映人的姓名、电话或身份证号；不愿留名的请按匿名登记"]
    if registration.emergency is not None and not (registration.emergency_note or "").strip():
        errors["emergency_note"] = ["请写明三方通话的情况"]
    if registration.rescue is not None and registration.answer is not None:
        errors["answer"] = ["已移交紧急救援的事项，到场确认前不能当场办结"]
    moments = {"sign_by": registration.sign_by, "return_by": registration.return_by, "due_by": registration.due_by}
    errors |= {name: ["只有 12345 转办件有上级时限"] for name, at in moments.items() if at is not None and not upstream}
    errors |= wrong_people(registration.people, no_guardian=registration.suspected_abuse or registration.anonymous)
    if errors:
        raise RegistrationUnfit(errors=errors)


def _submission(stamp: Stamp, registration: Registration) -> Submission:
    given = {"grid": registration.grid, "against_unit": registration.against_unit, "against_staff": registration.against_staff}
    ids = in_ids(given)
    person = registration.person()
    number = (registration.upstream_number or "").strip() or None
    return Submission(
        channel=registration.channel,
        body=registration.body,
        title=registration.title,
        kind=registration.kind,
        category_id=registration.category_id,
        urgency=Urgency.URGENT if registration.rescue else registration.urgency,
        filer_staff_id=None if registration.anonymous else stamp.actor.id,
        concerned_id=find_or_enrol(stamp, person).id if person is not None else None,
        said_at=registration.said_at,
        place_note=registration.place,
        **(located(registration.point, county()) if registration.point is not None else {}),
        confidential=registration.confidential or registration.suspected_abuse,
        anonymous=registration.anonymous,
        upstream_number=number,
        files=registration.files,
        **ids,
    )
