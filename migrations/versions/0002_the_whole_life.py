"""The whole life of a case: requests of every kind, what a case notes of its clocks, counters, merging; wider lists of words."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


_WORDS: dict[tuple[str, str, str], tuple[str, ...]] = {
    ("entry", "action", "action"): (
        "submit",
        "supplement",
        "ask_info",
        "supply_info",
        "lapse_info",
        "accept",
        "answer",
        "ask_reject",
        "ask_redirect",
        "reject",
        "redirect",
        "refuse_request",
        "dispatch",
        "sign",
        "sign_assist",
        "contact",
        "submit_assist",
        "submit_result",
        "pass",
        "send_back",
        "attempt_callback",
        "record_callback",
        "rate",
        "confirm_upstream",
        "claim",
        "correct",
        "hand_to_emergency",
        "confirm_arrival",
        "sub_dispatch",
        "assign_handler",
        "raise",
        "adjust_clock",
        "hand_over",
        "ask_return",
        "ask_reassign",
        "ask_support",
        "ask_extend",
        "ask_suspend",
        "ask_terminate",
        "ask_exclude",
        "ask_void",
        "ask_withdraw",
        "ask_judge_closed",
        "withdraw_request",
        "return",
        "reassign",
        "add_assist",
        "extend",
        "suspend",
        "resume",
        "terminate",
        "exclude",
        "void",
        "withdraw",
        "judge_closed",
        "triage",
        "reopen",
        "mark_settled",
        "merge",
        "absorb",
        "unmerge",
        "release",
        "link_recurrence",
        "publish",
        "me_too",
        "urge",
        "order_supervision",
        "answer_supervision",
        "decide_progress",
        "whistle",
        "arrive",
        "assess_whistle",
        "warn_clock",
        "breach_clock",
        "escalate_clock",
        "recompute_clock",
        "archive",
    ),
    ("request", "request_kind", "kind"): (
        "reject",
        "redirect",
        "return",
        "reassign",
        "support",
        "extend",
        "suspend",
        "terminate",
        "exclude",
        "void",
        "withdraw",
        "judge_closed",
    ),
    ("reason", "request_kind", "kind"): (
        "reject",
        "redirect",
        "return",
        "reassign",
        "support",
        "extend",
        "suspend",
        "terminate",
        "exclude",
        "void",
        "withdraw",
        "judge_closed",
    ),
    ("assignment", "duty", "duty"): ("lead", "assist", "sub"),
    ("deadline", "clock", "clock"): (
        "accept",
        "info",
        "dispatch",
        "sign",
        "contact",
        "resolve",
        "overall",
        "review",
        "callback",
        "triage",
        "decide",
        "suspension",
        "upstream_sign",
        "upstream_return",
        "upstream_due",
        "arrive",
        "supervision",
    ),
    ("deadline_policy", "clock", "clock"): (
        "accept",
        "info",
        "dispatch",
        "sign",
        "contact",
        "resolve",
        "overall",
        "review",
        "callback",
        "triage",
        "decide",
        "suspension",
        "upstream_sign",
        "upstream_return",
        "upstream_due",
        "arrive",
        "supervision",
    ),
    ("deadline", "subject", "subject"): ("case", "assignment", "request", "whistle_call", "supervision_order"),
    ("callback", "callback_by", "by"): ("agent", "resident", "claim_code", "upstream"),
}
"""The lists that grew: (table, constraint, column) and their words now."""


def _widen() -> None:
    for (table, constraint, column), words in _WORDS.items():
        listed = ", ".join(f"'{word}'" for word in words)
        name = f"ck_{table}_{constraint}"
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(f'ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ("{column}" IN ({listed})) NOT VALID')
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def _fill() -> None:
    """Give the cases that are there what new ones get as they move: rounds until now were all reworks."""
    op.execute('UPDATE "case" SET reworks = round - 1 WHERE round > 1')
    op.execute(
        """
        UPDATE "case" SET next_due_at = d.due, amber_at = d.warn, late_since = d.late
        FROM (
            SELECT case_id,
                min(due_at) FILTER (WHERE paused_at IS NULL) AS due,
                min(warn_at) FILTER (WHERE paused_at IS NULL) AS warn,
                min(breached_at) AS late
            FROM deadline WHERE met_at IS NULL AND cancelled_at IS NULL AND case_id IS NOT NULL GROUP BY case_id
        ) AS d
        WHERE d.case_id = "case".id
        """
    )


def upgrade() -> None:
    _widen()
    op.add_column("assignment", sa.Column("by_meeting", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("callback", sa.Column("report_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_callback_report_id"), "callback", "report", ["report_id"], ["id"])
    op.add_column("case", sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("case", sa.Column("amber_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("case", sa.Column("late_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("case", sa.Column("return_locked", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("case", sa.Column("excluded", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("case", sa.Column("triage", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("case", sa.Column("settled", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("case", sa.Column("awaiting_rescue", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("case", sa.Column("hidden_from_grid", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("case", sa.Column("reworks", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("case", sa.Column("reopenings", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("case", sa.Column("reassignments", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("case", sa.Column("extensions", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("case", sa.Column("urgings", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("case", sa.Column("raised", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("case", sa.Column("merged_into_id", sa.BigInteger(), nullable=True))
    op.add_column("case", sa.Column("recurrence_of_id", sa.BigInteger(), nullable=True))
    op.add_column("case", sa.Column("published_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("case", sa.Column("public_title", sa.Text(), nullable=True))
    op.add_column("case", sa.Column("public_summary", sa.Text(), nullable=True))
    _fill()
    op.create_index("ix_case_open", "case", ["id"], unique=False, postgresql_where="closed_at IS NULL AND NOT archived")
    op.create_index("ix_case_amber", "case", ["amber_at", "id"], unique=False, postgresql_where="amber_at IS NOT NULL")
    op.create_index(
        "ix_case_closed_at", "case", ["closed_at", "id"], unique=False, postgresql_where="closed_at IS NOT NULL AND NOT archived"
    )
    op.create_index("ix_case_late", "case", ["late_since", "id"], unique=False, postgresql_where="late_since IS NOT NULL")
    op.create_index("ix_case_merged_into", "case", ["merged_into_id"], unique=False, postgresql_where="merged_into_id IS NOT NULL")
    op.create_index("ix_case_next_due", "case", ["next_due_at", "id"], unique=False, postgresql_where="next_due_at IS NOT NULL")
    op.create_index("ix_case_opened_at", "case", ["opened_at", "id"], unique=False, postgresql_where="NOT archived")
    op.create_index("ix_case_published", "case", ["id"], unique=False, postgresql_where="published_at IS NOT NULL")
    op.create_index(
        "ix_case_recurrence_of", "case", ["recurrence_of_id"], unique=False, postgresql_where="recurrence_of_id IS NOT NULL"
    )
    op.create_index("ix_case_triage", "case", ["id"], unique=False, postgresql_where="triage")
    op.create_foreign_key(op.f("fk_case_recurrence_of_id"), "case", "case", ["recurrence_of_id"], ["id"])
    op.create_foreign_key(op.f("fk_case_merged_into_id"), "case", "case", ["merged_into_id"], ["id"])
    op.add_column("deadline", sa.Column("given", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("request", sa.Column("assignment_id", sa.BigInteger(), nullable=True))
    op.add_column("request", sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False))
    op.add_column("request", sa.Column("asked_by_resident", sa.BigInteger(), nullable=True))
    op.alter_column("request", "reason_code", existing_type=sa.TEXT(), nullable=True)
    op.alter_column("request", "reply", existing_type=sa.TEXT(), nullable=True)
    op.alter_column("request", "asked_by", existing_type=sa.BIGINT(), nullable=True)
    op.create_index("ix_request_awaited", "request", ["kind", "id"], unique=False, postgresql_where="state = 'pending'")
    op.create_foreign_key(op.f("fk_request_asked_by_resident"), "request", "resident", ["asked_by_resident"], ["id"])
    op.create_foreign_key(op.f("fk_request_assignment_id"), "request", "assignment", ["assignment_id"], ["id"])
    op.create_check_constraint(op.f("ck_request_one_asker"), "request", "num_nonnulls(asked_by, asked_by_resident) = 1")
