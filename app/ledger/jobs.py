"""Keeps the jobs of the ledger: the sweep over the clocks."""
