"""Rounds: beginning anew by rework or reopening, and matters that are settled."""
