"""Counts what Datasette's own facets cannot: the parts of lists joined by '; ', and the years of days.

A value of a list is filtered by `?_has=column:value`, a year by Datasette's own `column__startswith`. Which tables have
which facets is said in `tables.py`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any

from datasette.database import QueryInterrupted
from datasette.facets import Facet
from datasette.filters import FilterArguments
from datasette.utils import escape_sqlite, path_with_added_args, path_with_removed_args

from pipelines.explorer.tables import HAS


class _CountedFacet(Facet, ABC):  # type: ignore[misc]  # Datasette has no types
    """Counts values that a SELECT finds in a column, and links each to the rows that have it."""

    @abstractmethod
    def values(self, column: str) -> str:
        """A SELECT of `value` and `count` over `inner`, most frequent first."""

    @abstractmethod
    def argument(self, column: str, value: str) -> tuple[str, str]:
        """What filters the rows that have the value."""

    async def facet_results(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Datasette's results of these facets, and the columns that took too long."""
        results, timed_out = [], []
        size, given = self.get_facet_size(), set(self.get_querystring_pairs())
        for each in self.get_configs():
            column = each["config"].get("column") or each["config"]["simple"]
            try:
                found = await self.ds.execute(
                    self.database,
                    f"with inner as ({self.sql}) {self.values(column)} limit {size + 1}",
                    self.params,
                    truncate=False,
                    custom_time_limit=self.ds.setting("facet_time_limit_ms"),
                )
            except QueryInterrupted:
                timed_out.append(column)
                continue
            listed = [self._value(column, row["value"], row["count"], given) for row in found.rows[:size]]
            results.append(
                {
                    "name": column,
                    "type": self.type,
                    "hideable": False,
                    "toggle_url": "",
                    "results": listed,
                    "truncated": len(found.rows) > size,
                }
            )
        return results, timed_out

    def _value(self, column: str, value: str, count: int, given: set[tuple[str, str]]) -> dict[str, Any]:
        argument = self.argument(column, value)
        change = path_with_removed_args if argument in given else path_with_added_args
        path = change(self.request, dict([argument]))
        return {
            "value": value,
            "label": value,
            "count": count,
            "toggle_url": self.ds.absolute_url(self.request, self.ds.urls.path(path)),
            "selected": argument in given,
        }


class ListFacet(_CountedFacet):
    """The parts of texts like `Cambodia; Kenya`."""

    type = "list"

    def values(self, column: str) -> str:
        """Each part counts once a row."""
        return (
            "select part.value as value, count(*) as count "
            f"from inner, json_each(items(inner.{escape_sqlite(column)})) as part "
            "group by part.value order by count(*) desc, part.value"
        )

    def argument(self, column: str, value: str) -> tuple[str, str]:
        """Our own: `contains` would find Niger in Nigeria."""
        return HAS, f"{column}:{value}"


class YearFacet(_CountedFacet):
    """The years of days."""

    type = "year"

    def values(self, column: str) -> str:
        """Newest first, for years are looked for in their order."""
        return (
            f"select substr({escape_sqlite(column)}, 1, 4) as value, count(*) as count from inner "
            f"where {escape_sqlite(column)} is not null group by 1 order by 1 desc"
        )

    def argument(self, column: str, value: str) -> tuple[str, str]:
        """Datasette's own lookup."""
        return f"{column}__startswith", value


def has_filters(request: Any, columns: list[str]) -> FilterArguments:
    """The rows that `?_has=column:value` asks for; of a table with these columns."""
    clauses, parameters, words = [], {}, []
    for position, text in enumerate(request.args.getlist(HAS)):
        column, colon, value = text.partition(":")
        if not colon or column not in columns:
            continue
        name = f"has_{position}"
        clauses.append(f"instr('; ' || {escape_sqlite(column)} || '; ', '; ' || :{name} || '; ') > 0")
        parameters[name] = value
        words.append(f"{column} has {json.dumps(value, ensure_ascii=False)}")
    return FilterArguments(clauses, params=parameters, human_descriptions=words)
