"""Keeps which cases may be the same thing as another: found by rare grams and by place, scored, and explained in Chinese.

Two looks into the ledger, both of bounded cost: the newest cases of the same and neighbouring grids and squares, and the cases
that share the rarest grams, wherever they lie. A neighbouring grid is one of the same village or community.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations, islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Double,
    Float,
    Integer,
    Select,
    and_,
    any_,
    bindparam,
    column,
    exists,
    func,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import aliased

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import Catalogue, catalogue
from app.ledger.merging.likeness import (
    ONE_CLICK,
    WORTH_A_LOOK,
    Pair,
    Place,
    Shares,
    Topic,
    chance_of_one,
    names_differ,
    names_in,
    shown,
)
from app.ledger.merging.mergeable import refusals
from app.ledger.merging.models import CaseText
from app.ledger.merging.texts import shares, squares_around, text_row, wanted_since
from app.ledger.models import Case, Report
from app.ledger.scope import find_case, visible
from app.ledger.vocabulary import OPEN, Kind, State, Urgency
from app.territory.datum import metres_between
from app.territory.models import Grid

LOOKERS = (Role.INTAKE, Role.DISPATCHER, Role.SUPERVISOR)

MOST = 10
"""So many candidates are offered."""
KNOWN, UNKNOWN, POSTINGS, PER_GRAM = 28, 16, 100, 100
"""So many of the rarest grams that were counted are looked up, of those that few enough cases have, and so many that
were too rare to be counted; so many cases are read for each."""
TOGETHER, PAIRS = 8, 16
"""Of the grams that more cases have, so many of the rarest are looked up two together, so many pairs."""
FAINT = 0.005
"""Texts less alike than this are not looked at further: at no place are they one thing."""
FOUND, PER_GRID, PER_SQUARE, GRIDS = 40, 15, 15, 6
"""So many cases are kept of the first look, and so many of each grid and square, of so many grids, are read for the second."""
NEAR_METRES, SAME_METRES = 500.0, 100.0


class CandidatesAreTheDesks(NotAllowed):
    """相似工单只对坐席开放"""


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What candidates are sought for: its grams, title, place, category, moment, and the people whose matter it is."""

    grams: frozenset[int]
    title: str
    grid_id: int | None
    point: tuple[float, float] | None
    category_id: int | None
    at: datetime
    people: Collection[int] = ()
    case_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A case that may be the same thing: open ones to be merged, closed ones (`recurrence`) to be linked or reopened.

    A text that a merge took in counts for the case that holds it now. `score` is the chance from 0 to 1; from ONE_CLICK on,
    `one_click` says that no second thought is needed, but never across grids that are no neighbours. Where the merge of an open
    one would be refused now, `refusal` says why instead. A `settled` one is not taken up again
    without new facts.
    """

    id: int
    number: str
    title: str
    state: State
    kind: Kind
    urgency: Urgency
    grid: str | None
    heat: int
    opened_at: datetime
    closed_at: datetime | None
    score: float
    likeness: float
    reasons: str
    settled: bool
    recurrence: bool
    one_click: bool
    refusal: str | None = None


def merge_candidates(stamp: Stamp, number: str) -> list[Candidate]:
    """Give the cases that a case may be merged with or be a recurrence of, the likeliest first.

    Only such as the actor sees, and never confidential ones, those hidden from the grid, or archived ones; none for a case that
    is confidential itself. Raises CaseNotFound, CandidatesAreTheDesks.
    """
    if stamp.actor.holds(LOOKERS) is None:
        raise CandidatesAreTheDesks
    case = find_case(stamp, number)
    if case.confidential or case.hidden_from_grid or case.state is State.MERGED:
        return []
    found = candidates_for(stamp, matter_of(case))
    why = refusals(case, [each.id for each in found if not each.recurrence], stamp.at)
    return [replace(each, one_click=False, refusal=why[each.number]) if each.number in why else each for each in found]


def matter_of(case: Case) -> Matter:
    """Give a stored case as a matter; its text is read again where the index no longer has it."""
    report = min((each for each in case.reports if not each.me_too), key=lambda each: each.id)
    row = text_row(case.id, report.title, report.body, latitude=report.latitude, longitude=report.longitude)
    return Matter(
        grams=frozenset(row["grams"]),
        title=case.title,
        grid_id=case.grid_id,
        point=(row["latitude"], row["longitude"]) if row["square"] is not None else None,
        category_id=case.category_id,
        at=case.opened_at,
        people={each.concerned_id for each in case.reports if each.concerned_id is not None},
        case_id=case.id,
    )


def candidates_for(stamp: Stamp, matter: Matter, *, most: int = MOST) -> list[Candidate]:
    """Give the cases that the actor sees and that may be the same thing as a matter, the likeliest first."""
    held, counted = catalogue(), shares()
    names = names_in(matter.title)
    best: dict[int, tuple[float, Pair, str | None, Any]] = {}
    for row in db.session.execute(_query(stamp, matter), _sought(matter, held, counted)):
        alike = counted.alike(matter.grams, frozenset(row.grams))
        if alike < FAINT:
            continue
        place, near = _place(matter, row, held)
        pair = Pair(
            alike=alike,
            days=abs((matter.at - row.said_at).total_seconds()) / 86_400,
            differ=names_differ(names, names_in(row.said)),
            place=place,
            topic=_topic(matter.category_id, row.category_id, held),
            same_person=row.same_person,
        )
        score = chance_of_one(pair)
        if score >= WORTH_A_LOOK and (row.id not in best or score > best[row.id][0]):
            best[row.id] = score, pair, near, row
    scored = sorted(best.values(), key=lambda each: (-each[0], -each[3].id))
    return [_candidate(score, pair, _reasons(pair, near, matter.at, row), row) for score, pair, near, row in scored[:most]]


def _candidate(score: float, pair: Pair, reasons: str, row: Any) -> Candidate:
    same = ("id", "number", "title", "state", "kind", "urgency", "grid", "heat", "opened_at", "closed_at", "settled")
    return Candidate(
        **{name: getattr(row, name) for name in same},
        score=round(score, 2),
        likeness=round(shown(pair.alike), 2),
        reasons=reasons,
        recurrence=row.state is State.CLOSED,
        one_click=score >= ONE_CLICK and row.state is not State.CLOSED and pair.place is not Place.APART,
    )


def _query(stamp: Stamp, matter: Matter) -> Select[Any]:
    """Give the one statement that finds the cases to be scored; its parameters are those of `_sought`."""
    recent = and_(Case.state == State.CLOSED, Case.closed_at > wanted_since(stamp.at))
    query = _FOUND.where(or_(Case.state.in_(OPEN), recent), visible(stamp.actor))
    return query if matter.case_id is None else query.where(Case.id != matter.case_id)


def _found() -> Select[Any]:
    """Give what does not change of the statement, made once: the two looks, and what is told of the cases found."""
    given = [bindparam(name, type_=ARRAY(Integer)) for name in ("grams", "others")]
    grams = func.unnest(*given, bindparam("weights", type_=ARRAY(Float)))
    columns_of = (column("gram", Integer), column("other", Integer), column("weight", Double))
    sought = grams.table_valued(*columns_of).render_derived(name="sought")
    both = CaseText.grams.contains(array([sought.c.gram, sought.c.other]))
    with_gram = select(CaseText.case_id).where(both).limit(PER_GRAM).lateral("with_gram")
    shared = select(with_gram.c.case_id).select_from(sought).join(with_gram, true()).group_by(with_gram.c.case_id)
    best = shared.order_by(func.sum(sought.c.weight).desc(), with_gram.c.case_id.desc()).limit(FOUND).cte("best")
    grid, square = _listed("grid_ids", "grid_around"), _listed("squares", "square_around")
    of_grid = select(Case.id.label("case_id")).where(Case.grid_id == grid.c.id).order_by(Case.id.desc()).limit(PER_GRID)
    of_square = select(CaseText.case_id).where(CaseText.square == square.c.id).order_by(CaseText.case_id.desc()).limit(PER_SQUARE)
    ways = [select(best.c.case_id)]
    for around, newest in ((grid, of_grid.lateral("of_grid")), (square, of_square.lateral("of_square"))):
        ways.append(select(newest.c.case_id).select_from(around).join(newest, true()))
    found = union(*ways).cte("found")
    # What a merge took in leads on to the case that holds it now: a merged case's report tells where its matter went.
    moved = select(Report.case_id).where(Report.opened_case_id == found.c.case_id).limit(1).lateral("moved")
    people = bindparam("people", type_=ARRAY(BigInteger))
    same_person = exists().where(Report.case_id == Case.id, Report.concerned_id == any_(people))
    columns = (Case.id, Case.number, Case.title, Case.state, Case.kind, Case.urgency, Case.heat, Case.opened_at, Case.closed_at,
               Case.settled, CaseText.grams, CaseText.latitude, CaseText.longitude)  # fmt: skip
    said = (
        _SAID.id.label("said_id"),
        _SAID.title.label("said"),
        _SAID.opened_at.label("said_at"),
        _SAID.grid_id,
        _SAID.category_id,
    )
    query: Select[Any] = select(*columns, *said).add_columns(Grid.name.label("grid"), same_person.label("same_person"))
    query = query.select_from(found).join(CaseText, CaseText.case_id == found.c.case_id).join(_SAID, _SAID.id == found.c.case_id)
    query = query.outerjoin(moved, true()).join(Case, Case.id == func.coalesce(moved.c.case_id, found.c.case_id))
    return query.outerjoin(Grid, Grid.id == Case.grid_id).where(~Case.confidential, ~Case.hidden_from_grid, ~Case.archived)


def _listed(name: str, table: str) -> Any:
    ids = func.unnest(bindparam(name, type_=ARRAY(BigInteger)))
    return ids.table_valued(column("id", BigInteger)).render_derived(name=table)


_SAID = aliased(Case)
"""The case whose text is alike; `Case` is the one that holds its report now, which is another only where it was merged."""

_FOUND = _found()


def _sought(matter: Matter, held: Catalogue, counted: Shares) -> dict[str, Any]:
    """Give what is looked up: grams, alone or two together, and their weights; grids and squares around; the matter's people."""
    looked = _look_ups(matter, counted)
    grids: list[int] = []
    if matter.grid_id is not None:
        path = held.grid_path(matter.grid_id)
        around = (each for each, where in held.grids.items() if where == path and each != matter.grid_id)
        grids = [matter.grid_id, *islice(around, GRIDS - 1)]
    return {
        "grams": [one for one, _, _ in looked],
        "others": [other for _, other, _ in looked],
        "weights": [-math.log(max(share, 1e-9)) for *_, share in looked],
        "grid_ids": grids,
        "squares": squares_around(*matter.point) if matter.point is not None else [],
        "people": sorted(matter.people),
    }


def _look_ups(matter: Matter, counted: Shares) -> list[tuple[int, int, float]]:
    """Give what to look up in the index, with the share of the cases that it finds.

    Alone those grams that few enough cases have; of those that more have, two together, as many as chance would leave few.
    """
    most = POSTINGS / max(counted.cases, 1)
    known = sorted((counted.shares[each], each) for each in matter.grams if each in counted.shares)
    alone = [(each, each, share) for share, each in known if share <= most][:KNOWN]
    alone += [(each, each, counted.least) for each in sorted(matter.grams) if each not in counted.shares][:UNKNOWN]
    fewer = [(share, each) for share, each in known if share > most][:TOGETHER]
    pairs = sorted((one[0] * other[0], one[1], other[1]) for one, other in combinations(fewer, 2))
    return alone + [(one, other, share) for share, one, other in pairs if share <= most or not alone][:PAIRS]


def _place(matter: Matter, row: Any, held: Catalogue) -> tuple[Place, str | None]:
    """Give how the places lie to each other, and the words for it."""
    if matter.point is not None and row.latitude is not None:
        metres = metres_between(matter.point, (row.latitude, row.longitude))
        if metres <= NEAR_METRES:
            return (Place.SAME if metres <= SAME_METRES else Place.NEAR), f"相距约 {max(10, round(metres, -1)):.0f} 米"
        if matter.grid_id is not None and matter.grid_id == row.grid_id:
            return Place.NEAR, "同一网格"
    if matter.grid_id is None or row.grid_id is None:
        return Place.UNKNOWN, None
    if matter.grid_id == row.grid_id:
        return Place.SAME, "同一网格"
    if held.grid_path(matter.grid_id) == held.grid_path(row.grid_id):
        return Place.NEAR, "相邻网格"
    return Place.APART, "网格不同"


def _topic(one: int | None, other: int | None, held: Catalogue) -> Topic:
    if one is None or other is None:
        return Topic.UNKNOWN
    first, second = held.category(one).chain, held.category(other).chain
    if first[0] in second or second[0] in first:
        return Topic.SAME
    below_root = set(first[:-1]) & set(second[:-1])
    if below_root:
        return Topic.KIN
    return Topic.UNKNOWN if first[-1] == second[-1] else Topic.OTHER


def _reasons(pair: Pair, near: str | None, at: datetime, row: Any) -> str:
    parts = ["同一反映人"] if pair.same_person else []
    parts += [near] if near else []
    parts.append(f"文字相似 {shown(pair.alike):.2f}")
    parts.append(f"相隔{_time_between(abs((at - row.said_at).total_seconds()))}")
    parts += ["相似的是已并入的反映"] if row.said_id != row.id else []
    parts += ["分类相同"] if pair.topic is Topic.SAME else []
    parts += ["提到的路名或编号不同"] if pair.differ else []
    parts += ["已办结，可关联为重复诉求"] if row.state is State.CLOSED else []
    parts += ["已标记不再重复受理"] if row.settled else []
    return "，".join(parts)


def _time_between(seconds: float) -> str:
    if seconds < 3600:
        return f" {max(1, round(seconds / 60))} 分钟"
    if seconds < 2 * 86_400:
        return f" {round(seconds / 3600)} 小时"
    return f" {round(seconds / 86_400)} 天"
