"""From the pages that i-eval Discovery publishes to a warehouse that people can query: the flow in a dozen lines.

sources (files, archives, crawls)  ─ intake.py: sources.py, pages.py ─▶  page store: every content ever read, and when
page store  ─ engine.py maps records.py and places.py ─▶  records and their countries, one part a part of the store
    (page.py reads a page; bullets.py, mentions.py and action_plan.py find steps, countries and promises in its texts)
parts + seeds/reference  ─ table_builder.py, or increment.py for a few new pages: sql/staged, sql/tables ─▶  tables
tables  ─ checks.py: rules of tables.py, sql/checks ─▶  checked tables, or a run that publishes nothing
checked tables  ─ database.py ─▶  ieval.duckdb with keys, comments and the views of sql/marts
both  ─ publication.py ─▶  moved into place, and named by the manifest; warehouse.py decides how much of it is needed
assets.py and definitions.py make these steps a Dagster graph; running.py executes it for `ieval run` (cli.py)
ieval.duckdb  ─ export/, report/, explorer/ ─▶  files for other programs, a report to mail around, pages in the browser
questions.py, printing.py, status.py, unknown.py and dictionary.py answer people from what was published
Imports point one way: words ← reading ← records ← storing ← showing ← doors, which tests/test_architecture.py checks.
"""
