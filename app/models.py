"""Keeps the list of every module that holds tables, for whoever needs the whole schema."""

import app.core.jobs
import app.core.throttle
import app.files.models
import app.filings.heads.models
import app.filings.homes.models
import app.filings.models
import app.http.idempotency
import app.ledger.callbacks.models
import app.ledger.clocks
import app.ledger.county
import app.ledger.dispatching.duties
import app.ledger.disputes.models
import app.ledger.intake.report_people
import app.ledger.merging.models
import app.ledger.models
import app.ledger.requests.models
import app.ledger.rules.policy_changes
import app.ledger.shifts.models
import app.ledger.supervision.models
import app.ledger.verification.models
import app.ledger.whistles.models
import app.notices.models
import app.people.accounts_known
import app.people.duty.models
import app.people.models
import app.people.roster.lists.models
import app.people.roster.models
import app.services.models
import app.sync.models
import app.talks.models
import app.territory.calendar.models
import app.territory.models
import app.territory.shapes.models
import app.visits.models  # noqa: F401
