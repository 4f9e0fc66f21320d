"""Keeps what a report must be before it is taken in: pure checks of its words, and the title made where none was given."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.errors import Invalid
from app.ledger.county import County
from app.ledger.vocabulary import Channel, Kind, Urgency


class WordsUnfit(Invalid):
    """反映的内容需要修改"""


class ConcernMissing(Invalid):
    """请说明是为谁反映的"""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One thing said once through one channel, as a door hands it to `take_in`.

    Who the filer is and whose matter it is stand apart: `filer_resident_id` or `filer_staff_id`, and `concerned_id`. An
    anonymous submission names nobody. `latitude`/`longitude` are WGS-84 degrees; `raw_point` is the point as it was given with
    its datum. `source_key` names the thing in the system it came from and is stored once. `files` are the ids of the filer's own
    uploads, shown with the report to the filer and to whoever handles it; who is unnamed shows their `upload_ticket`.
    `keep_position`: where the photos say they were taken is evidence and stays.
    """

    channel: Channel
    body: str
    title: str | None = None
    kind: Kind = Kind.OTHER
    category_id: int | None = None
    urgency: Urgency | None = None
    grid_id: int | None = None
    filer_resident_id: int | None = None
    filer_staff_id: int | None = None
    concerned_id: int | None = None
    said_at: datetime | None = None
    household_id: int | None = None
    place_note: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    raw_point: dict[str, Any] | None = None
    against_unit_id: int | None = None
    against_staff_id: int | None = None
    confidential: bool = False
    anonymous: bool = False
    consent_id: int | None = None
    upstream_number: str | None = None
    source_key: str | None = None
    files: Sequence[int] = ()
    upload_ticket: str | None = field(default=None, repr=False)
    keep_position: bool = False


@dataclass(frozen=True)
class Receipt:
    """What a filer gets back: the case's number and, where nobody signed in stands for the matter, a claim code shown once."""

    case_id: int
    report_id: int
    number: str
    claim_code: str | None


def fit_words(submission: Submission, county: County) -> tuple[str, str]:
    """Give title and body as they are stored (NFC, outer blanks dropped); raises WordsUnfit naming each wrong field."""
    body = unicodedata.normalize("NFC", submission.body).strip()
    title = " ".join(unicodedata.normalize("NFC", submission.title or "").split())
    errors: dict[str, list[str]] = {}
    if len(body) > county.text_limit:
        errors["body"] = [f"内容请不超过 {county.text_limit} 个字，现在是 {len(body)} 个字"]
    elif has_control(body):
        errors["body"] = ["内容里有看不见的控制字符，请重新输入"]
    elif not any(character.isalnum() for character in body):
        errors["body"] = ["请用文字说明要反映的事情"]
    if len(title) > county.title_limit:
        errors["title"] = [f"标题请不超过 {county.title_limit} 个字"]
    elif has_control(title):
        errors["title"] = ["标题里有看不见的控制字符，请重新输入"]
    if errors:
        raise WordsUnfit(errors=errors)
    return title or title_of(body), body


def has_control(text: str) -> bool:
    """Say whether a text holds control characters other than line ends and tabs, or halves of characters."""
    return any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t" for character in text)


def title_of(body: str) -> str:
    """Give a title for a body that came without one: its first sentence, 30 characters at most."""
    line = " ".join(body.split())
    for place, character in enumerate(line[:30]):
        if character in "。！？!?；;" and place >= 4:
            return line[:place]
    return line if len(line) <= 30 else line[:29] + "…"


def check_persons(submission: Submission) -> None:
    """Raise ConcernMissing unless the matter is somebody's, or anonymous and nobody's."""
    people = (submission.filer_resident_id, submission.filer_staff_id, submission.concerned_id)
    if submission.anonymous:
        if any(person is not None for person in people):
            raise ConcernMissing("匿名反映不能带有任何人的身份")
    elif submission.filer_resident_id is None and submission.filer_staff_id is None:
        raise ConcernMissing("请说明反映人")
    elif submission.channel is Channel.PROXY and (submission.concerned_id is None or submission.consent_id is None):
        raise ConcernMissing("代办需要登记当事人和授权", errors={"concerned": ["请登记当事人"], "consent": ["请登记授权"]})
