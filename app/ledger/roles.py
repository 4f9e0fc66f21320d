"""Keeps in which roles somebody reaches a case: by territory or access, and by what they filed, came for, or have a station of."""

from sqlalchemy import select

from app.core.database import db
from app.core.stamp import ActorKind, Role, Stamp
from app.ledger.clocks import Deadline
from app.ledger.disputes.models import ConsentDispute
from app.ledger.models import Case
from app.ledger.scope import comes_for, reaches
from app.ledger.stations import AT_STATION, station_path
from app.ledger.vocabulary import Action, Clock, Subject
from app.ledger.whistles.models import WhistleCall
from app.ledger.workflow import FILERS
from app.territory.models import Unit


def roles_on(stamp: Stamp, case: Case) -> frozenset[Role]:
    """Give the roles of the actor that reach this case: by territory, or through access for those who handle."""
    actor = stamp.actor
    if actor.kind is not ActorKind.STAFF:
        return actor.roles()
    units = [assignment.unit.path for assignment in case.assignments if assignment.ended_at is None]
    reached = [case.territory_path, *units]
    roles = frozenset(role for role in actor.roles() if any(reaches(actor, role, path) for path in reached))
    if case.grid_id in actor.grid_ids:
        roles |= actor.roles() & {Role.GRID_WORKER}
    return roles


def roles_for(stamp: Stamp, case: Case, action: Action) -> frozenset[Role]:
    """Give the roles in which the actor may do an action: who filed may supplement and supply information wherever the case lies.

    What a filer was asked, or hears from their person, no other grid worker or cadre supplies. A cadre answers only where they
    have come home for it. Who filed for somebody who says they never asked for it does nothing more on the case.
    """
    return frozenset() if is_disputed(stamp, case) else roles_undisputed(stamp, case, action)


def roles_undisputed(stamp: Stamp, case: Case, action: Action) -> frozenset[Role]:
    """Give the same where one knows already that nobody disputes what the actor filed."""
    roles = roles_on(stamp, case)
    if action in (Action.ARRIVE, Action.ASSESS_WHISTLE) and stamp.actor.kind is ActorKind.STAFF:
        return roles | _roles_of_called(stamp, case)
    if action in AT_STATION and stamp.actor.kind is ActorKind.STAFF:
        return roles | _roles_at_station(stamp, case)
    if action is Action.ANSWER and Role.CADRE in roles and not _comes_home(stamp, case):
        return roles - {Role.CADRE}
    if action not in OF_FILERS or stamp.actor.kind is not ActorKind.STAFF:
        return roles
    if any(report.filer_staff_id == stamp.actor.id for report in case.reports):
        return roles | (stamp.actor.roles() & FILERS)
    return roles - {Role.GRID_WORKER, Role.CADRE} if action is not Action.SUPPLEMENT else roles


OF_FILERS = frozenset({Action.SUPPLEMENT, Action.SUPPLY_INFO, Action.ASK_WITHDRAW})
"""What whoever filed for somebody does for them wherever the case lies."""


def _comes_home(stamp: Stamp, case: Case) -> bool:
    """Say whether the actor is who took it upon themselves to come to the person's home: the clock of coming is theirs."""
    theirs = (Deadline.clock == Clock.ARRIVE, Deadline.subject == Subject.CASE, Deadline.owner_staff_id == stamp.actor.id)
    kept = Deadline.cancelled_at.is_(None)  # who has given it back does not come
    return db.session.scalars(select(Deadline.id).where(Deadline.case_id == case.id, *theirs, kept).limit(1)).first() is not None


def is_disputed(stamp: Stamp, case: Case) -> bool:
    """Say whether the person of a report that the actor filed disputes their consent, and no supervisor found otherwise."""
    actor = stamp.actor
    filed = [report.id for report in case.reports if report.filer_staff_id == actor.id and report.consent_id is not None]
    if actor.kind is not ActorKind.STAFF or not filed:
        return False
    mine = (ConsentDispute.report_id.in_(filed), ConsentDispute.staff_id == actor.id)
    standing = select(ConsentDispute.id).where(*mine, ConsentDispute.upheld.is_not(False))
    return db.session.scalars(standing.limit(1)).first() is not None


def _roles_at_station(stamp: Stamp, case: Case) -> frozenset[Role]:
    """Give the roles in which the actor reaches the unit at whose station the order of a case is."""
    path = station_path(case)
    return frozenset(post.role for post in stamp.actor.posts if path is not None and path.startswith(post.path))


def _roles_of_called(stamp: Stamp, case: Case) -> frozenset[Role]:
    """Give the roles in which the actor may come for a unit that was whistled for on a case."""
    query = select(Unit.path).join(WhistleCall, WhistleCall.unit_id == Unit.id).where(WhistleCall.case_id == case.id)
    called = db.session.scalars(query).all()
    return frozenset(post.role for post in stamp.actor.posts for path in called if comes_for(post.path, path))
