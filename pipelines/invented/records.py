"""Makes up records: seed and page number → the truth about that page, with its evaluation, texts, statuses and plan.

A page depends on the seed and its own number only, so any prefix of a corpus is the same corpus, and a page can be made
again without the others. How a page prints its record does not belong here, and nothing of what reads pages: what
shares code with the reader would share its errors.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Any

from pipelines.invented.plans import plan_lines
from pipelines.invented.texts import (
    Draw,
    Language,
    between,
    capital,
    countries,
    language_of,
    list_marks,
    pick,
    reference,
    some,
    task,
)
from pipelines.invented.truth import EMPTY_MARKERS, Evaluation, ExpectedPage, Location, Step, Theme

FIRST_RECORD = 1_000_000  # page 1 is record 1000001: no real record on the shipped page has such a number
FIRST_EVALUATION = 2_000_000
EVALUATIONS_PER_BLOCK, BLOCK = 3, 12  # 12 pages in a row belong to 3 evaluations, cut anywhere: 4 pages each on average
COPY_DISTANCE = 37  # a changed copy is of the page so far back: no two copies have the same origin
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

ADDRESS = {"recommendation": "recommendations", "lesson": "lessons", "good_practice": "practices"}

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


def _fate(random: Draw) -> str:
    roll = random()
    return next(name for name, bound in FATES if roll < bound)


@lru_cache(maxsize=64)
def _cuts(seed: int, block: int) -> tuple[int, ...]:
    random = Random(f"{seed}/block/{block}").random
    return tuple(sorted(some(random, range(1, BLOCK), EVALUATIONS_PER_BLOCK - 1)))


def generate_evaluation(seed: int, number: int) -> Evaluation:
    """Page number → the evaluation that the page belongs to."""
    block, place = divmod(number - 1, BLOCK)
    return _evaluation(seed, block * EVALUATIONS_PER_BLOCK + sum(place >= cut for cut in _cuts(seed, block)))


@lru_cache(maxsize=64)
def _evaluation(seed: int, index: int) -> Evaluation:
    random = Random(f"{seed}/evaluation/{index}").random
    roll = random()
    language = language_of("english" if roll < 0.7 else "french" if roll < 0.9 else "spanish")
    locations = _locations(random, language)
    areas = [location.country_iso3 for location in locations if location.country_iso3]
    wide = [row["area_code"] for row in reference("project_areas") if row["area_kind"] not in ("country", "subregion")]
    areas.append(pick(random, wide))
    return Evaluation(
        number=FIRST_EVALUATION + index,
        title=capital(language.phrase(random, "eval_title")),
        language=language.name,
        locations=locations,
        response_date=f"{between(random, 2012, 2024)}-{between(random, 1, 12):02}-{between(random, 1, 28):02}",
        symbols=tuple(dict.fromkeys(_symbol(random, areas) for _ in range(1 if random() < 0.7 else 2))),
        host=TEST_HOST if random() < 0.03 else HOST,
    )


def _locations(random: Draw, language: Language) -> tuple[Location, ...]:
    """1–8 pairs, few more often than many, a third with a scope among or instead of the countries."""
    count = 1 + int(8 * random() ** 3)
    roll = random()
    chosen = some(random, language.iso3, count - (roll < 0.35))
    rows = [countries()[iso3] for iso3 in chosen]
    locations = [Location(row["name"], row["ilo_region"], "country", row["iso3"]) for row in rows]
    if roll < 0.25:
        locations.append(Location("Inter-Regional", "Inter-Regional", "inter-regional", None))
    elif roll < 0.35:
        region = locations[0].region if locations else "Africa"
        locations.append(Location(f"{region} - regional", region, "regional", None))
    return tuple(some(random, locations, len(locations)))  # a scope may stand anywhere in the row


def _symbol(random: Draw, areas: list[str]) -> str:
    roll = random()
    donor = pick(random, reference("project_donors"))["donor_code"]
    area, year, serial = pick(random, areas), between(random, 1999, 2023) % 100, between(random, 1, 130)
    if roll < 0.02:
        return f"NO_DC_SYMBOL_{serial}"
    if roll < 0.05:
        return f"{area} {year:02}/{serial:02}/{donor}"  # the blank of ZMB 18/02/RBS
    return f"{area}/{year:02}/{serial:02}/{donor}"


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
    language = language_of(evaluation.language)
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


def _themes(random: Draw) -> tuple[Theme, ...]:
    rows = some(random, reference("themes"), 1 + (random() < 0.3) + (random() < 0.1))
    return tuple(Theme(row["group_label"], row["topic_label"]) for row in rows)


def _status(random: Draw) -> tuple[str, str]:
    """A response and the progress that goes with it; one in seven contradicts itself."""
    responses = {row["management_response_code"]: row["label"] for row in reference("management_responses")}
    levels = {row["progress_code"]: row["label"] for row in reference("progress_levels")}
    goes_with = {"completed": "achieved", "partially_completed": "partially_achieved"}
    response = pick(random, ["completed"] * 3 + ["partially_completed"] * 4 + list(responses))
    progress = goes_with.get(response, "no_implementation") if random() < 0.86 else pick(random, list(levels))
    return responses[response], levels[progress]


def _recommendation(random: Draw, language: Language, evaluation: Evaluation) -> dict[str, Any]:
    """What only a recommendation has, by field of ExpectedPage."""
    response, progress = _status(random)
    title, steps = _recommendation_title(random, language)
    plan = plan_lines(random, language, evaluation)
    printed = {"title": title, "action_plan": "\n".join([line.line for line in plan])}
    roll = random()
    if roll < 0.5:
        printed["comments"] = _paragraphs(random, language, 4, 13)
    elif roll < 0.75:
        printed["comments"] = pick(random, EMPTY_MARKERS)
    return {
        "management_response": response,
        "progress": progress,
        "information_source": pick(random, reference("information_sources"))["label"],
        "admin_units": tuple(row["label"] for row in some(random, reference("admin_units"), 1 + (random() < 0.25))),
        "project_symbols": evaluation.symbols,
        "printed": printed,
        "steps": steps,
        "plan": plan,
    }


def _recommendation_title(random: Draw, language: Language) -> tuple[str, tuple[Step, ...]]:
    opening = pick(random, language.words["recommendation"]).replace("{n}", str(between(random, 1, 14)))
    title = opening + language.sentences(random, between(random, 4, 12))
    if random() >= 1 / 3:
        return title, ()
    steps = [Step(marker, task(random, language)) for marker in list_marks(random, between(random, 2, 6))]
    return "\n".join([title, *[f"{step.marker} {step.text}" for step in steps]]), tuple(steps)


def _paragraphs(random: Draw, language: Language, low: int, high: int) -> str:
    """Between `low` and `high` sentences, in paragraphs of about five."""
    count = between(random, low, high)
    return "\n".join([language.sentences(random, min(5, count - start)) for start in range(0, count, 5)])


def _free_text(random: Draw, language: Language, kind: str) -> dict[str, str]:
    printed = {
        key: pick(random, EMPTY_MARKERS) if random() < empty else _paragraphs(random, language, low, high)
        for key, (empty, low, high) in TEXT_SHAPES[kind].items()
    }
    if kind == "good_practice":
        link = f"https://example.org/practice?id={between(random, 1, 999)}&part=2"
        printed["links"] = "-" if random() < 0.5 else link
    return printed


def _with_unknown_label(random: Draw, record: ExpectedPage) -> ExpectedPage:
    """One label that no reference table has."""
    places = (
        ("theme", "country", "response", "unit") if record.record_kind == "recommendation" else ("theme", "country")
    )
    labels: dict[str, tuple[str, dict[str, Any]]] = {
        "theme": ("Lighthouse keeping", {"themes": (Theme("Sector", "Lighthouse keeping"), *record.themes[1:])}),
        "country": ("Ruritania", {"locations": (*record.locations, Location("Ruritania", "Africa", None, None))}),
        "response": ("Deferred", {"management_response": "Deferred"}),
        "unit": ("CO-Ruritania", {"admin_units": ("CO-Ruritania", *record.admin_units[1:])}),
    }
    label, changes = labels[pick(random, places)]
    return replace(record, unknown_label=label, **changes)


def _origin(seed: int, number: int) -> ExpectedPage | None:
    """The earlier page that a changed copy repeats: an ordinary recommendation, or none."""
    if number <= COPY_DISTANCE or _fate(Random(f"{seed}/{number - COPY_DISTANCE}").random) != "plain":
        return None
    origin = generate_record(seed, number - COPY_DISTANCE)
    return origin if origin.record_kind == "recommendation" else None


def _changed(random: Draw, origin: ExpectedPage) -> ExpectedPage:
    response, progress = _status(random)
    while response == origin.management_response:
        response, progress = _status(random)
    name = origin.file_name.replace(".txt", ".v2.txt")
    return replace(origin, file_name=name, fate="copy", management_response=response, progress=progress)
