"""Numbers → i-eval pages as text, and the truth about each: what was put in, to be compared with what is read out.

Page `number` (from 1) depends on the seed and its own number only, so any prefix of a corpus is the same corpus, and
a page can be made again without the others. All prose is invented (benchmarks/words/*.toml); labels come from
seeds/reference. Not in here: reading pages, and anything from `pipelines`, for a generator that shares code with the
reader would share its errors.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "seeds" / "reference"
WORDS = Path(__file__).resolve().parent / "words"

FIRST_RECORD = 1_000_000  # page 1 is record 1000001: no real record on the shipped page has such a number
FIRST_EVALUATION = 2_000_000
EVALUATIONS_PER_BLOCK, BLOCK = 3, 12  # 12 pages in a row belong to 3 evaluations, cut anywhere: 4 pages each on average
COPY_DISTANCE = 37  # a changed copy is of the page so far back: no two copies have the same origin
EMPTY_MARKERS = ("-", ".", "N/A", "n/a", "NA", "none", "not applicable")
HOST, TEST_HOST = "https://webapps.ilo.org/ievaldiscovery", "https://analyticstest.ilo.org/ievaldiscovery"

# What befalls a page, as upper bounds of one random number. Copies are drawn more often than the 1 % wanted, for
# not every page so far back is a recommendation that can be copied.
FATES = (
    ("list", 0.002),
    ("other", 0.004),
    ("cut", 0.014),
    ("crlf", 0.024),
    ("unknown", 0.029),
    ("copy", 0.0475),
    ("plain", 1.0),
)

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

# Free text of lessons and practices: share of empty markers, fewest and most sentences.
TEXT_SHAPES = {
    "lesson": {
        "comments": (0.2, 2, 5),
        "challenges": (0.2, 3, 9),
        "success": (0.25, 3, 7),
        "context": (0.1, 4, 12),
        "description": (0.0, 8, 17),
        "administrative_issues": (0.45, 2, 5),
    },
    "good_practice": {
        "replication": (0.2, 3, 8),
        "cause_effect": (0.2, 4, 10),
        "context": (0.15, 4, 11),
        "description": (0.0, 8, 17),
        "indicators": (0.2, 3, 8),
    },
}

NAMELESS = """The page you asked for is being repaired

Our records are moved to another room. These items are affected:
- recommendations: until Tuesday
- lessons: until further notice

Please quote number {number} when you write to us.
Back to the front page
"""


@dataclass(frozen=True, slots=True)
class Location:
    """One country/region pair as printed; scope is None and country_iso3 is None for an unknown label."""

    label: str
    region: str
    scope: str | None  # country, regional, inter-regional
    country_iso3: str | None


@dataclass(frozen=True, slots=True)
class Theme:
    """Always group and topic, whatever the page calls them."""

    group: str
    topic: str


@dataclass(frozen=True, slots=True)
class Step:
    """A bullet of a recommendation's title, without and with what marks it."""

    marker: str
    text: str


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line of an action plan. `countries` are those the line is about; below a country heading, the heading's.

    evidence: opening (`In Kenya, …`, `Mali: …`), heading (the heading itself, and items below it), mention, or ""
    (programme-wide). A donor or a model named in a line is not what the line is about.
    """

    role: str  # item, or heading (a country, a reset, a lead-in: it only introduces what follows)
    marker: str
    text: str
    countries: tuple[str, ...] = ()
    evidence: str = ""

    @property
    def line(self) -> str:
        return f"{self.marker} {self.text}" if self.marker else self.text


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What all records of an evaluation share."""

    number: int
    title: str
    language: str
    locations: tuple[Location, ...]
    response_date: str
    symbols: tuple[str, ...]
    host: str

    @property
    def url(self) -> str:
        return f"{self.host}/eval/{self.number}"


@dataclass(frozen=True, slots=True)
class ExpectedPage:
    """The truth about a page; of a cut page, what the whole would have said: only what precedes the cut can be read."""

    file_name: str
    status: str  # record, list, refused
    fate: str  # plain, crlf, cut, unknown, copy, list, other
    layout: str = "unknown"  # dashed, plain
    record_kind: str | None = None  # recommendation, lesson, good_practice
    record_id: int | None = None
    url: str | None = None
    evaluation: Evaluation | None = None
    locations: tuple[Location, ...] = ()
    themes: tuple[Theme, ...] = ()
    management_response: str | None = None  # labels, as printed
    progress: str | None = None
    information_source: str | None = None
    admin_units: tuple[str, ...] = ()
    project_symbols: tuple[str, ...] = ()
    printed: dict[str, str] = field(default_factory=dict)  # free text by the page's own keys, empty markers included
    steps: tuple[Step, ...] = ()
    plan: tuple[PlanLine, ...] = ()
    unknown_label: str | None = None
    share_kept: float = 1.0  # of a cut page

    @property
    def is_truncated(self) -> bool:
        return self.fate == "cut"

    @property
    def texts(self) -> dict[str, str | None]:
        """Free text by column name, NULL where the page prints an empty marker or no key at all is there."""
        names = {"comments": "target_users"} if self.record_kind == "lesson" else {}
        texts = {names.get(key, key): None if value in EMPTY_MARKERS else value for key, value in self.printed.items()}
        return {"comments": None} | texts if self.record_kind == "recommendation" else texts


# --- reference and words ---------------------------------------------------------------------------------------------


@cache
def _reference(name: str) -> tuple[dict[str, str], ...]:
    with (REFERENCE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def _countries() -> dict[str, dict[str, str]]:
    return {row["iso3"]: row for row in _reference("countries")}


class Language:
    """A words file made ready: templates become a format and the lists that fill it."""

    def __init__(self, name: str):
        words = tomllib.loads((WORDS / f"{name}.toml").read_text("utf-8"))
        self.name = name
        self.words = words
        self.opening: str = words["opening"]
        kinds = [key for key in words if key.endswith(("sentence", "title"))]
        self.templates = {kind: [self._compile(text) for text in words[kind]] for kind in kinds}
        # French gives each country its opening with the preposition; elsewhere it is derived from the name.
        self.iso3 = list(words["countries"])
        column = {"english": "name", "french": "name_fr", "spanish": "name_es"}[name]
        self.names = {iso3: _countries()[iso3][column] for iso3 in self.iso3}
        inside = words["countries"] if name == "french" else self.names
        self.openings = {iso3: self.opening.replace("{name}", inside[iso3]) for iso3 in self.iso3}

    def _compile(self, template: str) -> tuple[str, list[list[str]]]:
        known = "|".join(self.words)  # {name} is none of them: it is filled by whoever knows the country
        text = re.sub(rf"{{(?:{known})}}", "%s", template.replace("%", "%%"))
        return text, [self.words[slot] for slot in re.findall(rf"{{({known})}}", template)]

    def phrase(self, random: Callable[[], float], kind: str = "sentence") -> str:
        """A sentence in lower case, so that it can follow an opening."""
        templates = self.templates[kind]
        text, lists = templates[int(random() * len(templates))]
        return text % tuple([words[int(random() * len(words))] for words in lists])

    def sentences(self, random: Callable[[], float], count: int) -> str:
        return " ".join([_capital(self.phrase(random)) for _ in range(count)])


_language = cache(Language)


# --- drawing: Random.random is the one method whose numbers are promised to stay the same in every Python -----------


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _pick(random, values):
    return values[int(random() * len(values))]


def _between(random, low: int, high: int) -> int:
    return low + int(random() * (high - low + 1))


def _some(random, values, count: int) -> list:
    """Distinct values, as many as there are up to `count`."""
    left = list(values)
    return [left.pop(int(random() * len(left))) for _ in range(min(count, len(left)))]


def _fate(random: Callable[[], float]) -> str:
    roll = random()
    return next(name for name, bound in FATES if roll < bound)


# --- an evaluation ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _cuts(seed: int, block: int) -> tuple[int, ...]:
    random = Random(f"{seed}/block/{block}").random
    return tuple(sorted(_some(random, range(1, BLOCK), EVALUATIONS_PER_BLOCK - 1)))


def generate_evaluation(seed: int, number: int) -> Evaluation:
    """Page number → the evaluation that the page belongs to."""
    block, place = divmod(number - 1, BLOCK)
    return _evaluation(seed, block * EVALUATIONS_PER_BLOCK + sum(place >= cut for cut in _cuts(seed, block)))


@lru_cache(maxsize=64)
def _evaluation(seed: int, index: int) -> Evaluation:
    random = Random(f"{seed}/evaluation/{index}").random
    roll = random()
    language = _language("english" if roll < 0.7 else "french" if roll < 0.9 else "spanish")
    locations = _locations(random, language)
    areas = [location.country_iso3 for location in locations if location.country_iso3]
    wide = [row["area_code"] for row in _reference("project_areas") if row["area_kind"] not in ("country", "subregion")]
    areas.append(_pick(random, wide))
    return Evaluation(
        number=FIRST_EVALUATION + index,
        title=_capital(language.phrase(random, "eval_title")),
        language=language.name,
        locations=locations,
        response_date=f"{_between(random, 2012, 2024)}-{_between(random, 1, 12):02}-{_between(random, 1, 28):02}",
        symbols=tuple(dict.fromkeys(_symbol(random, areas) for _ in range(1 if random() < 0.7 else 2))),
        host=TEST_HOST if random() < 0.03 else HOST,
    )


def _locations(random, language: Language) -> tuple[Location, ...]:
    """1–8 pairs, few more often than many, a third with a scope among or instead of the countries."""
    count = 1 + int(8 * random() ** 3)
    roll = random()
    chosen = _some(random, language.iso3, count - (roll < 0.35))
    rows = [_countries()[iso3] for iso3 in chosen]
    locations = [Location(row["name"], row["ilo_region"], "country", row["iso3"]) for row in rows]
    if roll < 0.25:
        locations.append(Location("Inter-Regional", "Inter-Regional", "inter-regional", None))
    elif roll < 0.35:
        region = locations[0].region if locations else "Africa"
        locations.append(Location(f"{region} - regional", region, "regional", None))
    return tuple(_some(random, locations, len(locations)))  # a scope may stand anywhere in the row


def _symbol(random, areas: list[str]) -> str:
    roll = random()
    donor = _pick(random, _reference("project_donors"))["donor_code"]
    area, year, serial = _pick(random, areas), _between(random, 1999, 2023) % 100, _between(random, 1, 130)
    if roll < 0.02:
        return f"NO_DC_SYMBOL_{serial}"
    if roll < 0.05:
        return f"{area} {year:02}/{serial:02}/{donor}"  # the blank of ZMB 18/02/RBS
    return f"{area}/{year:02}/{serial:02}/{donor}"


# --- a record --------------------------------------------------------------------------------------------------------


def generate_record(seed: int, number: int) -> ExpectedPage:
    """Seed and page number → the truth about that page."""
    random = Random(f"{seed}/{number}").random
    fate = _fate(random)
    if fate in ("list", "other"):
        status = "list" if fate == "list" else "refused"
        return ExpectedPage(f"{fate}_{FIRST_RECORD + number}.txt", status, fate)
    if fate == "copy":
        origin = _origin(seed, number)
        if origin is not None:
            return _changed(random, origin)
        fate = "plain"

    roll = random()
    kind = "recommendation" if roll < 0.6 else "lesson" if roll < 0.92 else "good_practice"
    evaluation = generate_evaluation(seed, number)
    language = _language(evaluation.language)
    record_id = FIRST_RECORD + number
    record = ExpectedPage(
        file_name=f"{'practice' if kind == 'good_practice' else kind}_{record_id}.txt",
        status="record",
        fate=fate,
        layout="dashed" if random() < 0.5 else "plain",
        record_kind=kind,
        record_id=record_id,
        url=f"{evaluation.host}/{ADDRESS[kind]}/{record_id}",
        evaluation=evaluation,
        locations=evaluation.locations,
        themes=_themes(random),
        share_kept=random() if fate == "cut" else 1.0,
    )
    if kind == "recommendation":
        record = replace(record, **_recommendation(random, language, evaluation))
    else:
        record = replace(record, printed=_free_text(random, language, kind))
    return _with_unknown_label(random, record) if fate == "unknown" else record


def _themes(random) -> tuple[Theme, ...]:
    rows = _some(random, _reference("themes"), 1 + (random() < 0.3) + (random() < 0.1))
    return tuple(Theme(row["group_label"], row["topic_label"]) for row in rows)


def _status(random) -> tuple[str, str]:
    """A response and the progress that goes with it; one in seven contradicts itself."""
    responses = {row["management_response_code"]: row["label"] for row in _reference("management_responses")}
    levels = {row["progress_code"]: row["label"] for row in _reference("progress_levels")}
    goes_with = {"completed": "achieved", "partially_completed": "partially_achieved"}
    response = _pick(random, ["completed"] * 3 + ["partially_completed"] * 4 + list(responses))
    progress = goes_with.get(response, "no_implementation") if random() < 0.86 else _pick(random, list(levels))
    return responses[response], levels[progress]


def _recommendation(random, language: Language, evaluation: Evaluation) -> dict:
    """What only a recommendation has, by field of ExpectedPage."""
    response, progress = _status(random)
    title, steps = _recommendation_title(random, language)
    plan = _plan(random, language, evaluation)
    printed = {"title": title, "action_plan": "\n".join([line.line for line in plan])}
    roll = random()
    if roll < 0.5:
        printed["comments"] = _paragraphs(random, language, 4, 13)
    elif roll < 0.75:
        printed["comments"] = _pick(random, EMPTY_MARKERS)
    return {
        "management_response": response,
        "progress": progress,
        "information_source": _pick(random, _reference("information_sources"))["label"],
        "admin_units": tuple(row["label"] for row in _some(random, _reference("admin_units"), 1 + (random() < 0.25))),
        "project_symbols": evaluation.symbols,
        "printed": printed,
        "steps": steps,
        "plan": plan,
    }


def _recommendation_title(random, language: Language) -> tuple[str, tuple[Step, ...]]:
    opening = _pick(random, language.words["recommendation"]).replace("{n}", str(_between(random, 1, 14)))
    title = opening + language.sentences(random, _between(random, 4, 12))
    if random() >= 1 / 3:
        return title, ()
    steps = [Step(marker, _task(random, language)) for marker in _markers(random, _between(random, 2, 6))]
    return "\n".join([title, *[f"{step.marker} {step.text}" for step in steps]]), tuple(steps)


def _task(random, language: Language) -> str:
    words = language.words
    return f"{_capital(_pick(random, words['task']))} {_pick(random, words['when'])}, {_pick(random, words['why'])}."


def _markers(random, count: int) -> list[str]:
    style = int(random() * 4)
    return [("-", "•", f"{place}.", f"{'abcdefghijkl'[place - 1]})")[style] for place in range(1, count + 1)]


def _paragraphs(random, language: Language, low: int, high: int) -> str:
    """Between `low` and `high` sentences, in paragraphs of about five."""
    count = _between(random, low, high)
    return "\n".join([language.sentences(random, min(5, count - start)) for start in range(0, count, 5)])


def _free_text(random, language: Language, kind: str) -> dict[str, str]:
    printed = {
        key: _pick(random, EMPTY_MARKERS) if random() < empty else _paragraphs(random, language, low, high)
        for key, (empty, low, high) in TEXT_SHAPES[kind].items()
    }
    if kind == "good_practice":
        link = f"https://example.org/practice?id={_between(random, 1, 999)}&part=2"
        printed["links"] = "-" if random() < 0.5 else link
    return printed


def _with_unknown_label(random, record: ExpectedPage) -> ExpectedPage:
    """One label that no reference table has."""
    places = (
        ("theme", "country", "response", "unit") if record.record_kind == "recommendation" else ("theme", "country")
    )
    label, changes = {
        "theme": ("Lighthouse keeping", {"themes": (Theme("Sector", "Lighthouse keeping"), *record.themes[1:])}),
        "country": ("Ruritania", {"locations": (*record.locations, Location("Ruritania", "Africa", None, None))}),
        "response": ("Deferred", {"management_response": "Deferred"}),
        "unit": ("CO-Ruritania", {"admin_units": ("CO-Ruritania", *record.admin_units[1:])}),
    }[_pick(random, places)]
    return replace(record, unknown_label=label, **changes)


def _origin(seed: int, number: int) -> ExpectedPage | None:
    """The earlier page that a changed copy repeats: an ordinary recommendation, or none."""
    if number <= COPY_DISTANCE or _fate(Random(f"{seed}/{number - COPY_DISTANCE}").random) != "plain":
        return None
    origin = generate_record(seed, number - COPY_DISTANCE)
    return origin if origin.record_kind == "recommendation" else None


def _changed(random, origin: ExpectedPage) -> ExpectedPage:
    response, progress = _status(random)
    while response == origin.management_response:
        response, progress = _status(random)
    name = origin.file_name.replace(".txt", ".v2.txt")
    return replace(origin, file_name=name, fate="copy", management_response=response, progress=progress)


# --- an action plan --------------------------------------------------------------------------------------------------


def _plan(random, language: Language, evaluation: Evaluation) -> tuple[PlanLine, ...]:
    """A plan in one of four shapes: paragraphs, a line a country, country headings, plain bullets."""
    countries = [location.country_iso3 for location in evaluation.locations if location.country_iso3 in language.names]
    countries = _some(random, countries or language.iso3, _between(random, 2, 5))
    shapes = (_plan_in_paragraphs, _plan_in_paragraphs, _plan_by_country, _plan_under_headings, _plan_in_bullets)
    return tuple(_pick(random, shapes)(random, language, countries))


def _programme(random, language: Language, low: int = 3, high: int = 6) -> PlanLine:
    """A paragraph on the programme as a whole; some name a donor or a model, which are not what it is about."""
    text = language.sentences(random, _between(random, low, high))
    roll = random()
    if roll < 0.16:
        kind = "donor" if roll < 0.1 else "model"
        aside = language.phrase(random, f"{kind}_sentence")
        text = f"{text} {_capital(aside)}"
    return PlanLine("item", "", text)


def _country(random, language: Language, opening: str, iso3: str, marker: str = "") -> PlanLine:
    """An opening and what follows it: further sentences name nobody else, so it holds to the end of the line."""
    text = opening + language.phrase(random)
    more = _between(random, 0, 4)
    return PlanLine("item", marker, f"{text} {language.sentences(random, more)}" if more else text, (iso3,), "opening")


def _plan_in_paragraphs(random, language: Language, countries: list[str]) -> Iterator[PlanLine]:
    for _ in range(_between(random, 1, 3)):
        yield _programme(random, language, 3, 6)
    for iso3 in countries:
        yield _country(random, language, language.openings[iso3], iso3)
    for _ in range(_between(random, 2, 5)):
        yield _programme(random, language)


def _plan_by_country(random, language: Language, countries: list[str]) -> Iterator[PlanLine]:
    yield PlanLine("heading", "", _pick(random, language.words["lead_in"]))
    markers = _markers(random, len(countries)) if random() < 0.5 else [""] * len(countries)
    colon = " : " if language.name == "french" else ": "
    for iso3, marker in zip(countries, markers, strict=True):
        yield _country(random, language, language.names[iso3] + colon, iso3, marker)
    if not markers[0]:  # after bullets, nothing would tell a reader that the list is over
        for _ in range(_between(random, 2, 4)):
            yield _programme(random, language)


def _plan_under_headings(random, language: Language, countries: list[str]) -> Iterator[PlanLine]:
    yield _programme(random, language)
    colon = _pick(random, ("", ":"))
    for iso3 in countries:
        yield PlanLine("heading", "", language.names[iso3] + colon, (iso3,), "heading")
        for marker in _markers(random, _between(random, 3, 5)):
            yield PlanLine("item", marker, _task(random, language), (iso3,), "heading")
    if random() < 0.6:
        yield PlanLine("heading", "", _pick(random, language.words["reset"]))
        for marker in _markers(random, _between(random, 2, 3)):
            yield PlanLine("item", marker, _task(random, language))


def _plan_in_bullets(random, language: Language, countries: list[str]) -> Iterator[PlanLine]:
    """Bullets on the programme; some, of one sentence only, speak of a country in its middle."""
    if random() < 0.4:
        yield PlanLine("heading", "", _pick(random, language.words["lead_in"]))
    for marker in _markers(random, _between(random, 8, 12)):
        if random() < 0.2 and language.words["mention_sentence"]:
            iso3 = _pick(random, countries)
            text = _capital(language.phrase(random, "mention_sentence")).replace("{name}", language.names[iso3])
            yield PlanLine("item", marker, text, (iso3,), "mention")
        else:
            yield PlanLine("item", marker, language.sentences(random, _between(random, 1, 4)))


# --- a page ----------------------------------------------------------------------------------------------------------


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
    language = _language("english")
    lines = ["Recommendations"]
    for _ in range(_between(random, 3, 30)):
        lines += ["-", language.phrase(random, "eval_title"), language.sentences(random, 2)]
    return "\n".join(lines) + "\n"


def _cut(text: str, record: ExpectedPage) -> str:
    """Cut between two characters: after the evaluation's number, for a page without any value is not known for one,
    and before the end of the footer."""
    number = str(record.evaluation.number)
    earliest = text.index(number) + len(number) + 1
    latest = text.rindex("Skip to top") + len("Skip to top") - 1
    return text[: earliest + int(record.share_kept * (latest - earliest + 1))]


def _lines(record: ExpectedPage) -> Iterator[str]:
    """The lines of a whole page in its layout: only here the two layouts differ."""
    dashed, evaluation, kind = record.layout == "dashed", record.evaluation, record.record_kind
    test_host = evaluation.host == TEST_HOST
    dash, gap = ("- ", []) if dashed else ("", [""])
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


def _block(record: ExpectedPage, keys: list[str], dash: str, pair) -> Iterator[str]:
    """The record's own lines. A value's first line has the dash, its further lines have none."""
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


def write_corpus(out: Path, count: int, seed: int = 1) -> int:
    """Write pages 1 … count into a folder, one file each, and return how many bytes."""
    out.mkdir(parents=True, exist_ok=True)
    return sum((out / name).write_bytes(page) for name, page in generate_pages(count, seed))


def main() -> None:
    """The command line: python -m benchmarks.generate --pages 10000 --out DIR [--seed 1]."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.perf_counter()
    size = write_corpus(options.out, options.pages, options.seed)
    seconds = time.perf_counter() - start
    print(
        f"{options.pages:,} pages, {size / 1e6:.1f} MB, {size / max(options.pages, 1):,.0f} bytes each, "
        f"in {seconds:.1f} s ({options.pages / seconds:,.0f} pages/s)",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
