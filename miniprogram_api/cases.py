"""Keeps how residents follow their own cases, add to them, rate them, and join one to their account by its claim code."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.filings.evidence import own_consent
from app.filings.models import ConsentBy
from app.http.auth import resident, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, PageQuery, Schema, Word
from app.http.flood import count_writes
from app.http.uploads import FileSchema, file_ids
from app.ledger.callbacks.answers import rate_case
from app.ledger.commands import put_right, supplement, supply_info
from app.ledger.disputes.commands import dispute_consent
from app.ledger.intake.claims import join_by_claim
from app.ledger.requests.withdrawal import keep_after_all, wish_to_withdraw
from app.ledger.rounds.reopening import reopen_case
from app.ledger.showing.following import follow, follow_list
from app.ledger.supervision.residents_urge import urge_as_resident
from app.ledger.vocabulary import State
from miniprogram_api.look_ups import ProofSchema, count_guess
from miniprogram_api.shown import FollowedSchema, MovedSchema, RatingSchema, StandingPageSchema, UrgingSchema, WordsSchema

blp = DoorBlueprint(
    "cases", door=Door.MINI_PROGRAM, prefix="/cases", auth=resident(Door.MINI_PROGRAM), first=count_writes, tag="我的事项"
)
claims = DoorBlueprint(
    "claims", door=Door.MINI_PROGRAM, prefix="/claims", auth=resident(Door.MINI_PROGRAM), first=count_guess, tag="认领"
)


class CasesQuery(PageQuery):
    """Which of one's cases."""

    state = Word(State, load_default=None)


class SupplementSchema(WordsSchema):
    """What a person adds to a case, with files of their own."""

    files = file_ids(load_default=())


class InformationSchema(SupplementSchema):
    """What was asked for; `version` is the one that was seen."""

    version = fields.Integer(load_default=None)


class OwnConsentSchema(Schema):
    """How one consented to being filed for, by what the filer kept."""

    method = Word(ConsentBy)
    given_at = Moment()
    evidence = fields.String(allow_none=True)
    files = fields.List(fields.Nested(FileSchema))


@blp.route("", methods=["GET"])
@blp.arguments(CasesQuery, location="query")
@blp.response(200, StandingPageSchema)
def list_cases(wanted: dict[str, Any]) -> Any:
    """List one's own cases, newest first"""
    return follow_list(stamp(), **wanted)


@blp.route("/<number>", methods=["GET"])
@blp.response(200, FollowedSchema)
def show_case(number: str) -> Any:
    """Show one's own case: where it stands, what happens next and by when, the replies"""
    return follow(stamp(), number)


@blp.route("/<number>/supplements", methods=["POST"])
@blp.arguments(SupplementSchema)
@blp.response(201, MovedSchema)
def add_words(said: dict[str, Any], number: str) -> Any:
    """Add something to a case that is under way"""
    return supplement(stamp(), number, **said)


@blp.route("/<number>/consent", methods=["GET"])
@blp.response(200, OwnConsentSchema)
def show_consent(number: str) -> Any:
    """Show the consent by which somebody filed for oneself, and the photo of one's signature"""
    return own_consent(stamp(), number)


@blp.route("/<number>/corrections", methods=["POST"])
@blp.arguments(WordsSchema)
@blp.response(201, MovedSchema)
def correct(said: dict[str, Any], number: str) -> Any:
    """Say what is wrong in what was written for oneself; the report stays beside it"""
    return put_right(stamp(), number, **said)


@blp.route("/<number>/consent-dispute", methods=["POST"])
@blp.arguments(WordsSchema)
@blp.response(201, MovedSchema)
def dispute(said: dict[str, Any], number: str) -> Any:
    """Say that one asked nobody to file this; the filer does nothing more on it until a supervisor has found out"""
    return dispute_consent(stamp(), number, **said)


@blp.route("/<number>/urging", methods=["POST"])
@blp.arguments(UrgingSchema)
@blp.response(201, MovedSchema)
def urge(said: dict[str, Any], number: str) -> Any:
    """Urge a case that is under way; once in the county's hours"""
    return urge_as_resident(stamp(), number, **said)


@blp.route("/<number>/reopening", methods=["POST"])
@blp.arguments(WordsSchema)
@blp.response(201, MovedSchema)
def reopen(said: dict[str, Any], number: str) -> Any:
    """Open one's closed case again, once, with what is new or what was not solved"""
    return reopen_case(stamp(), number, **said)


@blp.route("/<number>/withdrawal", methods=["POST"])
@blp.arguments(WordsSchema)
@blp.response(201, MovedSchema)
def withdraw(said: dict[str, Any], number: str) -> Any:
    """Withdraw one's case; once a unit works on it, the centre calls first to make sure"""
    return wish_to_withdraw(stamp(), number, **said)


@blp.route("/<number>/withdrawal/revocation", methods=["POST"])
@blp.response(201, MovedSchema)
def keep(number: str) -> Any:
    """Take one's wish to withdraw back before the centre has called"""
    return keep_after_all(stamp(), number)


@blp.route("/<number>/information", methods=["POST"])
@blp.arguments(InformationSchema)
@blp.response(201, MovedSchema)
def supply(said: dict[str, Any], number: str) -> Any:
    """Supply what was asked for"""
    return supply_info(stamp(), number, **said)


@blp.route("/<number>/rating", methods=["POST"])
@blp.arguments(RatingSchema)
@blp.response(201, MovedSchema)
def rate(said: dict[str, Any], number: str) -> Any:
    """Rate the handling as the person concerned; counts as call-back"""
    return rate_case(stamp(), number, **said)


@claims.route("", methods=["POST"])
@claims.arguments(ProofSchema)
@claims.response(201, MovedSchema)
def claim(proof: dict[str, Any]) -> Any:
    """Join a case to one's account by its claim code"""
    return join_by_claim(stamp(), proof["number"], proof["claim_code"])
