"""Keeps the address under which attachments open: short signed links, made by views that have checked who may see what."""

import io

from flask import Blueprint, Flask, Response, send_file

from app.files.fetching import open_link
from app.http.auth import now_clock

blp = Blueprint("file_links", __name__, url_prefix="/files")

POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


def register_file_links(app: Flask) -> None:
    """Open the address."""
    app.register_blueprint(blp)


@blp.route("/<token>", methods=["GET"])
def open_file(token: str) -> Response:
    """Open an attachment by its signed link, which lasts ten minutes"""
    return file_response(token)


def file_response(token: str) -> Response:
    """Give what a link opens: never run, never guessed at, kept by the asker's own browser alone and no longer than the link."""
    at = now_clock()()
    opened = open_link(token, at)
    response = send_file(
        io.BytesIO(opened.content),
        mimetype=opened.mime,
        as_attachment=not opened.inline,
        download_name=opened.file_name,
        conditional=True,
        etag=False,
        max_age=int((opened.ends_at - at).total_seconds()),
    )
    response.cache_control.public = False
    response.cache_control.no_cache = None
    response.cache_control.private = True
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
