"""Keeps what a file of polygons means for the grids there are, and how that is written: all of it or nothing.

The grids that a file names get a new version each, unless they are drawn as before; all others keep theirs.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select, update

from app.core.database import db
from app.core.sheets import Unreadable, match_columns
from app.core.stamp import ActorKind, Stamp
from app.territory.commands import add_grid
from app.territory.models import Grid, Level, Unit
from app.territory.shapes.comparing import compare
from app.territory.shapes.findings import About, Finding, Report, first_of_each
from app.territory.shapes.models import GridShape, ShapeImport
from app.territory.shapes.publishing import ShapeFile
from app.territory.shapes.reading import COLUMNS, Drawn, Reading, features_of, properties_of, read_features


@dataclass(frozen=True)
class ShapePlan:
    """What a file means: its report, the grids to be made, and the polygons to be written by their grids' codes."""

    report: Report
    new: tuple[Drawn, ...] = ()
    shapes: Mapping[str, BaseGeometry] | None = None


def plan_shapes(file: ShapeFile) -> ShapePlan:
    """Check a file of polygons against the grids there are; nothing is written."""
    features, findings = features_of(file.content)
    reading = Reading(findings=findings)
    if features:
        try:
            needed = ("code", "unit") if file.create else ("code",)
            columns = match_columns(properties_of(features), COLUMNS, file.columns, required=needed)
            reading = read_features(features, columns, file.datum)
        except Unreadable as unreadable:
            reading.findings.append(Finding(about=About.NO_CODE, words=f"找不到需要的属性：{unreadable}"))
    known = {row.code: row.id for row in db.session.execute(select(Grid.code, Grid.id).where(Grid.active))}
    new = [drawn for drawn in reading.drawn if drawn.code not in known]
    found = [*reading.findings, *(_unknown(new) if not file.create else _wrong_units(new))]
    now = _shapes_now()
    drawn = {each.code: each.shape for each in reading.drawn}
    changed = {code: shape for code, shape in drawn.items() if code not in now or not _same(now[code], shape)}
    report = Report(
        features=reading.features,
        new_grids=len(new) if file.create else 0,
        new_shapes=sum(code not in now for code in changed),
        changed=sum(code in now for code in changed),
        unchanged=len(drawn) - len(changed),
    )
    if not any(finding.bars for finding in found):
        found += compare(now | changed, changed=frozenset(changed), tolerance=file.tolerance)
        found += [
            Finding(about=About.WITHOUT_SHAPE, words=f"网格 {code} 还没有图形", grids=(code,))
            for code in sorted(known.keys() - now.keys() - drawn.keys())
        ]
    counts, first = first_of_each(found)
    return ShapePlan(replace(report, counts=counts, findings=first), tuple(new), changed)


def write_plan(stamp: Stamp, file: ShapeFile, plan: ShapePlan) -> ShapeImport:
    """Write what a plan without errors says as the county's newest version, in the running transaction."""
    units = {unit.code: unit for unit in db.session.scalars(select(Unit).where(Unit.code.in_({each.unit for each in plan.new})))}
    for each in plan.new:
        add_grid(code=each.code, name=each.name or each.code, unit=units[each.unit])
    done = ShapeImport(
        at=stamp.at,
        staff_id=stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None,
        source=file.source,
        sha256=hashlib.sha256(file.content).digest(),
        datum=file.datum,
        report=plan.report.plain(),
    )
    db.session.add(done)
    db.session.flush()
    shapes = plan.shapes or {}
    ids = {row.code: row.id for row in db.session.execute(select(Grid.code, Grid.id).where(Grid.code.in_(shapes)))}
    old = update(GridShape).where(GridShape.grid_id.in_(ids.values()), GridShape.replaced_by_id.is_(None))
    db.session.execute(old.values(replaced_by_id=done.id).execution_options(synchronize_session=False))
    db.session.add_all(
        [GridShape(grid_id=ids[code], import_id=done.id, wkb=shapely.to_wkb(shape)) for code, shape in sorted(shapes.items())]
    )
    db.session.flush()
    return done


def _shapes_now() -> dict[str, BaseGeometry]:
    query = select(Grid.code, GridShape.wkb).join(GridShape, GridShape.grid_id == Grid.id)
    rows = db.session.execute(query.where(GridShape.replaced_by_id.is_(None), Grid.active)).all()
    return dict(zip((row.code for row in rows), shapely.from_wkb([row.wkb for row in rows]), strict=True)) if rows else {}


def _same(one: BaseGeometry, other: BaseGeometry) -> bool:
    return bool(shapely.to_wkb(one) == shapely.to_wkb(other))


def _unknown(new: list[Drawn]) -> list[Finding]:
    words = "没有编码是 {} 的网格；要一并新建，请选择新建网格，并写明所在的村或社区"
    return [
        Finding(about=About.UNKNOWN_GRID, words=words.format(each.code), feature=each.feature, grids=(each.code,)) for each in new
    ]


def _wrong_units(new: list[Drawn]) -> list[Finding]:
    wanted = {each.unit for each in new}
    levels = {row.code: row.level for row in db.session.execute(select(Unit.code, Unit.level).where(Unit.code.in_(wanted)))}
    taken = set(db.session.scalars(select(Grid.code).where(Grid.code.in_([each.code for each in new]))))
    found = []
    for each in new:
        if each.code in taken:
            about, words = About.UNKNOWN_GRID, f"网格 {each.code} 已停用"
        elif each.unit not in levels:
            about, words = About.UNKNOWN_UNIT, f"没有编码是 {each.unit or '（空）'} 的村或社区"
        elif levels[each.unit] is not Level.VILLAGE:
            about, words = About.NOT_A_VILLAGE, f"{each.unit} 不是村或社区，网格只能建在村或社区里"
        else:
            continue
        found.append(Finding(about=about, words=words, feature=each.feature, grids=(each.code,)))
    return found
