"""The roster: kinds and groups of households, populations with source and expiry, who cares for whom, and tasks to visit."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import choice, day, key, moment, number, own_id, primary, text, yes

revision = "0017"
down_revision = "0016"

_CLOCKS = (
    "accept", "info", "dispatch", "sign", "contact", "resolve", "overall", "review", "callback", "triage", "decide", "suspension",
    "upstream_sign", "upstream_return", "upstream_due", "arrive", "supervision", "rescue", "visit", "station",
)  # fmt: skip
_SUBJECTS = ("case", "assignment", "request", "whistle_call", "supervision_order", "visit_task", "service_station")
_KINDS = ("ordinary", "floating", "collective", "vacant")

# code, name, key, from_age, lasts_months
_POPULATIONS: tuple[tuple[str, str, bool, int | None, int | None], ...] = (
    ("living_alone", "独居老人", True, None, 12),
    ("over_80", "八十岁以上老人", True, 80, None),
    ("disabled", "残疾人", True, None, None),
    ("low_income", "低保户", True, None, 12),
    ("extreme_poverty", "特困供养人员", True, None, 12),
    ("left_behind_child", "留守儿童", True, None, 12),
    ("orphan", "孤儿和困境儿童", True, None, 12),
    ("chronic_illness", "慢性病患者", True, None, 24),
    ("severe_illness", "重病患者", True, None, 12),
    ("mental_illness", "严重精神障碍患者", True, None, None),
    ("relapse_watch", "防返贫监测户", True, None, 12),
    ("bereaved_only_child", "计划生育特殊家庭", True, None, None),
    ("over_60", "六十岁以上老人", False, 60, None),
    ("veteran", "退役军人", False, None, None),
    ("party_member", "党员", False, None, None),
    ("volunteer", "志愿者", False, None, None),
)


def _words() -> None:
    for column, words, tables in (
        ("clock", _CLOCKS, ("deadline", "deadline_policy", "leave_move")),
        ("subject", _SUBJECTS, ("deadline", "leave_move")),
    ):
        listed = ", ".join(f"'{word}'" for word in words)
        for table in tables:
            name = f"ck_{table}_{column}"
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IN ({listed})) NOT VALID")
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def _households() -> None:
    op.create_table(
        "household_group",
        own_id(), text("code"), text("name"), number("grid_id"), moment("created_at"), moment("ended_at", nullable=True),
        key("household_group", "grid_id", "grid"),
        primary("household_group"),
        sa.UniqueConstraint("code", name=op.f("uq_household_group_code")),
    )  # fmt: skip
    op.create_index(op.f("ix_household_group_grid_id"), "household_group", ["grid_id"])
    op.add_column("household", number("group_id", nullable=True))
    op.add_column("household", sa.Column("kind", sa.String(40), nullable=False, server_default="ordinary"))
    op.add_column("household", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1"))
    op.add_column("household", moment("updated_at", nullable=True))
    op.add_column("household", moment("ended_at", nullable=True))
    op.execute("UPDATE household SET updated_at = created_at")
    op.alter_column("household", "updated_at", nullable=False)
    op.alter_column("household", "kind", server_default=None)
    op.alter_column("household", "version", server_default=None)
    kinds = ", ".join(f"'{kind}'" for kind in _KINDS)
    op.create_check_constraint(op.f("ck_household_household_kind"), "household", f"kind IN ({kinds})")
    op.create_foreign_key(op.f("fk_household_group_id"), "household", "household_group", ["group_id"], ["id"])
    op.create_index(op.f("ix_household_group_id"), "household", ["group_id"])


def _residents() -> None:
    op.add_column("resident", sa.Column("sex", sa.String(40), nullable=True))
    op.add_column("resident", day("birth_month", nullable=True))
    op.add_column("resident", text("relation", nullable=True))
    op.add_column("resident", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1"))
    op.add_column("resident", moment("updated_at", nullable=True))
    op.add_column("resident", moment("ended_at", nullable=True))
    op.add_column("resident", sa.Column("ended_by", sa.String(40), nullable=True))
    op.execute("UPDATE resident SET updated_at = created_at")
    op.alter_column("resident", "updated_at", nullable=False)
    op.alter_column("resident", "version", server_default=None)
    op.create_check_constraint(op.f("ck_resident_sex"), "resident", "sex IN ('female', 'male')")
    op.create_check_constraint(op.f("ck_resident_ended_by"), "resident", "ended_by IN ('deceased', 'moved_away', 'duplicate')")
    op.create_check_constraint(op.f("ck_resident_ended"), "resident", "(ended_at IS NULL) = (ended_by IS NULL)")


def _populations() -> None:
    tags = op.create_table(
        "population_tag",
        own_id(), text("code"), text("name"), yes("key"), number("from_age", nullable=True),
        number("lasts_months", nullable=True), number("place"), yes("active"),
        primary("population_tag"),
        sa.UniqueConstraint("code", name=op.f("uq_population_tag_code")),
        sa.UniqueConstraint("name", name=op.f("uq_population_tag_name")),
    )  # fmt: skip
    columns = ("code", "name", "key", "from_age", "lasts_months")
    rows = [dict(zip(columns, row, strict=True)) | {"place": place, "active": True} for place, row in enumerate(_POPULATIONS)]
    op.bulk_insert(tags, rows)
    op.create_table(
        "resident_tag",
        own_id(), number("resident_id"), number("tag_id"), text("source"), day("since"), day("expires_on", nullable=True),
        moment("noted_at"), number("noted_by", nullable=True), moment("ended_at", nullable=True),
        key("resident_tag", "resident_id", "resident"),
        key("resident_tag", "tag_id", "population_tag"),
        key("resident_tag", "noted_by", "staff"),
        primary("resident_tag"),
    )  # fmt: skip
    still = "ended_at IS NULL"
    op.create_index("ix_resident_tag_open", "resident_tag", ["resident_id", "tag_id"], unique=True, postgresql_where=still)
    op.create_index("ix_resident_tag_tag_id", "resident_tag", ["tag_id", "resident_id"], postgresql_where=still)
    dated = "ended_at IS NULL AND expires_on IS NOT NULL"
    op.create_index("ix_resident_tag_expires_on", "resident_tag", ["expires_on"], postgresql_where=dated)


def _heads_and_care() -> None:
    still = "ended_at IS NULL"
    op.create_table(
        "group_head",
        own_id(), number("group_id"), number("resident_id"), moment("since"), moment("ended_at", nullable=True),
        key("group_head", "group_id", "household_group"),
        key("group_head", "resident_id", "resident"),
        primary("group_head"),
    )  # fmt: skip
    op.create_index("ix_group_head_open", "group_head", ["group_id", "resident_id"], unique=True, postgresql_where=still)
    op.create_index("ix_group_head_resident_id", "group_head", ["resident_id"])
    op.create_table(
        "care",
        own_id(), number("resident_id"),
        choice("by", ("family", "cadre", "grid_worker", "party_member", "volunteer"), "care_by"),
        number("staff_id", nullable=True), number("carer_id", nullable=True), moment("since"), moment("ended_at", nullable=True),
        key("care", "resident_id", "resident"),
        key("care", "staff_id", "staff"),
        key("care", "carer_id", "resident"),
        sa.CheckConstraint("(staff_id IS NULL) <> (carer_id IS NULL)", name=op.f("ck_care_one_carer")),
        sa.CheckConstraint("carer_id <> resident_id", name=op.f("ck_care_another")),
        primary("care"),
    )  # fmt: skip
    for column in ("resident_id", "staff_id", "carer_id"):
        op.create_index(f"ix_care_{column}", "care", [column], postgresql_where=still)


def _visits() -> None:
    op.create_table(
        "visit_rule",
        own_id(), text("code"), number("version"), number("tag_id", nullable=True),
        choice("household_kind", _KINDS, "household_kind", nullable=True), number("every_months"), yes("active"),
        moment("made_at"), number("made_by", nullable=True),
        key("visit_rule", "tag_id", "population_tag"),
        key("visit_rule", "made_by", "staff"),
        sa.CheckConstraint("(tag_id IS NULL) <> (household_kind IS NULL)", name=op.f("ck_visit_rule_one_of_both")),
        sa.CheckConstraint("every_months BETWEEN 1 AND 12", name=op.f("ck_visit_rule_every_months")),
        primary("visit_rule"),
        sa.UniqueConstraint("code", "version", name=op.f("uq_visit_rule_code_version")),
    )  # fmt: skip
    op.execute(
        "INSERT INTO visit_rule (code, version, tag_id, every_months, active, made_at)"
        " SELECT code, 1, id, 1, true, now() FROM population_tag WHERE key"
    )
    op.execute(
        "INSERT INTO visit_rule (code, version, household_kind, every_months, active, made_at)"
        " VALUES ('floating', 1, 'floating', 3, true, now()), ('ordinary', 1, 'ordinary', 6, true, now())"
    )
    op.create_table(
        "campaign",
        own_id(), text("name"), number("unit_id"), number("tag_id", nullable=True), day("starts_on"), day("due_on"),
        moment("made_at"), number("made_by"), moment("ended_at", nullable=True),
        key("campaign", "unit_id", "unit"),
        key("campaign", "tag_id", "population_tag"),
        key("campaign", "made_by", "staff"),
        sa.CheckConstraint("due_on >= starts_on", name=op.f("ck_campaign_span")),
        primary("campaign"),
    )  # fmt: skip
    op.create_index(op.f("ix_campaign_unit_id"), "campaign", ["unit_id"])
    op.create_table(
        "visit_task",
        own_id(), text("key"), number("grid_id"), number("household_id"), number("resident_id", nullable=True),
        choice("why", ("rule", "campaign", "follow_up", "proactive"), "task_for"),
        number("rule_id", nullable=True), number("campaign_id", nullable=True), text("note", nullable=True),
        day("first_on"), day("due_on"), choice("state", ("open", "done", "cancelled"), "task_state"),
        moment("ended_at", nullable=True), text("ended_why", nullable=True), number("visit_id", nullable=True),
        number("version"), moment("created_at"), moment("updated_at"),
        key("visit_task", "grid_id", "grid"),
        key("visit_task", "household_id", "household"),
        key("visit_task", "resident_id", "resident"),
        key("visit_task", "rule_id", "visit_rule"),
        key("visit_task", "campaign_id", "campaign"),
        key("visit_task", "visit_id", "visit"),
        sa.CheckConstraint("due_on >= first_on", name=op.f("ck_visit_task_span")),
        primary("visit_task"),
        sa.UniqueConstraint("key", name=op.f("uq_visit_task_key")),
    )  # fmt: skip
    op.create_index("ix_visit_task_open", "visit_task", ["grid_id", "due_on", "id"], postgresql_where="state = 'open'")
    op.create_index("ix_visit_task_household", "visit_task", ["household_id", "id"])
    theirs = "state = 'open' AND resident_id IS NOT NULL"
    op.create_index("ix_visit_task_resident", "visit_task", ["resident_id"], postgresql_where=theirs)
    op.create_index("ix_visit_task_visit_id", "visit_task", ["visit_id"], postgresql_where="visit_id IS NOT NULL")


def upgrade() -> None:
    _words()
    _households()
    _residents()
    _populations()
    _heads_and_care()
    _visits()
