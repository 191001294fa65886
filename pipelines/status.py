"""Tells what the published warehouse holds, how fresh it is and what is wrong, from the warehouse itself."""

from __future__ import annotations

from typing import Any

import duckdb

from pipelines.questions import newest_observation
from pipelines.settings import Settings
from pipelines.tables import TABLES


def status(connection: duckdb.DuckDBPyConnection, knobs: Settings) -> dict[str, Any]:
    """Facts as JSON takes them: database, bytes, newest_observation (ISO 8601, UTC), rows, pages, problems."""

    def pairs(statement: str) -> dict[str, int]:
        return {str(name): int(count) for name, count in connection.execute(statement).fetchall()}

    newest = newest_observation(connection)
    counts = " UNION ALL ".join(
        f"SELECT '{table.name}' AS name, count(*) FROM {table.qualified_name}"
        for table in TABLES.values()
        if table.group != "reference"
    )
    return {
        "database": str(knobs.database),
        "bytes": knobs.database.stat().st_size,
        "newest_observation": newest.isoformat().replace("+00:00", "Z") if newest else None,
        "rows": pairs(counts),
        "pages": pairs("SELECT status, count(*) FROM raw.pages GROUP BY status ORDER BY status"),
        "truncated_pages": pairs("SELECT 'pages', count(*) FROM raw.pages WHERE is_truncated")["pages"],
        "problems": pairs("SELECT severity, count(*) FROM main.problems GROUP BY severity ORDER BY severity"),
        "problem_codes": pairs(
            "SELECT problem_code, count(*) FROM main.problems GROUP BY ALL ORDER BY count(*) DESC, problem_code"
        ),
    }


def text(facts: dict[str, Any]) -> str:
    """The same facts for people."""

    def listed(counts: dict[str, int]) -> str:
        return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none"

    width = max(map(len, facts["rows"]))
    lines = [
        f"{facts['database']}, {facts['bytes'] / 1e6:.1f} MB",
        f"newest observation: {facts['newest_observation'] or 'none'}",
        f"pages: {listed(facts['pages'])}; {facts['truncated_pages']:,} of them cut",
        f"problems: {listed(facts['problems'])}",
        *(f"  {count:>6,}  {code}" for code, count in facts["problem_codes"].items()),
        "rows:",
        *(f"  {name:<{width}}  {count:>9,}" for name, count in facts["rows"].items()),
    ]
    return "\n".join(lines)
