"""Invented pages are the same everywhere and for ever: benchmarks and the demonstration are measured on them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from benchmarks.generate import write_corpus
from pipelines.invented.pages import generate_page, generate_pages
from pipelines.invented.records import generate_record


@pytest.mark.parametrize(
    ("seed", "digest"),
    [
        (1, "b033ac350da832032b97f79a6d0ef508396740c2df110e978b49ac10d314509c"),
        (7, "d08104bd16e858e6c6edb0c0404e23d1a1d3d644ae37edcb01c12ad9a69d8c68"),
    ],
)
def test_same_seed_same_bytes(seed: int, digest: str) -> None:
    """Whoever changes this changes every benchmark: old and new numbers cannot be compared any more."""
    hash_ = hashlib.sha256()
    for name, page in generate_pages(300, seed):
        hash_.update(name.encode() + b"\0" + page + b"\0")
    assert hash_.hexdigest() == digest


def test_a_page_depends_on_its_own_number_only() -> None:
    assert generate_page(3, 41) == list(generate_pages(41, 3))[-1]


def test_corpus_in_a_folder(tmp_path: Path) -> None:
    size = write_corpus(tmp_path / "pages", 5, 2)
    written = {path.name: path.read_bytes() for path in (tmp_path / "pages").iterdir()}
    assert written == dict(generate_pages(5, 2))
    assert size == sum(map(len, written.values()))


def test_a_page_says_what_its_record_says() -> None:
    for number in range(1, 40):
        record = generate_record(1, number)
        name, page = generate_page(1, number)
        assert name == record.file_name
        if record.fate == "plain" and record.evaluation:
            text = page.decode()
            assert record.evaluation.title in text
            assert record.url is not None
            assert record.url in text
            assert all(line.line in text for line in record.plan)
