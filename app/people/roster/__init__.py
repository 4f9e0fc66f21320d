"""The roster: who lives in which household, in which group, of which population, and who cares for whom."""
