"""Keeps what is texted to residents for whom somebody files: the code by which they consent, and a claim code that was lost.

Each step has its own transaction, and the text goes out between them: a wrong guess stays counted, and no code is kept.
"""

from datetime import timedelta
from typing import Any

from marshmallow import fields, validate

from app.core.database import transaction
from app.core.stamp import Door, Stamp
from app.filings.consent_codes import CodeMade, make_code, mobile, try_code
from app.filings.following import HandBy, Reissued, reissue_code, texted_to
from app.filings.rules import check_proxy
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Moment, Schema, Word, text
from app.http.limits import Limit, count_tries
from app.notices.texting import text_now

blp = DoorBlueprint("consent_codes", door=Door.GRID, prefix="/filings", auth=staff(Door.GRID), in_steps=True, tag="代办")

BY_FILER = Limit("consent-filer", 20, timedelta(hours=1))
BY_PHONE = Limit("consent-phone", 5, timedelta(hours=1))
"""A telephone is not to be flooded, whoever asks: both counts hold across processes."""


class CodeWantedSchema(Schema):
    """Whose phone, and the title of the matter to which the person is to consent."""

    phone = text(30, required=True)
    title = text(60, required=True)


class CodeSentSchema(Schema):
    """A code that was texted, and until when it may be told."""

    id = fields.Integer()
    expires_at = Moment()


class CodeToldSchema(Schema):
    """The six digits that the person told."""

    code = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{6}\Z", error="授权码是 6 位数字"))


class CodeProvedSchema(Schema):
    """That the code was right."""

    id = fields.Integer()
    proved = fields.Boolean()


class ReissueSchema(Schema):
    """How the fresh code goes to the person: to their phone, or on paper."""

    by = Word(HandBy, required=True)


class ReissuedSchema(Schema):
    """The words to print, with the fresh claim code; nothing of it where it was texted to the person."""

    number = fields.String()
    number_in_fours = InFours("number")
    by = Word(HandBy)
    handout = fields.String(allow_none=True)


@blp.route("/consent-codes", methods=["POST"])
@blp.arguments(CodeWantedSchema)
@blp.response(201, CodeSentSchema)
def send_code(given: dict[str, Any]) -> Any:
    """Text a code to a resident, who consents by telling it; the text names filer and matter"""
    return text_consent_code(stamp(), **given)


@blp.route("/consent-codes/<int:code_id>/proof", methods=["POST"])
@blp.arguments(CodeToldSchema)
@blp.response(200, CodeProvedSchema)
def prove_code(told: dict[str, Any], code_id: int) -> Any:
    """Say which code the resident told; five tries, and it serves one filing"""
    return prove_consent_code(stamp(), code_id, told["code"])


@blp.route("/<number>/claim-code", methods=["POST"])
@blp.arguments(ReissueSchema)
@blp.response(201, ReissuedSchema)
def reissue(wanted: dict[str, Any], number: str) -> Any:
    """Make a new claim code for what one filed or ordered for somebody; the old one is void"""
    return text_claim_code(stamp(), number, wanted["by"])


def text_consent_code(at: Stamp, *, phone: str, title: str) -> CodeMade:
    """Make a consent code and text it. Raises MayNotFileForOthers, PhoneUnfit, WrongIdentity, TooMany, TextNotSent."""
    at, phone = check_proxy(at), mobile(phone)
    count_tries(at.at, (BY_FILER, str(at.actor.id)), (BY_PHONE, phone))
    with transaction():
        made = make_code(at, phone=phone, title=title)
    text_now(phone, "consent_code", made.params)
    return made


def prove_consent_code(at: Stamp, code_id: int, code: str) -> dict[str, Any]:
    """Try a code and store the try, right or wrong. Raises CodeNotFound, CodeExpired, WrongCode."""
    with transaction():
        refusal = try_code(at, code_id, code)
    if refusal is not None:
        raise refusal
    return {"id": code_id, "proved": True}


def text_claim_code(at: Stamp, number: str, by: HandBy) -> Reissued:
    """Make a fresh claim code and, where the person has a phone, text it past the filer. Raises as `reissue_code`, TooMany."""
    count_tries(at.at, (BY_FILER, str(at.actor.id)))
    if by is HandBy.SMS:
        with transaction():
            phone = texted_to(at, number)
        count_tries(at.at, (BY_PHONE, phone))
    with transaction():
        made = reissue_code(at, number, by=by)
    if made.phone is not None:
        text_now(made.phone, "claim_code", made.params)
    return made
