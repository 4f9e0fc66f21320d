"""Services and village talks: the catalogue in versions, orders with their stations and duty, proactive lists, talks."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"

_ACTIONS = ("take", "give_back", "pass_station", "return_station")
_UNITS = ("minute", "hour", "working_hour", "working_day", "calendar_day")
_HOURS = ("always", "duty", "work")


def _check(table: str, name: str, condition: str) -> None:
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def _listed(words: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _actions() -> None:
    """Let entries hold the actions of an order, beside whatever they hold by now."""
    said = sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_entry_action'")
    known = re.findall(r"'([a-z_]+)'", op.get_bind().execute(said).scalar_one())
    op.execute("ALTER TABLE entry DROP CONSTRAINT ck_entry_action")
    _check("entry", "ck_entry_action", f"action IN ({_listed(list(dict.fromkeys([*known, *_ACTIONS])))})")


def _terms() -> None:
    """Let a clock keep a whole term of its own."""
    op.add_column("deadline", sa.Column("term_unit", sa.String(40), nullable=True))
    op.add_column("deadline", sa.Column("term_hours", sa.String(40), nullable=True))
    _check("deadline", "ck_deadline_term_unit", f"term_unit IN ({_listed(_UNITS)})")
    _check("deadline", "ck_deadline_term_hours", f"term_hours IN ({_listed(_HOURS)})")


def upgrade() -> None:
    _actions()
    _terms()
    op.create_table(
        "proactive_list",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("age_from", sa.BigInteger(), nullable=True),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_proactive_list_made_by")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_proactive_list_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proactive_list")),
    )
    op.create_index(op.f("ix_proactive_list_unit_id"), "proactive_list", ["unit_id"], unique=False)
    op.create_table(
        "service_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("handling", "errand", "supply", name="item_kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("min_age", sa.BigInteger(), nullable=True),
        sa.Column("takers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column(
            "unit_of_term",
            sa.Enum(
                "minute",
                "hour",
                "working_hour",
                "working_day",
                "calendar_day",
                name="unit_of_term",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "hours",
            sa.Enum("always", "duty", "work", name="hours", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("stations", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("materials", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fee", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("where_to", sa.Text(), nullable=False),
        sa.Column("when_to", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=True),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_service_item_amount")),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_service_item_category_id")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_service_item_made_by")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_service_item_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_item")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_service_item_code_version")),
    )
    op.create_index("uq_service_item_current", "service_item", ["code"], unique=True, postgresql_where="replaced_at IS NULL")
    op.create_table(
        "village_talk",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("chair", sa.Text(), nullable=False),
        sa.Column("attendants", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.Text(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("attendants > 0", name=op.f("ck_village_talk_attendants")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_village_talk_staff_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_village_talk_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_talk")),
    )
    op.create_index(op.f("ix_village_talk_staff_id"), "village_talk", ["staff_id"], unique=False)
    op.create_index("ix_village_talk_unit_id", "village_talk", ["unit_id", "id"], unique=False)
    op.create_table(
        "service_duty",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("point", sa.Text(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=True),
        sa.Column("item_code", sa.Text(), nullable=True),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("put_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("put_by", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["ended_by"], ["staff.id"], name=op.f("fk_service_duty_ended_by")),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name=op.f("fk_service_duty_grid_id")),
        sa.ForeignKeyConstraint(["put_by"], ["staff.id"], name=op.f("fk_service_duty_put_by")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_service_duty_staff_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_service_duty_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_duty")),
    )
    op.create_index("ix_service_duty_open", "service_duty", ["unit_id"], unique=False, postgresql_where="ended_at IS NULL")
    op.create_index(op.f("ix_service_duty_staff_id"), "service_duty", ["staff_id"], unique=False)
    op.create_table(
        "talk_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("talk_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_talk_item_case_id")),
        sa.ForeignKeyConstraint(["talk_id"], ["village_talk.id"], name=op.f("fk_talk_item_talk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_talk_item")),
        sa.UniqueConstraint("talk_id", "place", name=op.f("uq_talk_item_talk_id_place")),
    )
    op.create_index(op.f("ix_talk_item_case_id"), "talk_item", ["case_id"], unique=False)
    op.create_table(
        "benefit",
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["noted_by"], ["staff.id"], name=op.f("fk_benefit_noted_by")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_benefit_resident_id")),
        sa.PrimaryKeyConstraint("resident_id", "item_code", name=op.f("pk_benefit")),
    )
    op.create_table(
        "service_order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.LargeBinary(), nullable=True),
        sa.Column("wished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_by_staff", sa.BigInteger(), nullable=True),
        sa.Column("taken_by_resident", sa.BigInteger(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(taken_at IS NULL) = (num_nonnulls(taken_by_staff, taken_by_resident) = 0)", name=op.f("ck_service_order_taken")
        ),
        sa.CheckConstraint("num_nonnulls(taken_by_staff, taken_by_resident) <= 1", name=op.f("ck_service_order_one_taker")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_service_order_case_id")),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name=op.f("fk_service_order_grid_id")),
        sa.ForeignKeyConstraint(["item_id"], ["service_item.id"], name=op.f("fk_service_order_item_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_service_order_resident_id")),
        sa.ForeignKeyConstraint(["taken_by_resident"], ["resident.id"], name=op.f("fk_service_order_taken_by_resident")),
        sa.ForeignKeyConstraint(["taken_by_staff"], ["staff.id"], name=op.f("fk_service_order_taken_by_staff")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_service_order_unit_id")),
        sa.ForeignKeyConstraint(["village_id"], ["unit.id"], name=op.f("fk_service_order_village_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_order")),
        sa.UniqueConstraint("case_id", name=op.f("uq_service_order_case_id")),
    )
    op.create_index(op.f("ix_service_order_grid_id"), "service_order", ["grid_id"], unique=False)
    op.create_index("ix_service_order_item_code", "service_order", ["item_code", "resident_id"], unique=False)
    op.create_index(op.f("ix_service_order_item_id"), "service_order", ["item_id"], unique=False)
    op.create_index(
        "ix_service_order_open_village", "service_order", ["village_id", "id"], unique=False, postgresql_where="taken_at IS NULL"
    )
    op.create_index("ix_service_order_resident_id", "service_order", ["resident_id", "id"], unique=False)
    op.create_index(
        "ix_service_order_taken_by_resident",
        "service_order",
        ["taken_by_resident", "id"],
        unique=False,
        postgresql_where="taken_by_resident IS NOT NULL",
    )
    op.create_index(
        "ix_service_order_taken_by_staff",
        "service_order",
        ["taken_by_staff", "id"],
        unique=False,
        postgresql_where="taken_by_staff IS NOT NULL",
    )
    op.create_index("ix_service_order_unit_id", "service_order", ["unit_id", "id"], unique=False)
    op.create_index("uq_service_order_key", "service_order", ["key"], unique=True, postgresql_where="key IS NOT NULL")
    op.create_table(
        "service_station",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["service_order.id"], name=op.f("fk_service_station_order_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_service_station_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_station")),
    )
    op.create_index(op.f("ix_service_station_order_id"), "service_station", ["order_id"], unique=False)
