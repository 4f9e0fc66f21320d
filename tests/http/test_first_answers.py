"""First answers: what is kept of a request cannot be tried out by whoever has the database alone."""

import hashlib
from uuid import uuid4

from sqlalchemy import select

from app.core.crypto import keyring, new_keyring
from app.http.idempotency import FirstAnswer
from tests.callers import MINIPROGRAM, resident_caller

BODY = '{"body": "村口的桥栏杆松了。"}'.encode()


def test_what_is_kept_of_a_body_cannot_be_guessed_without_the_keys(session, client, cast):
    lin = resident_caller(client, "lin")
    headers = {"Authorization": f"Bearer {lin.token}", "Idempotency-Key": str(uuid4())}
    answer = client.post(f"{MINIPROGRAM}/reports", data=BODY, content_type="application/json", headers=headers)
    assert answer.status_code == 201
    kept = bytes(session.scalars(select(FirstAnswer.body_hash)).one())
    digest = hashlib.sha256(BODY)
    assert kept != digest.digest()
    ring = keyring()
    assert kept == ring.blind(digest.hexdigest(), field="first_answer.body")
    assert kept != new_keyring().blind(digest.hexdigest(), field="first_answer.body")


def test_a_body_that_is_no_text_is_refused_and_not_tripped_over(client, cast):
    lin = resident_caller(client, "lin")
    headers = {"Authorization": f"Bearer {lin.token}", "Idempotency-Key": str(uuid4())}
    answer = client.post(f"{MINIPROGRAM}/reports", data=b"\xff\xfe\x00", content_type="application/json", headers=headers)
    assert answer.status_code == 400
