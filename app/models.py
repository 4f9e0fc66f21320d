"""Keeps the list of every module that holds tables, for whoever needs the whole schema."""

import app.core.jobs
import app.core.throttle
import app.filings.models
import app.http.idempotency
import app.ledger.clocks
import app.ledger.county
import app.ledger.models
import app.notices.models
import app.people.models
import app.territory.calendar.models
import app.territory.models
import app.visits.models  # noqa: F401
