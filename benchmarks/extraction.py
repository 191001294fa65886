"""Labelled texts → scores of our extraction of countries, with every error, beside what other libraries make of them.

Three scores: country fields (share of right answers, and wrong countries), mentions (precision, recall, F1 of the
countries of a passage) and attribution (the same for the sentences of action plans, and the share of exact sets).

    python -m benchmarks.extraction             our scores and speed, by language and by tag, and every error
    python -m benchmarks.extraction --peers     also those of other libraries, each in its own environment

Not in here: floors for these scores (tests/test_extraction_scores.py), and anything that a run of the warehouse needs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.environments import PEERS, EnvironmentFailed, python_of, version
from pipelines.action_plan import read_action_plan
from pipelines.countries import CountryNames
from pipelines.language import language_of
from pipelines.reference import read_country_names
from pipelines.roles import SUBJECT
from pipelines.settings import PROJECT, REFERENCE

LABELLED = PROJECT / "tests" / "labelled"
#: library -> its distribution; peers/countries/with_<library>.py says how it is asked, <library>.lock what it needs.
LIBRARIES = {
    "hdx": "hdx-python-country",
    "country_converter": "country-converter",
    "flashgeotext": "flashgeotext",
    "pycountry": "pycountry",
}
#: Pages whose texts the slowest library reads in half a minute.
PAGES_FOR_SPEED = 150


@dataclass
class Score:
    """Counts of countries found and missed over many texts, and of texts that are exactly right."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    texts: int = 0
    exact: int = 0

    def add(self, found: set[str], expected: set[str], optional: Iterable[str] = ()) -> bool:
        found = found - (set(optional) - expected)
        self.right += len(found & expected)
        self.wrong += len(found - expected)
        self.missed += len(expected - found)
        self.texts += 1
        self.exact += found == expected
        return found == expected

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (2 * self.right + self.wrong + self.missed) if self.right or self.wrong else 1.0

    @property
    def exact_share(self) -> float:
        return self.exact / self.texts if self.texts else 1.0


@dataclass
class Report:
    """The scores over one labelled set: of all of it, by language and by tag, and every error in words."""

    total: Score = field(default_factory=Score)
    groups: dict[str, Score] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(
        self, groups: Iterable[str], found: set[str], expected: set[str], optional: Iterable[str], text: str
    ) -> None:
        for group in groups:
            self.groups.setdefault(group, Score()).add(found, expected, optional)
        if not self.total.add(found, expected, optional):
            extra, missed = sorted(found - expected - set(optional)), sorted(expected - found)
            self.errors.append(f"too many {extra or '-'}, missed {missed or '-'}: {text}")


def read_set(path: Path) -> list[dict[str, object]]:
    """The rows of a labelled set."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").strip().split("\n")]


@cache
def our_names() -> CountryNames:
    return read_country_names(REFERENCE)


def locate(value: str) -> str | None:
    return our_names().locate(value).country_iso3


def mentioned(text: str) -> set[str]:
    return {mention.country_iso3 for mention in our_names().read_mentions(text, language_of(text))}


def attributed(text: str) -> list[tuple[int, int, set[str]]]:
    """Spans of an action plan with their countries: its items, and its headings."""
    plan = read_action_plan(text, our_names())
    countries: dict[int, set[str]] = {}
    for country in plan.countries:
        countries.setdefault(country.item_number, set()).add(country.country_iso3)
    spans = [(item.char_start, item.char_end, countries.get(item.item_number, set())) for item in plan.items]
    covered = [False] * (len(text) + 1)
    for start, end, _ in spans:
        covered[start:end] = [True] * (end - start)
    for mention in plan.mentions:
        if not covered[mention.char_start] and mention.role == SUBJECT:
            spans.append((mention.char_start, mention.char_end, {mention.country_iso3}))
    return spans


def score_fields(rows: list[dict], answer: Callable[[str], str | None]) -> tuple[Report, int]:
    """Report of the fields (a text is right when its one answer is), and how many wrong countries were given."""
    report, wrong = Report(), 0
    for row in rows:
        found = answer(row["value"])
        expected = {row["iso3"]} if row["iso3"] else set()
        accepted = row["accept"]
        if (found or "null") in accepted:
            expected = {found} if found else set()
        wrong += bool(found and {found} != expected)
        report.add([row["category"]], {found} if found else set(), expected, (), row["value"])
    return report, wrong


def score_mentions(rows: list[dict], answer: Callable[[str], set[str]]) -> Report:
    report = Report()
    for row in rows:
        groups = [row["lang"], *(f"#{tag}" for tag in row["tags"])]
        report.add(groups, answer(row["text"]), set(row["countries"]), row["optional"], row["text"])
    return report


def score_plans(rows: list[dict], answer: Callable[[str], list[tuple[int, int, set[str]]]]) -> Report:
    report = Report()
    for row in rows:
        spans = answer(row["text"])
        for unit in row["units"]:
            found: set[str] = set()
            for start, end, countries in spans:
                if min(end, unit["end"]) - max(start, unit["start"]) > 1:
                    found |= countries
            groups = [row["lang"], *(f"#{tag}" for tag in row["tags"])]
            report.add(groups, found, set(unit["countries"]), (), f"{row['id']}: {unit['text']}")
    return report


def print_report(title: str, report: Report, seconds: float | None = None) -> None:
    def line(name: str, score: Score) -> str:
        numbers = (
            f"{score.precision:9.3f} {score.recall:7.3f} {score.f1:7.3f} {score.exact_share:7.3f} {score.texts:6d}"
        )
        return f"  {name:24}{numbers}"

    print(f"\n{title}\n  {'':24}precision  recall      F1   exact  texts")
    print(line("all", report.total))
    for group in sorted(report.groups, key=lambda name: (name.startswith("#"), name)):
        print(line(group, report.groups[group]))
    for error in report.errors:
        print(f"  ! {error}")


class LibraryFailed(Exception):
    """A library gave no answers; the message says why."""


def ask_library(library: str, questions: list[dict]) -> tuple[list[list[str]], float]:
    """The answers of another library, in an environment of its own, and the seconds that they took it."""
    command = [str(python_of(f"countries/{library}")), str(PEERS / "countries" / "answer.py"), library]
    asked = "\n".join(json.dumps(question) for question in questions)
    try:
        done = subprocess.run(command, input=asked, check=True, capture_output=True, text=True, timeout=1800)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        raise LibraryFailed(f"{library} does not run here: {lines[-1] if lines else error}") from error
    *answers, seconds = map(json.loads, done.stdout.splitlines())
    return answers, seconds


def print_libraries(fields: list[dict], mentions: list[dict]) -> None:
    """Scores of the other libraries, and how fast they read all free texts of generated pages on one core."""
    questions = [{"kind": "field", "text": row["value"]} for row in fields]
    questions += [{"kind": "text", "text": row["text"]} for row in mentions]
    texts = generated_texts(PAGES_FOR_SPEED)
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"\nOther libraries; speed over {len(texts)} texts of {PAGES_FOR_SPEED} generated pages ({size:.1f} MB)")
    print(f"  {'':30}fields: right  wrong country   mentions: precision  recall      F1     MB/s")
    for library, distribution in LIBRARIES.items():
        try:
            answers, _ = ask_library(library, questions)
            _, seconds = ask_library(library, [{"kind": "text", "text": text} for text in texts])
        except (EnvironmentFailed, LibraryFailed, subprocess.TimeoutExpired) as error:
            print(f"  {error}")
            continue
        given = iter(answers)
        of_field = {row["value"]: next(given) for row in fields}
        report, wrong = score_fields(fields, lambda value, known=of_field: next(iter(known[value]), None))
        of_text = {row["text"]: set(next(given)) for row in mentions}
        found = score_mentions(mentions, lambda text, known=of_text: known[text]).total
        print(
            f"  {distribution + ' ' + version(f'countries/{library}', distribution):30}"
            f"{report.total.exact_share:13.3f}{wrong:15d}"
            f"{found.precision:22.3f} {found.recall:7.3f} {found.f1:7.3f} {size / seconds:8.2f}"
        )


def generated_texts(pages: int, key: str | None = None) -> list[str]:
    """The free texts of generated pages; with `key`, the values of this one only."""
    from pipelines.invented.pages import generate_page
    from pipelines.page import read_page
    from pipelines.page_keys import BLOCK_KEYS, TEXT

    texts = []
    for number in range(1, pages + 1):
        for block in read_page(generate_page(1, number)[1].decode("utf-8", errors="replace")).blocks:
            for name, form in BLOCK_KEYS[block.kind].items():
                value = block.values.get(name) if form is TEXT and key in (None, name) else None
                if value and value.text:
                    texts.append(value.text)
    return texts


def print_speed(seconds: float = 1.0) -> None:
    """How fast the action plans of generated pages are read, on one core, in MB of their UTF-8 a second."""
    plans = generated_texts(1500, "action_plan")
    size = sum(len(plan.encode()) for plan in plans) / 1e6
    names = our_names()
    print(f"\nOur speed over {len(plans)} generated action plans ({size:.1f} MB)")
    for title, work in (
        ("mentions with roles", lambda plan: names.read_mentions(plan, language_of(plan))),
        ("items with countries", lambda plan: read_action_plan(plan, names)),
    ):
        best = 0.0
        began = time.perf_counter()
        while time.perf_counter() - began < seconds or not best:
            start = time.perf_counter()
            for plan in plans:
                work(plan)
            best = max(best, size / (time.perf_counter() - start))
        print(f"  {title:24}{best:6.1f} MB/s")


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores of the extraction of countries on labelled texts.")
    parser.add_argument("--labelled", type=Path, default=LABELLED, help="folder of the labelled sets")
    parser.add_argument("--peers", action="store_true", help="ask other libraries as well; installs them on first use")
    arguments = parser.parse_args()
    fields = read_set(arguments.labelled / "field_values.jsonl")
    mentions = read_set(arguments.labelled / "mentions.jsonl")
    plans = read_set(arguments.labelled / "action_plans.jsonl")
    report, wrong = score_fields(fields, locate)
    print_report(f"Country fields: {report.total.exact_share:.3f} right, {wrong} wrong countries", report)
    print_report("Mentions in passages", score_mentions(mentions, mentioned))
    print_report("Sentences of action plans", score_plans(plans, attributed))
    print_speed()
    if arguments.peers:
        print_libraries(fields, mentions)


if __name__ == "__main__":
    main()
