"""Keeps what may be said of a file of polygons: each finding names its place, and whether it bars the import."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class About(StrEnum):
    """What a finding is about; those of `WARNINGS` do not bar an import."""

    FILE = "file"
    DATUM = "datum"
    GEOMETRY = "geometry"
    RING = "ring"
    SWAPPED = "swapped"
    OUTSIDE_CHINA = "outside_china"
    CROSSED = "crossed"
    EMPTY = "empty"
    NO_CODE = "no_code"
    UNKNOWN_GRID = "unknown_grid"
    UNKNOWN_UNIT = "unknown_unit"
    NOT_A_VILLAGE = "not_a_village"
    IN_PARTS = "in_parts"
    OVERLAP = "overlap"
    GAP = "gap"
    WITHOUT_SHAPE = "without_shape"


WARNINGS = frozenset({About.IN_PARTS, About.OVERLAP, About.GAP, About.WITHOUT_SHAPE})

MOST = 500
"""So many findings of a kind are told; the counts tell of the rest."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was found: in which feature of the file (from 1), about which grids, where (WGS-84 degrees), how large."""

    about: About
    words: str
    feature: int | None = None
    grids: tuple[str, ...] = ()
    longitude: float | None = None
    latitude: float | None = None
    square_metres: float | None = None

    @property
    def bars(self) -> bool:
        """Whether nothing is written because of it."""
        return self.about not in WARNINGS


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a file means for the grids there are; `counts` are findings by what they are about, `findings` the first of each."""

    features: int = 0
    new_grids: int = 0
    new_shapes: int = 0
    changed: int = 0
    unchanged: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def barred(self) -> bool:
        """Whether nothing may be written."""
        return any(finding.bars for finding in self.findings)

    def plain(self) -> dict[str, Any]:
        """Give the report as JSON values."""
        return asdict(self)


def first_of_each(found: Iterable[Finding]) -> tuple[dict[str, int], tuple[Finding, ...]]:
    """Give how many findings there are of each kind, and the first of each kind, what bars before what warns."""
    counts: Counter[str] = Counter()
    kept = []
    for finding in found:
        counts[finding.about] += 1
        if counts[finding.about] <= MOST:
            kept.append(finding)
    return dict(counts), tuple(sorted(kept, key=lambda finding: not finding.bars))
