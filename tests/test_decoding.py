"""Decodes bytes of all kinds: UTF-8 comes back exactly, and nothing raises."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import PAGE_FILES

from pipelines.decoding import decode_page, first_undecodable_line


@given(st.text())
def test_utf_8_comes_back_exactly(text: str) -> None:
    assert decode_page(text.encode()) == text
    assert first_undecodable_line(text.encode()) is None


@given(st.one_of(st.binary(), st.builds(bytes.__add__, st.sampled_from([b"\xff\xfe", b"\xfe\xff"]), st.binary())))
def test_no_bytes_raise(page_bytes: bytes) -> None:
    text = decode_page(page_bytes)
    text.encode("utf-8")  # no lone surrogate comes out of it
    line = first_undecodable_line(page_bytes)
    assert line is None or 1 <= line <= page_bytes.count(b"\n") + 1
    assert line is not None or text.encode() == page_bytes


@given(st.text(min_size=1), st.data())
def test_a_cut_inside_a_character_loses_the_character_alone(text: str, data: st.DataObject) -> None:
    page_bytes = text.encode()
    cut = page_bytes[: data.draw(st.integers(0, len(page_bytes)))]
    assert text.startswith(decode_page(cut))
    assert len(cut) - len(decode_page(cut).encode()) < 4


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@given(text=st.text(), data=st.data())
def test_utf_16_with_its_mark(encoding: str, text: str, data: st.DataObject) -> None:
    page_bytes = f"\ufeff{text}".encode(encoding)
    assert decode_page(page_bytes) == f"\ufeff{text}"
    assert first_undecodable_line(page_bytes) == 1
    cut = page_bytes[: data.draw(st.integers(2, len(page_bytes)))]
    assert f"\ufeff{text}".startswith(decode_page(cut))


@pytest.mark.parametrize(
    ("page_bytes", "text", "line"),
    [
        (b"", "", None),
        (b"\xef\xbb\xbfabc", "\ufeffabc", None),
        (b"\xef\xbb", "", 1),
        ("Kal\u00f4\r\nmiru\u2019s\x85\n".encode("cp1252", "replace"), "Kal\u00f4\r\nmiru\u2019s?\n", 1),
        (b"a\nb\n\x81\x8d\x9d\n", "a\nb\n\x81\x8d\x9d\n", 3),
        (b"\xe9t\xe9", "\u00e9t\u00e9", 1),
        # One bad byte does not spoil the characters around it.
        ("Kal\u00f4 ".encode() + b"\x92" + " \u0153uvre".encode(), "Kal\u00f4 \u2019 \u0153uvre", 1),
        (b"\xed\xa0\x80", "\u00ed\u00a0\u20ac", 1),  # a lone surrogate is no UTF-8
        (codecs.BOM_UTF16_LE + b"\x00\xd8a\x00", "\ufeff\ufffda", 1),  # and no UTF-16
        (b"\xff", "\u00ff", 1),
        (b"\x00\n\x00", "\x00\n\x00", None),
    ],
)
def test_bytes(page_bytes: bytes, text: str, line: int | None) -> None:
    assert decode_page(page_bytes) == text
    assert first_undecodable_line(page_bytes) == line


def test_the_pages_are_utf_8() -> None:
    for path in PAGE_FILES:
        assert decode_page(path.read_bytes()).encode() == path.read_bytes()


def test_five_megabytes_of_anything() -> None:
    assert decode_page(b"\xc3" * 500_000 + b"\n") == "\u00c3" * 500_000 + "\n"
    assert len(decode_page(codecs.BOM_UTF16_LE + b"\x00\xd8" * 500_000)) > 1
