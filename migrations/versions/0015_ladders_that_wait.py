"""Ladders that wait while a clock stands still; lists that name the unit; urgent ladders in hours; numbers on the roster."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"


def _name_units() -> None:
    """Say of each place on a list because of which unit it is held: the lead's; where nobody leads, the county's own."""
    op.add_column("case_listing", sa.Column("unit_id", sa.BigInteger(), nullable=True))
    op.execute(
        """
        UPDATE case_listing SET unit_id = COALESCE(
            "case".lead_unit_id,
            (SELECT id FROM unit WHERE level = 'county' ORDER BY id LIMIT 1)
        )
        FROM "case" WHERE "case".id = case_listing.case_id
        """
    )
    op.alter_column("case_listing", "unit_id", nullable=False)
    op.create_foreign_key(op.f("fk_case_listing_unit_id"), "case_listing", "unit", ["unit_id"], ["id"])
    op.drop_index("uq_case_listing_open", "case_listing")
    op.create_index(
        "uq_case_listing_open",
        "case_listing",
        ["case_id", "listing", "unit_id"],
        unique=True,
        postgresql_where="settled_at IS NULL",
    )


def _settle_ended() -> None:
    """Settle the places of cases that have ended; what was merged may be taken apart again."""
    op.execute(
        """
        UPDATE case_listing SET settled_at = "case".closed_at
        FROM "case"
        WHERE "case".id = case_listing.case_id AND case_listing.settled_at IS NULL
            AND "case".closed_at IS NOT NULL AND "case".state <> 'merged'
        """
    )


def _step(level: int, on: str, tell: list[str], *, after: dict[str, Any] | None = None, does: list[str]) -> dict[str, Any]:
    return {"level": level, "on": on, "tell": tell, "after": after, "does": does}


def _ladder(*terms: dict[str, Any]) -> list[dict[str, Any]]:
    first, second, third = terms
    return [
        _step(1, "amber", ["owner"], does=[]),
        _step(2, "due", ["owner", "unit_head"], does=[]),
        _step(3, "after", ["owner", "unit_head", "supervisors"], after=first, does=["draft_urging"]),
        _step(4, "after", ["supervisors"], after=second, does=["supervisor_list"]),
        _step(5, "after", ["supervisors", "unit_head"], after=third, does=["interview_list", "raise"]),
    ]


_OLD = _ladder(*({"amount": days, "unit": "working_day", "hours": "work"} for days in (1, 3, 5)))
_NEW = _ladder(*({"amount": hours, "unit": "hour", "hours": "always"} for hours in (2, 6, 24)))


def _renew_ladder() -> None:
    """Put the urgent ladder in force as a new version where the shipped one is; what an administrator changed stays.

    A clock that runs keeps the version that it started with.
    """
    statement = sa.text(
        """
        INSERT INTO deadline_policy
            (code, version, clock, urgent, category_id, kind, amount, unit, hours, ladder, active, effective_from, change_id)
        SELECT code, version + 1, clock, urgent, category_id, kind, amount, unit, hours, CAST(:new AS jsonb), true,
            effective_from, NULL
        FROM deadline_policy AS p
        WHERE active AND clock = 'resolve' AND urgent AND ladder = CAST(:old AS jsonb)
            AND version = (SELECT max(version) FROM deadline_policy WHERE code = p.code)
        """
    )
    op.get_bind().execute(statement, {"old": json.dumps(_OLD), "new": json.dumps(_NEW)})


def upgrade() -> None:
    op.add_column("deadline", sa.Column("stood", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=True))
    op.add_column("roster_entry", sa.Column("phone", sa.Text(), nullable=True))
    _name_units()
    _settle_ended()
    _renew_ladder()
