"""Keeps how the codes that people write become ids: grids and units go by their code, staff by their login."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from app.core.database import db
from app.core.errors import Invalid
from app.ledger.catalogue import UnknownGrid
from app.ledger.dispatching.eligible import UnknownHandler, UnknownUnit
from app.ledger.recusal import UnknownParty
from app.people.models import Staff
from app.territory.models import Grid, Unit

Given = TypeVar("Given")


@dataclass(frozen=True)
class _Code:
    """What a field named by code stands for: the command's parameter, the column of the code, the refusal of an unknown one."""

    parameter: str
    code: InstrumentedAttribute[str]
    key: InstrumentedAttribute[int]
    unknown: type[Invalid]


_CODES = {
    "grid": _Code("grid_id", Grid.code, Grid.id, UnknownGrid),
    "lead_unit": _Code("lead_unit_id", Unit.code, Unit.id, UnknownUnit),
    "unit": _Code("unit_id", Unit.code, Unit.id, UnknownUnit),
    "units": _Code("unit_ids", Unit.code, Unit.id, UnknownUnit),
    "sub_units": _Code("sub_unit_ids", Unit.code, Unit.id, UnknownUnit),
    "staff": _Code("staff_id", Staff.login, Staff.id, UnknownHandler),
    "stand_in": _Code("stand_in_id", Staff.login, Staff.id, UnknownHandler),
    "colleague": _Code("colleague_id", Staff.login, Staff.id, UnknownHandler),
    "worker": _Code("worker_id", Staff.login, Staff.id, UnknownHandler),
    "handler": _Code("handler_id", Staff.login, Staff.id, UnknownHandler),
    "assist_units": _Code("assist_unit_ids", Unit.code, Unit.id, UnknownUnit),
    "against_unit": _Code("against_unit_id", Unit.code, Unit.id, UnknownParty),
    "against_staff": _Code("against_staff_id", Staff.login, Staff.id, UnknownParty),
}
_FIELDS = {code.parameter: field for field, code in _CODES.items()}


def in_ids(given: dict[str, Any]) -> dict[str, Any]:
    """Give fields as a command's parameters: codes become ids, all else stays.

    A field that takes several codes gets a list. Raises UnknownGrid, UnknownUnit, UnknownParty naming the field.
    """
    taken: dict[str, Any] = {}
    for field, value in given.items():
        code = _CODES.get(field)
        if code is None:
            taken[field] = value
        else:
            taken[code.parameter] = None if value is None else _look_up(field, code, value)
    return taken


def _look_up(field: str, code: _Code, value: str | list[str]) -> int | list[int]:
    wanted = [value] if isinstance(value, str) else value
    ids = {row[0]: row[1] for row in db.session.execute(select(code.code, code.key).where(code.code.in_(wanted)))}
    missing = [each for each in wanted if each not in ids]
    if missing:
        raise code.unknown(errors={field: [f"没有这个编号：{each}" for each in missing]})
    return ids[value] if isinstance(value, str) else [ids[each] for each in wanted]


@contextmanager
def named_by_code() -> Iterator[None]:
    """Let refusals inside name the fields that hold codes, not the parameters that they became."""
    try:
        yield
    except Invalid as refusal:
        refusal.errors = {_FIELDS.get(name, name): words for name, words in refusal.errors.items()}
        raise


def by_code(command: Callable[..., Given], /, *subject: Any, **given: Any) -> Given:
    """Call a command with ids for the codes among `given`; its refusals name the fields as they were given."""
    with named_by_code():
        return command(*subject, **in_ids(given))
