"""Lock files → the environments that other people's libraries run in, each made on first use and kept.

`peers/<name>.in` names what a peer needs, `peers/<name>.lock` fixes it with hashes (`make lock-peers`), and the
environment is made of the lock with uv, or with venv and pip where there is no uv, under `.environments/`, which git
ignores. A changed lock makes its environment anew. What runs in them does not belong here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).resolve().parent / "peers"
ENVIRONMENTS = Path(__file__).resolve().parent / ".environments"


class EnvironmentFailed(Exception):
    """An environment cannot be made here; the message says why."""


def installed(name: str) -> Path | None:
    """The Python of a peer's environment (`polars`, `countries/hdx`); None if it is not made, or of an old lock."""
    environment = _folder(name)
    made_of = environment / "made-of.lock"
    lock = PEERS / f"{name}.lock"
    return _python(environment) if made_of.exists() and made_of.read_bytes() == lock.read_bytes() else None


def python_of(name: str) -> Path:
    """The Python of the environment of a peer, which is made if need be. Raises EnvironmentFailed."""
    found = installed(name)
    if found:
        return found
    environment, lock = _folder(name), PEERS / f"{name}.lock"
    print(f"setting up the environment of {name} ...", file=sys.stderr)
    shutil.rmtree(environment, ignore_errors=True)
    python = _python(environment)
    if uv := shutil.which("uv"):
        create = [uv, "venv", "--quiet", "--python", sys.executable, str(environment)]
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    else:
        create = [sys.executable, "-m", "venv", str(environment)]
        install = [str(python), "-m", "pip", "install", "--quiet"]
    for command in (create, [*install, "--require-hashes", "-r", str(lock)]):
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800)
        except (OSError, subprocess.SubprocessError) as error:
            errors = (getattr(error, "stderr", None) or "").strip()
            reason = errors.splitlines()[-1] if errors else str(error)
            raise EnvironmentFailed(f"the environment of {name} cannot be made here: {reason}") from error
    shutil.copyfile(lock, environment / "made-of.lock")
    return python


def version(name: str, distribution: str) -> str:
    """The version of a distribution that the lock of a peer fixes."""
    lock = (PEERS / f"{name}.lock").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(distribution)}(?:\[[^\]]*\])?==([^ ;]+)", lock, re.MULTILINE)
    if not found:
        raise ValueError(f"{name}.lock has no {distribution}")
    return found[1]


def _folder(name: str) -> Path:
    return ENVIRONMENTS / name.replace("/", "-")


def _python(environment: Path) -> Path:
    return environment / ("Scripts" if os.name == "nt" else "bin") / "python"
