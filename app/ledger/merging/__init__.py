"""Merging: finding what is one thing, joining it, taking it apart again, and telling everybody."""
