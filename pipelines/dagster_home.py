"""Gives Dagster a home inside the warehouse, with its telemetry off. Must happen before `import dagster`.

Dagster reads DAGSTER_HOME when it is imported and phones home unless the dagster.yaml in it says otherwise. What
Dagster runs does not belong here.
"""

from __future__ import annotations

import os
from pathlib import Path

from pipelines.settings import Settings

_DAGSTER_YAML = """\
# Written by ieval. Nothing leaves this machine: no telemetry, no newsletter pop-up.
telemetry:
  enabled: false
nux:
  enabled: false
"""


def prepare(knobs: Settings) -> Path:
    """Create Dagster's home, unless DAGSTER_HOME names another, and return it. It must be an absolute path."""
    home = Path(os.environ.get("DAGSTER_HOME") or knobs.dagster_home.absolute())
    os.environ["DAGSTER_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_text(_DAGSTER_YAML, encoding="utf-8")
    return home
