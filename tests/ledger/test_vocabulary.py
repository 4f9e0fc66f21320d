"""The labels that people see: each word keeps its own, also where two lists share a code."""

import pytest

from app.ledger.labels import label
from app.ledger.vocabulary import Action, Clock, RequestState, State


@pytest.mark.parametrize(
    ("word", "words"),
    [
        (Action.DISPATCH, "派单"),
        (Clock.DISPATCH, "派单时限"),
        (Action.ACCEPT, "受理"),
        (Clock.ACCEPT, "受理时限"),
        (State.REJECTED, "不予受理"),
        (RequestState.REJECTED, "未同意"),
    ],
)
def test_a_word_keeps_its_label_though_another_list_has_the_same_code(word, words):
    assert label(word) == words
