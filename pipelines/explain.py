"""Shows the action plan of a recommendation item by item: its countries, the words that name them, and their roles.

Everything comes from the published tables, so that what is shown is what a query would find. How a country is
recognised does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from pipelines.printing import printable
from pipelines.questions import QuestionError

#: How the words that name a country are shown, by role; on paper without colours the brackets remain.
_STYLES = {"subject": "bold green", "donor": "yellow", "model": "cyan", "excluded": "red"}
_OTHER_STYLE = "magenta"


@dataclass(frozen=True, slots=True)
class _Mention:
    char_start: int
    char_end: int
    country_iso3: str
    role: str


def explain(connection: duckdb.DuckDBPyConnection, recommendation_id: int, target: Console) -> None:
    """Print one recommendation's plan on a console. Raises QuestionError where there is none of this number."""
    head = connection.execute(
        "SELECT recommendations.title, action_plan, evaluations.title, recommendations.url "
        "FROM main.recommendations LEFT JOIN main.evaluations USING (eval_number) WHERE recommendation_id = ?",
        [recommendation_id],
    ).fetchone()
    if head is None:
        raise QuestionError(f"there is no recommendation {recommendation_id} in the warehouse")
    title, plan, evaluation, url = head
    target.print(Text(f"Recommendation {recommendation_id}", style="bold"))
    for line in (evaluation, url, "", title):
        if line is not None:
            target.print(Text(printable(line)))
    if plan is None:
        target.print(Text("\nIt has no action plan."))
        return
    mentions = [
        _Mention(*row)
        for row in connection.execute(
            "SELECT char_start, char_end, country_iso3, role FROM main.country_mentions WHERE record_id = ? "
            "AND record_kind = 'recommendation' AND field = 'action_plan' ORDER BY char_start",
            [recommendation_id],
        ).fetchall()
    ]
    items = connection.execute(
        "SELECT item_number, heading_text, char_start, char_end FROM main.action_items "
        "WHERE recommendation_id = ? ORDER BY item_number",
        [recommendation_id],
    ).fetchall()
    for number, heading, start, end in items:
        inside = [mention for mention in mentions if start <= mention.char_start < end]
        target.print()
        target.print(_countries(connection, recommendation_id, number, heading))
        target.print(Padding(_highlighted(plan, start, end, inside), (0, 0, 0, 4)))
        for words in _not_countries(plan, inside):
            target.print(Padding(Text(words, style="dim"), (0, 0, 0, 4)))


def _countries(connection: duckdb.DuckDBPyConnection, recommendation_id: int, number: int, heading: str | None) -> Text:
    """The line above an item: its number, its countries with their evidence, the heading it stands under."""
    rows = connection.execute(
        "SELECT country_iso3, name, evidence, mention_text FROM main.action_item_countries "
        "JOIN main.countries USING (country_iso3) WHERE recommendation_id = ? AND item_number = ? ORDER BY char_start",
        [recommendation_id, number],
    ).fetchall()
    line = Text(f"{number:>2}  ", style="bold")
    if not rows:
        line.append("programme-wide", style="dim")
    for position, (iso3, name, evidence, words) in enumerate(rows):
        line.append(", " if position else "")
        line.append(f"{iso3} {name}", style=_STYLES["subject"])
        line.append(f" ({evidence}: {printable(words)})", style="dim")
    if heading:
        line.append(f"  under: {printable(heading)}", style="dim")
    return line


def _highlighted(plan: str, start: int, end: int, mentions: list[_Mention]) -> Text:
    """The words of an item with every named country in brackets."""
    text = Text()
    position = start
    for mention in mentions:
        text.append(printable(plan[position : mention.char_start]))
        words = printable(plan[mention.char_start : mention.char_end])
        text.append(f"[{words}]", style=_STYLES.get(mention.role, _OTHER_STYLE))
        position = mention.char_end
    text.append(printable(plan[position:end]))
    return text


def _not_countries(plan: str, mentions: list[_Mention]) -> Iterator[str]:
    """What is named in an item and is not one of its countries, and what it is there for."""
    for mention in mentions:
        if mention.role != "subject":
            words = printable(plan[mention.char_start : mention.char_end])
            yield f"{words} ({mention.country_iso3}) is named as {mention.role}"
