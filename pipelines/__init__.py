"""From the pages that i-eval Discovery publishes to a warehouse that people can query: the flow in a dozen lines.

sources (files, archives, crawls)  ─ pages.py ─▶  page store: every content ever read, append-only Parquet parts
page store  ─ engine.py maps records.py ─▶  records: nested, one row a page (page.py reads it; bullets.py, countries.py
    and action_plan.py find steps, countries and promises in its texts), one part a part of the store
records + seeds/reference  ─ warehouse.py runs sql/staged and sql/tables ─▶  tables, through the gate of lake.py
tables  ─ checks.py: rules of tables.py, sql/checks ─▶  checked tables, or a run that publishes nothing
checked tables  ─ warehouse.py ─▶  ieval.duckdb with keys, comments and the views of sql/marts; both moved into place
assets.py and definitions.py make these steps a Dagster graph; running.py executes it for `ieval run` (cli.py)
ieval.duckdb  ─ exports.py ─▶  files for Excel, BI tools and other programs (export_*.py), described by datapackage.py
questions.py, printing.py, status.py, unknown.py and dictionary.py answer people from what was published
Imports point one way: words ← reading ← records ← storing ← doors; tests/test_architecture.py holds them to it.
"""
