"""Keeps what visits change on the roster, at any staff door, as the village or an administrator decides it."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, PageQuery, Schema, Word, page_of, text
from app.visits.decisions import confirm_effect, effects_page, refuse_effect, revive
from app.visits.models import EffectKind, EffectState


class VisitEffectsQuery(PageQuery):
    """Which changes: where they stand."""

    state = Word(EffectState, load_default=None)


class VisitEffectSchema(Schema):
    """A change of the roster that a visit brought, masked."""

    id = fields.Integer()
    kind = Word(EffectKind)
    state = Word(EffectState)
    at = Moment()
    grid = fields.String()
    grid_name = fields.String()
    household_id = fields.Integer()
    household = fields.String()
    head_name = fields.String(allow_none=True)
    resident_id = fields.Integer(allow_none=True)
    resident = fields.String(allow_none=True)
    done_at = Moment(allow_none=True)
    decided_at = Moment(allow_none=True)
    reason = fields.String(allow_none=True)


class EffectConfirmedSchema(Schema):
    """A word on it, if there is one."""

    reason = text(500, load_default=None, allow_none=True)


class EffectReasonSchema(Schema):
    """Why."""

    reason = text(500, required=True)


def effect_topic(at: Door) -> DoorBlueprint:
    """Give the topic for a door."""
    blp = DoorBlueprint("visit_effects", door=at, prefix="/visit-effects", auth=staff(at), tag="人户变动")

    @blp.route("", methods=["GET"])
    @blp.arguments(VisitEffectsQuery, location="query")
    @blp.response(200, page_of(VisitEffectSchema))
    def list_effects(wanted: dict[str, Any]) -> Any:
        """List what visits in one's grids or villages change on the roster, newest first"""
        return effects_page(stamp(), **wanted)

    @blp.route("/<int:effect_id>/confirmation", methods=["POST"])
    @blp.arguments(EffectConfirmedSchema)
    @blp.response(201, VisitEffectSchema)
    def confirm(said: dict[str, Any], effect_id: int) -> Any:
        """Confirm a change, which is then done"""
        return confirm_effect(stamp(), effect_id, **said)

    @blp.route("/<int:effect_id>/refusal", methods=["POST"])
    @blp.arguments(EffectReasonSchema)
    @blp.response(201, VisitEffectSchema)
    def refuse(said: dict[str, Any], effect_id: int) -> Any:
        """Refuse a change: the roster stays as it is"""
        return refuse_effect(stamp(), effect_id, **said)

    @blp.route("/<int:effect_id>/undoing", methods=["POST"])
    @blp.arguments(EffectReasonSchema)
    @blp.response(201, VisitEffectSchema)
    def undo(said: dict[str, Any], effect_id: int) -> Any:
        """Undo a change that was a mistake: the resident or household is on the roster again, the tasks run on"""
        return revive(stamp(), effect_id, **said)

    return blp
