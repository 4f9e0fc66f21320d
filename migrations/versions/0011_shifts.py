"""Shifts: the duty roster, stand-ins, leave and what it moves, shifts taken over; an unsigned case rings at the duty phone."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.columns import choice, key, moment, number, own_id

revision = "0011"
down_revision = "0010"

_SUBJECTS = ("case", "assignment", "request", "whistle_call", "supervision_order")
_CLOCKS = (
    "accept", "info", "dispatch", "sign", "contact", "resolve", "overall", "review", "callback", "triage", "decide", "suspension",
    "upstream_sign", "upstream_return", "upstream_due", "arrive", "supervision",
)  # fmt: skip


def _people() -> None:
    op.create_table(
        "roster_entry",
        own_id(),
        number("unit_id"),
        number("staff_id"),
        choice("what", ("head", "phone", "leader"), "on_duty"),
        moment("starts_at"),
        moment("until"),
        moment("put_at"),
        number("put_by", nullable=True),
        moment("ended_at", nullable=True),
        number("ended_by", nullable=True),
        sa.CheckConstraint("until > starts_at", name=op.f("ck_roster_entry_span")),
        key("roster_entry", "unit_id", "unit"),
        key("roster_entry", "staff_id", "staff"),
        key("roster_entry", "put_by", "staff"),
        key("roster_entry", "ended_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_entry")),
    )
    op.create_index("ix_roster_entry_until", "roster_entry", ["until"], postgresql_where="ended_at IS NULL")
    op.create_index("ix_roster_entry_unit_id", "roster_entry", ["unit_id", "starts_at", "id"])
    op.create_index(op.f("ix_roster_entry_staff_id"), "roster_entry", ["staff_id"])
    op.create_table(
        "stand_in",
        number("staff_id"),
        number("stand_in_id"),
        moment("set_at"),
        number("set_by", nullable=True),
        sa.CheckConstraint("staff_id <> stand_in_id", name=op.f("ck_stand_in_another")),
        key("stand_in", "staff_id", "staff"),
        key("stand_in", "stand_in_id", "staff"),
        key("stand_in", "set_by", "staff"),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_stand_in")),
    )
    op.create_index(op.f("ix_stand_in_stand_in_id"), "stand_in", ["stand_in_id"])
    op.create_table(
        "leave",
        own_id(),
        number("staff_id"),
        moment("starts_at"),
        moment("until"),
        sa.Column("reason", sa.Text(), nullable=False),
        moment("put_at"),
        number("put_by"),
        moment("begun_at", nullable=True),
        moment("ended_at", nullable=True),
        moment("cancelled_at", nullable=True),
        sa.CheckConstraint("until > starts_at", name=op.f("ck_leave_span")),
        key("leave", "staff_id", "staff"),
        key("leave", "put_by", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave")),
    )
    op.create_index("ix_leave_open", "leave", ["starts_at"], postgresql_where="ended_at IS NULL AND cancelled_at IS NULL")
    op.create_index("ix_leave_staff_id", "leave", ["staff_id", "id"])


def _ledger() -> None:
    op.create_table(
        "leave_move",
        own_id(),
        number("leave_id"),
        number("case_id"),
        choice("subject", _SUBJECTS, "subject"),
        number("subject_id"),
        choice("clock", _CLOCKS, "clock", nullable=True),
        number("to_staff_id"),
        moment("returned_at", nullable=True),
        key("leave_move", "leave_id", "leave"),
        key("leave_move", "case_id", "case"),
        key("leave_move", "to_staff_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave_move")),
    )
    op.create_index("ix_leave_move_open", "leave_move", ["leave_id", "case_id"], postgresql_where="returned_at IS NULL")
    op.create_table(
        "shift_hand_over",
        own_id(),
        number("unit_id"),
        number("staff_id"),
        moment("at"),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        key("shift_hand_over", "unit_id", "unit"),
        key("shift_hand_over", "staff_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_hand_over")),
    )
    op.create_index("ix_shift_hand_over_unit_id", "shift_hand_over", ["unit_id", "id"])
    open_parts = "handler_id IS NOT NULL AND ended_at IS NULL"
    op.create_index("ix_assignment_handler_id", "assignment", ["handler_id", "case_id"], postgresql_where=open_parts)


def _ladder(due: str, late: str, hours: str = "duty") -> list[dict[str, object]]:
    after = {"amount": 20, "unit": "minute", "hours": hours}
    return [
        {"level": 1, "on": "due", "tell": [due], "after": None, "does": []},
        {"level": 2, "on": "after", "tell": [late], "after": after, "does": []},
    ]


_OLD = _ladder("owner", "unit_head")
"""The ladder of the sign clock as the product shipped it until now; the first installations say nothing of `does`."""

_OLDEST = [{name: value for name, value in step.items() if name != "does"} for step in _OLD]
_NEW = _ladder("duty_phone", "duty_leader")
_URGENT = _ladder("duty_phone", "duty_leader", "always")


def _renew_ladders() -> None:
    """Put the new ladder in force as a new version where the shipped one is; what an administrator changed stays.

    A clock that runs keeps the version that it started with.
    """
    statement = sa.text(
        """
        INSERT INTO deadline_policy
            (code, version, clock, urgent, category_id, kind, amount, unit, hours, ladder, active, effective_from, change_id)
        SELECT code, version + 1, clock, urgent, category_id, kind, amount, unit, hours,
            CASE WHEN urgent THEN CAST(:urgent AS jsonb) ELSE CAST(:new AS jsonb) END, true, effective_from, NULL
        FROM deadline_policy AS p
        WHERE active AND clock = 'sign' AND ladder IN (CAST(:old AS jsonb), CAST(:oldest AS jsonb))
            AND version = (SELECT max(version) FROM deadline_policy WHERE code = p.code)
        """
    )
    ladders = {"old": json.dumps(_OLD), "oldest": json.dumps(_OLDEST), "new": json.dumps(_NEW)}
    ladders["urgent"] = json.dumps(_URGENT)
    op.get_bind().execute(statement, ladders)


def upgrade() -> None:
    _people()
    _ledger()
    _renew_ladders()
