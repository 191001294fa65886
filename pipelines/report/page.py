"""Lays the figures of the report out as one self-contained HTML page, from `templates/report.html` and `report.css`.

Every text is escaped by the template engine; what goes in as it is are the pictures, which have passed the gate of
`charts`, and the style sheet. The page forbids itself, by a Content-Security-Policy, to load or run anything but
that style sheet. What the figures say and how pictures are drawn does not belong here.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from pipelines.report.model import Report
from pipelines.report.words import FEW

_TEMPLATES = Path(__file__).parent / "templates"


def page(report: Report, pictures: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """The HTML of the report. `pictures` holds the drawn charts by figure, as (`wide`, `narrow` or `any`, SVG)."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    return environment.get_template("report.html").render(
        report=report,
        pictures={name: [(width, Markup(svg)) for width, svg in drawn] for name, drawn in pictures.items()},
        style=Markup(style),
        style_hash="sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        few=FEW,
    )
