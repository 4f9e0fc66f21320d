"""Whistles (吹哨报到): blowing, coming, judging."""
