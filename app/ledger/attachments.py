"""Keeps what of a case has files: reports by who made them, and entries, told with the reply or for the file alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.stamp import Stamp
from app.files.attaching import attach, positions_of
from app.files.models import FilePurpose, FileSubject
from app.ledger.county import county
from app.ledger.intake.places import Point, PointOutsideCounty, located
from app.ledger.models import Entry
from app.territory.datum import Datum


@dataclass(frozen=True, kw_only=True)
class EntryFiles:
    """Ids of uploaded files that go with an entry: those told to the person with the `reply`, and those for the file alone.

    `before` and `after` are photos of the place before and after the work, for the file.
    """

    reply: Sequence[int] = ()
    evidence: Sequence[int] = ()
    before: Sequence[int] = ()
    after: Sequence[int] = ()

    def __len__(self) -> int:
        """Give how many there are."""
        return len({*self.reply, *self.evidence, *self.before, *self.after})


NO_FILES = EntryFiles()


def attach_to_report(
    stamp: Stamp, report_id: int, file_ids: Sequence[int], *, keep_position: bool = False, ticket: str | None = None
) -> None:
    """Attach the filer's files to a report that they have just made; who is unnamed shows the `ticket`. Raises FilesUnfit."""
    attach(
        stamp,
        file_ids,
        subject=FileSubject.REPORT,
        subject_id=report_id,
        purpose=FilePurpose.EVIDENCE,
        keep_position=keep_position,
        ticket=ticket,
    )


def attach_to_entry(stamp: Stamp, entry: Entry, files: EntryFiles, *, keep_position: bool = False) -> None:
    """Attach the actor's files to an entry that they have just made. Raises FilesUnfit naming the field."""
    for ids, purpose, field in (
        (files.reply, FilePurpose.REPLY, "reply_files"),
        (files.evidence, FilePurpose.EVIDENCE, "evidence_files"),
        (files.before, FilePurpose.BEFORE, "before"),
        (files.after, FilePurpose.AFTER, "after"),
    ):
        attach(
            stamp,
            ids,
            subject=FileSubject.ENTRY,
            subject_id=entry.id,
            purpose=purpose,
            field=field,
            told=purpose is FilePurpose.REPLY,
            keep_position=keep_position,
        )


def attach_to_words(stamp: Stamp, entry: Entry, file_ids: Sequence[int]) -> None:
    """Attach what somebody adds to their own words: they see it again, others who follow the case do not. Raises FilesUnfit."""
    attach(stamp, file_ids, subject=FileSubject.ENTRY, subject_id=entry.id, purpose=FilePurpose.EVIDENCE)


def place_of_photos(stamp: Stamp, files: EntryFiles) -> Point | None:
    """Give where the first of the actor's photos says it was taken, within the county; None where none says so."""
    for position in positions_of(stamp, [*files.after, *files.before, *files.evidence, *files.reply]):
        point = Point(latitude=position.latitude, longitude=position.longitude, datum=Datum.WGS84)
        try:
            located(point, county())
        except PointOutsideCounty:
            continue
        return point
    return None
