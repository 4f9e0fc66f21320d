"""Measures placing: 100,000 points in 1,500 grids of 312 villages, each held against a brute force that knows no tree.

The brute force shares nothing with the product: it asks every polygon by a ray of its own in whole numbers, so that a point on a
line is on it exactly. The villages are those of the shared data, where they lie; the grids are made by chance.
"""

import csv
import os
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

from benchmarks.house import house
from benchmarks.labelled import FOLDER
from benchmarks.report import Figure, tell

GRIDS, POINTS, ON_BORDERS = (50, 30), 100_000, 1000
BOX = (117.20, 33.20, 117.90, 33.90)
ALIKE, PLACE_US, MEGABYTES = 1.0, 50.0, 60.0

Place = tuple[float, float]

_WHOLE = 2**60
"""Every double between 64 and 128 degrees is a whole number of 2⁻⁴⁶ degrees, every one above 2⁻⁸ one of 2⁻⁶⁰."""


def points_on(rings: Sequence[Sequence[Place]], count: int, chance: Random) -> list[Place]:
    """Give points that lie exactly on borders: corners, and middles of the lines between two of them."""
    found = []
    for place in range(count):
        ring = chance.choice(rings)
        at = chance.randrange(len(ring) - 1)
        (x, y), (next_x, next_y) = ring[at], ring[at + 1]
        found.append((x, y) if place % 2 else ((x + next_x) / 2, (y + next_y) / 2))
    return found


def brute_force(rings: Sequence[Sequence[Place]], points: Sequence[Place]) -> list[int]:
    """Give for each point the first ring that holds it or on whose line it lies, -1 for none: every ring is asked, exactly."""
    whole = [[(int(x * _WHOLE), int(y * _WHOLE)) for x, y in ring] for ring in rings]
    boxes = [(min(x for x, _ in ring), min(y for _, y in ring), max(x for x, _ in ring), max(y for _, y in ring)) for ring in whole]
    found = []
    for x, y in ((int(x * _WHOLE), int(y * _WHOLE)) for x, y in points):
        inside = (
            place
            for place, (west, south, east, north) in enumerate(boxes)
            if west <= x <= east and south <= y <= north and _holds(whole[place], x, y)
        )
        found.append(next(inside, -1))
    return found


def _holds(ring: Sequence[tuple[int, int]], x: int, y: int) -> bool:
    """Say whether a ring holds a point, its line included: a ray to the east crosses it an odd number of times."""
    odd = False
    for (x1, y1), (x2, y2) in pairwise(ring):
        side = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        if side == 0 and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2):
            return True
        if (y1 > y) != (y2 > y) and (side > 0) == (y2 > y1):
            odd = not odd
    return odd


def villages(folder: Path) -> list[dict[str, str]]:
    """Give the rows of the units: the county, its townships, its villages."""
    with (folder / "lingbi_units.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def build(rows: Sequence[dict[str, str]]) -> tuple[list[str], list[list[Place]]]:
    """Bring the units in by the product's own import, and the grids by its map; give codes and rings in the order of codes."""
    from app.core.clock import system_clock
    from app.core.database import transaction
    from app.core.sheets import Row
    from app.core.stamp import SYSTEM, Door, Role, Stamp
    from app.demo.grid_map import cells, collection, feature
    from app.territory.datum import Datum
    from app.territory.importing import plan_units, write_units
    from app.territory.shapes.publishing import ShapeFile, publish_shapes

    columns = {name: name for name in ("code", "name", "parent_code", "level")}
    with transaction():
        plan = plan_units([Row(line, row) for line, row in enumerate(rows, start=2)], columns, {})
        assert not plan.errors, plan.errors[:3]
        write_units(plan)
    rings = cells(*GRIDS, box=BOX, seed=3)
    of_county = [row["code"] for row in rows if row["level"] == "village"]
    owners = sorted(of_county[place * len(of_county) // len(rings)] for place in range(len(rings)))
    numbers: Counter[str] = Counter()
    drawn = {}
    for village, ring in zip(owners, rings, strict=True):
        numbers[village] += 1
        drawn[f"{village}{numbers[village]:02d}"] = (village, ring)
    content = collection([feature(code, ring, unit=village) for code, (village, ring) in drawn.items()])
    stamp = Stamp(SYSTEM, Role.SYSTEM, system_clock(), Door.IMPORT)
    with transaction():
        publish_shapes(stamp, ShapeFile(source="made.geojson", content=content, datum=Datum.WGS84, columns={}, create=True))
    codes = sorted(drawn)
    return codes, [drawn[code][1] for code in codes]


def main() -> None:
    """Place the points both ways, and tell."""
    if not (FOLDER / "lingbi_units.csv").exists():
        print(f"placing skipped: there is no lingbi_units.csv in {FOLDER}; MINHU_DATA names the folder")
        return
    rows = villages(FOLDER)
    with house():
        from app.core.database import db
        from app.core.migrate import upgrade
        from app.factory import create_app
        from app.ledger.intake.places import located  # noqa: F401 (what a web process has loaded before)

        with create_app().app_context():
            upgrade(db.engine)
            begun = time.perf_counter()
            codes, rings = build(rows)
            imported = time.perf_counter() - begun
            chance = Random(17)
            west, south, east, north = BOX
            points = [
                (chance.uniform(west - 0.01, east + 0.01), chance.uniform(south - 0.01, north + 0.01))
                for _ in range(POINTS - ON_BORDERS)
            ]
            points += points_on(rings, ON_BORDERS, chance)
            chance.shuffle(points)
            _measure(codes, rings, points, imported, len({code[:-2] for code in codes}))
            db.session.remove()
            db.engine.dispose()


def _measure(
    codes: Sequence[str], rings: Sequence[Sequence[Place]], points: Sequence[Place], imported: float, villages: int
) -> None:
    from app.territory.shapes.placing import grid_at, place_point

    begun = time.perf_counter()
    place_point(*points[0][::-1])
    loaded = time.perf_counter() - begun
    took, found = [], []
    for begin in range(0, len(points), 1000):
        begun = time.perf_counter()
        found += [grid_at(y, x) for x, y in points[begin : begin + 1000]]
        took.append((time.perf_counter() - begun) * 1000)
    by_tree = [grid.code if grid is not None else None for grid in found]
    begun = time.perf_counter()
    by_force = [codes[place] if place >= 0 else None for place in brute_force(rings, points)]
    forced = time.perf_counter() - begun
    alike = sum(one == other for one, other in zip(by_tree, by_force, strict=True))
    shared = sum(place_point(y, x).how == "shared" for x, y in points)
    figures = [
        Figure("same grid by tree and by brute force", alike / len(points), ALIKE, "share", True),
        Figure("a point is placed in", statistics.median(took), PLACE_US, "µs", False),
        Figure("the map costs a process", _megabytes(), MEGABYTES, "MB", False),
    ]
    notes = {
        "points": f"{len(points):,}, of them {shared} on a border of several grids, {by_tree.count(None):,} in none",
        "grids": f"{len(codes):,} in {villages} villages, {sum(map(len, rings)):,} vertices",
        "slowest thousand": f"{max(took):.1f} µs a point",
        "brute force": f"{forced * 1e6 / len(points):.0f} µs a point",
        "import of all polygons": f"{imported:.1f} s",
        "first placing of a process, libraries and map loaded": f"{loaded * 1000:.0f} ms",
    }
    tell("placing", figures, notes)


def _megabytes() -> float:
    """Give what a fresh process grows by when it loads the libraries and the map and places a point."""
    import subprocess
    import sys

    program = (
        "import os\n"
        "from app.factory import create_app\n"
        "from benchmarks.house import resident_megabytes\n"
        "with create_app().app_context():\n"
        "    from app.core.database import db\n"
        "    from app.territory.shapes.placing import place_point, _newest\n"
        "    _newest()\n"
        "    before = resident_megabytes(os.getpid())\n"
        "    place_point(33.5, 117.5)\n"
        "    print(resident_megabytes(os.getpid()) - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], env=dict(os.environ), capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
