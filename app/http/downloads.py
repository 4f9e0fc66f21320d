"""Keeps how a file is given at a door: named, of its kind, to be kept rather than shown."""

from collections.abc import Iterable

from flask import Response

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PDF = "application/pdf"
BINARY = {"type": "string", "format": "binary"}
"""How a file stands in a door's contract."""

_ENDINGS = {XLSX: "xlsx", DOCX: "docx", PDF: "pdf"}


def download(contents: bytes | Iterable[bytes], name: str, *, kind: str = XLSX) -> Response:
    """Give a file of a kind under a name without ending (ASCII)."""
    return Response(contents, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}.{_ENDINGS[kind]}"'})
