"""Intake: every way in which a report enters the ledger, and what is kept beside it."""
