"""Shows a published warehouse in the browser: Datasette on its SQLite export, started by `serving.py`."""
