"""Keeps how one county's rules go to another: policies in force, categories, reasons and settings, by code and path.

No ids, no people, nothing that lies in a place. What comes in goes through the same editors as by hand, so that it is checked by
the same rules and stands on record; what the file does not name stays.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Refusal
from app.core.stamp import Stamp
from app.ledger.catalogue import policy_of
from app.ledger.clocks import DeadlinePolicy
from app.ledger.county import stored_county
from app.ledger.models import Category, Reason
from app.ledger.policies import Policy, in_force, ladder_to_json
from app.ledger.rules.catalogue_editor import plain_category, plain_reason, rewrite_category, write_category, write_reason
from app.ledger.rules.policy_changes import begin_change
from app.ledger.rules.policy_drafts import PolicyDraft
from app.ledger.rules.policy_editor import publish_policy
from app.ledger.rules.settings_editor import plain, set_settings
from app.ledger.terms import HoursKind, Unit
from app.ledger.vocabulary import Clock, Kind, RequestKind, VerifyBy

FORMAT = 1
LOCAL = frozenset({"bounds"})
"""Settings that lie in a place and do not travel."""


@dataclass
class Imported:
    """What a file means for the county: what differs, how much is the same, what only the county has, and what is wrong.

    Differences and wrongs are pairs of a place in the file and words.
    """

    differences: list[tuple[str, str]] = field(default_factory=list)
    unchanged: int = 0
    only_here: list[str] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)


def export_configuration(stamp: Stamp) -> dict[str, Any]:
    """Give the county's rules as JSON values, always in the same order. Policies as they are in force now."""
    paths = dict(db.session.execute(select(Category.id, Category.path)).all())
    return {
        "format": FORMAT,
        "categories": [plain_category(row) for row in db.session.scalars(select(Category).order_by(Category.path))],
        "reasons": [plain_reason(row) for row in db.session.scalars(select(Reason).order_by(Reason.code))],
        "settings": {name: plain(value) for name, value in sorted(asdict(stored_county()).items()) if name not in LOCAL},
        "policies": [_plain_policy(policy, paths) for policy in _in_force(stamp)],
    }


def _in_force(stamp: Stamp) -> list[Policy]:
    versions = [policy_of(row) for row in db.session.scalars(select(DeadlinePolicy))]
    return sorted(in_force(versions, stamp.at), key=lambda policy: policy.code)


def _plain_policy(policy: Policy, paths: Mapping[int, str]) -> dict[str, Any]:
    return {
        "code": policy.code,
        "clock": policy.clock.value,
        "urgent": policy.urgent,
        "category": paths[policy.category_id] if policy.category_id is not None else None,
        "kind": policy.kind.value if policy.kind else None,
        "amount": policy.term.amount,
        "unit": policy.term.unit.value,
        "hours": policy.term.hours.value,
        "ladder": ladder_to_json(policy.ladder),
    }


def import_configuration(stamp: Stamp, given: Any, *, reason: str) -> Imported:
    """Write what a county's export says, in the running transaction; give what it means.

    With any error the caller rolls back; so it does when it only wants to know. Raises RulesAreTheAdministrators, ReasonNeeded.
    """
    begin_change(stamp, reason)
    done = Imported()
    known = {"format", "categories", "reasons", "settings", "policies"}
    if not isinstance(given, dict) or given.get("format") != FORMAT or given.keys() - known:
        done.errors.append(("format", f"the file is no export of this format ({FORMAT})"))
        return done
    _categories(stamp, _rows(given, "categories", "path", done), reason, done)
    _reasons(stamp, _rows(given, "reasons", "code", done), reason, done)
    _settings(stamp, given.get("settings", {}), reason, done)
    _policies(stamp, _rows(given, "policies", "code", done), reason, done)
    return done


def _rows(given: Mapping[str, Any], section: str, key: str, done: Imported) -> dict[str, dict[str, Any]]:
    """Give the rows of a section by their key, in its order; what has none, or one twice, is wrong."""
    found: dict[str, dict[str, Any]] = {}
    rows = given.get(section, [])
    if not isinstance(rows, list):
        done.errors.append((section, "is no list"))
        return found
    for place, row in enumerate(rows, start=1):
        name = row.get(key) if isinstance(row, dict) else None
        if not isinstance(name, str) or not name:
            done.errors.append((f"{section}, row {place}", f"has no {key}"))
        elif name in found:
            done.errors.append((f"{section} {name}", "stands twice"))
        else:
            found[name] = row
    return found


@contextmanager
def _at(place: str, done: Imported) -> Iterator[None]:
    """Gather what is wrong with one row, which then leaves nothing behind."""
    try:
        with db.session.begin_nested():
            yield
    except Refusal as refusal:
        fields = [f"{name}: {'；'.join(words)}" for name, words in getattr(refusal, "errors", {}).items()]
        done.errors.append((place, "；".join(fields) or str(refusal)))
    except _Wrong as wrong:
        done.errors.append((place, str(wrong)))


class _Wrong(ValueError):
    """A row that is not as an export writes it."""


def _take(row: Mapping[str, Any], **kinds: Callable[[Any], Any]) -> dict[str, Any]:
    """Give the values of a row, each as its kind takes it; raises _Wrong for other fields and other kinds."""
    for name in row.keys() ^ kinds.keys():
        raise _Wrong(f"there is no field {name}" if name in row else f"{name} is missing")
    taken = {}
    for name, kind in kinds.items():
        try:
            taken[name] = kind(row[name])
        except (ValueError, TypeError):
            raise _Wrong(f"{name}: “{row[name]}” does not fit") from None
    return taken


def _of(kind: type) -> Callable[[Any], Any]:
    """Give what takes a value of exactly a kind of JSON, and raises ValueError for another."""

    def take(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError
        return value

    return take


def _or_none(kind: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else kind(value)


def _categories(stamp: Stamp, rows: Mapping[str, dict[str, Any]], reason: str, done: Imported) -> None:
    here = {row.path: row for row in db.session.scalars(select(Category))}
    kinds = {
        "path": _of(str), "urgent": _of(bool), "active": _of(bool), "asks_evidence": _or_none(_of(bool)),
        "check_distance_m": _or_none(_of(int)), "verify_by": _or_none(VerifyBy),
    }  # fmt: skip
    for path, row in sorted(rows.items(), key=lambda item: item[0].split("/")):
        place = f"categories {path}"
        with _at(place, done):
            said = {name: value for name, value in _take(row, **kinds).items() if name != "path"}
            above, _, name = path.rpartition("/")
            if above and above not in here:
                raise _Wrong(f"there is no category {above}")
            if path not in here:
                here[path] = write_category(stamp, name=name, parent=here.get(above), reason=reason, **said)
                done.differences.append((place, "new"))
                continue
            before = plain_category(here[path])
            if rewrite_category(stamp, here[path], said, reason):
                done.differences.append((place, _difference(before, plain_category(here[path]))))
            else:
                done.unchanged += 1
    done.only_here += [f"categories {path}" for path in sorted(here.keys() - rows.keys())]


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {before[name]} → {after[name]}" for name in after if before.get(name) != after[name])


def _reasons(stamp: Stamp, rows: Mapping[str, dict[str, Any]], reason: str, done: Imported) -> None:
    here = {row.code: plain_reason(row) for row in db.session.scalars(select(Reason))}
    # Those in use first: the last of a kind can only go when another is there.
    for code, row in sorted(rows.items(), key=lambda item: (item[1].get("active") is not True, item[0])):
        place = f"reasons {code}"
        with _at(place, done):
            said = _take(row, code=_of(str), kind=RequestKind, words=_of(str), active=_of(bool))
            if not write_reason(stamp, **said, reason=reason):
                done.unchanged += 1
            elif code in here:
                done.differences.append((place, _difference(here[code], row)))
            else:
                done.differences.append((place, "new"))
    done.only_here += [f"reasons {code}" for code in sorted(here.keys() - rows.keys())]


def _settings(stamp: Stamp, given: Any, reason: str, done: Imported) -> None:
    if not isinstance(given, dict):
        done.errors.append(("settings", "are no table"))
        return
    now = {name: plain(value) for name, value in asdict(stored_county()).items()}
    for name in given.keys() & LOCAL:
        done.errors.append((f"settings {name}", "lies in a place and does not travel"))
    values = {name: value for name, value in given.items() if name not in LOCAL and (name not in now or now[name] != value)}
    before = len(done.errors)
    with _at("settings", done):
        if None in values.values():
            raise _Wrong("a setting without a value")
        if values:
            set_settings(stamp, values=values, reason=reason)
    if len(done.errors) == before:
        done.differences += [(f"settings {name}", f"{now[name]} → {value}") for name, value in sorted(values.items())]
        done.unchanged += len(given) - len(values)


def _policies(stamp: Stamp, rows: Mapping[str, dict[str, Any]], reason: str, done: Imported) -> None:
    ids = dict(db.session.execute(select(Category.path, Category.id)).all())
    paths = {ident: path for path, ident in ids.items()}
    here = {policy.code: _plain_policy(policy, paths) for policy in _in_force(stamp)}
    newest: dict[str, int] = {}
    for code, version in db.session.execute(select(DeadlinePolicy.code, DeadlinePolicy.version)):
        newest[code] = max(version, newest.get(code, 0))
    kinds = {
        "code": _of(str), "clock": Clock, "urgent": _or_none(_of(bool)), "category": _or_none(_of(str)), "kind": _or_none(Kind),
        "amount": _of(int), "unit": Unit, "hours": HoursKind, "ladder": _ladder,
    }  # fmt: skip
    for code, row in rows.items():
        place = f"policies {code}"
        with _at(place, done):
            said = _take(row, **kinds)
            category = said.pop("category")
            if category is not None and category not in ids:
                raise _Wrong(f"there is no category {category}")
            draft = PolicyDraft(**said, category_id=ids[category] if category is not None else None)
            if here.get(code) == row:
                done.unchanged += 1
                continue
            publish_policy(stamp, draft, reason=reason, version=newest.get(code))
            done.differences.append((place, _difference(here[code], row) if code in here else "new"))
    done.only_here += [f"policies {code}" for code in sorted(here.keys() - rows.keys())]


def _ladder(value: Any) -> Sequence[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(step, dict) for step in value):
        raise ValueError
    return value
