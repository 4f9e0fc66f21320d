"""Migrations on ledgers that are filled."""
