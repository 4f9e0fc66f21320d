"""Digests: what a week brought (周汇总) and what a month teaches (月研判), as data and as a paper."""
