"""Keeps the evidence of consent: the photo of a signature, shown to the person and, for a reason on record, to who examines it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import NotFound
from app.core.stamp import Stamp
from app.files.attaching import attach
from app.files.models import File, FileKind, FileLink, FilePurpose, FileSubject
from app.files.showing import FileShown, files_of
from app.filings.models import Consent, ConsentBy
from app.filings.rules import ConsentIncomplete
from app.ledger.disclosure import UNMASKS, NotYoursToUnmask
from app.ledger.handling import works_for_case
from app.ledger.intake.persons import own_reports
from app.ledger.models import Report
from app.ledger.scope import find_case, opened_by, reaches
from app.people.identity import note_look


class NoConsentKept(NotFound):
    """这件事没有代办授权记录"""


@dataclass(frozen=True, kw_only=True)
class ConsentShown:
    """A consent and what proves it; the witness only for whoever looks into it."""

    method: ConsentBy
    given_at: datetime
    evidence: str | None
    witness: str | None
    witness_phone: str | None
    files: Sequence[FileShown]


def attach_signature(stamp: Stamp, consent_id: int, file_id: int) -> None:
    """Attach the filer's photo of a signature to one consent, and to no other. Raises FilesUnfit, ConsentIncomplete."""
    attach(
        stamp,
        [file_id],
        subject=FileSubject.CONSENT,
        subject_id=consent_id,
        purpose=FilePurpose.SIGNATURE,
        field="consent.signature_id",
    )
    if db.session.get_one(File, file_id).kind is not FileKind.IMAGE:
        raise ConsentIncomplete(errors={"consent.signature_id": ["请上传当事人签名的照片"]})
    uses = select(func.count()).where(FileLink.subject == FileSubject.CONSENT, FileLink.file_id == file_id)
    if (db.session.scalar(uses) or 0) > 1:
        raise ConsentIncomplete(errors={"consent.signature_id": ["这张签名照片已经用于另一件代办"]})


def own_consent(stamp: Stamp, number: str) -> ConsentShown:
    """Give the person concerned the consent by which somebody filed for them. Raises CaseNotFound, NoConsentKept."""
    case = find_case(stamp, number)
    kept = [report.consent_id for report in own_reports(stamp, case) if report.consent_id is not None]
    if not kept:
        raise NoConsentKept
    return _shown(stamp, db.session.get_one(Consent, kept[0]), witness=False)


def examine_consent(stamp: Stamp, number: str, *, reason: str) -> ConsentShown:
    """Give the consent of a case to a supervisor or data protection officer who does not work for it, put on record.

    Raises CaseNotFound, NotYoursToUnmask, NoConsentKept.
    """
    case = find_case(stamp, number)
    if works_for_case(stamp, case) or not any(reaches(stamp.actor, role, case.territory_path) for role in UNMASKS):
        raise NotYoursToUnmask
    query = select(Consent).join(Report, Report.consent_id == Consent.id).where(opened_by(case.id)).order_by(Consent.id)
    consent = db.session.scalars(query.limit(1)).first()
    if consent is None:
        raise NoConsentKept
    note_look(stamp, consent.resident_id, fields=("consent",), reason=f"case {case.number}: {reason}")
    return _shown(stamp, consent, witness=True)


def _shown(stamp: Stamp, consent: Consent, *, witness: bool) -> ConsentShown:
    ring = keyring()
    name = ring.decrypt(consent.witness, field="consent.witness") if witness and consent.witness is not None else None
    sealed = consent.witness_phone if witness else None
    return ConsentShown(
        method=consent.method,
        given_at=consent.given_at,
        evidence=consent.evidence,
        witness=name,
        witness_phone=ring.decrypt(sealed, field="consent.witness_phone") if sealed is not None else None,
        files=files_of(stamp, FileSubject.CONSENT, [consent.id]).get(consent.id, []),
    )
