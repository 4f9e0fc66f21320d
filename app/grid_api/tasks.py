"""Keeps the visits that a grid worker is to make: the list, two taps to log one, calling one off; a household's earlier visits."""

from typing import Any

from marshmallow import fields, post_load

from app.core.stamp import Door
from app.grid_api.visits import VisitLoggedSchema, VisitSaidSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, PageQuery, Schema, Word, page_of, text
from app.http.uploads import FileSchema
from app.visits.commands import log_task_visit
from app.visits.decisions import cancel_task
from app.visits.history import visits_of
from app.visits.models import TaskFor, TaskState, VisitOutcome
from app.visits.task_list import show_task, tasks_page
from app.visits.topics import topics

blp = DoorBlueprint("tasks", door=Door.GRID, prefix="/tasks", auth=staff(Door.GRID), tag="走访任务")
history = DoorBlueprint("visits_made", door=Door.GRID, prefix="", auth=staff(Door.GRID), tag="走访")


class VisitTasksQuery(PageQuery):
    """Which households: of a grid, with somebody of a population, by why, late ones or those in time."""

    grid = text(40, load_default=None)
    tag = text(40, load_default=None)
    why = Word(TaskFor, load_default=None)
    overdue = fields.Boolean(load_default=None)


class VisitTaskSchema(Schema):
    """A reason to visit a household: one task, and whom it is about, masked."""

    id = fields.Integer()
    why = Word(TaskFor)
    resident_id = fields.Integer(allow_none=True)
    resident = fields.String(allow_none=True)
    populations = fields.List(fields.String())
    campaign = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    in_person = fields.Boolean()
    first_on = fields.Date()
    due_on = fields.Date()
    overdue = fields.Boolean()
    state = Word(TaskState)
    attempts = fields.Integer()
    contacted_on = fields.Date(allow_none=True)
    ended_why = fields.String(allow_none=True)
    version = fields.Integer()


class ToVisitSchema(Schema):
    """A household that is to be visited, masked, with every reason; `id` is the most urgent task's."""

    id = fields.Integer()
    due_on = fields.Date()
    overdue = fields.Boolean()
    household_id = fields.Integer()
    household = fields.String()
    head_name = fields.String(allow_none=True)
    grid = fields.String()
    grid_name = fields.String()
    tasks = fields.List(fields.Nested(VisitTaskSchema))


class TaskVisitSchema(VisitSaidSchema):
    """A visit to the household of a task; the key and the outcome are enough, it was now where no time is told."""

    visited_at = Moment(allow_none=True)
    phone_at = Moment(allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Keep its lists."""
        return self.in_tuples(given)


class VisitCancelledSchema(Schema):
    """Why a visit is called off; `version` is the task's as it was seen."""

    reason = text(500, required=True)
    version = fields.Integer(load_default=None)


class VisitTaskEndedSchema(Schema):
    """A task that is over."""

    id = fields.Integer()
    state = Word(TaskState)
    ended_why = fields.String(allow_none=True)
    version = fields.Integer()


class VisitMadeSchema(Schema):
    """A visit as it was; who was met is masked."""

    id = fields.Integer()
    key = fields.UUID()
    outcome = Word(VisitOutcome)
    in_person = fields.Boolean()
    visited_at = Moment()
    clock_off = fields.Boolean()
    by = fields.String()
    met = fields.List(fields.String(allow_none=True))
    topics = fields.List(fields.String())
    seconds = fields.Integer(allow_none=True)
    findings = fields.String(allow_none=True)
    needs = fields.List(fields.String())
    files = fields.List(fields.Nested(FileSchema))


class TopicOfferedSchema(Schema):
    """What may be talked about."""

    code = fields.String()
    name = fields.String()


@blp.route("", methods=["GET"])
@blp.arguments(VisitTasksQuery, location="query")
@blp.response(200, page_of(ToVisitSchema))
def list_tasks(wanted: dict[str, Any]) -> Any:
    """List the households of one's grids or villages that are to be visited, the first due first"""
    return tasks_page(stamp(), **wanted)


@blp.route("/<int:task_id>", methods=["GET"])
@blp.response(200, VisitTaskSchema)
def show(task_id: int) -> Any:
    """Show a task of one's grids or villages"""
    return show_task(stamp(), task_id)


@blp.route("/<int:task_id>/visit", methods=["POST"])
@blp.arguments(TaskVisitSchema)
@blp.response(201, VisitLoggedSchema)
def visit(said: dict[str, Any], task_id: int) -> Any:
    """Log the visit that a task asks for: its key and outcome are enough"""
    return log_task_visit(stamp(), task_id, said)


@blp.route("/<int:task_id>/cancellation", methods=["POST"])
@blp.arguments(VisitCancelledSchema)
@blp.response(201, VisitTaskEndedSchema)
def cancel(said: dict[str, Any], task_id: int) -> Any:
    """Call a visit off, as the village's cadre"""
    return cancel_task(stamp(), task_id, **said)


@history.route("/households/<int:household_id>/visits", methods=["GET"])
@history.arguments(PageQuery, location="query")
@history.response(200, page_of(VisitMadeSchema))
def list_visits(wanted: dict[str, Any], household_id: int) -> Any:
    """List the visits to a household of one's grids or villages, newest first"""
    return visits_of(stamp(), household_id, **wanted)


@history.route("/visit-topics", methods=["GET"])
@history.response(200, TopicOfferedSchema(many=True))
def list_topics() -> Any:
    """List what may be talked about at visits"""
    return topics()
