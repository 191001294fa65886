"""Tells the licence of every package in requirements.lock, from what is installed: as a table or CycloneDX JSON.

`python deploy/licences.py [--format text|cyclonedx]`, in the environment that was made from the lock. Ends with 1 where
a package is not installed in the locked version, or says nothing of its licence. What may be used under which licence
does not belong here.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

LOCK = Path(__file__).parent.parent / "requirements.lock"
_LOCKED = re.compile(r"^(?P<requirement>[A-Za-z0-9][^\\#]*==[^\\#]+?)\s*\\?$", re.MULTILINE)
_TROVE = "License :: "
#: Texts that some packages give instead of a name begin with it, or with something as telling.
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Package:
    """A locked package; `licence` is empty where nothing is said of it."""

    name: str
    version: str
    licence: str
    is_spdx: bool


def locked(text: str) -> list[tuple[str, str]]:
    """Name and version of the packages of a lock that are wanted on this platform and Python."""
    requirements = [Requirement(match["requirement"]) for match in _LOCKED.finditer(text)]
    wanted = [each for each in requirements if each.marker is None or each.marker.evaluate()]
    return [(each.name, next(iter(each.specifier)).version) for each in wanted]


def package(name: str) -> Package:
    """What an installed package says of itself. Raises metadata.PackageNotFoundError."""
    said = metadata.metadata(name)
    if expression := said.get("License-Expression"):
        return Package(name, said["Version"], expression, True)
    classifiers = [line for line in said.get_all("Classifier", []) if line.startswith(_TROVE)]
    names = [line.rpartition(" :: ")[2] for line in classifiers if not line.endswith(":: OSI Approved")]
    first = next(iter((said.get("License") or "").strip().splitlines()), "").strip()
    if first and first.upper() != "UNKNOWN" and len(first) <= _LONGEST:
        return Package(name, said["Version"], first, False)
    return Package(name, said["Version"], " or ".join(names), False)


def table(packages: list[Package]) -> str:
    """One line a package: name, version, licence."""
    widths = [max(len(getattr(each, field)) for each in packages) for field in ("name", "version")]
    lines = [f"{each.name:<{widths[0]}}  {each.version:<{widths[1]}}  {each.licence or 'unknown'}" for each in packages]
    return "\n".join(lines) + "\n"


def cyclonedx(packages: list[Package]) -> str:
    """A bill of materials as CycloneDX 1.6 JSON; the same packages give the same bytes."""
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    factory = LicenseFactory()
    bom = Bom()
    for each in packages:
        address = PackageURL("pypi", name=each.name, version=each.version)
        make = factory.make_from_string if each.is_spdx else factory.make_with_name
        licences = [make(each.licence)] if each.licence else []
        component = Component(
            type=ComponentType.LIBRARY,
            name=each.name,
            version=each.version,
            licenses=licences,
            purl=address,
            bom_ref=str(address),
        )
        bom.components.add(component)
    written = JsonV1Dot6(bom)
    written.generate()
    return _without_chance(written.output_as_string(indent=1)) + "\n"


def _without_chance(text: str) -> str:
    """Without the random number and the time, which would make every list another one."""
    import json

    document = json.loads(text)
    document.pop("serialNumber", None)
    document.get("metadata", {}).pop("timestamp", None)
    return json.dumps(document, indent=1)


def main() -> int:
    """Print the list; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--format", choices=["text", "cyclonedx"], default="text")
    form = parser.parse_args().format
    packages, wrong = [], []
    for name, version in locked(LOCK.read_text(encoding="utf-8")):
        try:
            found = package(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} {version} is not installed")
            continue
        if found.version != version:
            wrong.append(f"{name} is installed as {found.version}, and {version} is locked")
        if not found.licence:
            wrong.append(f"{name} {version} says nothing of its licence")
        packages.append(found)
    if packages:
        sys.stdout.write(cyclonedx(packages) if form == "cyclonedx" else table(packages))
    for words in wrong:
        print(words, file=sys.stderr)
    return 1 if wrong or not packages else 0


if __name__ == "__main__":
    sys.exit(main())
