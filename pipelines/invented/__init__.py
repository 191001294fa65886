"""Invents pages for demonstrations, benchmarks and tests: `pages.py` prints what `records.py` makes up."""
