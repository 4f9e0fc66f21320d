"""Keeps the filing for others: person, consent, report and filing are stored together, and the person gets a claim code."""

from dataclasses import dataclass

from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import Invalid, NotAllowed
from app.core.stamp import ActorKind, Role, Stamp
from app.filings.models import Consent, ProxyFiling
from app.filings.rules import ConsentGiven, Filing, PersonMissing, check_consent, check_reason, handout
from app.ledger.catalogue import catalogue
from app.ledger.intake.codes import in_ids
from app.ledger.intake.report_people import check_people, keep_people
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.merging.repeats import join_repeat
from app.ledger.vocabulary import Channel
from app.people.identity import Person, find_or_enrol
from app.people.models import Resident, Staff

PROXIES = (Role.CADRE, Role.GRID_WORKER)


class MayNotFileForOthers(NotAllowed):
    """代办由村干部或网格员登记"""


@dataclass(frozen=True)
class Filed:
    """A stored filing: the case's number, the claim code for the resident (shown once), and the words to print for them."""

    number: str
    claim_code: str
    handout: str


def file_for(stamp: Stamp, filing: Filing) -> Filed:
    """File a matter for somebody who cannot, with their recorded consent; the matter is theirs, they are told of it.

    Raises MayNotFileForOthers, PersonMissing, WrongIdentity, PeopleIncomplete, ConsentIncomplete, ReasonMissing, UnknownGrid,
    UnknownParty, and what `take_in` raises.
    """
    role = stamp.actor.holds(PROXIES) if stamp.actor.kind is ActorKind.STAFF else None
    if role is None:
        raise MayNotFileForOthers
    stamp = stamp.acting_as(role)
    assert stamp.actor.id is not None
    check_people(filing.people)
    check_consent(filing.consent, filer_name=db.session.get_one(Staff, stamp.actor.id).name)
    grid_id = catalogue().grid_id(filing.grid)
    resident = _person(stamp, filing.person, grid_id)
    check_reason(filing.reason, place=catalogue().grid_path(grid_id), villages=stamp.actor.paths(*PROXIES))
    consent = _consent(stamp, resident.id, filing.consent)
    receipt = take_in(stamp, _submission(stamp, filing, grid_id=grid_id, resident_id=resident.id, consent_id=consent.id))
    assert receipt.claim_code is not None
    if filing.people:
        keep_people(receipt.report_id, filing.people)
    db.session.add(
        ProxyFiling(
            staff_id=stamp.actor.id,
            resident_id=resident.id,
            consent_id=consent.id,
            report_id=receipt.report_id,
            reason=(filing.reason or "").strip() or None,
            filed_at=stamp.at,
        )
    )
    join_repeat(stamp, receipt)
    return Filed(receipt.number, receipt.claim_code, handout(receipt.number, receipt.claim_code))


def _person(stamp: Stamp, person: Person, grid_id: int) -> Resident:
    """Give the person concerned, enrolled in the filing's grid when nobody of this identity is known."""
    if not (person.name or "").strip():
        raise PersonMissing(errors={"person.name": ["请登记当事人的姓名"]})
    try:
        return find_or_enrol(stamp, person, grid_id=grid_id)
    except Invalid as refused:
        refused.errors = {f"person.{name}": sentences for name, sentences in refused.errors.items()}
        raise


def _consent(stamp: Stamp, resident_id: int, given: ConsentGiven) -> Consent:
    assert stamp.actor.id is not None
    consent = Consent(
        resident_id=resident_id,
        staff_id=stamp.actor.id,
        method=given.method,
        witness=keyring().encrypt(witness, field="consent.witness") if (witness := (given.witness or "").strip()) else None,
        evidence=(given.evidence or "").strip() or None,
        given_at=stamp.at,
    )
    db.session.add(consent)
    db.session.flush()
    return consent


def _submission(stamp: Stamp, filing: Filing, *, grid_id: int, resident_id: int, consent_id: int) -> Submission:
    return Submission(
        channel=Channel.PROXY,
        body=filing.body,
        title=filing.title,
        kind=filing.kind,
        category_id=filing.category_id,
        grid_id=grid_id,
        filer_staff_id=stamp.actor.id,
        concerned_id=resident_id,
        consent_id=consent_id,
        confidential=filing.confidential,
        **in_ids({"against_unit": filing.against_unit}),
    )
