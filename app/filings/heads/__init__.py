"""Keeps what heads of household groups do for their group: suggestions, visits, needs, help given."""
