"""Keeps how moments are read from other people's files: the forms of dates that Chinese offices write, in China time."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

from app.core.clock import CHINA

_DATE = r"(?P<year>\d{4})(?:\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*[日号]?|(?P<packed>\d{4}))"
_WEEKDAY = r"(?:\s*\(?(?:星期|周)[一二三四五六日天]\)?)?"
_TIME = (
    r"(?:[T\s]*(?P<half>上午|下午|早上|中午|晚上|凌晨|[AaPp][Mm])?\s*(?P<hour>\d{1,2})\s*[:时点]\s*(?:(?P<minute>\d{1,2})\s*"
    r"(?:[:分]\s*(?:(?P<second>\d{1,2})(?:\.\d+)?\s*秒?)?)?)?(?:\s*(?P<after>[AaPp][Mm]))?)?"
)
_ZONE = r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?"
_MOMENT = re.compile(_DATE + _WEEKDAY + _TIME + _ZONE)
_AFTERNOON = frozenset({"下午", "晚上", "pm"})
_EARLY = frozenset({"上午", "早上", "凌晨", "am"})


def read_moment(text: str) -> datetime:
    """Give the moment (UTC) that a text names: `2019/2/28 11:25:05`, `2019-02-28`, `2019年2月28日 下午3点`, `20190228`, ISO 8601.

    A text without a zone is China time, one without a time of day means midnight. Raises ValueError.
    """
    match = _MOMENT.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if match is None:
        raise ValueError(f"not a date: {text}")
    if packed := match["packed"]:
        month, day = int(packed[:2]), int(packed[2:])
    else:
        month, day = int(match["month"]), int(match["day"])
    hour = _hour(int(match["hour"] or 0), (match["half"] or match["after"] or "").lower())
    try:
        at = datetime(
            int(match["year"]), month, day, hour, int(match["minute"] or 0), int(match["second"] or 0), tzinfo=_zone(match["zone"])
        )
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"no such date: {text}") from None


def _hour(hour: int, half: str) -> int:
    if half in _AFTERNOON and hour < 12:
        return hour + 12
    return 0 if half in _EARLY and hour == 12 else hour


def _zone(zone: str | None) -> timezone:
    if zone is None:
        return CHINA
    if zone == "Z":
        return UTC
    sign = -1 if zone[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])))
