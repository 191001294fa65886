"""Opens pages that we make in headless Chromium, and tells what a reader and the network would notice.

Chromium reaches no host but this machine, and everything it asks for is logged. Where Chromium or its driver is not
installed, tests that need them are skipped with that reason.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_DESK, _TELEPHONE = (1280, 900), (360, 740)


def needed(*names: str) -> str:
    """The path of the first of these programs that is there; skips the test if none is."""
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.skip(f"no {' or '.join(names)} on PATH")


@dataclass(frozen=True)
class Visit:
    """What opening a page led to."""

    #: Every address that the page, or anything in it, asked for; the page itself comes first.
    requests: list[str]
    #: What was written to the console as a warning or error, violations of the page's security policy included.
    complaints: list[str]


class Browser:
    """One window of Chromium."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.resize(*_DESK)

    def resize(self, width: int, height: int, is_telephone: bool = False) -> None:
        """Pretend that the screen is that large, in CSS pixels: narrower than a real window could be."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_telephone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def telephone(self) -> None:
        """A telephone of 360 pixels, about the narrowest that is sold."""
        self.resize(*_TELEPHONE, is_telephone=True)

    def desk(self) -> None:
        """A window on an ordinary screen."""
        self.resize(*_DESK)

    def visit(self, address: str) -> Visit:
        """Open an address and wait until it is loaded."""
        self._log("performance")
        self._log("browser")
        self.driver.get(address)
        requests = [
            event["params"]["request"]["url"]
            for event in self._log("performance")
            if event["method"] == "Network.requestWillBeSent"
        ]
        complaints = [entry["message"] for entry in self.driver.get_log("browser")]
        return Visit(requests, complaints)

    def _log(self, name: str) -> list[dict[str, Any]]:
        """The events since one last asked."""
        entries = self.driver.get_log(name)
        return [json.loads(entry["message"])["message"] for entry in entries] if name == "performance" else []

    def ask(self, script: str) -> Any:
        """The value of a JavaScript expression on the page; works whatever the page's security policy is."""
        answer = self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": script, "returnByValue": True})
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def overflow(self) -> list[str]:
        """What sticks out to the right, unless it scrolls in a box of its own, and the page itself if it scrolls."""
        return list(
            self.ask(
                """(() => {
                    const width = document.documentElement.clientWidth, out = [];
                    if (document.documentElement.scrollWidth > width)
                        out.push(`the page scrolls: ${document.documentElement.scrollWidth} > ${width}`);
                    for (const element of document.body.querySelectorAll("*")) {
                        const box = element.getBoundingClientRect();
                        let around = element.parentElement;
                        while (around && !["auto", "scroll"].includes(getComputedStyle(around).overflowX))
                            around = around.parentElement;
                        if (box.width && box.right > width + 1 && !around)
                            out.push(`${element.tagName} ${element.className.baseVal ?? element.className}: `
                                + `${box.right} ${element.textContent.slice(0, 40)}`);
                    }
                    return out;
                })()"""
            )
        )

    def screenshot(self, path: Path) -> None:
        """The whole page, from top to bottom, as PNG."""
        answer = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        path.write_bytes(base64.b64decode(answer["data"]))


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium with a profile of its own that knows no host but this machine."""
    binary, driver = needed(*BROWSERS), needed("chromedriver")
    # Selenium's own manager would look for drivers on the network, and count its users there.
    os.environ |= {"SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with tempfile.TemporaryDirectory(prefix="ieval-browser-", ignore_cleanup_errors=True) as profile:
        for argument in (
            "--headless=new",
            "--no-sandbox",  # containers have none; the pages are our own
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(argument)
        chromium = webdriver.Chrome(options=options, service=Service(executable_path=driver))
        try:
            yield Browser(chromium)
        finally:
            chromium.quit()
