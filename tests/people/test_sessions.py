"""Sign-in beside work: while a password is checked, what the same person does elsewhere goes on."""

from sqlalchemy import text

from app.core.database import db, transaction
from app.core.stamp import ANONYMOUS, Door, Role, Stamp
from app.people.sessions import try_password
from tests.conftest import MONDAY


def test_a_sign_in_does_not_hold_up_what_refers_to_that_person(committed):
    with committed.app_context():
        with transaction():
            try_password(Stamp(ANONYMOUS, Role.RESIDENT, MONDAY, Door.DESK), "fang", "wrong")
            with db.engine.connect() as other:
                found = other.execute(text("SELECT id FROM staff WHERE login = 'fang' FOR KEY SHARE NOWAIT")).all()
        assert len(found) == 1
