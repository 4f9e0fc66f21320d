"""Keeps duty: the roster of shifts, stand-ins and leave."""
