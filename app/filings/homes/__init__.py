"""Keeps requests that somebody comes home: asked by or for a resident, taken by one of the village, answered there."""
