"""Measures merging: how well one thing is found again, and how long candidates take at 10,000 and a million open cases.

Quality goes through the product's own intake, index and query, every message open; thresholds were fixed on one half of the
labels (`benchmarks.labelled`), the figures are of the other. Times are of the whole look-up by an existing case's number, the
smaller ledger in the same run. The made-up cases have some hundred characters, places of their own, and are all open.
"""

import io
import os
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import psycopg

from benchmarks.house import house
from benchmarks.labelled import Labelled, labelled
from benchmarks.report import Figure, tell
from benchmarks.sayings import about, sayings
from benchmarks.spread import add_county

MILLION = int(os.environ.get("BENCH_CASES", "1000000"))
SMALL = 10_000
TIMES = 400
PLACES_EACH = 8
"""So many open cases a place has in the mean."""
CHUNK = 20_000
FOUND, PRECISION, RECALL, LOOK_MS = 0.97, 0.90, 0.70, 25.0


def take_all(stamp: Any, wanted: Labelled) -> dict[str, int]:
    """Take every message in as an open case, at its own time; give the cases' ids."""
    from app.core.database import db, transaction
    from app.ledger.county import CountySetting, county
    from app.ledger.intake.submission import Submission
    from app.ledger.intake.taking_in import take_in
    from app.ledger.vocabulary import Channel

    with transaction():
        db.session.add_all([CountySetting(name="text_limit", value=20_000), CountySetting(name="title_limit", value=200)])
    county.forget()
    ids, items = {}, sorted(wanted.messages.items(), key=lambda item: item[1].at)
    for begin in range(0, len(items), 200):
        with transaction():
            for name, said in items[begin : begin + 200]:
                submission = Submission(
                    channel=Channel.MAILBOX, title=said.title, body=said.body, filer_staff_id=stamp.actor.id, said_at=said.at
                )
                ids[name] = take_in(stamp.moved_to(said.at), submission).case_id
    return ids


def measure_found(stamp: Any, wanted: Labelled, ids: dict[str, int], queries: Sequence[str]) -> float:
    """Give the share of queries for which one of the same cluster is among the first five."""
    from app.core.database import db
    from app.ledger.merging.candidates import candidates_for, matter_of
    from app.ledger.models import Case

    numbers = {number: case_id for case_id, number in db.session.query(Case.id, Case.number)}
    names = {case_id: name for name, case_id in ids.items()}
    hits = 0
    for query in queries:
        case = db.session.get_one(Case, ids[query])
        first_five = [
            names[numbers[each.number]] for each in candidates_for(stamp.moved_to(case.opened_at), matter_of(case), most=5)
        ]
        hits += any(wanted.clusters.get(name) == wanted.clusters[query] for name in first_five)
    return hits / len(queries)


def measure_third(stamp: Any, wanted: Labelled, ids: dict[str, int], queries: Sequence[str]) -> tuple[int, int]:
    """Tell for how many third messages on a thing the first two, merged, are among the first five, and of how many.

    Changes the ledger: the first two messages of each thing that has three are one case afterwards.
    """
    from app.core.database import db, transaction
    from app.core.errors import Refusal
    from app.ledger.merging.candidates import candidates_for, matter_of
    from app.ledger.merging.joining import merge_cases
    from app.ledger.models import Case

    groups: dict[Any, list[str]] = {}
    for name in sorted(queries, key=lambda name: ids[name]):
        groups.setdefault(wanted.clusters[name], []).append(name)
    hits = asked = 0
    for first, second, third, *_ in (names for names in groups.values() if len(names) > 2):
        numbers = [db.session.get_one(Case, ids[name]).number for name in (first, second)]
        try:
            with transaction():
                kept = merge_cases(stamp, numbers[0], numbers=numbers[1:]).number
        except Refusal:
            continue
        case = db.session.get_one(Case, ids[third])
        found = candidates_for(stamp.moved_to(case.opened_at), matter_of(case), most=5)
        hits, asked = hits + any(each.number == kept for each in found), asked + 1
        db.session.remove()
    return hits, asked


def one_click(wanted: Labelled) -> list[tuple[bool, bool, bool]]:
    """Give of each pair whether it is for fitting, whether it is one thing, and whether one click would merge it."""
    from app.ledger.merging.likeness import ONE_CLICK, Pair, chance_of_one, grams_of, names_differ, names_in
    from app.ledger.merging.texts import shares

    told = []
    for one, other, same in wanted.pairs:
        first, second = wanted.messages[one], wanted.messages[other]
        pair = Pair(
            alike=shares().alike(grams_of(first.title, first.body.strip()), grams_of(second.title, second.body.strip())),
            days=abs((first.at - second.at).total_seconds()) / 86_400,
            differ=names_differ(names_in(first.title), names_in(second.title)),
        )
        told.append((wanted.is_for_fitting(one, other), same, chance_of_one(pair) >= ONE_CLICK))
    return told


def precision_and_recall(pairs: Sequence[tuple[bool, bool, bool]]) -> tuple[float, float]:
    """Give the share of clicks that are right, and the share of what is one thing that one click merges."""
    right = sum(same and clicked for _, same, clicked in pairs)
    return right / max(1, sum(clicked for *_, clicked in pairs)), right / max(1, sum(same for _, same, _ in pairs))


def fill(conninfo: str, total: int, now: datetime, *, after: int) -> None:
    """Store open cases with reports and texts up to so many; statistics and the index of grams are made anew."""
    from app.ledger.merging.texts import text_row
    from app.ledger.numbers import new_number

    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute("SET maintenance_work_mem = '512MB'")
        grids = connection.execute("SELECT grid.id, unit.path FROM grid JOIN unit ON unit.id = grid.unit_id ORDER BY 1").fetchall()
        categories = [row[0] for row in connection.execute("SELECT id FROM category ORDER BY 1")]
        (first,) = connection.execute('SELECT coalesce(max(id), 0) + 1 FROM "case"').fetchone() or (1,)
        connection.execute("DROP INDEX ix_case_text_grams")
        chance, said = Random(after), sayings(total - after, places=max(1, total // PLACES_EACH), seed=after + 1)
        seen: set[str] = set()
        for begin in range(after, total, CHUNK):
            cases, reports, texts = io.StringIO(), io.StringIO(), io.StringIO()
            for place in range(begin, min(begin + CHUNK, total)):
                each, case_id = next(said), first + place - after
                at = now - timedelta(minutes=(total - place) * 400 * 1440 // total)
                while (number := new_number(now - timedelta(days=1 + place // 1000))) in seen:
                    continue
                seen.add(number)
                grid, path = grids[each.about[0] % len(grids)]
                category = categories[each.about[1] % len(categories)]
                cases.write(
                    f"{case_id}\t{number}\tin_progress\thotline\t{each.title}\thelp\t{category}\tnormal\t{grid}\t{path}\tf\tf\tf\t1\t1\t"
                    f"{at.isoformat()}\t1\t1\t\\\\x{'00' * 32}\n"
                )
                reports.write(f"{case_id}\thotline\t{each.title}\t{each.body}\t{at.isoformat()}\t{at.isoformat()}\tf\tf\n")
                placed = chance.random() < 0.5
                latitude, longitude = (33.2 + (each.about[0] % 997) / 1500, 117.2 + (each.about[0] % 1009) / 1500)
                row = text_row(
                    case_id, each.title, each.body, latitude=latitude if placed else None, longitude=longitude if placed else None
                )
                grams = "{" + ",".join(map(str, row["grams"])) + "}"
                rest = "\t".join("\\N" if row[name] is None else str(row[name]) for name in ("square", "latitude", "longitude"))
                texts.write(f"{case_id}\t{grams}\t{row['figures']}\t{rest}\n")
            columns = "id number state channel title kind category_id urgency grid_id territory_path confidential anonymous "
            columns += "archived round heat opened_at version entry_count chain_head"
            _copy(connection, "case", columns, cases)
            _copy(connection, "report", "case_id channel title body said_at received_at anonymous confidential", reports)
            _copy(connection, "case_text", "case_id grams figures square latitude longitude", texts)
        connection.execute("CREATE INDEX ix_case_text_grams ON case_text USING gin (grams) WITH (fastupdate = off)")
        connection.execute("SELECT setval(pg_get_serial_sequence('\"case\"', 'id'), (SELECT max(id) FROM \"case\"))")
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _copy(connection: psycopg.Connection[Any], table: str, columns: str, rows: io.StringIO) -> None:
    with connection.cursor().copy(f'COPY "{table}" ({", ".join(columns.split())}) FROM STDIN') as copy:
        copy.write(rows.getvalue())


def measure_times(stamp: Any, conninfo: str) -> list[float]:
    """Give how long candidates take for existing cases, in ms, sorted."""
    from app.core.database import db, transaction
    from app.ledger.merging.candidates import merge_candidates
    from app.ledger.merging.texts import count_grams

    with transaction():
        count_grams(stamp.at)
    with psycopg.connect(conninfo) as connection:
        (count,) = connection.execute('SELECT count(*) FROM "case"').fetchone() or (0,)
        query = 'SELECT number FROM "case" WHERE id %% %s = 0 ORDER BY id %% 7919'
        numbers = [row[0] for row in connection.execute(query, [count // (TIMES + 20)]).fetchall()]
    times = []
    for number in numbers:
        began = time.perf_counter()
        with transaction():
            merge_candidates(stamp, number)
        times.append((time.perf_counter() - began) * 1000)
        db.session.remove()
    return sorted(times[20:])


def measure_twins(stamp: Any, conninfo: str) -> str:
    """Tell for how many sampled cases with a twin (same place, same trouble) one is among the first five."""
    from app.core.database import db, transaction
    from app.ledger.merging.candidates import merge_candidates

    with psycopg.connect(conninfo) as connection:
        titles = connection.execute('SELECT number, title FROM "case" ORDER BY id').fetchall()
    counts = Counter(about(title) for _, title in titles)
    sample = [(number, about(title)) for number, title in titles[:: max(1, len(titles) // TIMES)] if counts[about(title)] > 1]
    hits = 0
    for number, what in sample:
        with transaction():
            hits += any(about(each.title) == what for each in merge_candidates(stamp, number)[:5])
        db.session.remove()
    return f"{hits} of {len(sample)}"


def main() -> None:
    """Measure and tell."""
    from app.core.database import db, transaction
    from app.core.migrate import upgrade
    from app.core.stamp import Door, Stamp
    from app.demo.cast import find_cast
    from app.people.sessions import staff_actor

    def open_app(start: Any) -> tuple[Any, Any]:
        from app.factory import create_app
        from config import Config

        app = create_app(Config())
        now = app.extensions["minhu"].clock()
        with app.app_context():
            upgrade(db.engine)
            with transaction():
                start(now)
            actor = staff_actor(find_cast().staff["du"].id)
            db.session.remove()
        return app, Stamp(actor, actor.posts[0].role, now, Door.DESK)

    wanted = labelled()
    queries = [name for name, cluster in wanted.clusters.items() if list(wanted.clusters.values()).count(cluster) > 1]
    reported = [name for name in queries if wanted.half(name) == "report"]
    with house():
        app, stamp = open_app(add_county)
        with app.app_context():
            from app.ledger.merging.texts import count_grams

            ids = take_all(stamp, wanted)
            with transaction():
                count_grams(stamp.at)
            found, found_all = (measure_found(stamp, wanted, ids, names) for names in (reported, queries))
            pairs = one_click(wanted)
            third, thirds = measure_third(stamp, wanted, ids, reported)
            db.session.remove()
            db.engine.dispose()
    precision, recall = precision_and_recall([pair for pair in pairs if not pair[0]])
    fit, whole = precision_and_recall([pair for pair in pairs if pair[0]]), precision_and_recall(pairs)
    with house() as made:
        app, stamp = open_app(add_county)
        with app.app_context():
            fill(made.conninfo, SMALL, stamp.at, after=0)
            small = measure_times(stamp, made.conninfo)
            began = time.perf_counter()
            fill(made.conninfo, MILLION, stamp.at, after=SMALL)
            filled = time.perf_counter() - began
            large = measure_times(stamp, made.conninfo)
            twins = measure_twins(stamp, made.conninfo)
            db.engine.dispose()
    took = Figure("candidates' p99, a million open cases", large[int(len(large) * 0.99) - 1], LOOK_MS, "ms", more_is_better=False)
    quality = [
        Figure("one of the same thing in the first five", found, FOUND, "share", more_is_better=True),
        Figure("one-click merges that are right", precision, PRECISION, "share", more_is_better=True),
        Figure("pairs of one thing merged by one click", recall, RECALL, "share", more_is_better=True),
    ]
    # The bars are set for the real messages; made-up ones are all of one pattern, and tell only that the way there works.
    notes = {} if wanted.real else {f"{each.name}, made up": f"{each.figure:.3f}" for each in quality}
    tell(
        "merge",
        [took, *quality] if wanted.real else [took],
        notes
        | {
            "labels": f"{wanted.source}; {len(queries)} queries, {len(reported)} reported; {len(wanted.pairs)} pairs, "
            f"{sum(not pair[0] for pair in pairs)} reported",
            "first five, all queries": f"{found_all:.3f}",
            "third message on a thing whose first two are merged, the survivor in the first five": f"{third} of {thirds}",
            "one click on the fit half": f"precision {fit[0]:.3f}, recall {fit[1]:.3f}",
            "one click on all pairs": f"precision {whole[0]:.3f}, recall {whole[1]:.3f}",
            "cases": f"{MILLION}, filled in {filled:.0f} s",
            "median and p99 at 10,000": f"{statistics.median(small):.1f} ms, {small[int(len(small) * 0.99) - 1]:.1f} ms",
            "made-up cases whose twin is in the first five, at a million": twins,
            "median at a million": f"{statistics.median(large):.1f} ms",
        },
    )


if __name__ == "__main__":
    main()
