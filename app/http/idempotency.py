"""Keeps first answers: a write repeated with its Idempotency-Key gets the same answer and changes nothing more.

Same key and body → the first answer; same key, other body → 422; a twin at work → 409 with Retry-After. Keys are scoped to
principal, method and path. The answer is stored encrypted in the transaction of the write itself, for seven days; of the body
only a blind index, so that whoever takes the database without the keys cannot try out claim codes or phones against it.
"""

import hashlib
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Response, request
from sqlalchemy import LargeBinary, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core.crypto import keyring
from app.core.database import Base, db, table_of, transaction
from app.core.errors import Conflict, Invalid
from app.core.jobs import job
from app.core.stamp import Stamp

KEPT = timedelta(days=7)


class IdempotencyKeyMissing(Invalid):
    """缺少请求编号，请升级客户端后再试"""

    status = 400


class IdempotencyKeyReused(Invalid):
    """同一请求编号的内容前后不一致"""


class TwinAtWork(Conflict):
    """同样的请求正在处理，请稍候"""

    retry_after = 1


class FirstAnswer(Base):
    """The first answer to a key: its scope's hash, the blind index of the request's body, the encrypted response."""

    __tablename__ = "first_answer"

    scope: Mapped[bytes] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes]
    status: Mapped[int]
    sealed: Mapped[bytes]
    at: Mapped[datetime] = mapped_column(index=True)


_TRY = text("SELECT pg_try_advisory_xact_lock(:lock) AS mine, f.body_hash, f.status, f.sealed FROM (SELECT 1) AS one "
            "LEFT JOIN first_answer f ON f.scope = :scope").bindparams(bindparam("scope", type_=LargeBinary))  # fmt: skip


def answered_once(stamp: Stamp, answer: Callable[[], Response]) -> Response:
    """Give the first answer to the running request's key, or answer now and keep it when it is a success.

    The lock is tried before the table is read, and both in one statement that starts after the lock of a finished twin was
    let go at its commit; a twin that finishes between the two is seen by the unique key at storing, as a conflict.
    """
    key = _key()
    principal = f"{stamp.actor.kind}:{stamp.actor.id}"
    scope = hashlib.sha256(f"{principal}\0{request.method}\0{request.path}\0{key}".encode()).digest()
    body_hash = keyring().blind(hashlib.sha256(request.get_data(cache=True)).hexdigest(), field="first_answer.body")
    row = db.session.connection().execute(_TRY, {"lock": int.from_bytes(scope[:8], "big", signed=True), "scope": scope}).one()
    if row.status is None and row.mine:
        response = answer()
        if 200 <= response.status_code < 300:
            sealed = keyring().encrypt(response.get_data(as_text=True), field="first_answer.sealed")
            values = {"scope": scope, "body_hash": body_hash, "status": response.status_code, "sealed": sealed, "at": stamp.at}
            if db.session.connection().execute(_KEEP, values).first() is None:
                raise TwinAtWork
        return response
    if row.status is None:
        raise TwinAtWork
    if bytes(row.body_hash) != body_hash:
        raise IdempotencyKeyReused
    plain = keyring().decrypt(bytes(row.sealed), field="first_answer.sealed")
    return Response(plain, row.status, {"Idempotency-Replayed": "true"}, content_type="application/json")


_ANSWERS = table_of(FirstAnswer)
_KEEP = insert(_ANSWERS).on_conflict_do_nothing(index_elements=[_ANSWERS.c.scope]).returning(_ANSWERS.c.status)


def _key() -> str:
    given = request.headers.get("Idempotency-Key", "")
    if not given:
        raise IdempotencyKeyMissing(errors={"Idempotency-Key": ["必填，请用 UUID"]})
    try:
        return str(uuid.UUID(given))
    except ValueError:
        raise IdempotencyKeyMissing("请求编号不是 UUID", errors={"Idempotency-Key": ["请用 UUID"]}) from None


@job("forget-first-answers", every=timedelta(hours=1))
def forget_first_answers(stamps: Callable[[], Stamp]) -> int:
    """Delete first answers older than seven days, in batches."""
    gone = 0
    while True:
        with transaction():
            old = select(FirstAnswer.scope).where(FirstAnswer.at < stamps().at - KEPT).limit(1000)
            count = len(
                db.session.execute(delete(FirstAnswer).where(FirstAnswer.scope.in_(old)).returning(FirstAnswer.status)).all()
            )
        gone += count
        if count < 1000:
            return gone
