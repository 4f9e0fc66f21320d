"""Keeps how residents follow their own cases, add to them and rate them."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.http.auth import resident, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import PageQuery, Schema, Word
from app.ledger.callbacks import rate_case
from app.ledger.claims import join_by_claim
from app.ledger.commands import supplement, supply_info
from app.ledger.following import follow, follow_list
from app.ledger.vocabulary import State
from miniprogram_api.look_ups import count_guess
from miniprogram_api.shown import FollowedSchema, MovedSchema, RatingSchema, StandingPageSchema, WordsSchema

blp = DoorBlueprint("cases", door=Door.MINI_PROGRAM, prefix="/cases", auth=resident(Door.MINI_PROGRAM), tag="我的事项")
claims = DoorBlueprint(
    "claims", door=Door.MINI_PROGRAM, prefix="/claims", auth=resident(Door.MINI_PROGRAM), first=count_guess, tag="认领"
)


class CasesQuery(PageQuery):
    """Which of one's cases."""

    state = Word(State, load_default=None)


class MovedVersionSchema(Schema):
    """The version that was seen."""

    version = fields.Integer()
