"""Keeps the job that empties the outbox."""

import logging
from collections.abc import Callable
from datetime import timedelta

from app.core.database import transaction
from app.core.jobs import job
from app.core.stamp import Stamp
from app.notices.gateways import Gateway, SendingFailed
from app.notices.outbox import Letter, bundled, bundles, lease_notices, settle_failed, settle_sent

log = logging.getLogger("minhu.notices")

_gateway: list[Gateway] = []


def use_gateway(gateway: Gateway) -> None:
    """Set the gateway of this process."""
    _gateway[:] = [gateway]


def gateway() -> Gateway:
    """Give the gateway of this process."""
    return _gateway[0]


@job("send-notices", every=timedelta(seconds=5))
def send_notices(stamps: Callable[[], Stamp]) -> int:
    """Send every notice that is due, in batches; give how many went out. Run twice, the second finds nothing."""
    sent = 0
    while True:
        with transaction():
            letters = lease_notices(stamps().at)
        if not letters:
            return sent
        for bundle in bundles(letters):
            error = _send(bundled(bundle))
            with transaction():
                if error is None:
                    settle_sent(bundle, stamps().at)
                    sent += len(bundle)
                for letter in bundle if error is not None else ():
                    settle_failed(letter, error or "", stamps().at)


def _send(letter: Letter) -> str | None:
    """Send one letter; give the error that it must wait with, None when it went out."""
    try:
        _gateway[0].send(letter)
    except SendingFailed as failure:
        return str(failure)
    except Exception as failure:  # a fault in one template or gateway must not stop the other letters
        log.exception("letter %s", letter.key)
        return type(failure).__name__
    return None
