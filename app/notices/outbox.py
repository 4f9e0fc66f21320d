"""Keeps the outbox going: filing notices in the writer's transaction, leasing them, settling them, dead letters.

Claim with a lease → send outside any transaction → settle. A notice goes out at least once (a kill between sending and
settling may send it twice); its key lets a receiver tell.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, select, update

from app.core.bulk import insert_many
from app.core.database import db
from app.core.errors import NotFound
from app.notices.models import Notice, NoticeState, Recipient
from app.notices.templates import BY, By

LEASE = timedelta(seconds=60)
DIGEST_MOST = 2000
"""Reminders that one digest carries."""

BACK_OFF = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
"""Waits between attempts; after the last one a notice is dead."""


class NoticeNotFound(NotFound):
    """没有这条待重发的通知"""


@dataclass(frozen=True)
class Letter:
    """A leased notice as a gateway gets it: whom, which template, which parameters, and the key that tells twins."""

    id: int
    key: str
    recipient: Recipient
    recipient_id: int
    template: str
    params: dict[str, Any]
    lease: str
    attempts: int
    digest: bool = False

    @property
    def by(self) -> By:
        """How it should reach its recipient."""
        return BY.get(self.template, By.MESSAGE)


def notice_row(
    key: str,
    *,
    to: tuple[Recipient, int],
    template: str,
    params: dict[str, Any],
    case_id: int | None,
    at: datetime,
    digest_at: datetime | None = None,
    about: str | None = None,
) -> dict[str, Any]:
    """Give the columns of a notice; `params` must hold no identity data. One with `digest_at` waits for that digest.

    `about` names what it speaks of, so that it can be dropped when that ends.
    """
    recipient, recipient_id = to
    return {
        "key": f"{key}:{recipient}:{recipient_id}",
        "recipient": recipient,
        "recipient_id": recipient_id,
        "template": template,
        "params": params,
        "case_id": case_id,
        "about": about,
        "digest": digest_at is not None,
        "state": NoticeState.PENDING,
        "attempts": 0,
        "next_attempt_at": digest_at or at,
        "created_at": at,
    }


def file_notices(rows: list[dict[str, Any]]) -> None:
    """Store notices in the running transaction; one whose key is there already is not stored twice."""
    insert_many(Notice, rows, unless="key")


def drop_notices(abouts: Iterable[str]) -> None:
    """Let nobody be told any more of what is named; a letter that is being sent this very moment goes out, others do not."""
    _drop(Notice.about.in_(sorted(set(abouts))))


def drop_notices_to(to: tuple[Recipient, int]) -> None:
    """Tell a recipient nothing more of what waits for them."""
    _drop(Notice.recipient == to[0], Notice.recipient_id == to[1])


def _drop(*which: ColumnElement[bool]) -> None:
    waiting = Notice.state.in_((NoticeState.PENDING, NoticeState.LEASED, NoticeState.DEAD))
    db.session.execute(update(Notice).where(*which, waiting).values(state=NoticeState.DROPPED, lease=None))


def lease_notices(at: datetime, *, most: int = 100) -> list[Letter]:
    """Claim up to `most` notices that are due, or whose lease ran out, in order, skipping what others claim now.

    Of the last one's digest the rest is claimed as well, so that a digest is not cut in two.
    """
    due = select(Notice).where(Notice.state.in_((NoticeState.PENDING, NoticeState.LEASED)), Notice.next_attempt_at <= at)
    notices = _claim(due, most)
    if len(notices) == most and (last := notices[-1]).digest:
        same = (Notice.digest, Notice.recipient == last.recipient, Notice.recipient_id == last.recipient_id)
        notices += _claim(due.where(*same, Notice.id.not_in([notice.id for notice in notices])), DIGEST_MOST)
    lease = secrets.token_hex(8)
    letters = []
    for notice in notices:
        notice.state, notice.lease, notice.next_attempt_at = NoticeState.LEASED, lease, at + LEASE
        notice.attempts += 1
        to = (notice.recipient, notice.recipient_id)
        letters.append(Letter(notice.id, notice.key, *to, notice.template, notice.params, lease, notice.attempts, notice.digest))
    return letters


def _claim(due: Select[Notice], most: int) -> list[Notice]:
    query = due.order_by(Notice.next_attempt_at, Notice.recipient_id, Notice.id).limit(most)
    return list(db.session.scalars(query.with_for_update(skip_locked=True)))


def bundles(letters: Iterable[Letter]) -> list[list[Letter]]:
    """Group leased letters for sending: each alone, but the digest letters of one recipient together."""
    groups: dict[object, list[Letter]] = {}
    for letter in letters:
        groups.setdefault((letter.recipient, letter.recipient_id) if letter.digest else letter.id, []).append(letter)
    return list(groups.values())


def bundled(letters: list[Letter]) -> Letter:
    """Give the one letter that carries a bundle: itself, or a digest of the sentences' templates and parameters."""
    first = letters[0]
    if len(letters) == 1:
        return first
    params = {"count": len(letters), "items": [{"template": each.template, "params": each.params} for each in letters]}
    return replace(first, template="digest", params=params)


def settle_sent(letters: Iterable[Letter], at: datetime) -> None:
    """Write that letters went out; a letter whose lease another process has taken over is left to that one."""
    for letter in letters:
        db.session.execute(
            update(Notice)
            .where(Notice.id == letter.id, Notice.lease == letter.lease, Notice.state == NoticeState.LEASED)
            .values(state=NoticeState.SENT, sent_at=at, lease=None, last_error=None)
        )


def settle_failed(letter: Letter, error: str, at: datetime) -> None:
    """Write that a letter could not be sent: it waits for its next attempt or, after the last, is dead."""
    dead = letter.attempts > len(BACK_OFF)
    db.session.execute(
        update(Notice)
        .where(Notice.id == letter.id, Notice.lease == letter.lease, Notice.state == NoticeState.LEASED)
        .values(
            state=NoticeState.DEAD if dead else NoticeState.PENDING,
            next_attempt_at=at if dead else at + BACK_OFF[letter.attempts - 1],
            lease=None,
            last_error=error[:500],
        )
    )


def dead_letters(*, most: int = 200) -> list[Notice]:
    """Give dead notices, oldest first."""
    return list(db.session.scalars(select(Notice).where(Notice.state == NoticeState.DEAD).order_by(Notice.id).limit(most)))


def requeue(ids: Iterable[int] | None, at: datetime) -> int:
    """Give dead notices (all when `ids` is None) a fresh set of attempts; raises NoticeNotFound when none matches."""
    change = update(Notice).where(Notice.state == NoticeState.DEAD)
    if ids is not None:
        change = change.where(Notice.id.in_(list(ids)))
    result = db.session.execute(change.values(state=NoticeState.PENDING, attempts=0, next_attempt_at=at, last_error=None))
    count = int(getattr(result, "rowcount", 0))
    if not count:
        raise NoticeNotFound
    return count
