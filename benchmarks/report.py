"""Keeps how a benchmark tells its figures: a plain table, a JSON file, and one last line a figure against its bar."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One figure, its bar, and whether more or less is better."""

    name: str
    figure: float
    bar: float
    unit: str
    more_is_better: bool

    @property
    def ok(self) -> bool:
        """Whether the bar is reached."""
        return self.figure >= self.bar if self.more_is_better else self.figure <= self.bar


def tell(name: str, figures: list[Figure], notes: dict[str, object]) -> None:
    """Print the table, write `benchmarks/out/NAME.json`, and end with NAME's first figure: `NAME figure=… bar=… ok|SHORT`.

    The line says SHORT when any figure of the benchmark misses its bar.
    """
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        sign = "≥" if figure.more_is_better else "≤"
        verdict = "ok" if figure.ok else "SHORT"
        print(f"{figure.name:<{width}}  {figure.figure:>12.3f} {figure.unit:<10} {sign} {figure.bar:<10g} {verdict}")
    for note, value in notes.items():
        print(f"  {note}: {value}")
    folder = Path(__file__).parent / "out"
    folder.mkdir(exist_ok=True)
    contents = {"figures": [asdict(figure) | {"ok": figure.ok} for figure in figures], "notes": notes}
    (folder / f"{name}.json").write_text(json.dumps(contents, ensure_ascii=False, indent=2, default=str))
    first = figures[0]
    print(f"{name} figure={first.figure:.3f} bar={first.bar:g} {'ok' if all(figure.ok for figure in figures) else 'SHORT'}")
