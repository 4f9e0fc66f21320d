"""The map is kept by each process and stays fresh: an import of another process is seen within seconds, one that fails never."""

import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core import held
from app.core.database import db, transaction
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.demo.grid_map import collection, demo_rings, draw_county, feature
from app.territory.datum import Datum
from app.territory.shapes import placing
from app.territory.shapes.models import GridShape
from app.territory.shapes.placing import How, place_point
from app.territory.shapes.publishing import ShapeFile, ShapesUnchanged, publish_shapes
from tests.conftest import MONDAY
from tests.counting import statements

FIRST = "99010100100101"
HERE = 33.44, 117.43


def stamp():
    return Stamp(SYSTEM, Role.SYSTEM, MONDAY + timedelta(hours=1), Door.COMMAND_LINE)


def elsewhere(app, work):
    """Do something as another process does: in a thread whose forgetting does not reach this one's map."""
    kept, failed = placing._version._value, []

    def run():
        with app.app_context():
            try:
                work()
            except Exception as error:  # handed back below
                failed.append(error)
            finally:
                db.session.remove()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    placing._version._value = kept
    return failed


def publish():
    with transaction():
        draw_county(stamp())


class Interrupted(Exception):
    """Something goes wrong after the import."""


def interrupted():
    with transaction():
        draw_county(stamp())
        assert place_point(*HERE).how is How.INSIDE
        raise Interrupted


def test_another_processs_import_is_seen_once_the_seconds_are_over(committed):
    with committed.app_context():
        assert place_point(*HERE).how is How.NO_SHAPES
        assert elsewhere(committed, publish) == []
        placing._version._until = held.monotonic() + 100
        assert place_point(*HERE).how is How.NO_SHAPES, "within the seconds nobody asks"
        placing._version._until = 0
        assert place_point(*HERE).how is How.INSIDE


def test_a_process_without_a_map_carries_no_library_for_maps():
    program = "import sys, app.factory, app.jobs, app.demo.grid_map; sys.exit('shapely' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_seconds_are_few():
    assert placing.SECONDS <= 5


def test_while_nothing_is_imported_only_the_newest_import_is_asked_for(committed):
    with committed.app_context():
        publish()
        place_point(*HERE)
        with statements() as none:
            place_point(*HERE)
        placing._version._until = 0
        with statements() as one:
            place_point(*HERE)
        assert (none, len(one)) == ([], 1)
        assert "max(shape_import.id)" in one[0]


def test_this_process_sees_its_own_import_at_once(committed):
    with committed.app_context():
        assert place_point(*HERE).how is How.NO_SHAPES
        publish()
        assert place_point(*HERE).how is How.INSIDE


def test_an_import_that_is_rolled_back_leaves_no_trace_in_the_map(committed):
    with committed.app_context():
        with pytest.raises(Interrupted):
            interrupted()
        assert place_point(*HERE).how is How.NO_SHAPES


def test_two_imports_at_once_follow_each_other(committed):
    with committed.app_context():
        publish()
    ready, failed = threading.Barrier(2), []

    def run(shift):
        moved = [(x + shift, y) for x, y in demo_rings()[FIRST]]
        content = collection([feature(FIRST, moved)])
        with committed.app_context():
            ready.wait()
            try:
                with transaction():
                    publish_shapes(stamp(), ShapeFile(source="moved", content=content, datum=Datum.WGS84))
            except ShapesUnchanged as error:
                failed.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(shift,)) for shift in (0.001, 0.002)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with committed.app_context():
        now = select(func.count()).select_from(GridShape).where(GridShape.replaced_by_id.is_(None))
        assert db.session.scalar(now.where(GridShape.grid_id.is_not(None))) == 18
        assert db.session.scalar(select(func.count()).select_from(GridShape)) == 20
        assert failed == []
