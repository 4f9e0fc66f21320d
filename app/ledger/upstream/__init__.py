"""Upstream orders: their moments, their own word on a result, and their batches."""
