"""The field: consent by texted code and disputed consent, requests that somebody comes home, what heads of groups log."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_ACTIONS = ("hand_to", "reissue_code", "dispute_consent", "rule_on_consent", "take_visit", "decline_visit")


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _number(column: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(column, sa.BigInteger(), nullable=nullable)


def _moment(column: str, *, nullable: bool = False) -> sa.Column[sa.DateTime]:
    return sa.Column(column, sa.DateTime(timezone=True), nullable=nullable)


def _text(column: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(column, sa.Text(), nullable=nullable)


def _bytes(column: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(column, sa.LargeBinary(), nullable=nullable)


def _word(column: str, words: tuple[str, ...], name: str) -> sa.Column[str]:
    return sa.Column(column, sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40), nullable=False)


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def _primary(table: str, column: str = "id") -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(column, name=op.f(f"pk_{table}"))


def _unique(table: str, column: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(column, name=op.f(f"uq_{table}_{column}"))


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
        _id(), _number("case_id"), _number("report_id"), _number("staff_id"), _number("resident_id", nullable=True), _moment("at"),
        _moment("ruled_at", nullable=True), _number("ruled_by", nullable=True), sa.Column("upheld", sa.Boolean(), nullable=True),
        _check(table, "ruling", "num_nonnulls(ruled_at, ruled_by, upheld) IN (0, 3)"),
        _key(table, "case_id", "case"), _key(table, "report_id", "report"), _key(table, "staff_id", "staff"),
        _key(table, "resident_id", "resident"), _key(table, "ruled_by", "staff"),
        _primary(table), _unique(table, "report_id"),
    )  # fmt: skip
    op.create_index("ix_consent_dispute_open", table, ["id"], postgresql_where="ruled_at IS NULL")
    op.create_index("ix_consent_dispute_case_id", table, ["case_id"])


def _homes() -> None:
    table = "home_request"
    op.create_table(
        table,
        _id(), _number("case_id"), _number("unit_id"), _number("grid_id"), _number("resident_id", nullable=True), _bytes("place"),
        _bytes("phone", nullable=True), _moment("wished_at", nullable=True), _moment("asked_at"), _moment("take_by"),
        _word("state", ("waiting", "taken", "visited", "declined"), "home_state"), _number("staff_id", nullable=True),
        _moment("taken_at", nullable=True), _moment("come_by", nullable=True), _moment("ended_at", nullable=True),
        _check(table, "taken", "(staff_id IS NULL) = (taken_at IS NULL)"),
        _key(table, "case_id", "case"), _key(table, "unit_id", "unit"), _key(table, "grid_id", "grid"),
        _key(table, "resident_id", "resident"), _key(table, "staff_id", "staff"),
        _primary(table), _unique(table, "case_id"),
    )  # fmt: skip
    op.create_index(op.f("ix_home_request_resident_id"), table, ["resident_id"])
    op.create_index("ix_home_request_unit_id", table, ["unit_id", "id"], postgresql_where="state IN ('waiting', 'taken')")
    op.create_index("ix_home_request_staff_id", table, ["staff_id", "id"], postgresql_where="staff_id IS NOT NULL")


def _consents() -> None:
    table = "consent_code"
    op.create_table(
        table,
        _id(), _number("staff_id"), _bytes("phone_index"), _text("title"), _bytes("code_hash"), _moment("sent_at"),
        _moment("expires_at"), _number("tries"), _moment("proved_at", nullable=True), _moment("used_at", nullable=True),
        _check(table, "tries", "tries >= 0"),
        _key(table, "staff_id", "staff"),
        _primary(table),
    )  # fmt: skip
    op.add_column("consent", _bytes("witness_phone", nullable=True))
    op.add_column("consent", _number("code_id", nullable=True))
    op.create_foreign_key(op.f("fk_consent_code_id"), "consent", "consent_code", ["code_id"], ["id"])
    op.create_unique_constraint(op.f("uq_consent_code_id"), "consent", ["code_id"])
    op.add_column("proxy_filing", _number("home_request_id", nullable=True))
    op.add_column("proxy_filing", sa.Column("reachable", sa.Boolean(), nullable=True))
    op.add_column("proxy_filing", _moment("handed_over_at", nullable=True))
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
        _id(), _number("group_id"), _number("head_id"), _number("household_id", nullable=True),
        _word("what", ("visit", "need", "help", "suggestion"), "head_did"), _text("words"), _number("report_id", nullable=True),
        _moment("at"),
        _check("head_log", "household", "what = 'suggestion' OR household_id IS NOT NULL"),
        _check("head_log", "report", "(what IN ('need', 'suggestion')) = (report_id IS NOT NULL)"),
        _key("head_log", "group_id", "household_group"), _key("head_log", "head_id", "group_head"),
        _key("head_log", "household_id", "household"), _key("head_log", "report_id", "report"),
        _primary("head_log"), _unique("head_log", "report_id"),
    )  # fmt: skip
    op.create_index("ix_head_log_group_id", "head_log", ["group_id", "what", "at"])
    op.create_index("ix_head_log_head_id", "head_log", ["head_id", "id"])
    op.create_table(
        "head_account",
        _number("head_id"), _bytes("code_index"), _moment("code_until"), _number("resident_id", nullable=True),
        _moment("joined_at", nullable=True),
        _check("head_account", "joined", "(resident_id IS NULL) = (joined_at IS NULL)"),
        _key("head_account", "head_id", "group_head"), _key("head_account", "resident_id", "resident"),
        _primary("head_account", "head_id"), _unique("head_account", "code_index"),
    )  # fmt: skip
    joined = "resident_id IS NOT NULL"
    op.create_index("ix_head_account_resident_id", "head_account", ["resident_id"], postgresql_where=joined)


def upgrade() -> None:
    _actions()
    _disputes()
    _homes()
    _consents()
    _heads()
