"""Rules of a proxy filing: consent that is whole, a reason for strangers to the village, words for the person."""

import pytest

from app.filings.models import ConsentBy
from app.filings.rules import ConsentGiven, ConsentIncomplete, ReasonMissing, check_consent, check_reason, handout
from app.people.identity import Person


@pytest.mark.parametrize(
    "consent",
    [
        ConsentGiven(method=ConsentBy.SPOKEN, witness="邻居赵婶"),
        ConsentGiven(method=ConsentBy.SIGNATURE, signature_id=3),
        ConsentGiven(method=ConsentBy.SMS_CODE, code_id=7),
    ],
)
def test_a_whole_consent_passes(consent):
    check_consent(consent, filer_name="吴村", person=Person(name="郑守田"))


@pytest.mark.parametrize("witness", [None, "", "  ", "吴村", " 吴村 "])
def test_a_spoken_consent_needs_a_witness_other_than_the_filer(witness):
    with pytest.raises(ConsentIncomplete) as refused:
        check_consent(ConsentGiven(method=ConsentBy.SPOKEN, witness=witness), filer_name="吴村", person=Person(name="郑守田"))
    assert list(refused.value.errors) == ["consent.witness"]


def test_the_filer_is_no_witness_of_a_signature_either():
    with pytest.raises(ConsentIncomplete):
        check_consent(
            ConsentGiven(method=ConsentBy.SIGNATURE, signature_id=3, witness="吴村"),
            filer_name="吴村",
            person=Person(name="郑守田"),
        )


@pytest.mark.parametrize(
    ("place", "known", "reason", "fits"),
    [
        ("/1/2/7/", True, None, True),
        ("/1/2/8/", True, None, False),
        ("/1/2/8/", True, "  ", False),
        ("/1/2/8/", True, "住在女儿家", True),
        ("/1/2/70/", True, None, False),
        ("/1/2/7/", False, None, False),
        ("/1/2/7/", False, "外村老人来村里求助", True),
    ],
)
def test_a_reason_is_needed_for_a_matter_elsewhere_and_for_a_stranger(place, known, reason, fits):
    if fits:
        check_reason(reason, place=place, villages=["/1/2/7/"], known=known)
    else:
        with pytest.raises(ReasonMissing):
            check_reason(reason, place=place, villages=["/1/2/7/"], known=known)


def test_the_slip_is_read_in_fours():
    words = handout("2026112312345678", "0123456789")
    assert "2026 1123 1234 5678" in words
    assert "0123 4567 89" in words
