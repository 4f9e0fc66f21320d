"""Supervision: urging, orders, slips, ladders' effects, raising, lists and meetings."""
