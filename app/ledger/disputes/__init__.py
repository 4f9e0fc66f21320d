"""Keeps disputed consents: a person says that nobody was asked to file for them."""
