"""Keeps what is exported to a folder: each export in a folder of its own, and what people open as links to the last.

`.exports/current` leads to `.exports/<number>` and is turned from one to the next in one move; `parquet`, `csv`,
`ieval.sqlite` and the others are links into `current`. So wherever an export is stopped, all that can be opened is of
one run. The edition before stays until the next export begins, for who has looked up where a link leads and still reads
there. What the files are does not belong here.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Container, Iterable
from pathlib import Path

from pipelines.export.source import ExportError
from pipelines.lake import flush_folder

_FOLDER = ".exports"
_CURRENT = Path(_FOLDER, "current")
#: What an export makes and has not finished: whatever is called so is left by one that was killed.
UNFINISHED = ".export-"


class Editions:
    """The editions of a folder; one process at a time changes them. OSErrors are those of the file system."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: The files of the current edition are in here, if there is one.
        self.current = folder / _CURRENT

    def is_link(self, name: str) -> bool:
        """Whether a name in the folder is our link into the current edition."""
        place = self.folder / name
        return place.is_symlink() and place.readlink() == _CURRENT / name

    def tidy_up(self) -> None:
        """Remove every edition but the current one, and what killed exports have left."""
        current = self.current.resolve().name if self.current.is_symlink() else ""
        inside = self.folder / _FOLDER
        left = [path for path in inside.iterdir() if path.name not in ("current", current)] if inside.is_dir() else []
        for path in (*self.folder.glob(f"{UNFINISHED}*"), *left):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def can_be(self) -> bool:
        """Whether there can be links here; not so on some memory sticks, and on drives of other systems."""
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=self.folder) as scratch:
            try:
                Path(scratch, "link").symlink_to("target")
            except OSError:
                return False
        return True

    def adopt(self, names: Iterable[str]) -> None:
        """Make links of what an export has there as plain files and folders, as in a copy that has kept no links."""
        plain = [name for name in names if os.path.lexists(self.folder / name) and not self.is_link(name)]
        if not plain:
            return
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=self.folder) as scratch:
            made = Path(scratch, "edition")  # the scratch folder itself is for nobody else to read
            made.mkdir()
            for name in plain:
                place = self.folder / name
                for path in [place, *place.rglob("*")]:
                    _keep(path, made / path.relative_to(self.folder))
            self.publish(made, without=())
        for name in plain:
            self._turn(self.folder / name, _CURRENT / name)

    def publish(self, made: Path, without: Container[str]) -> None:
        """Make a folder inside ours the current edition, with the files of the one before, but `without` these."""
        current = self.current.resolve()
        for path in current.rglob("*"):
            name = path.relative_to(current).as_posix()
            if name not in without:
                _keep(path, made / name)
        names = {path.name for path in made.iterdir()}
        # Before they lead anywhere: so everything is there from one moment on.
        for name in sorted(names):
            if not os.path.lexists(self.folder / name):
                self._turn(self.folder / name, _CURRENT / name)
        inside = self.folder / _FOLDER
        inside.mkdir(exist_ok=True)
        numbers = [int(path.name) for path in inside.iterdir() if path.name.isdecimal()]
        edition = inside / f"{max(numbers, default=0) + 1:06}"
        made.rename(edition)
        for folder in (*(path for path in edition.rglob("*") if path.is_dir()), edition, inside):
            flush_folder(folder)
        self._turn(self.current, Path(edition.name))
        for path in self.folder.iterdir():
            if path.name not in names and self.is_link(path.name):
                path.unlink()

    def _turn(self, link: Path, target: Path) -> None:
        """Have a link lead to a target from one moment to the next."""
        inside = self.folder / _FOLDER
        inside.mkdir(exist_ok=True)
        beside = inside / f"{link.name}.new"
        beside.unlink(missing_ok=True)
        beside.symlink_to(target)
        aside = self.folder / f"{UNFINISHED}{link.name}"
        if link.is_dir() and not link.is_symlink():  # of a copy that has kept no links
            link.rename(aside)
        try:
            beside.replace(link)
        except PermissionError:
            raise ExportError(
                f"{link} cannot be replaced: close the program that has it open, and export again"
            ) from None
        shutil.rmtree(aside, ignore_errors=True)
        flush_folder(link.parent)


def _keep(path: Path, place: Path) -> None:
    """Have a file in another place too, unless something is there: the same file, or else a copy."""
    if (path.is_dir() and not path.is_symlink()) or os.path.lexists(place):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError:
        shutil.copy2(path, place, follow_symlinks=False)
