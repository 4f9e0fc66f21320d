"""The field: consent by texted code and disputed consent, requests that somebody comes home, what heads of groups log."""

import re

import sqlalchemy as sa
from alembic import op

from migrations.columns import choice, key, moment, number, own_id, primary, sealed, text, unique

revision = "0024"
down_revision = "0023"

_ACTIONS = ("hand_to", "reissue_code", "dispute_consent", "rule_on_consent", "take_visit", "decline_visit")


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _actions() -> None:
    """Let entries hold the new actions besides those that they may hold now."""
    query = sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_entry_action'")
    words = [*re.findall(r"'([a-z_0-9]+)'", op.get_bind().execute(query).scalar_one()), *_ACTIONS]
    listed = ", ".join(f"'{word}'" for word in dict.fromkeys(words))
    op.execute("ALTER TABLE entry DROP CONSTRAINT ck_entry_action")
    op.execute(f"ALTER TABLE entry ADD CONSTRAINT ck_entry_action CHECK (action IN ({listed})) NOT VALID")
    op.execute("ALTER TABLE entry VALIDATE CONSTRAINT ck_entry_action")


def _disputes() -> None:
    table = "consent_dispute"
    op.create_table(
        table,
        own_id(), number("case_id"), number("report_id"), number("staff_id"), number("resident_id", nullable=True), moment("at"),
        moment("ruled_at", nullable=True), number("ruled_by", nullable=True), sa.Column("upheld", sa.Boolean(), nullable=True),
        _check(table, "ruling", "num_nonnulls(ruled_at, ruled_by, upheld) IN (0, 3)"),
        key(table, "case_id", "case"), key(table, "report_id", "report"), key(table, "staff_id", "staff"),
        key(table, "resident_id", "resident"), key(table, "ruled_by", "staff"),
        primary(table), unique(table, "report_id"),
    )  # fmt: skip
    op.create_index("ix_consent_dispute_open", table, ["id"], postgresql_where="ruled_at IS NULL")
    op.create_index("ix_consent_dispute_case_id", table, ["case_id"])


def _homes() -> None:
    table = "home_request"
    op.create_table(
        table,
        own_id(), number("case_id"), number("unit_id"), number("grid_id"), number("resident_id", nullable=True), sealed("place"),
        sealed("phone", nullable=True), moment("wished_at", nullable=True), moment("asked_at"), moment("take_by"),
        choice("state", ("waiting", "taken", "visited", "declined"), "home_state"), number("staff_id", nullable=True),
        moment("taken_at", nullable=True), moment("come_by", nullable=True), moment("ended_at", nullable=True),
        _check(table, "taken", "(staff_id IS NULL) = (taken_at IS NULL)"),
        key(table, "case_id", "case"), key(table, "unit_id", "unit"), key(table, "grid_id", "grid"),
        key(table, "resident_id", "resident"), key(table, "staff_id", "staff"),
        primary(table), unique(table, "case_id"),
    )  # fmt: skip
    op.create_index(op.f("ix_home_request_resident_id"), table, ["resident_id"])
    op.create_index("ix_home_request_unit_id", table, ["unit_id", "id"], postgresql_where="state IN ('waiting', 'taken')")
    op.create_index("ix_home_request_staff_id", table, ["staff_id", "id"], postgresql_where="staff_id IS NOT NULL")


def _consents() -> None:
    table = "consent_code"
    op.create_table(
        table,
        own_id(), number("staff_id"), sealed("phone_index"), text("title"), sealed("code_hash"), moment("sent_at"),
        moment("expires_at"), number("tries"), moment("proved_at", nullable=True), moment("used_at", nullable=True),
        _check(table, "tries", "tries >= 0"),
        key(table, "staff_id", "staff"),
        primary(table),
    )  # fmt: skip
    op.add_column("consent", sealed("witness_phone", nullable=True))
    op.add_column("consent", number("code_id", nullable=True))
    op.create_foreign_key(op.f("fk_consent_code_id"), "consent", "consent_code", ["code_id"], ["id"])
    op.create_unique_constraint(op.f("uq_consent_code_id"), "consent", ["code_id"])
    op.add_column("proxy_filing", number("home_request_id", nullable=True))
    op.add_column("proxy_filing", sa.Column("reachable", sa.Boolean(), nullable=True))
    op.add_column("proxy_filing", moment("handed_over_at", nullable=True))
    op.execute(
        "UPDATE proxy_filing SET reachable ="
        " EXISTS (SELECT 1 FROM resident_identity i WHERE i.resident_id = proxy_filing.resident_id AND i.phone IS NOT NULL)"
        " OR EXISTS (SELECT 1 FROM wechat_account a WHERE a.resident_id = proxy_filing.resident_id)"
    )
    op.alter_column("proxy_filing", "reachable", nullable=False)
    op.create_foreign_key(op.f("fk_proxy_filing_home_request_id"), "proxy_filing", "home_request", ["home_request_id"], ["id"])
    op.create_index(op.f("ix_proxy_filing_home_request_id"), "proxy_filing", ["home_request_id"])
    op.drop_index(op.f("ix_proxy_filing_staff_id"), "proxy_filing")
    op.create_index("ix_proxy_filing_staff_id", "proxy_filing", ["staff_id", "id"])
    untold = "NOT reachable AND handed_over_at IS NULL"
    op.create_index("ix_proxy_filing_untold", "proxy_filing", ["staff_id", "id"], postgresql_where=untold)


def _heads() -> None:
    op.create_table(
        "head_log",
        own_id(), number("group_id"), number("head_id"), number("household_id", nullable=True),
        choice("what", ("visit", "need", "help", "suggestion"), "head_did"), text("words"), number("report_id", nullable=True),
        moment("at"),
        _check("head_log", "household", "what = 'suggestion' OR household_id IS NOT NULL"),
        _check("head_log", "report", "(what IN ('need', 'suggestion')) = (report_id IS NOT NULL)"),
        key("head_log", "group_id", "household_group"), key("head_log", "head_id", "group_head"),
        key("head_log", "household_id", "household"), key("head_log", "report_id", "report"),
        primary("head_log"), unique("head_log", "report_id"),
    )  # fmt: skip
    op.create_index("ix_head_log_group_id", "head_log", ["group_id", "what", "at"])
    op.create_index("ix_head_log_head_id", "head_log", ["head_id", "id"])
    op.create_table(
        "head_account",
        number("head_id"), sealed("code_index"), moment("code_until"), number("resident_id", nullable=True),
        moment("joined_at", nullable=True),
        _check("head_account", "joined", "(resident_id IS NULL) = (joined_at IS NULL)"),
        key("head_account", "head_id", "group_head"), key("head_account", "resident_id", "resident"),
        primary("head_account", "head_id"), unique("head_account", "code_index"),
    )  # fmt: skip
    joined = "resident_id IS NOT NULL"
    op.create_index("ix_head_account_resident_id", "head_account", ["resident_id"], postgresql_where=joined)


def upgrade() -> None:
    _actions()
    _disputes()
    _homes()
    _consents()
    _heads()
