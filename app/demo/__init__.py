"""Keeps the demo county 云溪县: invented, deterministic, with the cast that the tests use too."""
