"""Reporters: somebody else who says the same, on the case of a road."""

from app.ledger.models import Report
from app.ledger.vocabulary import Channel


def another_reports(road, who: str | None, **more) -> Report:
    """A further report on the road's case, by a resident of the cast, or by nobody named."""
    resident = road.cast.residents[who].id if who else None
    given = {
        "channel": Channel.MINI_PROGRAM,
        "title": "路灯不亮",
        "body": "我们这里的路灯也不亮。",
        "said_at": road.clock(),
        "received_at": road.clock(),
        "filer_resident_id": resident,
        "concerned_id": resident,
        "claims": [],
    }
    report = Report(**given | more)
    case = road.case
    case.reports.append(report)
    road.session.flush()
    return report
