"""Keeps the store free of what nobody uses: files that were attached to nothing are deleted after some days."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, select

from app.core.database import db, lock_rows, transaction
from app.core.jobs import job
from app.core.stamp import Stamp
from app.files.models import File
from app.files.stores import store

LOOSE = timedelta(days=14)
"""How long a file waits to be attached: a phone may have been without network for many days."""


@job("delete-loose-files", every=timedelta(hours=6))
def delete_loose_files(stamps: Callable[[], Stamp]) -> int:
    """Delete files that waited for 14 days, bytes first, row after; give how many. One that is being attached is left alone."""
    gone = 0
    while True:
        with transaction():
            since = stamps().at - LOOSE
            old = select(File.id).where(~File.attached, File.created_at < since).order_by(File.created_at, File.id)
            held = lock_rows(File, db.session.scalars(old.limit(50)).all(), skip_locked=True)
            files = [file for file in held if not file.attached and file.created_at < since]
            for file in files:
                store().delete(file.name)
            db.session.execute(delete(File).where(File.id.in_([file.id for file in files])))
        gone += len(files)
        if not files:
            return gone
