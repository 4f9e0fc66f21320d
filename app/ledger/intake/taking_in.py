"""Keeps the one intake: every report becomes report, case, entry, clocks, notices and text to be found by, in one transaction."""

from typing import Any

from app.core.bulk import packed
from app.core.chain import GENESIS
from app.core.crypto import keyring
from app.core.stamp import Stamp
from app.ledger.attachments import attach_to_report
from app.ledger.audiences import head_chain
from app.ledger.catalogue import catalogue
from app.ledger.county import county, danger_in
from app.ledger.deadlines import ClockFor, clock_row
from app.ledger.intake.places import grid_of
from app.ledger.intake.storing import FROM_SUBMISSION, store
from app.ledger.intake.submission import Receipt, Submission, check_persons, fit_words
from app.ledger.labels import label
from app.ledger.merging.texts import text_row, write_text
from app.ledger.numbers import new_claim_code, new_number
from app.ledger.recusal import against, is_staff_against
from app.ledger.timeline import entry_columns, sealed_words
from app.ledger.vocabulary import Action, Clock, Kind, State, Subject, Urgency
from app.ledger.workflow import check_move
from app.notices.models import Recipient
from app.notices.outbox import notice_row
from app.people.duty.absences import away
from app.territory.shapes.placing import GridNamed


def take_in(stamp: Stamp, submission: Submission) -> Receipt:
    """Store a submission as a report in a case of its own, with its first entry, its clocks and its notices.

    The point of a matter finds its grid where nobody chose one. Raises WordsUnfit, ConcernMissing, UnknownCategory, UnknownGrid,
    UnknownParty, PointOutsideCounty, AlreadyInLedger (a source key or upstream number that is in the ledger), FilesUnfit.
    """
    move, role = check_move(Action.SUBMIT, None, stamp.actor.roles())
    stamp = stamp if stamp.role in move.roles else stamp.acting_as(role)
    held, settings = catalogue(), county()
    check_persons(submission)
    title, body = fit_words(submission, settings)
    facts_of_category = held.offered(submission.category_id) if submission.category_id is not None else None
    at_point = _grid_of_point(submission)
    grid_id = submission.grid_id if submission.grid_id is not None or at_point is None else at_point.id
    territory = held.grid_path(grid_id) if grid_id is not None else held.county_path
    paths, staff_id = None, None
    if submission.against_unit_id is not None or submission.against_staff_id is not None:
        paths, staff_id = against(submission.against_unit_id, submission.against_staff_id, county_id=held.county_id)
    confidential = submission.confidential or submission.kind is Kind.TIP_OFF
    dangers = danger_in(title + "\n" + body, settings.danger_words)
    urgent = bool(dangers) or submission.urgency is Urgency.URGENT or (facts_of_category is not None and facts_of_category.urgent)
    facts: dict[str, Any] = {"channel": submission.channel, "kind": submission.kind}
    if dangers:
        facts["danger"] = list(dangers)
    if at_point is not None and at_point.id != submission.grid_id:
        facts["grid_of_point"] = at_point.code

    values: dict[str, Any] = {
        **{column: getattr(submission, column) for column in FROM_SUBMISSION},
        "title": title,
        "body": body,
        "channel": submission.channel,
        "kind": submission.kind,
        "category_id": submission.category_id,
        "urgency": Urgency.URGENT if urgent else Urgency.NORMAL,
        "grid_id": grid_id,
        "territory_path": territory,
        "confidential": confidential,
        "anonymous": submission.anonymous,
        "against_paths": paths,
        "against_staff_id": staff_id,
        "upstream_number": submission.upstream_number,
        "said_at": submission.said_at or stamp.at,
        "at": stamp.at,
    }
    clocks = [clock_row(_clock_for(clock, values, held.county_id), stamp.at) for clock in move.starts]
    sealed = sealed_words(None, body)
    assert sealed is not None
    values |= {"salt": sealed[0], "clocks": packed(clocks)}
    values |= {"next_due_at": min(clock["due_at"] for clock in clocks), "amber_at": min(clock["warn_at"] for clock in clocks)}
    while True:
        number = new_number(stamp.at)
        code = new_claim_code() if submission.anonymous or submission.filer_resident_id is None else None
        entry = entry_columns(
            stamp, number, seq=1, before=GENESIS, action=Action.SUBMIT, states=(None, State.SUBMITTED), facts=facts, seal=sealed[1]
        )
        told = _notices(stamp, number, submission, dangers, paths=paths, against_staff_id=staff_id)
        stored = store(values | entry | {"number": number, "claim_index": claim_index(number, code) if code else None}, told)
        if stored is not None:
            at_place = {"latitude": submission.latitude, "longitude": submission.longitude}
            write_text(text_row(stored[0], title, body, **at_place))
            keep, ticket = submission.keep_position, submission.upload_ticket
            attach_to_report(stamp, stored[1], submission.files, keep_position=keep, ticket=ticket)
            return Receipt(*stored, number, code)


def _grid_of_point(submission: Submission) -> GridNamed | None:
    """Give the grid in which the matter's point lies. Where a person chose another, theirs stays and intake is told of this."""
    if submission.latitude is None or submission.longitude is None:
        return None
    return grid_of(submission.latitude, submission.longitude)


def claim_index(number: str, code: str) -> bytes:
    """Give the blind index under which a report keeps its claim code."""
    return keyring().blind(f"{number}:{code}", field="claim_code")


def _clock_for(clock: Clock, values: dict[str, Any], county_id: int | None) -> ClockFor:
    return ClockFor(clock, Subject.CASE, values["kind"], values["urgency"], values["category_id"], label(clock), county_id)


def _notices(
    stamp: Stamp,
    number: str,
    submission: Submission,
    dangers: tuple[str, ...],
    *,
    paths: list[str] | None,
    against_staff_id: int | None,
) -> list[dict[str, Any]]:
    """Give the notices of an intake: the number to the person concerned and a resident who filed, danger to the shift's head."""
    rows = []
    key = f"{number}:1"
    for person in dict.fromkeys((submission.concerned_id, submission.filer_resident_id)):
        if person is None:
            continue
        to = (Recipient.RESIDENT, person)
        template = "submit_danger" if dangers else "submit"
        rows.append(notice_row(key, to=to, template=template, params={"number": number}, case_id=None, at=stamp.at))
    if dangers:
        params = {"number": number, "word": dangers[0]}
        at_work = ([staff for staff in step if staff not in away()] for step in head_chain(stamp.at))
        fit = ([staff for staff in step if not is_staff_against(staff, paths, against_staff_id)] for step in at_work)
        heads = next(filter(None, fit), [])
        rows += [
            notice_row(f"{key}:danger", to=(Recipient.STAFF, head), template="danger", params=params, case_id=None, at=stamp.at)
            for head in heads
        ]
    return rows
