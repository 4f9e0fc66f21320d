"""Keeps how polygons are brought in: a dry run tells what a file means, publishing writes it as a new version.

What reads and compares polygons stands in `planning` and comes with large libraries, loaded when somebody brings a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import event, select, text

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.held import forget_all
from app.core.stamp import ActorKind, Role, Stamp
from app.territory.datum import Datum
from app.territory.models import Level, Unit
from app.territory.shapes.findings import Finding, Report
from app.territory.shapes.models import ShapeImport

LOCK = 0x67726964
"""The key of the advisory lock under which versions follow each other."""

TOLERANCE = 10.0
"""Square metres of an overlap or a gap that nobody is told of: the last digit of two maps that were drawn apart."""

TOLD = 20
"""So many of the findings that bar an import are told with the refusal."""


class ShapesAreTheAdministrators(NotAllowed):
    """网格边界由县级管理员维护"""


class ShapesUnfit(Invalid):
    """网格图形有误，没有导入"""


class ShapesUnchanged(Conflict):
    """网格图形与现在的相同，不用导入"""


@dataclass(frozen=True, kw_only=True)
class ShapeFile:
    """A GeoJSON file, and how it is meant.

    `columns` name the properties that hold code, name and unit where they have unusual names; with `create`, a grid that is not
    known yet is made in the village or community whose code its property names.
    """

    source: str
    content: bytes
    datum: Datum
    columns: Mapping[str, str] = field(default_factory=dict)
    create: bool = False
    tolerance: float = TOLERANCE


def try_shapes(stamp: Stamp, file: ShapeFile) -> Report:
    """Tell what a file of polygons would change and what is wrong with it; nothing is written. Raises as named.

    Raises ShapesAreTheAdministrators.
    """
    from app.territory.shapes.planning import plan_shapes

    check_administrator(stamp)
    return plan_shapes(file).report


def publish_shapes(stamp: Stamp, file: ShapeFile) -> ShapeImport:
    """Write the polygons of a file as the county's newest version; those that they replace stay readable.

    Raises ShapesAreTheAdministrators, ShapesUnfit with the first findings, ShapesUnchanged.
    """
    from app.territory.shapes.planning import plan_shapes, write_plan

    check_administrator(stamp)
    db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    plan = plan_shapes(file)
    if plan.report.barred:
        first = [_line(finding) for finding in plan.report.findings if finding.bars][:TOLD]
        raise ShapesUnfit(errors={"geojson": first})
    if not plan.shapes:
        raise ShapesUnchanged
    done = write_plan(stamp, file, plan)
    _forget()
    return done


def check_administrator(stamp: Stamp) -> None:
    """Raise ShapesAreTheAdministrators unless the actor administers the county; the command line does."""
    county = select(Unit.path).where(Unit.level == Level.COUNTY).order_by(Unit.id).limit(1)
    if stamp.actor.kind is not ActorKind.SYSTEM and db.session.scalar(county) not in stamp.actor.paths(Role.ADMINISTRATOR):
        raise ShapesAreTheAdministrators


def _line(finding: Finding) -> str:
    return f"第 {finding.feature} 个图形：{finding.words}" if finding.feature else finding.words


def _forget() -> None:
    """Let this process look again now and when the transaction is over, however it ends; others look within seconds."""
    forget_all()
    session = db.session()
    for end in ("after_commit", "after_rollback"):
        event.listen(session, end, lambda _: forget_all(), once=True)
