"""Requests: what is asked of a case by one person and decided by another."""
