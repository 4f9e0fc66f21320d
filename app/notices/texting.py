"""Keeps texts that are sent at once and kept nowhere: codes that open something, which no outbox may hold."""

import logging
from typing import Any

from app.core.errors import Conflict
from app.notices.gateways import SendingFailed
from app.notices.jobs import gateway
from app.notices.templates import words_of

log = logging.getLogger("minhu.notices")


class TextNotSent(Conflict):
    """短信没有发出，请稍后再试，或改用其他方式"""


def text_now(phone: str, template: str, params: dict[str, Any]) -> None:
    """Text the words of a template to a telephone, outside any transaction; raises TextNotSent."""
    try:
        gateway().text(phone, words_of(template, params))
    except SendingFailed:
        raise TextNotSent from None
    except Exception as failure:  # whatever the peer does, the reader of the log is not told what was to be sent
        log.error("a text could not be sent: %s", type(failure).__name__)
        raise TextNotSent from None
