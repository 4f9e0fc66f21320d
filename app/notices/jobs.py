"""Keeps the job that empties the outbox."""

from collections.abc import Callable
from datetime import timedelta

from app.core.database import transaction
from app.core.jobs import job
from app.core.stamp import Stamp
from app.notices.gateways import Gateway, SendingFailed
from app.notices.outbox import lease_notices, settle_failed, settle_sent

_gateway: list[Gateway] = []


def use_gateway(gateway: Gateway) -> None:
    """Set the gateway of this process."""
    _gateway[:] = [gateway]


@job("send-notices", every=timedelta(seconds=5))
def send_notices(stamps: Callable[[], Stamp]) -> int:
    """Send every notice that is due, in batches; give how many went out. Run twice, the second finds nothing."""
    sent = 0
    while True:
        with transaction():
            letters = lease_notices(stamps().at)
        if not letters:
            return sent
        for letter in letters:
            try:
                _gateway[0].send(letter)
            except SendingFailed as failure:
                with transaction():
                    settle_failed(letter, str(failure), stamps().at)
            except Exception as failure:  # a bug in a template must not stop the others
                with transaction():
                    settle_failed(letter, f"{type(failure).__name__}: {failure}", stamps().at)
            else:
                sent += 1
                with transaction():
                    settle_sent([letter], stamps().at)
