"""Writes the report of a published warehouse, one file to mail around: `reporting.py` orders it."""
