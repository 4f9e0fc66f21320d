"""Urging and supervision orders, slip numbers, the supervisor's lists, progress meetings; ladders that do more than tell."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.columns import choice, key, number, own_id

revision = "0008"
down_revision = "0007"

_MODES = ("phone", "written", "onsite", "interview")
_STATES = ("draft", "issued", "answered", "accepted", "discarded")
_CASE_STATES = (
    "submitted", "info_requested", "accepted", "dispatched", "in_progress", "suspended", "under_review", "awaiting_callback",
    "awaiting_upstream", "closed", "rejected", "redirected", "merged", "withdrawn", "terminated", "void",
)  # fmt: skip


def _moment(column: str, *, nullable: bool = True) -> sa.Column[sa.DateTime]:
    return sa.Column(column, sa.DateTime(timezone=True), nullable=nullable)


def _slip_columns() -> list[sa.Column]:
    return [
        own_id(),
        number("case_id"),
        number("round"),
        choice("mode", _MODES, "press_mode", nullable=True),
        choice("state", _STATES, "slip_state"),
        sa.Column("number", sa.Text(), nullable=True),
        number("unit_id"),
        sa.Column("staff_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("others", postgresql.ARRAY(sa.Text()), nullable=False),
        number("person_times"),
        number("part_of_id", nullable=True),
        number("by_staff_id", nullable=True),
        _moment("drafted_at", nullable=False),
        _moment("issued_at"),
        _moment("discarded_at"),
        number("entry_seq", nullable=True),
    ]


def _slip_constraints(table: str) -> list[sa.Constraint]:
    return [
        sa.CheckConstraint("(state = 'draft') = (issued_at IS NULL AND discarded_at IS NULL)", name=op.f(f"ck_{table}_draft")),
        sa.CheckConstraint("person_times >= 0", name=op.f(f"ck_{table}_person_times")),
        key(table, "case_id", "case"),
        key(table, "unit_id", "unit"),
        key(table, "part_of_id", table),
        key(table, "by_staff_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("number", name=op.f(f"uq_{table}_number")),
    ]


def _slip_indexes(table: str) -> None:
    draft = {"postgresql_where": "state = 'draft'"}
    op.create_index(op.f(f"ix_{table}_case_id"), table, ["case_id"])
    op.create_index(f"uq_{table}_draft", table, ["case_id", "unit_id"], unique=True, **draft)
    op.create_index(f"ix_{table}_drafted", table, ["drafted_at", "id"], **draft)
    op.create_index(f"ix_{table}_issued", table, ["issued_at", "id"], postgresql_where="issued_at IS NOT NULL")


def _slips() -> None:
    op.create_table(
        "slip_series",
        choice("kind", ("urging", "supervision", "order"), "slip_kind"),
        sa.Column("year", sa.BigInteger(), autoincrement=False, nullable=False),
        number("last"),
        sa.PrimaryKeyConstraint("kind", "year", name=op.f("pk_slip_series")),
    )
    op.create_table(
        "urging",
        *_slip_columns(),
        sa.Column("by_resident", sa.Boolean(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        number("deadline_id", nullable=True),
        sa.CheckConstraint("by_resident = (mode IS NULL)", name=op.f("ck_urging_mode")),
        key("urging", "deadline_id", "deadline"),
        *_slip_constraints("urging"),
    )
    _slip_indexes("urging")
    op.create_table(
        "supervision_order",
        *_slip_columns(),
        sa.Column("words", sa.Text(), nullable=False),
        number("meeting_id", nullable=True),
        _moment("reply_by"),
        _moment("answered_at"),
        number("answered_by", nullable=True),
        number("answer_seq", nullable=True),
        _moment("accepted_at"),
        number("insisted"),
        sa.CheckConstraint("(meeting_id IS NULL) <> (mode IS NULL)", name=op.f("ck_supervision_order_mode")),
        key("supervision_order", "meeting_id", "progress_meeting"),
        key("supervision_order", "answered_by", "staff"),
        *_slip_constraints("supervision_order"),
    )
    _slip_indexes("supervision_order")
    table = "supervision_order"
    op.create_index("ix_supervision_order_open", table, ["issued_at", "id"], postgresql_where="state IN ('issued', 'answered')")
    op.create_index("ix_supervision_order_meeting", table, ["meeting_id", "id"], postgresql_where="meeting_id IS NOT NULL")


def _lists() -> None:
    op.create_table(
        "case_listing",
        own_id(),
        number("case_id"),
        choice("listing", ("onsite", "interview"), "listing"),
        choice("listed_for", ("late", "reworked", "reassigned"), "listed_for"),
        _moment("since", nullable=False),
        _moment("settled_at"),
        key("case_listing", "case_id", "case"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_listing")),
    )
    standing = {"postgresql_where": "settled_at IS NULL"}
    op.create_index(op.f("ix_case_listing_case_id"), "case_listing", ["case_id"])
    op.create_index("uq_case_listing_open", "case_listing", ["case_id", "listing"], unique=True, **standing)
    op.create_index("ix_case_listing_since", "case_listing", ["listing", "since", "id"], **standing)
    op.create_index("ix_case_repeated", "case", ["id"], postgresql_where="reworks + reopenings > 0 AND closed_at IS NULL")


def _meetings() -> None:
    op.create_table(
        "progress_meeting",
        own_id(),
        number("unit_id"),
        _moment("held_at", nullable=False),
        sa.Column("chair", sa.Text(), nullable=False),
        sa.Column("participants", postgresql.ARRAY(sa.Text()), nullable=False),
        number("by_staff_id"),
        key("progress_meeting", "unit_id", "unit"),
        key("progress_meeting", "by_staff_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progress_meeting")),
    )
    op.create_index("ix_progress_meeting_unit_id", "progress_meeting", ["unit_id", "id"])
    op.create_table(
        "progress_item",
        number("meeting_id"),
        number("case_id"),
        number("place"),
        choice("light", ("green", "amber", "red"), "light"),
        choice("state", _CASE_STATES, "state"),
        number("lead_unit_id", nullable=True),
        _moment("due_at"),
        _moment("late_since"),
        key("progress_item", "meeting_id", "progress_meeting"),
        key("progress_item", "case_id", "case"),
        key("progress_item", "lead_unit_id", "unit"),
        sa.PrimaryKeyConstraint("meeting_id", "case_id", name=op.f("pk_progress_item")),
        sa.UniqueConstraint("meeting_id", "place", name=op.f("uq_progress_item_meeting_id_place")),
    )
    op.create_index(op.f("ix_progress_item_case_id"), "progress_item", ["case_id"])


def _step(level: int, on: str, tell: list[str], days: int | None = None) -> dict[str, object]:
    after = None if days is None else {"amount": days, "unit": "working_day", "hours": "work"}
    return {"level": level, "on": on, "tell": tell, "after": after}


_OLD = [
    _step(1, "amber", ["owner"]),
    _step(2, "due", ["owner", "unit_head"]),
    _step(3, "after", ["owner", "unit_head"], 1),
    _step(4, "after", ["supervisors"], 3),
    _step(5, "after", ["supervisors", "unit_head"], 5),
]
"""The ladder of the resolve clock as the product shipped it until now."""

_NEW = [
    {**_OLD[0], "does": []},
    {**_OLD[1], "does": []},
    {**_OLD[2], "tell": ["owner", "unit_head", "supervisors"], "does": ["draft_urging"]},
    {**_OLD[3], "does": ["supervisor_list"]},
    {**_OLD[4], "does": ["interview_list", "raise"]},
]


def _renew_ladders() -> None:
    """Put the new ladder in force as a new version where the shipped one is; what an administrator changed stays.

    A clock that runs keeps the version that it started with.
    """
    statement = sa.text(
        """
        WITH shipped AS (
            UPDATE deadline_policy AS p SET active = false
            WHERE p.active AND p.clock = 'resolve' AND p.ladder = CAST(:old AS jsonb)
                AND p.version = (SELECT max(version) FROM deadline_policy WHERE code = p.code)
            RETURNING p.*
        )
        INSERT INTO deadline_policy (code, version, clock, urgent, category_id, kind, amount, unit, hours, ladder, active)
        SELECT code, version + 1, clock, urgent, category_id, kind, amount, unit, hours, CAST(:new AS jsonb), true
        FROM shipped
        """
    )
    op.get_bind().execute(statement, {"old": json.dumps(_OLD), "new": json.dumps(_NEW)})


def upgrade() -> None:
    _meetings()
    _slips()
    _lists()
    _renew_ladders()
