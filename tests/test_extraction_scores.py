"""Floors under the scores of the extraction on tests/labelled: `python -m benchmarks.extraction` lists every error."""

from __future__ import annotations

import pytest

from benchmarks.extraction import (
    LABELLED,
    attributed,
    locate,
    mentioned,
    read_set,
    score_fields,
    score_mentions,
    score_plans,
)


def test_fields() -> None:
    report, wrong = score_fields(read_set(LABELLED / "field_values.jsonl"), locate)
    assert wrong == 0, report.errors
    assert report.total.exact_share >= 0.995, report.errors


@pytest.mark.parametrize(("group", "floor"), [("all", 0.99), ("en", 0.99), ("fr", 0.98), ("es", 0.98)])
def test_mentions(group: str, floor: float) -> None:
    report = score_mentions(read_set(LABELLED / "mentions.jsonl"), mentioned)
    score = report.total if group == "all" else report.groups[group]
    assert score.f1 >= floor, report.errors


@pytest.mark.parametrize(("group", "floor"), [("all", 0.985), ("en", 0.985), ("fr", 0.97), ("es", 0.97)])
def test_sentences_of_action_plans(group: str, floor: float) -> None:
    report = score_plans(read_set(LABELLED / "action_plans.jsonl"), attributed)
    score = report.total if group == "all" else report.groups[group]
    assert score.f1 >= floor, report.errors
    assert score.exact_share >= 0.95, report.errors
