"""Makes files of a published warehouse for other programs: `exporting.py` orders it, the others write a format each."""
