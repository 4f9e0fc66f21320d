"""Keeps how files are uploaded at any door: announced by their hash, sent in parts that resume, asked after.

A part is sent as `PATCH` with the raw bytes and `Upload-Offset`, and may be sent again after an answer that got lost.
"""

from typing import Any

from flask import request
from marshmallow import EXCLUDE, fields, post_load, validate

from app.core.stamp import Door, Stamp
from app.files.models import MOST_BYTES, MOST_FILES, FileKind, FilePurpose, FileState
from app.files.owners import new_ticket
from app.files.uploading import Announcement, Progress, announce, progress, receive
from app.http.auth import Auth, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, Schema, Word, row_id
from app.http.flood import count_writes

_BYTES = "A part: at most 1 MB; at least 16 KB unless it is the last. No bytes at the end ask for the checks once more."


class AnnouncementSchema(Schema):
    """SHA-256 (hex) and size (bytes) of the file, the ending of its name, and what it is for."""

    sha256 = fields.String(required=True, validate=validate.Regexp(r"[0-9A-Fa-f]{64}\Z", error="请用 64 位十六进制的 SHA-256"))
    size = fields.Integer(required=True, validate=validate.Range(min=1, max=MOST_BYTES))
    extension = fields.String(required=True, validate=validate.Length(min=1, max=10))
    purpose = Word(FilePurpose, load_default=FilePurpose.EVIDENCE)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Announcement:
        """Make it an announcement."""
        return Announcement(**given)


class UploadSchema(Schema):
    """How far an upload has come; `ready` files may be attached, for `refused` ones `refusal` says why."""

    id = fields.Integer()
    size = fields.Integer()
    received = fields.Integer()
    state = Word(FileState)
    kind = Word(FileKind, allow_none=True)
    refusal = fields.String(allow_none=True)


class TicketedUploadSchema(UploadSchema):
    """The same, and the ticket that alone leads to it; shown once."""

    ticket = fields.String()


class OffsetHeader(Schema):
    """Where the part begins."""

    class Meta:
        """A request has other headers too."""

        unknown = EXCLUDE

    offset = fields.Integer(data_key="Upload-Offset", required=True, validate=validate.Range(min=0, max=MOST_BYTES))


class TicketHeader(Schema):
    """The ticket of an upload without a name."""

    class Meta:
        """A request has other headers too."""

        unknown = EXCLUDE

    ticket = fields.String(data_key="Upload-Ticket", validate=validate.Length(equal=32), load_default=None)


class TicketedOffsetHeader(OffsetHeader):
    """Where the part begins, and the ticket of the upload."""

    ticket = fields.String(data_key="Upload-Ticket", validate=validate.Length(equal=32), load_default=None)


class FileLinksSchema(Schema):
    """Where a file opens for ten minutes; of a picture also one to look at (1280 pixels) and one for lists (256)."""

    original = fields.String()
    view = fields.String(allow_none=True)
    list = fields.String(allow_none=True)


class FileSchema(Schema):
    """An attachment; `told` ones are shown to the person concerned as well."""

    id = fields.Integer()
    kind = Word(FileKind)
    mime = fields.String()
    size = fields.Integer()
    width = fields.Integer(allow_none=True)
    height = fields.Integer(allow_none=True)
    taken_at = Moment(allow_none=True)
    purpose = Word(FilePurpose)
    told = fields.Boolean()
    links = fields.Nested(FileLinksSchema)


def file_ids(**options: Any) -> fields.Field[Any]:
    """Give a field that takes the ids of uploaded files."""
    return fields.List(row_id(), validate=validate.Length(max=MOST_FILES), **options)


def uploads(at: Door, auth: Auth) -> list[DoorBlueprint]:
    """Make the blueprints by which files are uploaded at a door."""
    announcing = DoorBlueprint("uploads", door=at, prefix="/uploads", auth=auth, first=count_writes, tag="上传附件")
    sending = DoorBlueprint("upload_parts", door=at, prefix="/uploads", auth=auth, in_steps=True, tag="上传附件")

    @announcing.route("", methods=["POST"])
    @announcing.arguments(AnnouncementSchema)
    @announcing.response(201, UploadSchema)
    def announce_file(said: Announcement) -> Any:
        """Announce a file by its hash, and learn how much of it is there already"""
        return announce(stamp(), said)

    @announcing.route("/<int:file_id>", methods=["GET"])
    @announcing.response(200, UploadSchema)
    def show_upload(file_id: int) -> Any:
        """Show how far one's own upload has come"""
        return progress(stamp(), file_id)

    @sending.route("/<int:file_id>", methods=["PATCH"])
    @sending.arguments(OffsetHeader, location="headers")
    @sending.takes_bytes(_BYTES)
    @sending.response(200, UploadSchema)
    def send_part(place: dict[str, Any], file_id: int) -> Any:
        """Send the part of a file that begins at Upload-Offset; a wrong place answers 409 and tells the right one"""
        return receive(stamp(), file_id, content=request.get_data(cache=False), **place)

    return [announcing, sending]


def unnamed_uploads(at: Door, auth: Auth) -> list[DoorBlueprint]:
    """Make the blueprints by which files of anonymous reports are uploaded: under a ticket, nobody's name beside it."""
    announcing = DoorBlueprint(
        "anonymous_uploads", door=at, prefix="/anonymous-uploads", auth=auth, first=count_writes, tag="匿名上传附件"
    )
    sending = DoorBlueprint(
        "anonymous_upload_parts", door=at, prefix="/anonymous-uploads", auth=auth, in_steps=True, tag="匿名上传附件"
    )

    @announcing.route("", methods=["POST"])
    @announcing.arguments(AnnouncementSchema)
    @announcing.arguments(TicketHeader, location="headers")
    @announcing.response(201, TicketedUploadSchema)
    def announce_unnamed_file(said: Announcement, held: dict[str, Any]) -> Any:
        """Announce a file of an anonymous report; the ticket of the first one serves for all files of the report"""
        return announce_unnamed(stamp(), said, **held)

    @announcing.route("/<int:file_id>", methods=["GET"])
    @announcing.arguments(TicketHeader, location="headers")
    @announcing.response(200, UploadSchema)
    def show_unnamed_upload(held: dict[str, Any], file_id: int) -> Any:
        """Show how far an upload has come, by its ticket"""
        return progress(stamp(), file_id, **held)

    @sending.route("/<int:file_id>", methods=["PATCH"])
    @sending.arguments(TicketedOffsetHeader, location="headers")
    @sending.takes_bytes(_BYTES)
    @sending.response(200, UploadSchema)
    def send_unnamed_part(place: dict[str, Any], file_id: int) -> Any:
        """Send the part of a file that begins at Upload-Offset, by its ticket"""
        return receive(stamp(), file_id, content=request.get_data(cache=False), **place)

    return [announcing, sending]


def announce_unnamed(stamp: Stamp, said: Announcement, *, ticket: str | None) -> dict[str, Any]:
    """Announce a file under a ticket, a fresh one where none is shown; gives the progress and the ticket."""
    held = ticket or new_ticket()
    made: Progress = announce(stamp, said, ticket=held)
    return vars(made) | {"ticket": held}
