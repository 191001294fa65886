"""A little of `python -m benchmarks.fuzz`, and all that it has ever found."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from proportion import in_proportion

from benchmarks import fuzz

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second that a page may take is for the benchmark to measure: a busy machine takes some times as long."""
    monkeypatch.setattr(fuzz, "_MOST_SECONDS", 10)


@pytest.mark.parametrize("path", sorted(fuzz.CORPUS.glob("*-*")), ids=lambda path: path.name)
def test_what_was_found_is_mended(path: Path) -> None:
    assert fuzz.replay(path) is None


@pytest.mark.parametrize("first", range(0, 2000, 500))
def test_damaged_pages(first: int) -> None:
    assert fuzz.fuzz_pages(20261122, range(first, first + 500)) == []


def test_damaged_archives() -> None:
    assert fuzz.fuzz_archives(20261122, range(100)) == []


def test_the_same_seed_gives_the_same() -> None:
    with warnings.catch_warnings():
        assert [fuzz.damaged_page(5, number) for number in range(20)] == [fuzz.damaged_page(5, n) for n in range(20)]
    assert len({fuzz.damaged_page(5, number) for number in range(50)}) == 50


PLAN = """Back to index

Salt

eval_number:
3
eval_title:
Salt
recommendations:
action_plan:
{0}
In Kenya, a plan. They will visit.
comments:
{0}
title:
{0}
url:
https://webapps.ilo.org/ievaldiscovery/recommendations/1

Skip to top
"""
PIECES = [
    "I.L.O.",
    "Kenya, ",
    "Kenya: a; ",
    "They. ",
    "a@",
    "(",
    "- ",
    "1. ",
    "a-",
    "ilo.org.",
    "Congo ",
    "\u0301",
    "\r",
    " ",
]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("between", ["", "\n"])
def test_what_comes_a_thousand_times_takes_no_square_of_it(piece: str, between: str) -> None:
    def wrong(size: int) -> None:
        run = (piece + between) * (size // len(piece + between))
        assert fuzz.wrong_with([PLAN.format(run).encode()]) is None

    wrong(100)
    assert in_proportion(wrong, 4_000, times=4)


def test_a_failure_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A fuzzer that finds nothing has to be one that would."""
    pages = [path.read_bytes() for path in sorted((fuzz.PROJECT / "tests" / "pages").glob("*.txt"))]
    assert fuzz.wrong_with(pages) is None
    with monkeypatch.context() as broken:
        broken.setattr(fuzz, "_MOST_SECONDS", 0)
        assert "it takes" in (fuzz.wrong_with(pages) or "")
    with monkeypatch.context() as broken:
        broken.setattr(fuzz, "read_records", lambda batch: 1 / 0)
        assert "ZeroDivisionError" in (fuzz.wrong_with(pages) or "")
    with monkeypatch.context() as broken:
        real = fuzz.read_records
        broken.setattr(fuzz, "stored_text", lambda content: (content.decode("utf-8", "replace") + "\nmore", None))
        batch = fuzz._batch(pages)
        broken.undo()
        assert "lines are counted" in (fuzz._lost_lines(batch, real(fuzz._batch(pages))) or "")
    with monkeypatch.context() as broken:
        broken.setattr(fuzz, "read_files", lambda files, passed: 1 / 0)
        assert "ZeroDivisionError" in (fuzz.wrong_with_archive(".zip", b"", tmp_path) or "")
    with monkeypatch.context() as broken:
        broken.setattr(fuzz, "_HANG_SECONDS", 0.05)
        assert "more than" in (fuzz._guarded(lambda: [None for _ in iter(int, 1)] and None) or "")
