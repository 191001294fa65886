"""Prints the report as PDF or PNG with the Chromium, Chrome or Edge that is installed, which then reaches no network.

The page is laid out by its own style sheet; what is on it does not belong here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from pipelines.report.model import ReportError

#: Names on PATH, and where macOS and Windows keep them instead.
_BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
#: Width of the picture in CSS pixels, and how many pixels each of these has: sharp, and below Chromium's 16,384.
_WIDTH, _SCALE = 840, 1.5
_SECONDS = 120
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_MEASURE = """<script>addEventListener("load", () => {
    const page = document.documentElement;
    page.replaceChildren(`height ${Math.ceil(page.getBoundingClientRect().height)} height`);
})</script>"""


def find_browser() -> str:
    """The path of a browser that can print. Raises ReportError where none is installed."""
    for name in _BROWSERS:
        if path := shutil.which(name):
            return path
    raise ReportError(
        "a PDF or PNG is printed by a browser, and none was found: install Chromium, Google Chrome or Microsoft Edge "
        "so that it is on PATH, or write the report as HTML and print that"
    )


def print_page(html: str, form: str, folder: Path) -> Path:
    """Print a page as `pdf` or `png` into an empty folder. Returns the file. Raises ReportError."""
    source, printed = folder / "page.html", folder / f"page.{form}"
    source.write_text(html, encoding="utf-8")
    if form == "pdf":
        options = [f"--print-to-pdf={printed}", "--no-pdf-header-footer", "--generate-pdf-document-outline"]
    else:
        options = [f"--screenshot={printed}", f"--window-size={_WIDTH},{_height(html, folder)}"]
        options.append(f"--force-device-scale-factor={_SCALE}")
    said = _browse(source, options, folder)
    if not printed.is_file() or not printed.stat().st_size:
        raise ReportError(f"{find_browser()} printed nothing; it said: {said[-500:].strip() or 'nothing'}")
    return printed


def _height(html: str, folder: Path) -> int:
    """How high the page is, in CSS pixels: a copy of it, which may run this one script, tells."""
    copy = folder / "measured.html"
    copy.write_text(_POLICY.sub(lambda match: _MEASURE, html, count=1), encoding="utf-8")
    said = _browse(copy, ["--dump-dom", f"--window-size={_WIDTH},900"], folder)
    if not (height := re.search(r"height (\d+) height", said)):
        raise ReportError(f"{find_browser()} could not measure the page; it said: {said[-500:].strip() or 'nothing'}")
    return int(height[1])


def _browse(page: Path, options: list[str], folder: Path) -> str:
    """Open a page in a browser with a profile of its own that knows no host. Returns all that it said."""
    command = [
        find_browser(),
        "--headless",
        "--disable-gpu",
        "--hide-scrollbars",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={folder / 'profile'}",
        # Chromium refuses root its sandbox; the page is our own and runs no script.
        *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        *options,
        page.absolute().as_uri(),
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ReportError(f"{command[0]} did not finish within {_SECONDS} seconds") from None
    except OSError as error:
        raise ReportError(f"{command[0]} cannot be started: {error.strerror}") from None
    return (done.stdout + done.stderr).decode("utf-8", "replace")
