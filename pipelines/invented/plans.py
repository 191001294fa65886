"""Makes the lines of an invented action plan, each with the countries that it is about and why.

Plans come in the shapes of real ones: paragraphs, a line a country, country headings, plain bullets. How a page prints
them does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.invented.texts import Draw, Language, between, capital, list_marks, pick, some, task
from pipelines.invented.truth import Evaluation, PlanLine


def plan_lines(random: Draw, language: Language, evaluation: Evaluation) -> tuple[PlanLine, ...]:
    """A plan in one of four shapes: paragraphs, a line a country, country headings, plain bullets."""
    filed = [location.country_iso3 for location in evaluation.locations if location.country_iso3]
    countries = [iso3 for iso3 in filed if iso3 in language.names]
    countries = some(random, countries or language.iso3, between(random, 2, 5))
    shapes = (_plan_in_paragraphs, _plan_in_paragraphs, _plan_by_country, _plan_under_headings, _plan_in_bullets)
    return tuple(pick(random, shapes)(random, language, countries))


def _programme(random: Draw, language: Language, low: int = 3, high: int = 6) -> PlanLine:
    """A paragraph on the programme as a whole; some name a donor or a model, which are not what it is about."""
    text = language.sentences(random, between(random, low, high))
    roll = random()
    if roll < 0.16:
        kind = "donor" if roll < 0.1 else "model"
        aside = language.phrase(random, f"{kind}_sentence")
        text = f"{text} {capital(aside)}"
    return PlanLine("item", "", text)


def _country(random: Draw, language: Language, opening: str, iso3: str, marker: str = "") -> PlanLine:
    """An opening and what follows it: further sentences name nobody else, so it holds to the end of the line."""
    text = opening + language.phrase(random)
    more = between(random, 0, 4)
    return PlanLine("item", marker, f"{text} {language.sentences(random, more)}" if more else text, (iso3,), "opening")


def _plan_in_paragraphs(random: Draw, language: Language, countries: list[str]) -> Iterator[PlanLine]:
    for _ in range(between(random, 1, 3)):
        yield _programme(random, language, 3, 6)
    for iso3 in countries:
        yield _country(random, language, language.openings[iso3], iso3)
    for _ in range(between(random, 2, 5)):
        yield _programme(random, language)


def _plan_by_country(random: Draw, language: Language, countries: list[str]) -> Iterator[PlanLine]:
    yield PlanLine("heading", "", pick(random, language.words["lead_in"]))
    markers = list_marks(random, len(countries)) if random() < 0.5 else [""] * len(countries)
    colon = " : " if language.name == "french" else ": "
    for iso3, marker in zip(countries, markers, strict=True):
        yield _country(random, language, language.names[iso3] + colon, iso3, marker)
    if not markers[0]:  # after bullets, nothing would tell a reader that the list is over
        for _ in range(between(random, 2, 4)):
            yield _programme(random, language)


def _plan_under_headings(random: Draw, language: Language, countries: list[str]) -> Iterator[PlanLine]:
    yield _programme(random, language)
    colon = pick(random, ("", ":"))
    for iso3 in countries:
        yield PlanLine("heading", "", language.names[iso3] + colon, (iso3,), "heading")
        for marker in list_marks(random, between(random, 3, 5)):
            yield PlanLine("item", marker, task(random, language), (iso3,), "heading")
    if random() < 0.6:
        yield PlanLine("heading", "", pick(random, language.words["reset"]))
        for marker in list_marks(random, between(random, 2, 3)):
            yield PlanLine("item", marker, task(random, language))


def _plan_in_bullets(random: Draw, language: Language, countries: list[str]) -> Iterator[PlanLine]:
    """Bullets on the programme; some, of one sentence only, speak of a country in its middle."""
    if random() < 0.4:
        yield PlanLine("heading", "", pick(random, language.words["lead_in"]))
    for marker in list_marks(random, between(random, 8, 12)):
        if random() < 0.2 and language.words["mention_sentence"]:
            iso3 = pick(random, countries)
            text = capital(language.phrase(random, "mention_sentence")).replace("{name}", language.names[iso3])
            yield PlanLine("item", marker, text, (iso3,), "mention")
        else:
            yield PlanLine("item", marker, language.sentences(random, between(random, 1, 4)))
