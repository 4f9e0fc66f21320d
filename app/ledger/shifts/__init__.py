"""Shifts: handing over, leave, and what passes to a colleague."""
