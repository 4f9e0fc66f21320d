"""Keeps what can be done with a case number and its claim code, without an account; guessing is limited."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from flask import request

from app.core.stamp import Door
from app.http.auth import anybody, now_clock, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Schema, text
from app.http.limits import Limit, address, count_tries
from app.ledger.disputes.commands import dispute_by_claim
from app.ledger.intake.claims import (
    put_right_by_claim,
    rate_proved,
    reopen_by_claim,
    supplement_by_claim,
    supply_by_claim,
    withdraw_by_claim,
)
from app.ledger.numbers import WrongNumber, check_number
from app.ledger.showing.following import follow_by_claim
from app.ledger.supervision.residents_urge import urge_by_claim
from miniprogram_api.shown import FollowedSchema, MovedSchema, RatingSchema, UrgingSchema, WordsSchema

BY_NUMBER = Limit("claim-number", 20, timedelta(minutes=15))
BY_ADDRESS = Limit("claim-address", 120, timedelta(minutes=15))
"""Many phones share one address of their network; what protects a claim code is the limit by number."""


def count_guess() -> None:
    """Count a try against the case number that the running request names and against its address; raises TooMany."""
    body = request.get_json(silent=True)
    tries = [(BY_ADDRESS, address())]
    if isinstance(body, dict) and isinstance(body.get("number"), str):
        with suppress(WrongNumber):
            tries.append((BY_NUMBER, check_number(body["number"])))
    count_tries(now_clock()(), *tries)


ANYBODY = anybody(Door.MINI_PROGRAM)

reading = DoorBlueprint(
    "look_ups", door=Door.MINI_PROGRAM, prefix="/look-ups", auth=ANYBODY, repeatable=False, first=count_guess, tag="凭码查询"
)
writing = DoorBlueprint(
    "look_up_words", door=Door.MINI_PROGRAM, prefix="/look-ups", auth=ANYBODY, first=count_guess, tag="凭码补充和评价"
)


class ProofSchema(Schema):
    """A case number and its claim code, as they were read from paper."""

    number = text(40, required=True)
    claim_code = text(40, required=True)


class ProvedWordsSchema(ProofSchema, WordsSchema):
    """A proof, and what is said."""


class ProvedUrgingSchema(ProofSchema, UrgingSchema):
    """A proof, and what is said, if anything."""


class ProvedRatingSchema(ProofSchema, RatingSchema):
    """A proof, and what the person says of the handling."""


@reading.route("", methods=["POST"])
@reading.arguments(ProofSchema)
@reading.response(200, FollowedSchema)
def look_up(proof: dict[str, Any]) -> Any:
    """Show a case to the holder of its claim code"""
    return follow_by_claim(stamp(), proof["number"], proof["claim_code"])


@writing.route("/supplements", methods=["POST"])
@writing.arguments(ProvedWordsSchema)
@writing.response(201, MovedSchema)
def add_words(said: dict[str, Any]) -> Any:
    """Add something to a case, by claim code"""
    return supplement_by_claim(stamp(), said["number"], said["claim_code"], words=said["words"])


@writing.route("/corrections", methods=["POST"])
@writing.arguments(ProvedWordsSchema)
@writing.response(201, MovedSchema)
def correct(said: dict[str, Any]) -> Any:
    """Say what is wrong in what was written for one, by claim code"""
    return put_right_by_claim(stamp(), said["number"], said["claim_code"], words=said["words"])


@writing.route("/consent-dispute", methods=["POST"])
@writing.arguments(ProvedWordsSchema)
@writing.response(201, MovedSchema)
def dispute(said: dict[str, Any]) -> Any:
    """Say that one asked nobody to file this, by claim code"""
    return dispute_by_claim(stamp(), said["number"], said["claim_code"], words=said["words"])


@writing.route("/urging", methods=["POST"])
@writing.arguments(ProvedUrgingSchema)
@writing.response(201, MovedSchema)
def urge(said: dict[str, Any]) -> Any:
    """Urge a case, by claim code; once in the county's hours"""
    return urge_by_claim(stamp(), said["number"], said["claim_code"], words=said["words"])


@writing.route("/reopening", methods=["POST"])
@writing.arguments(ProvedWordsSchema)
@writing.response(201, MovedSchema)
def reopen(said: dict[str, Any]) -> Any:
    """Open a closed case again, once, by claim code"""
    return reopen_by_claim(stamp(), said["number"], said["claim_code"], words=said["words"])


@writing.route("/withdrawal", methods=["POST"])
@writing.arguments(ProvedWordsSchema)
@writing.response(201, MovedSchema)
def withdraw(said: dict[str, Any]) -> Any:
    """Withdraw a case that nobody works on yet, by claim code"""
    return withdraw_by_claim(stamp(), said["number"], said["claim_code"], words=said["words"])


@writing.route("/information", methods=["POST"])
@writing.arguments(ProvedWordsSchema)
@writing.response(201, MovedSchema)
def supply(said: dict[str, Any]) -> Any:
    """Supply what was asked for, by claim code"""
    return supply_by_claim(stamp(), said["number"], said["claim_code"], words=said["words"])


@writing.route("/rating", methods=["POST"])
@writing.arguments(ProvedRatingSchema)
@writing.response(201, MovedSchema)
def rate(said: dict[str, Any]) -> Any:
    """Rate the handling, by claim code; counts as call-back"""
    return rate_proved(stamp(), said["number"], said["claim_code"], said["verdict"], words=said["words"])
