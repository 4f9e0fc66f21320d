"""Keeps what was photographed at a visit: shown with the visit, and with the cases of the needs that were heard there."""

from collections.abc import Sequence

from sqlalchemy import select

from app.core.database import db
from app.core.stamp import Stamp
from app.files.attaching import attach
from app.files.models import FilePurpose, FileSubject
from app.ledger.attachments import attach_to_report
from app.ledger.models import Report
from app.ledger.scope import opened_by
from app.visits.models import Visit, VisitNeed


def attach_photos(stamp: Stamp, visit: Visit, files: Sequence[int]) -> None:
    """Attach the worker's photos to a visit and to what was said at it, so that whoever handles it sees them. Raises FilesUnfit."""
    if not files:
        return
    attach(stamp, files, subject=FileSubject.VISIT, subject_id=visit.id, purpose=FilePurpose.PHOTO)
    db.session.flush()
    heard = select(Report.id).join(VisitNeed, opened_by(VisitNeed.case_id)).where(VisitNeed.visit_id == visit.id)
    for report_id in db.session.scalars(heard.where(Report.source_key.startswith(f"visit:{visit.key}:")).order_by(Report.id)):
        attach_to_report(stamp, report_id, files)
