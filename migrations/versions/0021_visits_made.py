"""Visits made by plan: how tasks end, who was met, topics, what a visit changes on the roster, notices that are dropped."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.columns import choice, key, moment, number, own_id, text

revision = "0021"
down_revision = "0020"

_TOPICS = (
    ("safety", "安全隐患"),
    ("policy", "政策宣传"),
    ("health", "身体状况"),
    ("income", "收入就业"),
    ("school", "子女就学"),
    ("housing", "住房饮水"),
    ("dispute", "矛盾纠纷"),
    ("fraud", "防诈骗"),
    ("insurance", "社保医保"),
    ("environment", "人居环境"),
    ("farming", "农业生产"),
    ("opinion", "意见建议"),
)
_ENDS = ("deceased", "moved_away", "duplicate", "household_ended", "vacant", "rule_ended", "campaign_ended", "by_hand")


def _check(table: str, name: str, condition: str) -> None:
    """Put a check on a table that may be full without holding up its writers while it is read."""
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_{name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")


def _notices() -> None:
    _check("notice", "notice_state", "state IN ('pending', 'leased', 'sent', 'dead', 'dropped')")
    op.add_column("notice", text("about", nullable=True))
    spoken_of = "about IS NOT NULL AND state IN ('pending', 'leased', 'dead')"
    op.create_index("ix_notice_about", "notice", ["about"], postgresql_where=spoken_of)


def _plans() -> None:
    for table in ("visit_rule", "campaign"):
        op.add_column(table, sa.Column("in_person", sa.Boolean(), nullable=False, server_default="true"))
        op.alter_column(table, "in_person", server_default=None)
    op.add_column("visit_rule", text("reason", nullable=True))
    _check("visit_rule", "every_months", "every_months IN (1, 2, 3, 4, 6, 12)")
    op.add_column("campaign", number("ended_by", nullable=True))
    op.create_foreign_key(op.f("fk_campaign_ended_by"), "campaign", "staff", ["ended_by"], ["id"])


def _tasks() -> None:
    op.add_column("visit_task", sa.Column("in_person", sa.Boolean(), nullable=False, server_default="true"))
    op.add_column("visit_task", sa.Column("attempts", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("visit_task", sa.Column("contacted_on", sa.Date(), nullable=True))
    op.add_column("visit_task", sa.Column("ended_by", sa.String(40), nullable=True))
    op.execute("UPDATE visit_task SET ended_by = 'by_hand' WHERE state = 'cancelled'")
    _check("visit_task", "task_state", "state IN ('open', 'done', 'unreached', 'missed', 'cancelled')")
    _check("visit_task", "task_end", f"ended_by IN ({', '.join(repr(end) for end in _ENDS)})")
    _check("visit_task", "ended_by", "(state = 'cancelled') = (ended_by IS NOT NULL)")
    op.create_index("ix_visit_task_due", "visit_task", ["grid_id", "due_on"])
    op.create_index("ix_visit_task_campaign_id", "visit_task", ["campaign_id"], postgresql_where="campaign_id IS NOT NULL")


def _visits() -> None:
    op.add_column("visit", sa.Column("in_person", sa.Boolean(), nullable=True))
    op.add_column("visit", moment("told_at", nullable=True))
    op.add_column("visit", sa.Column("clock_off", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column("visit", number("seconds", nullable=True))
    op.add_column("visit", sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.add_column("visit", sa.Column("position", sa.LargeBinary(), nullable=True))
    op.execute("UPDATE visit SET in_person = outcome = 'met', told_at = visited_at")
    for column in ("in_person", "told_at"):
        op.alter_column("visit", column, nullable=False)
    for column in ("clock_off", "topics"):
        op.alter_column("visit", column, server_default=None)
    _check("visit", "seconds", "seconds BETWEEN 0 AND 43200")
    op.create_index("ix_visit_household", "visit", ["household_id", "visited_at", "id"])
    op.drop_index("ix_visit_household_id", "visit")
    op.create_table(
        "visit_met",
        number("visit_id"), number("resident_id"),
        key("visit_met", "visit_id", "visit"),
        key("visit_met", "resident_id", "resident"),
        sa.PrimaryKeyConstraint("visit_id", "resident_id", name=op.f("pk_visit_met")),
    )  # fmt: skip
    op.create_index(op.f("ix_visit_met_resident_id"), "visit_met", ["resident_id"])
    op.execute(
        "INSERT INTO visit_met (visit_id, resident_id) SELECT id, resident_id FROM visit"
        " WHERE resident_id IS NOT NULL AND outcome IN ('met', 'phone')"
    )


def _topics() -> None:
    topics = op.create_table(
        "visit_topic",
        text("code"), text("name"), number("place"), sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_visit_topic")),
        sa.UniqueConstraint("name", name=op.f("uq_visit_topic_name")),
    )  # fmt: skip
    op.bulk_insert(
        topics, [{"code": code, "name": name, "place": place, "active": True} for place, (code, name) in enumerate(_TOPICS)]
    )


def _effects() -> None:
    op.create_table(
        "visit_effect",
        own_id(), number("visit_id"), number("grid_id"), number("household_id"), number("resident_id", nullable=True),
        choice("kind", ("deceased", "moved_away", "household_moved", "vacant"), "effect_kind"),
        choice("state", ("proposed", "done", "refused", "undone"), "effect_state"),
        moment("at"), moment("done_at", nullable=True), text("before", nullable=True),
        moment("decided_at", nullable=True), number("decided_by", nullable=True), text("reason", nullable=True),
        key("visit_effect", "visit_id", "visit"),
        key("visit_effect", "grid_id", "grid"),
        key("visit_effect", "household_id", "household"),
        key("visit_effect", "resident_id", "resident"),
        key("visit_effect", "decided_by", "staff"),
        sa.CheckConstraint(
            "(kind IN ('deceased', 'moved_away')) = (resident_id IS NOT NULL)", name=op.f("ck_visit_effect_of_whom")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_effect")),
        sa.UniqueConstraint("visit_id", name=op.f("uq_visit_effect_visit_id")),
    )  # fmt: skip
    op.create_index("ix_visit_effect_grid", "visit_effect", ["grid_id", "id"])
    op.create_index(op.f("ix_visit_effect_resident_id"), "visit_effect", ["resident_id"])


def upgrade() -> None:
    _notices()
    _plans()
    _tasks()
    _visits()
    _topics()
    _effects()
