"""Offline sync: what changed in a phone's grids since it last asked, and what it did meanwhile without a network."""
