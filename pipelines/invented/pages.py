"""Prints invented records as i-eval pages, in both layouts, damage included: seed and number → file name and bytes.

The same seed and number give the same bytes everywhere. What the records say, and reading pages, does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from pipelines.invented.records import TEST_HOST, generate_record
from pipelines.invented.texts import between, language_of
from pipelines.invented.truth import ExpectedPage

GROUP = {"recommendation": "recommendations", "lesson": "lessons_learned", "good_practice": "good_practices"}
ADDRESS = {"recommendation": "recommendations", "lesson": "lessons", "good_practice": "practices"}

# The order of keys on the real host and on the test host, which prints the same ones otherwise.
HEAD = {
    ("recommendation", False): "eval_number eval_url location eval_title block",
    ("lesson", False): "eval_number eval_url block location eval_title",
    ("good_practice", False): "eval_number eval_url block location eval_title",
    ("recommendation", True): "eval_number eval_title location eval_url block",
    ("lesson", True): "eval_number eval_title location eval_url block",
    ("good_practice", True): "eval_number eval_title location eval_url block",
}
KEYS = {
    ("recommendation", False): "date themes comments action_plan management_response progress admin_units title "
    "project_symbols url information_source",
    ("recommendation", True): "title action_plan comments progress management_response project_symbols admin_units "
    "information_source date url themes",
    ("lesson", False): "themes comments challenges success context description administrative_issues url",
    ("lesson", True): "description context success challenges administrative_issues comments url themes",
    ("good_practice", False): "replication cause_effect themes context description links indicators url",
    ("good_practice", True): "url links indicators description cause_effect context replication themes",
}

NAMELESS = """The page you asked for is being repaired

Our records are moved to another room. These items are affected:
- recommendations: until Tuesday
- lessons: until further notice

Please quote number {number} when you write to us.
Back to the front page
"""


def generate_page(seed: int, number: int) -> tuple[str, bytes]:
    """Seed and page number (from 1) → file name and bytes."""
    record = generate_record(seed, number)
    if record.status == "list":
        return record.file_name, _list_page(seed, number).encode()
    if record.status == "refused":
        return record.file_name, NAMELESS.format(number=number).encode()
    text = "\n".join(_lines(record)) + "\n"
    if record.fate == "crlf":
        text = text.replace("\n", "\r\n")
    if record.fate == "cut":
        text = _cut(text, record)
    return record.file_name, text.encode()


def _list_page(seed: int, number: int) -> str:
    random = Random(f"{seed}/{number}/list").random
    language = language_of("english")
    lines = ["Recommendations"]
    for _ in range(between(random, 3, 30)):
        lines += ["-", language.phrase(random, "eval_title"), language.sentences(random, 2)]
    return "\n".join(lines) + "\n"


def _cut(text: str, record: ExpectedPage) -> str:
    """Cut between two characters: after the evaluation's number, for a page without any value is not known for one,
    and before the end of the footer."""
    assert record.evaluation is not None
    number = str(record.evaluation.number)
    earliest = text.index(number) + len(number) + 1
    latest = text.rindex("Skip to top") + len("Skip to top") - 1
    return text[: earliest + int(record.share_kept * (latest - earliest + 1))]


def _lines(record: ExpectedPage) -> Iterator[str]:
    """The lines of a whole page in its layout: only here the two layouts differ."""
    dashed, evaluation, kind = record.layout == "dashed", record.evaluation, record.record_kind
    assert evaluation is not None and kind is not None, "only records have lines"
    test_host = evaluation.host == TEST_HOST
    dash = "- " if dashed else ""
    gap = [] if dashed else [""]
    head = {"eval_number": str(evaluation.number), "eval_url": evaluation.url, "eval_title": evaluation.title}

    def pair(first: str, first_value: str, second: str, second_value: str) -> Iterator[str]:
        yield from (f"{dash}{first}:", f"{dash}{first_value}", f"{dash}{second}:", f"{dash}{second_value}", *gap)

    if dashed:
        yield from ("Back to index", evaluation.title)
    else:
        yield from ("Go to ILO main website", "Back to index", "", evaluation.title, "")

    for key in HEAD[kind, test_host].split():
        if key == "location":
            yield f"{dash}location:"
            for place in record.locations:
                country, region = ("country", place.label), ("region", place.region)
                yield from pair(*region, *country) if test_host else pair(*country, *region)
        elif key == "block":
            yield f"{dash}{GROUP[kind]}:"
            yield from _block(record, KEYS[kind, test_host].split(), dash, pair)
            yield from gap
        else:
            yield f"{dash}{key}:"
            yield dash + head[key]
    yield "Skip to top"


def _block(record: ExpectedPage, keys: list[str], dash: str, pair: Callable[..., Iterator[str]]) -> Iterator[str]:
    """The record's own lines. A value's first line has the dash, its further lines have none."""
    assert record.evaluation is not None
    values = {
        "date": (f"{record.evaluation.response_date} 00:00:00.0",),
        "management_response": (record.management_response,),
        "progress": (record.progress,),
        "admin_units": record.admin_units,
        "project_symbols": record.project_symbols,
        "url": (record.url,),
        "information_source": (record.information_source,),
    }
    for key in keys:
        if key == "themes":
            yield f"{dash}themes:"
            for theme in record.themes:
                # In recommendations `theme` is the group; in lessons and practices it is the topic.
                broad_first = record.record_kind == "recommendation"
                first, second = (theme.group, theme.topic) if broad_first else (theme.topic, theme.group)
                yield from pair("theme", first, "category", second)
        elif key in values or key in record.printed:
            yield f"{dash}{key}:"
            for value in values.get(key) or (record.printed[key],):
                yield f"{dash}{value}"


def generate_pages(count: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """The first `count` pages of the corpus of that seed."""
    for number in range(1, count + 1):
        yield generate_page(seed, number)
