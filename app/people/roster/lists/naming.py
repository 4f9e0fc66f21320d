"""Keeps what rows say of somebody beside who they are: populations with source and expiry, groups that they head, who cares."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.people.roster.lists.ends import NO, YES
from app.people.roster.lists.headings import plain
from app.people.roster.lists.homes import Home
from app.people.roster.lists.matching import Known, Sought, Where, name_index, open_tags
from app.people.roster.lists.named_carers import NamedCarers
from app.people.roster.lists.named_groups import NamedGroups
from app.people.roster.lists.terms import Term
from app.people.roster.lists.ties import CareSaid, HeadsSaid
from app.people.roster.lists.writing import Batch
from app.people.roster.tags import TagFacts, population, until

SOURCE = "名册导入："
"""With this begins the source of a naming that comes from a list."""

Told = list[tuple[Where, str]]


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that was taken: its household, and its resident, unless it names nobody; `known` where the ledger knew them."""

    each: Sought
    home: Home
    ident: int | None
    known: Known | None

    @property
    def where(self) -> Where:
        """Give where the row stands."""
        return self.each.where


def plan_tags(taken: Sequence[Taken], *, source: str, today: date, fresh: Batch, held: Batch) -> Told:
    """Plan the populations that rows name: new ones, those with another term, and those that are denied; one query."""
    told = Told()
    named = [(one, one.ident) for one in taken if one.ident is not None and (one.each.row.tags or one.each.row.no_tags)]
    named = [(one, ident) for one, ident in named if one.each.row.ended is None]
    known = [ident for one, ident in named if one.known is not None]
    open_now = {(tag.resident_id, tag.tag_id): tag for tag in (open_tags(known) if known else ())}
    for one, ident in named:
        row, batch = one.each.row, fresh if one.known is None and one.home.made_here else held
        put, over = len(batch.tags), len(batch.ended_tags)
        for code in sorted(row.tags):
            facts = population(code)
            old, term = open_now.get((ident, facts.id)), row.terms.get(code, Term())
            wanted = _wanted(facts, term, old, source=source, today=today, own=row.row_id is not None)
            if wanted is None:
                continue
            if wanted[1] is not None and wanted[1] < today:
                told.append((one.where, f"“{facts.name}”的到期日期 {wanted[1]} 已经过去，未标注"))
                continue
            since = old.since if old is not None and old.source == wanted[0] and row.row_id is not None else today
            batch.put_tag(ident, facts, source=wanted[0], since=since, expires_on=wanted[1], instead_of=old.id if old else None)
            if old is not None and row.row_id is None and not old.source.startswith(SOURCE):
                words = (
                    f"“{facts.name}”原来按“{old.source}”到 {old.expires_on or '长期'}，已改按“{wanted[0]}”到 {wanted[1] or '长期'}"
                )
                told.append((one.where, words))
        for code in sorted(row.no_tags - row.tags):
            facts = population(code)
            old = open_now.get((ident, facts.id))
            if old is not None:
                batch.end_tag(ident, facts, old.id)
        if one.known is not None and (put, over) != (len(batch.tags), len(batch.ended_tags)):
            batch.know(one.each, one.known, one.home.id)
    return told


def _wanted(facts: TagFacts, term: Term, old: Any | None, *, source: str, today: date, own: bool) -> tuple[str, date | None] | None:
    """Give source and last day of a naming as a row wants them; None where it is so already, or has long to run."""
    if old is None:
        return term.source or source, term.until or until(facts, today)
    if term == Term():  # our own export without a word of it changes nothing of since when, by whom or until when
        last = until(facts, today)
        runs_out = last is not None and old.expires_on is not None and (last - old.expires_on).days > 30
        return (source, last) if runs_out and not own else None
    wanted = (term.source or (old.source if own else source), term.until or (old.expires_on if own else until(facts, today)))
    if term.source is None and term.until == old.expires_on:
        return None
    return wanted if wanted != (old.source, old.expires_on) else None


def plan_ties(taken: Sequence[Taken], *, groups: NamedGroups, carers: NamedCarers, held: Batch) -> Told:
    """Plan which groups residents head and who cares for whom, where it is other than it is; two queries."""
    told = Told()
    heads, cares = dict[int, HeadsSaid](), dict[int, CareSaid]()
    for one in taken:
        row = one.each.row
        if row.ended is not None:
            continue
        said = _heads(one, groups, held, told)
        if said is not None and one.ident is not None:
            heads[one.ident] = said
        if row.carers is not None and one.ident is not None:
            read = carers.read(row.carers)
            told += [(one.where, words) for words in read.unread]
            complete = row.row_id is not None and not read.unread  # our own export names all who care
            if read.carers or complete:
                cares[one.ident] = CareSaid(one.where, row.grid_id, one.home.id, read.carers, complete)
    held.ties.add(heads, cares)
    return told


def _heads(one: Taken, groups: NamedGroups, held: Batch, told: Told) -> HeadsSaid | None:
    row = one.each.row
    mine, complete, own = set[int](), row.heads is not None and row.row_id is not None, row.row_id is not None
    for word in _words(row.heads or ""):
        if word.casefold() in NO:
            complete = True
        elif word.casefold() in YES or word == "户长":
            complete = _own_group(one, mine, told) and complete
        elif own or one.ident is None:
            found = groups.find(row.grid_id, word)
            if isinstance(found, int):
                mine.add(found)
            else:
                complete = False
                told.append((one.where, f"这个网格没有叫“{word}”的户区，户长未登记"))
        else:
            _by_name(one, word, mine, held, told)
    for word in _words(row.group_head):
        _by_name(one, word, mine, held, told)
    return HeadsSaid(one.where, row.grid_id, frozenset(mine), complete) if mine or complete else None


def _words(cell: str) -> Iterator[str]:
    for word in cell.replace("，", "、").replace(",", "、").split("、"):
        if word.strip():
            yield word.strip()


def _own_group(one: Taken, mine: set[int], told: Told) -> bool:
    if one.home.group_id is None:
        told.append((one.where, "这一户没有写户区，户长未登记"))
        return False
    mine.add(one.home.group_id)
    return True


def _by_name(one: Taken, name: str, mine: set[int], held: Batch, told: Told) -> None:
    """Note the head of a household's group who is named on its rows: this resident, or another one of that name."""
    if one.ident is not None and plain(name) == plain(one.each.row.given.person.name or ""):
        _own_group(one, mine, told)
    elif one.home.group_id is None:
        told.append((one.where, "这一户没有写户区，户长未登记"))
    else:
        held.ties.named.setdefault((one.home.group_id, name_index(name)), (one.where, one.each.row.grid_id, name))
