"""Keeps the list of every module that holds tables, for whoever needs the whole schema."""

import app.core.jobs
import app.core.throttle
import app.filings.models
import app.http.idempotency
import app.ledger.clocks
import app.ledger.county
import app.ledger.duties
import app.ledger.merging_models
import app.ledger.models
import app.ledger.policy_changes
import app.ledger.report_people
import app.ledger.shift_models
import app.ledger.supervision_models
import app.ledger.verification_models
import app.ledger.whistle_models
import app.notices.models
import app.people.models
import app.people.shift_models
import app.territory.calendar.models
import app.territory.models
import app.visits.models  # noqa: F401
