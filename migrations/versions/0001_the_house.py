"""The house: territory, people, ledger, clocks, outbox. The ledger's entries can be appended and read, nothing else."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "calendar_day",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("workday", "restday", name="day_kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("date", name=op.f("pk_calendar_day")),
    )
    op.create_table(
        "calendar_year",
        sa.Column("year", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_calendar_year")),
    )
    op.create_table(
        "category",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["category.id"], name=op.f("fk_category_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
        sa.UniqueConstraint("path", name=op.f("uq_category_path")),
    )
    op.create_index(op.f("ix_category_parent_id"), "category", ["parent_id"], unique=False)
    op.create_table(
        "county_setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_county_setting")),
    )
    op.create_table(
        "first_answer",
        sa.Column("scope", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_first_answer")),
    )
    op.create_index(op.f("ix_first_answer_at"), "first_answer", ["at"], unique=False)
    op.create_table(
        "job_run",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_run")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "recipient",
            sa.Enum("resident", "staff", name="recipient", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("recipient_id", sa.BigInteger(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("pending", "leased", "sent", "dead", name="notice_state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_notice_attempts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_key")),
    )
    op.create_index(op.f("ix_notice_case_id"), "notice", ["case_id"], unique=False)
    op.create_index("ix_notice_dead", "notice", ["id"], unique=False, postgresql_where="state = 'dead'")
    op.create_index(
        "ix_notice_next_attempt_at", "notice", ["next_attempt_at"], unique=False, postgresql_where="state IN ('pending', 'leased')"
    )
    op.create_index("ix_notice_recipient", "notice", ["recipient", "recipient_id", "id"], unique=False)
    op.create_table(
        "reason",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("reject", "redirect", name="request_kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_reason")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failed_count", sa.BigInteger(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("login", name=op.f("uq_staff_login")),
    )
    op.create_table(
        "throttle",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttle")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "unit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "county", "township", "village", "department", name="level", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["unit.id"], name=op.f("fk_unit_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("code", name=op.f("uq_unit_code")),
        sa.UniqueConstraint("path", name=op.f("uq_unit_path")),
    )
    op.create_index(op.f("ix_unit_parent_id"), "unit", ["parent_id"], unique=False)
    op.create_index("ix_unit_path", "unit", ["path"], unique=False, postgresql_ops={"path": "text_pattern_ops"})
    op.create_table(
        "deadline_policy",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column(
            "clock",
            sa.Enum(
                "accept",
                "info",
                "dispatch",
                "sign",
                "contact",
                "resolve",
                "overall",
                "review",
                "callback",
                name="clock",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("urgent", sa.Boolean(), nullable=True),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "consultation",
                "help",
                "complaint",
                "tip_off",
                "suggestion",
                "praise",
                "other",
                "service",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column(
            "unit",
            sa.Enum(
                "minute",
                "hour",
                "working_hour",
                "working_day",
                "calendar_day",
                name="unit",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "hours",
            sa.Enum("always", "duty", "work", name="hours_kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("ladder", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_deadline_policy_category_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline_policy")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_deadline_policy_code_version")),
    )
    op.create_table(
        "grid",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_grid_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grid")),
        sa.UniqueConstraint("code", name=op.f("uq_grid_code")),
    )
    op.create_index(op.f("ix_grid_unit_id"), "grid", ["unit_id"], unique=False)
    op.create_table(
        "staff_post",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "resident",
                "household_head",
                "grid_worker",
                "cadre",
                "intake",
                "dispatcher",
                "handler",
                "unit_head",
                "reviewer",
                "callback_agent",
                "supervisor",
                "leader",
                "administrator",
                "data_protection_officer",
                "system",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_post_staff_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_staff_post_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_post")),
        sa.UniqueConstraint("staff_id", "role", "unit_id", name=op.f("uq_staff_post_staff_id_role_unit_id")),
    )
    op.create_index(op.f("ix_staff_post_unit_id"), "staff_post", ["unit_id"], unique=False)
    op.create_table(
        "working_hours",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "purpose", sa.Enum("work", "duty", name="purpose", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.Column("from_month", sa.BigInteger(), nullable=False),
        sa.Column("from_day", sa.BigInteger(), nullable=False),
        sa.Column("to_month", sa.BigInteger(), nullable=False),
        sa.Column("to_day", sa.BigInteger(), nullable=False),
        sa.Column("spans", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("jsonb_typeof(spans) = 'array' AND jsonb_array_length(spans) > 0", name=op.f("ck_working_hours_spans")),
        sa.CheckConstraint("from_day BETWEEN 1 AND 31 AND to_day BETWEEN 1 AND 31", name=op.f("ck_working_hours_days")),
        sa.CheckConstraint("from_month BETWEEN 1 AND 12 AND to_month BETWEEN 1 AND 12", name=op.f("ck_working_hours_months")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_working_hours_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_working_hours")),
    )
    op.create_index(
        "uq_working_hours_season",
        "working_hours",
        ["unit_id", "purpose", "from_month", "from_day"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "case",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "submitted",
                "info_requested",
                "accepted",
                "dispatched",
                "in_progress",
                "suspended",
                "under_review",
                "awaiting_callback",
                "awaiting_upstream",
                "closed",
                "rejected",
                "redirected",
                "merged",
                "withdrawn",
                "terminated",
                "void",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "channel",
            sa.Enum(
                "mini_program",
                "hotline",
                "visit",
                "proxy",
                "window",
                "letter",
                "mailbox",
                "upstream_12345",
                "patrol",
                "leader",
                name="channel",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "consultation",
                "help",
                "complaint",
                "tip_off",
                "suggestion",
                "praise",
                "other",
                "service",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "urgency",
            sa.Enum("normal", "urgent", name="urgency", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("grid_id", sa.BigInteger(), nullable=True),
        sa.Column("territory_path", sa.Text(), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("against_paths", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("against_staff_id", sa.BigInteger(), nullable=True),
        sa.Column("upstream_number", sa.Text(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum("direct", "on_the_spot", "passed_on", name="outcome", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("lead_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("heat", sa.BigInteger(), nullable=False),
        sa.Column("unit_solved", sa.Boolean(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("entry_count", sa.BigInteger(), nullable=False),
        sa.Column("chain_head", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("entry_count > 0", name=op.f("ck_case_entry_count")),
        sa.CheckConstraint("octet_length(chain_head) = 32", name=op.f("ck_case_chain_head")),
        sa.ForeignKeyConstraint(["against_staff_id"], ["staff.id"], name=op.f("fk_case_against_staff_id")),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_case_category_id")),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name=op.f("fk_case_grid_id")),
        sa.ForeignKeyConstraint(["lead_unit_id"], ["unit.id"], name=op.f("fk_case_lead_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case")),
        sa.UniqueConstraint("number", name=op.f("uq_case_number")),
    )
    op.create_index("ix_case_archived", "case", ["id"], unique=False, postgresql_where="archived")
    op.create_index("ix_case_category", "case", ["category_id", "id"], unique=False)
    op.create_index("ix_case_channel", "case", ["channel", "id"], unique=False)
    op.create_index("ix_case_grid", "case", ["grid_id", "id"], unique=False)
    op.create_index("ix_case_kind", "case", ["kind", "id"], unique=False)
    op.create_index("ix_case_lead", "case", ["lead_unit_id", "id"], unique=False, postgresql_where="lead_unit_id IS NOT NULL")
    op.create_index("ix_case_state", "case", ["state", "id"], unique=False, postgresql_where="NOT archived")
    op.create_index(
        "ix_case_territory", "case", ["territory_path", "id"], unique=False, postgresql_ops={"territory_path": "text_pattern_ops"}
    )
    op.create_index("ix_case_urgent", "case", ["id"], unique=False, postgresql_where="urgency = 'urgent'")
    op.create_index(
        "uq_case_upstream_number", "case", ["upstream_number"], unique=True, postgresql_where="upstream_number IS NOT NULL"
    )
    op.create_table(
        "household",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name=op.f("fk_household_grid_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household")),
        sa.UniqueConstraint("code", name=op.f("uq_household_code")),
    )
    op.create_index(op.f("ix_household_grid_id"), "household", ["grid_id"], unique=False)
    op.create_table(
        "staff_grid",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name=op.f("fk_staff_grid_grid_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_grid_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", "grid_id", name=op.f("pk_staff_grid")),
    )
    op.create_index(op.f("ix_staff_grid_grid_id"), "staff_grid", ["grid_id"], unique=False)
    op.create_table(
        "assignment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "duty", sa.Enum("lead", "assist", name="duty", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("handler_id", sa.BigInteger(), nullable=True),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contacted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_assignment_case_id")),
        sa.ForeignKeyConstraint(["handler_id"], ["staff.id"], name=op.f("fk_assignment_handler_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["assignment.id"], name=op.f("fk_assignment_parent_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_assignment_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    op.create_index(op.f("ix_assignment_case_id"), "assignment", ["case_id"], unique=False)
    op.create_index("ix_assignment_unit_id", "assignment", ["unit_id", "case_id"], unique=False)
    op.create_index(
        "uq_assignment_lead", "assignment", ["case_id"], unique=True, postgresql_where=sa.text("duty = 'lead' AND ended_at IS NULL")
    )
    op.create_table(
        "call",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=True),
        sa.Column("number_index", sa.LargeBinary(), nullable=True),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("recording", sa.Text(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "registered",
                "consulted",
                "existing_case",
                "hung_up",
                "silent",
                "wrong_number",
                "nuisance",
                name="call_outcome",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["staff.id"], name=op.f("fk_call_agent_id")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_call_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
    )
    op.create_index(op.f("ix_call_case_id"), "call", ["case_id"], unique=False)
    op.create_index(op.f("ix_call_number_index"), "call", ["number_index"], unique=False)
    op.create_table(
        "callback",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "by",
            sa.Enum("agent", "resident", "claim_code", name="callback_by", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("contacted", sa.Boolean(), nullable=True),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column(
            "satisfaction",
            sa.Enum(
                "very_satisfied",
                "satisfied",
                "basically_satisfied",
                "dissatisfied",
                "very_dissatisfied",
                name="satisfaction",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("attitude", sa.BigInteger(), nullable=True),
        sa.Column("competence", sa.BigInteger(), nullable=True),
        sa.Column("convenience", sa.BigInteger(), nullable=True),
        sa.Column("speed", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_callback_case_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_callback_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback")),
    )
    op.create_index(op.f("ix_callback_case_id"), "callback", ["case_id"], unique=False)
    op.create_table(
        "case_access",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_path", sa.Text(), nullable=False),
        sa.Column(
            "mode", sa.Enum("read", "write", name="access", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_case_access_case_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_case_access_unit_id")),
        sa.PrimaryKeyConstraint("case_id", "unit_id", name=op.f("pk_case_access")),
    )
    op.create_index(
        "ix_case_access_unit_path",
        "case_access",
        ["unit_path", "case_id"],
        unique=False,
        postgresql_ops={"unit_path": "text_pattern_ops"},
    )
    op.create_table(
        "deadline",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "clock",
            sa.Enum(
                "accept",
                "info",
                "dispatch",
                "sign",
                "contact",
                "resolve",
                "overall",
                "review",
                "callback",
                name="clock",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "subject",
            sa.Enum("case", "assignment", name="subject", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("owner_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_staff_id", sa.BigInteger(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("warn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remainder", sa.Interval(), nullable=True),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resumed_with", sa.Interval(), nullable=True),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("supersedes_id", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_deadline_case_id")),
        sa.ForeignKeyConstraint(["owner_staff_id"], ["staff.id"], name=op.f("fk_deadline_owner_staff_id")),
        sa.ForeignKeyConstraint(["owner_unit_id"], ["unit.id"], name=op.f("fk_deadline_owner_unit_id")),
        sa.ForeignKeyConstraint(["policy_id"], ["deadline_policy.id"], name=op.f("fk_deadline_policy_id")),
        sa.ForeignKeyConstraint(["supersedes_id"], ["deadline.id"], name=op.f("fk_deadline_supersedes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline")),
    )
    op.create_index("ix_deadline_case_id", "deadline", ["case_id"], unique=False)
    op.create_index(
        "ix_deadline_due",
        "deadline",
        ["due_at", "id"],
        unique=False,
        postgresql_where="met_at IS NULL AND cancelled_at IS NULL AND paused_at IS NULL AND case_id IS NOT NULL",
    )
    op.create_index("ix_deadline_error", "deadline", ["id"], unique=False, postgresql_where="error IS NOT NULL")
    op.create_index(
        "ix_deadline_late",
        "deadline",
        ["breached_at", "id"],
        unique=False,
        postgresql_where="breached_at IS NOT NULL AND met_at IS NULL AND cancelled_at IS NULL",
    )
    op.create_index(
        "ix_deadline_next_check_at",
        "deadline",
        ["next_check_at", "id"],
        unique=False,
        postgresql_where="met_at IS NULL AND cancelled_at IS NULL AND next_check_at IS NOT NULL",
    )
    op.create_index(
        "ix_deadline_owner",
        "deadline",
        ["owner_staff_id", "case_id"],
        unique=False,
        postgresql_where="owner_staff_id IS NOT NULL AND met_at IS NULL AND cancelled_at IS NULL",
    )
    op.create_index(
        "ix_deadline_provisional",
        "deadline",
        ["due_at"],
        unique=False,
        postgresql_where="provisional AND met_at IS NULL AND cancelled_at IS NULL",
    )
    op.create_index("ix_deadline_subject", "deadline", ["subject", "subject_id"], unique=False)
    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("form", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "actor",
            sa.Enum(
                "resident", "staff", "system", "anonymous", name="actor_kind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "resident",
                "household_head",
                "grid_worker",
                "cadre",
                "intake",
                "dispatcher",
                "handler",
                "unit_head",
                "reviewer",
                "callback_agent",
                "supervisor",
                "leader",
                "administrator",
                "data_protection_officer",
                "system",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "door",
            sa.Enum(
                "mini_program",
                "grid",
                "desk",
                "job",
                "command_line",
                "import",
                name="door",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "action",
            sa.Enum(
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
                "warn_clock",
                "breach_clock",
                "escalate_clock",
                "recompute_clock",
                "archive",
                name="action",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "from_state",
            sa.Enum(
                "submitted",
                "info_requested",
                "accepted",
                "dispatched",
                "in_progress",
                "suspended",
                "under_review",
                "awaiting_callback",
                "awaiting_upstream",
                "closed",
                "rejected",
                "redirected",
                "merged",
                "withdrawn",
                "terminated",
                "void",
                name="from_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "to_state",
            sa.Enum(
                "submitted",
                "info_requested",
                "accepted",
                "dispatched",
                "in_progress",
                "suspended",
                "under_review",
                "awaiting_callback",
                "awaiting_upstream",
                "closed",
                "rejected",
                "redirected",
                "merged",
                "withdrawn",
                "terminated",
                "void",
                name="to_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("words_seal", sa.LargeBinary(), nullable=True),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_entry_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.UniqueConstraint("case_id", "seq", name=op.f("uq_entry_case_id_seq")),
    )
    op.create_index("ix_entry_at", "entry", ["at", "id"], unique=False)
    op.create_table(
        "household_identity",
        sa.Column("household_id", sa.BigInteger(), nullable=False),
        sa.Column("head_name", sa.LargeBinary(), nullable=False),
        sa.Column("place", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_household_identity_household_id")),
        sa.PrimaryKeyConstraint("household_id", name=op.f("pk_household_identity")),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("reject", "redirect", name="request_kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "approved",
                "rejected",
                "withdrawn",
                name="request_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("redirect_to", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name=op.f("ck_request_another_decides")),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_request_asked_by")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_request_case_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_request_decided_by")),
        sa.ForeignKeyConstraint(["reason_code"], ["reason.code"], name=op.f("fk_request_reason_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
    )
    op.create_index(op.f("ix_request_case_id"), "request", ["case_id"], unique=False)
    op.create_index("uq_request_pending", "request", ["case_id", "kind"], unique=True, postgresql_where="state = 'pending'")
    op.create_table(
        "resident",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=True),
        sa.Column("household_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name=op.f("fk_resident_grid_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_resident_household_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resident")),
    )
    op.create_index(op.f("ix_resident_grid_id"), "resident", ["grid_id"], unique=False)
    op.create_index(op.f("ix_resident_household_id"), "resident", ["household_id"], unique=False)
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "method",
            sa.Enum("signature", "sms_code", "spoken", name="consent_by", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("witness", sa.LargeBinary(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("method <> 'spoken' OR witness IS NOT NULL", name=op.f("ck_consent_witness")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_consent_resident_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_consent_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_resident_id"), "consent", ["resident_id"], unique=False)
    op.create_table(
        "deadline_level",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("deadline_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["deadline_id"], ["deadline.id"], name=op.f("fk_deadline_level_deadline_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline_level")),
        sa.UniqueConstraint("deadline_id", "level", name=op.f("uq_deadline_level_deadline_id_level")),
    )
    op.create_table(
        "entry_words",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_words_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entry_words")),
    )
    op.create_table(
        "identity_access",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_identity_access_resident_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_identity_access_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_access")),
    )
    op.create_index(op.f("ix_identity_access_resident_id"), "identity_access", ["resident_id"], unique=False)
    op.create_index(op.f("ix_identity_access_staff_id"), "identity_access", ["staff_id"], unique=False)
    op.create_table(
        "report",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "mini_program",
                "hotline",
                "visit",
                "proxy",
                "window",
                "letter",
                "mailbox",
                "upstream_12345",
                "patrol",
                "leader",
                name="channel",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filer_resident_id", sa.BigInteger(), nullable=True),
        sa.Column("filer_staff_id", sa.BigInteger(), nullable=True),
        sa.Column("concerned_id", sa.BigInteger(), nullable=True),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("claim_index", sa.LargeBinary(), nullable=True),
        sa.Column("consent_id", sa.BigInteger(), nullable=True),
        sa.Column("household_id", sa.BigInteger(), nullable=True),
        sa.Column("place_note", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("raw_point", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("source_key", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "NOT anonymous OR (filer_resident_id IS NULL AND concerned_id IS NULL AND filer_staff_id IS NULL)",
            name=op.f("ck_report_anonymous"),
        ),
        sa.CheckConstraint("num_nonnulls(filer_resident_id, filer_staff_id) <= 1", name=op.f("ck_report_one_filer")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_report_case_id")),
        sa.ForeignKeyConstraint(["concerned_id"], ["resident.id"], name=op.f("fk_report_concerned_id")),
        sa.ForeignKeyConstraint(["filer_resident_id"], ["resident.id"], name=op.f("fk_report_filer_resident_id")),
        sa.ForeignKeyConstraint(["filer_staff_id"], ["staff.id"], name=op.f("fk_report_filer_staff_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_report_household_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
    )
    op.create_index(op.f("ix_report_case_id"), "report", ["case_id"], unique=False)
    op.create_index(
        "ix_report_concerned_id", "report", ["concerned_id", "id"], unique=False, postgresql_where="concerned_id IS NOT NULL"
    )
    op.create_index(
        "ix_report_filer_resident_id",
        "report",
        ["filer_resident_id", "id"],
        unique=False,
        postgresql_where="filer_resident_id IS NOT NULL",
    )
    op.create_index(
        "ix_report_filer_staff_id",
        "report",
        ["filer_staff_id", "case_id"],
        unique=False,
        postgresql_where="filer_staff_id IS NOT NULL",
    )
    op.create_index("uq_report_source_key", "report", ["source_key"], unique=True, postgresql_where="source_key IS NOT NULL")
    op.create_table(
        "resident_identity",
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("id_number", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_index", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_resident_identity_resident_id")),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_resident_identity")),
    )
    op.create_index(op.f("ix_resident_identity_id_number_index"), "resident_identity", ["id_number_index"], unique=False)
    op.create_index(op.f("ix_resident_identity_phone_index"), "resident_identity", ["phone_index"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "principal",
            sa.Enum("resident", "staff", name="principal", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("resident_id", sa.BigInteger(), nullable=True),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_session_resident_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_session_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_session_token_hash")),
    )
    op.create_index(op.f("ix_session_resident_id"), "session", ["resident_id"], unique=False)
    op.create_index(op.f("ix_session_staff_id"), "session", ["staff_id"], unique=False)
    op.create_table(
        "source_account",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("user_index", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_source_account_resident_id")),
        sa.PrimaryKeyConstraint("source", "user_index", name=op.f("pk_source_account")),
    )
    op.create_index(op.f("ix_source_account_resident_id"), "source_account", ["resident_id"], unique=False)
    op.create_table(
        "visit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.BigInteger(), nullable=True),
        sa.Column("resident_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "met",
                "phone",
                "nobody_home",
                "working_away",
                "vacant",
                "refused",
                "moved",
                "deceased",
                name="visit_outcome",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("visited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("phone_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("findings", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name=op.f("fk_visit_grid_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_visit_household_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_visit_resident_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_visit_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("key", name=op.f("uq_visit_key")),
    )
    op.create_index("ix_visit_grid", "visit", ["grid_id", "visited_at"], unique=False)
    op.create_index(op.f("ix_visit_household_id"), "visit", ["household_id"], unique=False)
    op.create_index(op.f("ix_visit_resident_id"), "visit", ["resident_id"], unique=False)
    op.create_index("ix_visit_staff", "visit", ["staff_id", "id"], unique=False)
    op.create_table(
        "wechat_account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("appid", sa.Text(), nullable=False),
        sa.Column("openid", sa.LargeBinary(), nullable=False),
        sa.Column("openid_index", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_wechat_account_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_account")),
        sa.UniqueConstraint("appid", "openid_index", name=op.f("uq_wechat_account_appid_openid_index")),
    )
    op.create_index(op.f("ix_wechat_account_resident_id"), "wechat_account", ["resident_id"], unique=False)
    op.create_table(
        "proxy_filing",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("consent_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], name=op.f("fk_proxy_filing_consent_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_proxy_filing_report_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_proxy_filing_resident_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_proxy_filing_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proxy_filing")),
        sa.UniqueConstraint("report_id", name=op.f("uq_proxy_filing_report_id")),
    )
    op.create_index(op.f("ix_proxy_filing_resident_id"), "proxy_filing", ["resident_id"], unique=False)
    op.create_index(op.f("ix_proxy_filing_staff_id"), "proxy_filing", ["staff_id"], unique=False)
    op.create_table(
        "report_claim",
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_claim_report_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_report_claim_resident_id")),
        sa.PrimaryKeyConstraint("report_id", "resident_id", name=op.f("pk_report_claim")),
    )
    op.create_index(op.f("ix_report_claim_resident_id"), "report_claim", ["resident_id"], unique=False)
    op.create_table(
        "visit_need",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("visit_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_visit_need_case_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_need_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_need")),
        sa.UniqueConstraint("visit_id", "place", name=op.f("uq_visit_need_visit_id_place")),
    )
    op.create_index(op.f("ix_visit_need_case_id"), "visit_need", ["case_id"], unique=False)
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
    """)
    for table in ("entry", "identity_access"):
        op.execute(f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
