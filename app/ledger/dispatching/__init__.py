"""Dispatch: which units may be given a case, which answers for what, and what they pass on below them."""
