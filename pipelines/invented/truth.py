"""Says what an invented page is made of: the truth about it, to be compared with what is read out of it.

How the values are invented, and how a page prints them, does not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

EMPTY_MARKERS = ("-", ".", "N/A", "n/a", "NA", "none", "not applicable")


@dataclass(frozen=True, slots=True)
class Location:
    """One country/region pair as printed; scope is None and country_iso3 is None for an unknown label."""

    label: str
    region: str
    scope: str | None  # country, regional, inter-regional
    country_iso3: str | None


@dataclass(frozen=True, slots=True)
class Theme:
    """Always group and topic, whatever the page calls them."""

    group: str
    topic: str


@dataclass(frozen=True, slots=True)
class Step:
    """A bullet of a recommendation's title, without and with what marks it."""

    marker: str
    text: str


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line of an action plan. `countries` are those the line is about; below a country heading, the heading's.

    evidence: opening (`In Kenya, …`, `Mali: …`), heading (the heading itself, and items below it), mention, or ""
    (programme-wide). A donor or a model named in a line is not what the line is about.
    """

    role: str  # item, or heading (a country, a reset, a lead-in: it only introduces what follows)
    marker: str
    text: str
    countries: tuple[str, ...] = ()
    evidence: str = ""

    @property
    def line(self) -> str:
        """The line as printed."""
        return f"{self.marker} {self.text}" if self.marker else self.text


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What all records of an evaluation share."""

    number: int
    title: str
    language: str
    locations: tuple[Location, ...]
    response_date: str
    symbols: tuple[str, ...]
    host: str

    @property
    def url(self) -> str:
        """Its address on the site."""
        return f"{self.host}/eval/{self.number}"


@dataclass(frozen=True, slots=True)
class ExpectedPage:
    """The truth about a page; of a cut page, what the whole would have said: only what precedes the cut can be read."""

    file_name: str
    status: str  # record, list, refused
    fate: str  # plain, crlf, cut, unknown, copy, list, other
    layout: str = "unknown"  # dashed, plain
    record_kind: str | None = None  # recommendation, lesson, good_practice
    record_id: int | None = None
    url: str | None = None
    evaluation: Evaluation | None = None
    locations: tuple[Location, ...] = ()
    themes: tuple[Theme, ...] = ()
    management_response: str | None = None  # labels, as printed
    progress: str | None = None
    information_source: str | None = None
    admin_units: tuple[str, ...] = ()
    project_symbols: tuple[str, ...] = ()
    printed: dict[str, str] = field(default_factory=dict)  # free text by the page's own keys, empty markers included
    steps: tuple[Step, ...] = ()
    plan: tuple[PlanLine, ...] = ()
    unknown_label: str | None = None
    share_kept: float = 1.0  # of a cut page

    @property
    def is_truncated(self) -> bool:
        """Whether the page is cut."""
        return self.fate == "cut"

    @property
    def texts(self) -> dict[str, str | None]:
        """Free text by column name, NULL where the page prints an empty marker or no key at all is there."""
        names = {"comments": "target_users"} if self.record_kind == "lesson" else {}
        texts: dict[str, str | None] = {
            names.get(key, key): None if value in EMPTY_MARKERS else value for key, value in self.printed.items()
        }
        return {"comments": None, **texts} if self.record_kind == "recommendation" else texts
