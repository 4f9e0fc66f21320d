"""The roster kept: what was changed by whom, lists that come in and go out, names found without being read."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import choice, key, moment, number, own_id, primary, record, sealed, text

revision = "0020"
down_revision = "0019"

_CHANGES = (
    "household_added", "household_edited", "household_moved", "household_ended", "resident_added", "resident_edited",
    "resident_moved", "resident_ended", "resident_restored", "tag_put", "tag_ended", "care_put", "care_ended", "group_added", "group_edited",
    "group_ended", "head_named", "head_ended",
)  # fmt: skip
_STATES = ("waiting", "running", "done", "refused", "failed")
_DOORS = ("mini_program", "grid", "desk", "job", "command_line", "import")

_PROVINCE = [
    ["grid_code", "所属网格编码", {}], ["name", "姓名", {}], ["id_number", "公民身份号码", {}],
    ["sex", "性别代码", {"codes": {"male": "1", "female": "2"}}], ["birth_month", "出生年月", {"date": "%Y%m"}],
    ["phone", "联系方式", {}], ["place", "现住址", {}], ["relation", "与户主关系", {}], ["tags", "人员类别", {"join": ","}],
]  # fmt: skip
_CITY = [
    ["household_code", "户编号", {}], ["household_kind", "户类型", {"codes": {"ordinary": "常住户", "floating": "流动户"}}],
    ["head_name", "户主", {}], ["name", "成员姓名", {}], ["relation", "关系", {}], ["phone", "手机号码", {}],
    ["id_number", "证件号码", {}], ["sex", "性别", {"codes": {"male": "男", "female": "女"}}], ["group", "联户", {}],
    ["grid_name", "网格名称", {}], ["place", "住址", {}],
]  # fmt: skip
_VISITS = [
    ["key", "走访编号", {}], ["visited_at", "走访时间", {"date": "%Y-%m-%d %H:%M:%S"}], ["grid_code", "网格编码", {}],
    ["household_code", "户编号", {}], ["outcome", "走访结果", {}], ["findings", "走访情况", {}],
]  # fmt: skip


def _identities() -> None:
    op.add_column("resident_identity", sealed("name_index", nullable=True))
    op.create_index(op.f("ix_resident_identity_name_index"), "resident_identity", ["name_index"])
    unnamed = "name IS NOT NULL AND name_index IS NULL"
    op.create_index("ix_resident_identity_to_index", "resident_identity", ["resident_id"], postgresql_where=unnamed)
    op.add_column("household_identity", sealed("match_index", nullable=True))
    op.create_index(op.f("ix_household_identity_match_index"), "household_identity", ["match_index"])
    op.create_index(
        "ix_household_identity_to_index", "household_identity", ["household_id"], postgresql_where="match_index IS NULL"
    )
    op.add_column("resident", number("merged_into_id", nullable=True))
    op.create_foreign_key(op.f("fk_resident_merged_into_id"), "resident", "resident", ["merged_into_id"], ["id"])
    op.create_check_constraint(op.f("ck_resident_merged"), "resident", "merged_into_id IS NULL OR ended_by = 'duplicate'")
    alive = "ended_at IS NULL AND household_id IS NOT NULL"
    op.create_index("ix_resident_merged_into_id", "resident", ["merged_into_id"], postgresql_where="merged_into_id IS NOT NULL")
    op.create_index("ix_resident_birth_month", "resident", ["birth_month"], postgresql_where=alive)
    op.create_index("ix_household_grid_code", "household", ["grid_id", "code"])
    op.alter_column("identity_access", "resident_id", nullable=True)
    op.add_column("identity_access", text("scope", nullable=True))
    op.add_column("identity_access", number("count", nullable=True))
    op.execute(
        "ALTER TABLE identity_access ADD CONSTRAINT ck_identity_access_one_or_many"
        " CHECK ((resident_id IS NULL) = (scope IS NOT NULL) AND (scope IS NULL) = (count IS NULL)) NOT VALID"
    )
    op.execute("ALTER TABLE identity_access VALIDATE CONSTRAINT ck_identity_access_one_or_many")


def _changes() -> None:
    op.create_table(
        "roster_change",
        own_id(), moment("at"), number("staff_id", nullable=True), choice("door", _DOORS, "door"),
        choice("what", _CHANGES, "roster_change_kind"), number("household_id", nullable=True), number("resident_id", nullable=True),
        number("group_id", nullable=True), number("grid_id"), number("from_grid_id", nullable=True), record("facts"),
        key("roster_change", "staff_id", "staff"),
        key("roster_change", "household_id", "household"),
        key("roster_change", "resident_id", "resident"),
        key("roster_change", "group_id", "household_group"),
        key("roster_change", "grid_id", "grid"),
        key("roster_change", "from_grid_id", "grid"),
        primary("roster_change"),
    )  # fmt: skip
    for column in ("household_id", "resident_id", "group_id", "from_grid_id"):
        there = f"{column} IS NOT NULL"
        op.create_index(f"ix_roster_change_{column}", "roster_change", [column, "id"], postgresql_where=there)
    op.create_index("ix_roster_change_grid_id", "roster_change", ["grid_id", "id"])
    op.execute("CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON roster_change FOR EACH ROW EXECUTE FUNCTION refuse_change()")


def _lists() -> None:
    op.create_table(
        "column_profile",
        own_id(), number("unit_id"), text("name"), sealed("fingerprint"), record("columns"), moment("made_at"),
        number("made_by", nullable=True),
        key("column_profile", "unit_id", "unit"),
        key("column_profile", "made_by", "staff"),
        primary("column_profile"),
        sa.UniqueConstraint("unit_id", "name", name=op.f("uq_column_profile_unit_id_name")),
    )  # fmt: skip
    op.create_index(op.f("ix_column_profile_fingerprint"), "column_profile", ["fingerprint"])
    op.create_table(
        "roster_import",
        own_id(), number("unit_id"), sealed("file", nullable=True), record("options"), choice("state", _STATES, "import_state"),
        number("rows_all"), number("rows_done"), record("counts"), sealed("report", nullable=True), text("problem", nullable=True),
        moment("made_at"), number("made_by"), moment("touched_at"), moment("finished_at", nullable=True),
        key("roster_import", "unit_id", "unit"),
        key("roster_import", "made_by", "staff"),
        primary("roster_import"),
    )  # fmt: skip
    op.create_index("ix_roster_import_made_by", "roster_import", ["made_by", "id"])
    op.create_index("ix_roster_import_open", "roster_import", ["id"], postgresql_where="state IN ('waiting', 'running')")
    profiles = op.create_table(
        "export_profile",
        own_id(), text("code"), text("name"), choice("of", ("roster", "visits"), "profiled"), record("columns"),
        sa.Column("active", sa.Boolean(), nullable=False),
        primary("export_profile"),
        sa.UniqueConstraint("code", name=op.f("uq_export_profile_code")),
    )  # fmt: skip
    rows = (
        ("province_people", "省平台人员信息", "roster", _PROVINCE), ("city_households", "市平台户籍成员", "roster", _CITY),
        ("province_visits", "省平台走访记录", "visits", _VISITS),
    )  # fmt: skip
    op.bulk_insert(
        profiles,
        [
            {
                "code": code,
                "name": name,
                "of": of,
                "columns": [{"field": column[0], "header": column[1], **column[2]} for column in columns],
                "active": True,
            }
            for code, name, of, columns in rows
        ],
    )


def upgrade() -> None:
    _identities()
    _changes()
    _lists()
