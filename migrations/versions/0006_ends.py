"""The ends of a case: reports that their person has withdrawn; results, what verifies them, and whom they are verified by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


_ACTIONS = (
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
    "look",
    "appraise",
    "warn_clock",
    "breach_clock",
    "escalate_clock",
    "recompute_clock",
    "archive",
)
_GRADES = "'very_satisfied', 'satisfied', 'basically_satisfied', 'dissatisfied', 'very_dissatisfied'"
_VERIFY_BY = "'callback', 'look', 'representative'"


def _check(table: str, name: str, condition: str) -> None:
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def upgrade() -> None:
    op.add_column("report", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    listed = ", ".join(f"'{word}'" for word in _ACTIONS)
    op.execute("ALTER TABLE entry DROP CONSTRAINT ck_entry_action")
    _check("entry", "ck_entry_action", f"action IN ({listed})")
    op.add_column("category", sa.Column("asks_evidence", sa.Boolean(), nullable=True))
    op.add_column("category", sa.Column("check_distance_m", sa.BigInteger(), nullable=True))
    op.add_column("category", sa.Column("verify_by", sa.String(length=40), nullable=True))
    _check("category", "ck_category_verify_by", f"verify_by IN ({_VERIFY_BY})")
    op.create_table(
        "result",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reply_index", sa.LargeBinary(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("distance_m", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_result_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result")),
    )
    op.create_index("ix_result_case_id", "result", ["case_id", "id"], unique=False)
    op.create_index("ix_result_reply_index", "result", ["reply_index", "case_id"], unique=False)
    op.create_table(
        "verification",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("satisfaction", sa.String(length=40), nullable=True),
        sa.Column("representative", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(f'"by" IN ({_VERIFY_BY})', name=op.f("ck_verification_verify_by")),
        sa.CheckConstraint(f"satisfaction IN ({_GRADES})", name=op.f("ck_verification_satisfaction")),
        sa.CheckConstraint("num_nonnulls(solved, satisfaction) = 1", name=op.f("ck_verification_one_word")),
        sa.CheckConstraint("(satisfaction IS NULL) = (representative IS NULL)", name=op.f("ck_verification_named")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_verification_case_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_verification_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification")),
    )
    op.create_index("ix_verification_case_id", "verification", ["case_id", "round"], unique=False)
