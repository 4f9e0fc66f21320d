"""Keeps the grids' polygons: how they come in, their versions, and which grid a point lies in."""
