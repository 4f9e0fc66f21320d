"""Keeps the messages with labels on which merging is measured: the real ones where their folder is there, else made-up ones.

One half is for fixing weights and thresholds, the other for reporting. A cluster lies in one half as a whole: by the first
byte of the SHA-256 of its smallest id (even: fit); a message of no cluster by its own id. Pairs inside the fit half fix; all
others, also those across, are reported.
"""

import csv
import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from random import Random

from app.core.clock import CHINA
from benchmarks.sayings import TROUBLES, say

FOLDER = Path(os.environ.get("MINHU_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@dataclass(frozen=True)
class Message:
    """What somebody wrote, and when."""

    title: str
    body: str
    at: datetime


@dataclass(frozen=True)
class Labelled:
    """Messages by id, the cluster of those that share one, and pairs with whether they are one thing."""

    source: str
    real: bool
    messages: dict[str, Message]
    clusters: dict[str, str]
    pairs: list[tuple[str, str, bool]]

    def half(self, message: str) -> str:
        """Give the half in which a message lies: `fit` or `report`."""
        cluster = self.clusters.get(message)
        name = message if cluster is None else min(each for each, of in self.clusters.items() if of == cluster)
        return "report" if hashlib.sha256(name.encode()).digest()[0] % 2 else "fit"

    def is_for_fitting(self, one: str, other: str) -> bool:
        """Say whether a pair lies in the fit half as a whole."""
        return self.half(one) == self.half(other) == "fit"


def labelled() -> Labelled:
    """Give the real messages where their folder is there, else made-up ones."""
    return _real(FOLDER) if (FOLDER / "same_issue_pairs.csv").exists() else _made_up()


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _moment(text: str) -> datetime:
    return datetime.strptime(text.strip().replace("-", "/"), "%Y/%m/%d %H:%M:%S").replace(tzinfo=CHINA).astimezone(UTC)


def _real(folder: Path) -> Labelled:
    messages = {
        row["留言编号"]: Message(row["留言主题"], row["留言详情"], _moment(row["留言时间"]))
        for row in _rows(folder / "messages.csv")
    }
    clusters = {row["id"]: row["cluster"] for row in _rows(folder / "same_issue_clusters.csv")}
    pairs = [(row["id_a"], row["id_b"], row["same_issue"] == "1") for row in _rows(folder / "same_issue_pairs.csv")]
    return Labelled(str(len(messages)) + " messages of the shared folder", True, messages, clusters, pairs)


def _made_up() -> Labelled:
    """Make 80 clusters of two to six appeals, with neighbours of the same place and of the same trouble, and others around."""
    chance, start = Random(7), datetime(2026, 1, 5, tzinfo=UTC)
    messages: dict[str, Message] = {}
    clusters: dict[str, str] = {}
    pairs: list[tuple[str, str, bool]] = []

    def add(place: int, trouble: int, day: float) -> str:
        said = say(place, trouble, chance)
        messages[f"{len(messages):05d}"] = Message(said.title, said.body, start + timedelta(days=day))
        return f"{len(messages) - 1:05d}"

    for cluster in range(80):
        place, trouble, day = 10_000 + cluster, chance.randrange(len(TROUBLES)), chance.uniform(0, 300)
        ids = [add(place, trouble, day + chance.uniform(0, 20)) for _ in range(chance.randint(2, 6))]
        clusters |= dict.fromkeys(ids, str(cluster))
        pairs += [(one, other, True) for one, other in combinations(ids, 2)][:6]
        other_trouble = (trouble + 1 + chance.randrange(len(TROUBLES) - 1)) % len(TROUBLES)
        pairs += [(ids[0], add(place, other_trouble, day), False), (ids[1], add(20_000 + cluster, trouble, day), False)]
    for _ in range(1500):
        add(chance.randrange(3000), chance.randrange(len(TROUBLES)), chance.uniform(0, 300))
    return Labelled(f"{len(messages)} made-up messages (no shared folder at {FOLDER})", False, messages, clusters, pairs)
