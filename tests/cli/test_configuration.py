"""One county's rules go into a file and come in at another: equal afterwards, checked before, on record."""

import json

import pytest
from sqlalchemy import func, select

from app.core.clock import FrozenClock
from app.core.database import db, transaction
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline, DeadlinePolicy
from app.ledger.county import county
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Category
from app.ledger.reference import seed_reference
from app.ledger.rules.catalogue_editor import add_category, change_category, put_reason
from app.ledger.rules.configuration import export_configuration
from app.ledger.rules.policy_changes import PolicyChange, broken_change
from app.ledger.rules.policy_editor import publish_policy
from app.ledger.rules.settings_editor import set_settings
from app.ledger.vocabulary import Clock, RequestKind, VerifyBy
from tests.bare import bare_app
from tests.cli.conftest import line_of
from tests.conftest import MONDAY, rolled_back
from tests.ledger.intake.test_intake import lins_report
from tests.ledger.rules.test_policy_editor import draft

STAMP = Stamp(SYSTEM, Role.SYSTEM, MONDAY, Door.COMMAND_LINE)


@pytest.fixture
def file(shared_app, keys, tmp_path):
    """The rules of a county that has changed some of everything, exported."""
    shared_app.extensions["minhu"].clock.move_to(MONDAY)
    path = tmp_path / "county.json"
    with rolled_back(shared_app, keys):
        categories = find_cast().categories
        lamp, upper, pit = (categories[name] for name in ("路灯照明", "市政管理", "道路坑洼"))
        publish_policy(STAMP, draft(amount=4), reason="加快", version=1)
        publish_policy(STAMP, draft(code="lamps", kind=None, category_id=lamp, amount=3), reason="路灯从快")
        change_category(STAMP, upper, asks_evidence=True, check_distance_m=300, reason="双核验")
        change_category(STAMP, pit, active=False, verify_by=VerifyBy.LOOK, reason="停用")
        add_category(STAMP, name="共享单车", reason="新事物")
        put_reason(STAMP, "flood", kind=RequestKind.EXTEND, words="汛期道路中断", reason="新增")
        put_reason(STAMP, "double_entry", kind=RequestKind.VOID, words="重复录入", active=False, reason="停用")
        values = {"rating_days": 20, "response_weight": 0.2, "satisfaction_weight": 0.3, "bounds": [32.5, 115.5, 33.5, 116.5]}
        set_settings(STAMP, values=values, reason="本县")
        db.session.commit()
        assert "policies" in line_of(shared_app)("config", "export", str(path)).stdout
    return path


@pytest.fixture
def other(server, make_app):
    """Another county's ledger, just migrated."""
    with bare_app(server, make_app, FrozenClock(MONDAY)) as made:
        with made.app_context(), transaction():
            seed_reference()
        yield made


def exported(app):
    with app.app_context():
        db.session.remove()
        return export_configuration(STAMP)


def test_export_into_an_empty_county_is_equal(file, other):
    given = json.loads(file.read_text(encoding="utf-8"))
    assert exported(other) != given
    told = line_of(other)("config", "import", str(file)).stdout
    assert "policies resolve-help: amount: 5 → 4" in told
    assert "policies lamps: new" in told
    assert "categories 城乡建设/市政管理/路灯照明: new" in told
    assert "settings rating_days: 15 → 20" in told
    assert "reasons double_entry: active: True → False" in told
    assert exported(other) == given
    with other.app_context():
        db.session.remove()
        versions = select(DeadlinePolicy.version).where(DeadlinePolicy.code == "resolve-help").order_by(DeadlinePolicy.version)
        assert list(db.session.scalars(versions)) == [1, 2]
        assert set(db.session.scalars(select(PolicyChange.reason))) == {"导入配置 county.json"}
        assert broken_change() is None
        assert county().bounds == ()  # where the other county lies is no business of this one
    again = line_of(other)("config", "import", str(file)).stdout
    assert again.splitlines()[-1].startswith("0 differ, ")
    assert line_of(other)("ledger", "verify").exit_code == 0


def test_nothing_of_people_or_ids_travels(file):
    text = file.read_text(encoding="utf-8")
    given = json.loads(text)
    assert "管理员" not in text
    assert given.keys() == {"format", "categories", "reasons", "settings", "policies"}
    for section in ("categories", "reasons", "policies"):
        assert not [key for row in given[section] for key in row if key == "id" or key.endswith("_id")]
    assert "bounds" not in given["settings"]


def test_a_dry_run_tells_and_writes_nothing(file, other):
    before = exported(other)
    told = line_of(other)("config", "import", str(file), "--dry-run").stdout
    assert "policies lamps: new" in told
    assert told.splitlines()[-1].endswith("(dry run: nothing was written)")
    assert exported(other) == before
    with other.app_context():
        assert db.session.scalar(select(func.count()).select_from(PolicyChange)) == 0
        assert catalogue().categories == {}


def change(file, **sections):
    given = json.loads(file.read_text(encoding="utf-8"))
    for section, edit in sections.items():
        edit(given[section]) if section != "format" else given.update(format=edit)
    file.write_text(json.dumps(given, ensure_ascii=False), encoding="utf-8")


def named(rows, code):
    return next(row for row in rows if row["code"] == code)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"format": 2}, "format: the file is no export of this format (1)"),
        ({"policies": lambda rows: named(rows, "lamps").update(category="没有/这类")}, "policies lamps: there is no category"),
        ({"policies": lambda rows: named(rows, "lamps").update(amount=0)}, "policies lamps: 期限至少为 1 个单位"),
        ({"policies": lambda rows: named(rows, "lamps").update(amount="3")}, "policies lamps: amount: “3” does not fit"),
        ({"policies": lambda rows: named(rows, "lamps").update(clock="never")}, "policies lamps: clock: “never” does not fit"),
        ({"policies": lambda rows: named(rows, "lamps").update(surprise=1)}, "policies lamps: there is no field surprise"),
        ({"policies": lambda rows: named(rows, "lamps").pop("hours")}, "policies lamps: hours is missing"),
        ({"policies": lambda rows: named(rows, "resolve-help").update(kind="complaint")}, "policies resolve-help: code: "),
        ({"policies": lambda rows: rows.append(named(rows, "lamps") | {"code": "lamps-too"})}, "policies lamps-too: code: 已有"),
        ({"policies": lambda rows: rows.append(dict(named(rows, "lamps")))}, "policies lamps: stands twice"),
        ({"policies": lambda rows: named(rows, "lamps").update(ladder=[{"level": 2}])}, "policies lamps: ladder: "),
        ({"policies": lambda rows: rows.append("no row")}, "has no code"),
        ({"reasons": lambda rows: named(rows, "flood").update(kind="laziness")}, "reasons flood: kind: “laziness” does not fit"),
        ({"reasons": lambda rows: named(rows, "no_facts").update(kind="void")}, "reasons no_facts: 这个理由编号已用于"),
        ({"categories": lambda rows: rows.append(rows[0] | {"path": "甲/乙"})}, "categories 甲/乙: there is no category 甲"),
        ({"categories": lambda rows: rows[0].update(verify_by="magic")}, "verify_by: “magic” does not fit"),
        ({"settings": lambda values: values.update(rating_days=0)}, "settings: rating_days: 应大于 0"),
        ({"settings": lambda values: values.update(response_weight=0.9)}, "三项权重之和应为 1"),
        ({"settings": lambda values: values.update(bounds=[1, 2, 3, 4])}, "settings bounds: lies in a place"),
        ({"settings": lambda values: values.update(nonsense=1)}, "settings: 没有“nonsense”这个设置项"),
    ],
)  # fmt: skip
def test_with_an_error_anywhere_nothing_is_written(file, other, sections, told):
    before = exported(other)
    change(file, **sections)
    result = line_of(other)("config", "import", str(file), fails=True)
    assert told in result.stderr
    assert "nothing was written" in result.stderr
    assert exported(other) == before


@pytest.mark.parametrize("text", ["", "no json", "[1, 2]", "\x80"])
def test_a_file_that_is_none(run, tmp_path, text):
    path = tmp_path / "county.json"
    path.write_bytes(text.encode("latin-1"))
    run("config", "import", str(path), fails=True)
    run("config", "import", str(tmp_path / "missing.json"), fails=True)


def test_a_running_clock_is_untouched_and_what_the_file_does_not_name_stays(file, run, session, cast, as_resident):
    case_id = take_in(as_resident("lin"), lins_report(cast)).case_id
    session.commit()
    mine = select(Deadline).where(Deadline.case_id == case_id, Deadline.clock == Clock.ACCEPT)
    before = session.scalars(mine).one()
    kept = (before.due_at, before.policy_id)
    change(
        file,
        policies=lambda rows: (named(rows, "accept").update(amount=1), rows.remove(named(rows, "review"))),
        categories=lambda rows: rows.remove(next(row for row in rows if row["path"] == "城乡建设/市政管理")),
    )
    told = run("config", "import", str(file), "--reason", "按市里要求").stdout
    assert "policies accept: amount: 2 → 1" in told
    assert "policies review: only here, stays" in told
    assert "categories 城乡建设/市政管理: only here, stays" in told
    session.expire_all()
    after = session.scalars(mine).one()
    assert (after.due_at, after.policy_id) == kept
    assert set(session.scalars(select(PolicyChange.reason))) == {"按市里要求"}
    assert session.scalars(select(Category.active).where(Category.path == "城乡建设/市政管理/道路坑洼")).one() is False
