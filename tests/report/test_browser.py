"""Printing the report: with the browser that is there, and with browsers that are none."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from browser import BROWSERS, needed

from pipelines.report import browser
from pipelines.report.browser import find_browser, print_page
from pipelines.report.model import ReportError

PAGE = (
    "<!DOCTYPE html><html><head><meta charset='utf-8'>"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    "<style>body { margin: 0 } div { height: 2345px }</style></head><body><div>Words</div></body></html>"
)


def _program(folder: Path, script: str) -> None:
    """A browser that is none, first on PATH."""
    program = folder / "chromium"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, beside that of the shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/nowhere")
    monkeypatch.setattr(browser, "_BROWSERS", [name for name in browser._BROWSERS if not name.startswith(("/", "C:"))])
    return folder


def test_pdf(tmp_path: Path) -> None:
    needed(*BROWSERS)
    assert print_page(PAGE, "pdf", tmp_path).read_bytes().startswith(b"%PDF-")


def test_png_is_as_high_as_the_page(tmp_path: Path) -> None:
    needed(*BROWSERS)
    content = print_page(PAGE, "png", tmp_path).read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert (width, height) == (840 * 1.5, round(2345 * 1.5))


def test_no_browser(bin_folder: Path) -> None:
    with pytest.raises(ReportError, match="install Chromium, Google Chrome or Microsoft Edge so that it is on PATH"):
        find_browser()


def test_a_browser_that_prints_nothing(bin_folder: Path, tmp_path: Path) -> None:
    _program(bin_folder, "echo no display >&2; exit 1")
    with pytest.raises(ReportError, match="chromium printed nothing; it said: no display"):
        print_page(PAGE, "pdf", tmp_path)
    with pytest.raises(ReportError, match="chromium could not measure the page; it said: no display"):
        print_page(PAGE, "png", tmp_path)


def test_a_browser_that_hangs(bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(bin_folder, "while :; do :; done")
    monkeypatch.setattr(browser, "_SECONDS", 0.2)
    with pytest.raises(ReportError, match=r"chromium did not finish within 0\.2 seconds"):
        print_page(PAGE, "pdf", tmp_path)


def test_a_browser_that_is_no_program(bin_folder: Path, tmp_path: Path) -> None:
    (bin_folder / "chromium").write_bytes(b"\x00\x01")
    (bin_folder / "chromium").chmod(0o755)
    with pytest.raises(ReportError, match="chromium cannot be started"):
        print_page(PAGE, "pdf", tmp_path)
