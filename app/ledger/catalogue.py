"""Keeps what intake and moves look up at every step, held for seconds: categories, grids, policies, the county's root."""

import logging
from dataclasses import dataclass

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Invalid
from app.core.held import Held
from app.ledger.clocks import DeadlinePolicy
from app.ledger.models import Category
from app.ledger.policies import DEFAULTS, Policy, ladder_from_json, ladder_to_json
from app.ledger.terms import Term
from app.ledger.vocabulary import VerifyBy
from app.territory.models import Grid, Level, Unit

log = logging.getLogger("minhu.ledger")


class UnknownCategory(Invalid):
    """没有这个分类"""


class UnknownGrid(Invalid):
    """没有这个网格"""


@dataclass(frozen=True)
class CategoryFacts:
    """A category's full name, its chain of ids from itself to the root, and whether it makes a case urgent.

    Of its results: whether evidence is asked for, within how many metres they lie, and which people verify them. One that is
    not `active` is out of use: cases keep it, none gets it anew.
    """

    path: str
    chain: tuple[int, ...]
    urgent: bool
    asks_evidence: bool = False
    check_distance_m: int | None = None
    verify_by: VerifyBy = VerifyBy.CALLBACK
    active: bool = True


@dataclass(frozen=True)
class Catalogue:
    """A snapshot: categories by id, grids (unit path) by id, every version of every policy, the county's id and path."""

    categories: dict[int, CategoryFacts]
    grids: dict[int, str]
    grid_codes: dict[str, int]
    policies: tuple[Policy, ...]
    policy_ladders: dict[int, Policy]
    county_id: int | None
    county_path: str

    def category(self, category_id: int) -> CategoryFacts:
        """Give a category; raises UnknownCategory."""
        try:
            return self.categories[category_id]
        except KeyError:
            raise UnknownCategory(errors={"category_id": ["没有这个分类"]}) from None

    def offered(self, category_id: int) -> CategoryFacts:
        """Give a category that a case may get; raises UnknownCategory for one that is out of use."""
        facts = self.category(category_id)
        if not facts.active:
            raise UnknownCategory("这个分类已停用，请另选", errors={"category_id": ["这个分类已停用，请另选"]})
        return facts

    def below(self, category_id: int) -> list[int]:
        """Give a category's id and those of all below it; none for an unknown one."""
        return [each for each, facts in self.categories.items() if category_id in facts.chain]

    def grid_id(self, code: str) -> int:
        """Give the id of a grid by its code; raises UnknownGrid."""
        try:
            return self.grid_codes[code]
        except KeyError:
            raise UnknownGrid(errors={"grid": ["没有这个网格"]}) from None

    def grid_path(self, grid_id: int) -> str:
        """Give the unit path of a grid; raises UnknownGrid."""
        try:
            return self.grids[grid_id]
        except KeyError:
            raise UnknownGrid(errors={"grid_id": ["没有这个网格"]}) from None


def policy_of(row: DeadlinePolicy) -> Policy:
    """Give a stored version of a policy as a value; raises ValueError, KeyError or WrongTerm where it cannot be read."""
    return Policy(
        row.id,
        row.code,
        row.version,
        row.clock,
        Term(row.amount, row.unit, row.hours),
        ladder_from_json(row.ladder),
        row.urgent,
        row.category_id,
        row.kind,
        row.effective_from,
        row.active,
    )


def _policies() -> list[Policy]:
    """Read every version of every policy. One that cannot be read is left out: only the clocks that keep it are set aside."""
    found = []
    for row in db.session.scalars(select(DeadlinePolicy).order_by(DeadlinePolicy.id)):
        try:
            found.append(policy_of(row))
        except (ValueError, KeyError, TypeError, Invalid):
            log.exception("version %s of policy %s cannot be read", row.version, row.code)
    return found


def _load() -> Catalogue:
    rows = db.session.scalars(select(Category)).all()
    parents = {row.id: row.parent_id for row in rows}
    by_id = {row.id: row for row in rows}

    def chain(category_id: int) -> tuple[int, ...]:
        links = [category_id]
        while (parent := parents.get(links[-1])) is not None:
            links.append(parent)
        return tuple(links)

    def facts(row: Category) -> CategoryFacts:
        ways = [by_id[each] for each in chain(row.id)]
        return CategoryFacts(
            row.path,
            chain(row.id),
            row.urgent,
            next((each.asks_evidence for each in ways if each.asks_evidence is not None), False),
            next((each.check_distance_m for each in ways if each.check_distance_m is not None), None),
            next((each.verify_by for each in ways if each.verify_by is not None), VerifyBy.CALLBACK),
            row.active,
        )

    policies = _policies()
    grids = db.session.execute(select(Grid.id, Grid.code, Unit.path).join(Unit, Unit.id == Grid.unit_id)).all()
    root = db.session.execute(select(Unit.id, Unit.path).where(Unit.level == Level.COUNTY).order_by(Unit.id).limit(1)).first()
    return Catalogue(
        {row.id: facts(row) for row in rows},
        {row.id: row.path for row in grids},
        {row.code: row.id for row in grids},
        tuple(policies),
        {policy.id: policy for policy in policies},
        root.id if root else None,
        root.path if root else "/",
    )


catalogue = Held(_load)


def seed_policies() -> int:
    """Store the default policies that are not there yet, by code; give how many were added. An administrator's stay."""
    known = set(db.session.scalars(select(DeadlinePolicy.code)))
    fresh = [
        DeadlinePolicy(
            code=default.code,
            version=1,
            clock=default.clock,
            urgent=default.urgent,
            kind=default.kind,
            amount=default.term.amount,
            unit=default.term.unit,
            hours=default.term.hours,
            ladder=ladder_to_json(default.ladder),
        )
        for default in DEFAULTS
        if default.code not in known
    ]
    db.session.add_all(fresh)
    db.session.flush()
    catalogue.forget()
    return len(fresh)
