"""Keeps the filing for others: person, consent, report and filing are stored together, and the person gets a claim code."""

from dataclasses import dataclass

from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.filings.consent_codes import use_code
from app.filings.evidence import attach_signature
from app.filings.homes.taken import taken_by
from app.filings.models import Consent, ConsentBy, ProxyFiling
from app.filings.persons import Concerned, concerned_in, is_reachable
from app.filings.rules import PROXIES, Filing, check_consent, check_proxy, check_reason, handout
from app.ledger.catalogue import catalogue
from app.ledger.intake.codes import in_ids
from app.ledger.intake.report_people import check_people, keep_people
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.merging.repeats import join_repeat
from app.ledger.vocabulary import Channel
from app.people.identity import Person, clean_person
from app.people.models import Staff


@dataclass(frozen=True)
class Filed:
    """A stored filing: the case's number, the claim code for the resident (shown once), and the words to print for them.

    `told`: a notice reaches the person; else they are told on paper, and the filer says when it was handed over.
    """

    number: str
    claim_code: str
    handout: str
    told: bool


def file_for(stamp: Stamp, filing: Filing) -> Filed:
    """File a matter for somebody who cannot, with their recorded consent; the matter is theirs, they are told of it.

    Raises MayNotFileForOthers, PersonMissing, ResidentNotFound, WrongIdentity, PeopleIncomplete, ConsentIncomplete, ReasonMissing,
    UnknownGrid, UnknownParty, HomeRequestNotFound, and what `take_in` raises.
    """
    stamp = check_proxy(stamp)
    assert stamp.actor.id is not None
    check_people(filing.people)
    grid_id = catalogue().grid_id(filing.grid)
    concerned = concerned_in(stamp, filing, grid_id=grid_id)
    resident = concerned.resident
    check_consent(filing.consent, filer_name=db.session.get_one(Staff, stamp.actor.id).name, person=concerned.person)
    home = taken_by(stamp, filing.home_request) if filing.home_request is not None else None
    place = catalogue().grid_path(grid_id)
    check_reason(filing.reason, place=place, villages=stamp.actor.paths(*PROXIES), known=concerned.own)
    consent = _consent(stamp, filing, concerned)
    receipt = take_in(stamp, _submission(stamp, filing, grid_id=grid_id, resident_id=resident.id, consent_id=consent.id))
    assert receipt.claim_code is not None
    if filing.people:
        keep_people(receipt.report_id, filing.people)
    told = is_reachable(resident)
    db.session.add(
        ProxyFiling(
            staff_id=stamp.actor.id,
            resident_id=resident.id,
            consent_id=consent.id,
            report_id=receipt.report_id,
            reason=(filing.reason or "").strip() or None,
            home_request_id=home.id if home is not None else None,
            filed_at=stamp.at,
            reachable=told,
            person_elsewhere=concerned.elsewhere,
        )
    )
    join_repeat(stamp, receipt)
    return Filed(receipt.number, receipt.claim_code, handout(receipt.number, receipt.claim_code), told)


def _consent(stamp: Stamp, filing: Filing, concerned: Concerned) -> Consent:
    assert stamp.actor.id is not None
    given, ring = filing.consent, keyring()
    code = None
    if given.method is ConsentBy.SMS_CODE:
        assert given.code_id is not None
        code = use_code(stamp, given.code_id, phone=clean_person(concerned.person).phone, title=filing.title)
    phone = _witness_phone(given.witness_phone)
    consent = Consent(
        resident_id=concerned.resident.id,
        staff_id=stamp.actor.id,
        method=given.method,
        witness=ring.encrypt(witness, field="consent.witness") if (witness := (given.witness or "").strip()) else None,
        witness_phone=ring.encrypt(phone, field="consent.witness_phone") if phone else None,
        code_id=code.id if code is not None else None,
        evidence=(given.evidence or "").strip() or None,
        given_at=stamp.at,
    )
    db.session.add(consent)
    db.session.flush()
    if given.signature_id is not None:
        attach_signature(stamp, consent.id, given.signature_id)
    return consent


def _witness_phone(phone: str | None) -> str | None:
    try:
        return clean_person(Person(phone=phone)).phone
    except Invalid as refused:
        refused.errors = {"consent.witness_phone": refused.errors["phone"]}
        raise


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
        files=filing.files,
        **in_ids({"against_unit": filing.against_unit}),
    )
