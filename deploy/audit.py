"""Looks up the packages of requirements.lock among the known vulnerabilities, with pip-audit.

Ends with 1 where something is known against one of them, and with 0 where nothing is, or where the advisories cannot be
reached, which it says. What to do about a vulnerability does not belong here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.lock"
#: What pip-audit says where it reaches nobody.
_UNREACHABLE = re.compile(
    "ConnectionError|Failed to connect|Could not connect|ConnectTimeout|ReadTimeout|ProxyError|SSLError"
    r"|Max retries exceeded|Name or service not known|name resolution|403 Client Error|50\d Server Error",
    re.IGNORECASE,
)


def audit(arguments: list[str]) -> int:
    """Run pip-audit on the lock, or with other arguments instead; returns the exit code."""
    chosen = arguments or ["--requirement", str(LOCK), "--require-hashes", "--disable-pip"]
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "20"]
    done = subprocess.run([*command, *chosen], capture_output=True, encoding="utf-8", check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        if _UNREACHABLE.search(done.stderr):
            print("NOT AUDITED: no index of advisories can be reached from here", file=sys.stderr)
            return 0
        sys.stderr.write(done.stderr)
        return done.returncode or 1
    if answer["dependencies"] and all("skip_reason" in package for package in answer["dependencies"]):
        # A mirror of packages alone: it answers, and knows nothing of any of them.
        print("NOT AUDITED: what answers here is no index of advisories", file=sys.stderr)
        return 0
    known = [(package, flaw) for package in answer["dependencies"] for flaw in package.get("vulns", [])]
    skipped = [package for package in answer["dependencies"] if "skip_reason" in package]
    for package, flaw in known:
        mended = ", ".join(flaw["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {flaw['id']}, mended in {mended}")
    for package in skipped:
        print(f"{package['name']}: not looked up: {package['skip_reason']}")
    count = len(answer["dependencies"]) - len(skipped)
    print(f"{count} packages looked up, {len(known)} known vulnerabilities")
    return 1 if known or skipped else 0


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1:]))
