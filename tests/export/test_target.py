"""Where an export goes: whole or not at all, in folders and behind URLs, and never over somebody else's files."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest
from s3_server import BUCKET, SECRET, S3Server, s3

from pipelines.export import target as module
from pipelines.export.datapackage import MANIFEST
from pipelines.export.source import ExportError
from pipelines.export.target import FolderTarget, Target, UrlTarget, open_target

__all__ = ["s3"]
PACKAGE = json.dumps(
    {
        "resources": [{"path": path, "bytes": 3, "hash": "sha256:00"} for path in ("csv/a.csv", "b.xlsx")],
        "ieval-warehouse": {"state": "s", "formats": {"csv": ["lessons"]}},
    }
)


def stage(target: Target, files: dict[str, str], stale: tuple[str, ...] = ()) -> list[int]:
    moved: list[int] = []
    with target.staging() as staged:
        target.check(files)
        for path, text in files.items():
            (staged / path).parent.mkdir(exist_ok=True)
            (staged / path).write_text(text, encoding="utf-8")
        target.place(staged, stale, moved.append)
    return moved


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """In memory, which stands in for a server here and is offered to nobody."""
    monkeypatch.setattr(module, "STORES", module.STORES | {"memory"})
    yield "memory://bucket/export"
    system = fsspec.filesystem("memory")
    if system.exists("/bucket"):
        system.rm("/bucket", recursive=True)


@pytest.fixture(params=["folder", "url"])
def target(request: pytest.FixtureRequest, tmp_path: Path, bucket: str) -> Target:
    (tmp_path / "scratch").mkdir()
    return open_target(str(tmp_path / "export") if request.param == "folder" else bucket, tmp_path / "scratch")


def contents(folder: Path) -> dict[str, bytes]:
    """What people find in a folder, links followed."""
    found = {}
    for place, _, names in os.walk(folder, followlinks=True):
        for name in names:
            path = Path(place, name)
            found[path.relative_to(folder).as_posix()] = path
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(".export") and path.exists()}


def listing(target: Target, tmp_path: Path) -> set[str]:
    if isinstance(target, UrlTarget):
        system = fsspec.filesystem("memory")
        return {path.removeprefix("/bucket/export/") for path in system.find("/bucket/export")}
    return set(contents(tmp_path / "export"))


def test_what_is_made_is_placed(target: Target, tmp_path: Path) -> None:
    assert target.manifest() is None
    moved = stage(target, {"csv/a.csv": "one", "b.xlsx": "two", MANIFEST: PACKAGE})
    assert sum(moved) == 3
    assert listing(target, tmp_path) == {"csv/a.csv", "b.xlsx", MANIFEST}
    assert (target.size("csv/a.csv"), target.size("csv/b.csv")) == (3, None)
    manifest = target.manifest()
    assert manifest is not None
    assert (manifest.state, manifest.formats) == ("s", {"csv": ("lessons",)})
    assert list((tmp_path / "scratch").iterdir()) == []


def test_what_is_stale_goes(target: Target, tmp_path: Path) -> None:
    stage(target, {"csv/a.csv": "one", "b.xlsx": "two", MANIFEST: PACKAGE})
    stage(target, {"b.xlsx": "new", MANIFEST: PACKAGE}, stale=("csv/a.csv", "csv/never.csv"))
    assert listing(target, tmp_path) == {"b.xlsx", MANIFEST}
    if isinstance(target, FolderTarget):
        assert not (tmp_path / "export" / "csv").exists()


def test_a_folder_goes_with_all_that_is_in_it(target: Target, tmp_path: Path) -> None:
    stage(target, {"b.xlsx": "two", MANIFEST: PACKAGE})
    if isinstance(target, UrlTarget):
        fsspec.filesystem("memory").pipe("/bucket/export/delta/a/log.json", b"x")
    else:
        (tmp_path / "export" / "delta" / "a").mkdir(parents=True)
        (tmp_path / "export" / "delta" / "a" / "log.json").write_text("x")
    target.remove_folder("delta/a")
    target.remove_folder("delta/never")
    assert listing(target, tmp_path) == {"b.xlsx", MANIFEST}


def test_the_manifest_is_gone_while_files_change_at_an_address(tmp_path: Path, bucket: str) -> None:
    target = open_target(bucket, tmp_path)
    stage(target, {"csv/a.csv": "one", MANIFEST: PACKAGE})
    seen = []
    with target.staging() as staged:
        (staged / "csv").mkdir()
        (staged / "csv" / "a.csv").write_text("two")
        (staged / "csv" / "b.csv").write_text("two")
        (staged / MANIFEST).write_text(PACKAGE)
        target.place(staged, (), lambda count: seen.append(target.manifest() is not None))
    assert seen == [False, False, True]


def test_an_interrupted_placing_can_be_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = FolderTarget(tmp_path)
    stage(target, {"csv/a.csv": "one", MANIFEST: PACKAGE})
    before = contents(tmp_path)

    def stop(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped, target.staging() as staged, pytest.raises(KeyboardInterrupt):
        (staged / "new.xlsx").write_text("two")
        (staged / MANIFEST).write_text(PACKAGE)
        stopped.setattr(Path, "rename", stop)
        target.place(staged, (), lambda count: None)
    assert contents(tmp_path) == before
    stage(target, {"csv/a.csv": "three", "new.xlsx": "three", MANIFEST: PACKAGE})
    names = {"csv", "new.xlsx", MANIFEST, ".export.lock", ".exports"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_what_a_killed_export_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".export-dead" / "parquet").mkdir(parents=True)
    with FolderTarget(tmp_path).staging():
        assert not (tmp_path / ".export-dead").exists()


def test_the_edition_before_stays_until_the_next_export_begins(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    stage(target, {"csv/a.csv": "one", MANIFEST: PACKAGE})
    reader = (tmp_path / "csv").resolve()
    stage(target, {"csv/a.csv": "two", MANIFEST: PACKAGE})
    assert [(folder / "a.csv").read_text() for folder in (reader, tmp_path / "csv")] == ["one", "two"]
    with target.staging():
        assert not reader.exists()
    assert (tmp_path / "csv" / "a.csv").read_text() == "two"


def test_files_of_an_export_are_for_whoever_may_read_the_folder(tmp_path: Path) -> None:
    stage(FolderTarget(tmp_path), {"csv/a.csv": "one", MANIFEST: PACKAGE})
    (tmp_path / "usual").mkdir()
    assert (tmp_path / "csv").resolve().parent.stat().st_mode == (tmp_path / "usual").stat().st_mode


def plain_copy(folder: Path, to: Path) -> Path:
    """What a copy is that has followed every link, of an edition or of the whole folder."""
    for path, content in contents(folder).items():
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        (to / path).write_bytes(content)
    return to


def copy_all(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to))


@pytest.mark.parametrize("copy", [plain_copy, copy_all])
def test_a_copy_without_links_becomes_links_again(tmp_path: Path, copy: Callable[[Path, Path], Path]) -> None:
    stage(FolderTarget(tmp_path / "export"), {"csv/a.csv": "one", "b.xlsx": "one", MANIFEST: PACKAGE})
    folder = copy(tmp_path / "export", tmp_path / "copy")
    (folder / "csv" / "notes.txt").write_text("mine")
    assert not (folder / "csv").is_symlink()
    stage(FolderTarget(folder), {"csv/a.csv": "two", "b.xlsx": "two", MANIFEST: PACKAGE})
    assert all((folder / name).is_symlink() for name in ("csv", "b.xlsx", MANIFEST))
    expected = {"csv/a.csv": b"two", "b.xlsx": b"two", "csv/notes.txt": b"mine", MANIFEST: PACKAGE.encode()}
    assert contents(folder) == expected


def test_files_that_somebody_has_put_beside_stay(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    stage(target, {"csv/a.csv": "one", MANIFEST: PACKAGE})
    for path in ("notes.txt", "csv/notes.txt", "csv/inside/notes.txt", "more/notes.txt"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("mine")
    for _ in range(3):
        stage(target, {"csv/a.csv": "two", MANIFEST: PACKAGE})
    for path in ("notes.txt", "csv/notes.txt", "csv/inside/notes.txt", "more/notes.txt"):
        assert (tmp_path / path).read_text() == "mine"
    (tmp_path / "b.xlsx").symlink_to("notes.txt")
    with pytest.raises(ExportError, match=r"b\.xlsx is there and is not an export's"):
        stage(target, {"csv/a.csv": "x", "b.xlsx": "x", MANIFEST: PACKAGE})
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_saved_by_another_program_is_a_link_again(tmp_path: Path) -> None:
    """A program that saves beside and renames puts a file where the link was."""
    target = FolderTarget(tmp_path)
    stage(target, {"b.xlsx": "one", MANIFEST: PACKAGE})
    (tmp_path / "beside").write_text("saved")
    (tmp_path / "beside").replace(tmp_path / "b.xlsx")
    stage(target, {"b.xlsx": "two", MANIFEST: PACKAGE})
    assert (tmp_path / "b.xlsx").is_symlink()
    assert (tmp_path / "b.xlsx").read_text() == "two"


def test_where_there_can_be_no_links_files_change_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a memory stick; one that is stopped half way is of no run, and the next makes it good."""

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    target = FolderTarget(tmp_path)
    assert stage(target, {"csv/a.csv": "one", "b.xlsx": "one", MANIFEST: PACKAGE}) == [1, 1, 1]
    (tmp_path / "notes.txt").write_text("mine")
    with monkeypatch.context() as stopped:
        stopped.setattr(Path, "replace", refuse)
        with pytest.raises(PermissionError):
            stage(target, {"b.xlsx": "two", MANIFEST: PACKAGE}, stale=("csv/a.csv",))
    manifest = target.manifest()
    assert manifest and (manifest.state, set(manifest.files)) == ("", {"csv/a.csv", "b.xlsx"})
    stage(target, {"b.xlsx": "two", MANIFEST: PACKAGE}, stale=("csv/a.csv",))
    assert contents(tmp_path) == {"b.xlsx": b"two", "notes.txt": b"mine", MANIFEST: PACKAGE.encode()}


@pytest.mark.parametrize("path", ["README.md", "csv/a.csv", MANIFEST])
def test_files_of_somebody_else_are_left_alone(tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text("mine")
    with pytest.raises(ExportError, match=f"{path} is there and is not an export's: choose another folder"):
        stage(FolderTarget(tmp_path), {"csv/a.csv": "x", "README.md": "x", MANIFEST: PACKAGE})
    assert (tmp_path / path).read_text() == "mine"


def test_a_file_that_somebody_has_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows has it; elsewhere an open file is no obstacle."""

    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "being used by another process")

    stage(FolderTarget(tmp_path), {"b.xlsx": "x", MANIFEST: PACKAGE})
    (tmp_path / "b.xlsx").unlink()

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ExportError, match=r"b\.xlsx cannot be replaced: close the program that has it open"):
        stage(FolderTarget(tmp_path), {"b.xlsx": "x", MANIFEST: PACKAGE})


def test_no_room_for_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    target = FolderTarget(tmp_path / "file" / "export")
    assert target.manifest() is None
    with pytest.raises(ExportError, match="cannot be written: "), target.staging():
        pass


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with (
        pytest.raises(ExportError, match="cannot be written: Permission denied"),
        FolderTarget(tmp_path / "x").staging(),
    ):
        pass


def test_file_urls_are_folders(tmp_path: Path) -> None:
    target = open_target((tmp_path / "a b").as_uri().replace("%20", " "), tmp_path)
    assert isinstance(target, FolderTarget)
    assert target.folder == tmp_path / "a b"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nope://bucket", "nope://bucket cannot be reached: Protocol not known: nope"),
        ("s3://bucket/export", r"pip install 'ieval-warehouse\[s3\]'"),
    ],
)
def test_addresses_that_nobody_knows(url: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)  # as if it were not installed
    with pytest.raises(ExportError, match=words):
        open_target(url, tmp_path)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        *(
            (f"{kind}://127.0.0.1:1/x", f"nothing can be written to {kind}://127.0.0.1:1/x: ")
            for kind in ("http", "https")
        ),
        *(
            (f"{kind}://x", f"nothing can be written to {kind}://x: ")
            for kind in ("data", "dir", "jupyter", "zip", "HTTP")
        ),
        ("memory://x", "nothing can be written to memory://x: "),
        ("github://x", "nothing can be written to github://x: "),
        ("://", "'://' is no address: "),
        ("s3://", "'s3://' is no address: "),
        ("s3:// ", "'s3:// ' is no address: "),
        ("my folder://x", "'my folder://x' is no address: "),
        (" ", "' ' is neither a folder nor an address: "),
        ("s3:/bucket/x", "'s3:/bucket/x' is neither a folder nor an address: "),
        ("local://tmp/e", "local://tmp/e is no folder of this machine, which is local:///…: "),
        ("file://tmp/e", "file://tmp/e is no folder of this machine, which is file:///…: "),
    ],
)
def test_where_no_export_can_go(target: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExportError) as caught:
        open_target(target, tmp_path)
    assert str(caught.value) == f"{words}an export goes to a folder, or to an address such as s3://bucket/folder"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["file:///{}", "local:///{}", "{}", "C:/x", "a b", "a:b"])
def test_where_one_can(target: str, tmp_path: Path) -> None:
    assert isinstance(open_target(target.format(str(tmp_path).lstrip("/")), tmp_path), FolderTarget)


def test_a_file_system_that_fails(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = open_target(bucket, tmp_path)
    stage(target, {"b.xlsx": "x", MANIFEST: PACKAGE})

    class NoCredentials(Exception):
        pass

    def refuse(*arguments: object, **options: object) -> None:
        raise NoCredentials("Unable to locate credentials")

    monkeypatch.setattr(fsspec.filesystem("memory"), "put_file", refuse)
    with pytest.raises(ExportError, match="memory://bucket/export cannot be reached: Unable to locate credentials"):
        stage(target, {"b.xlsx": "x", MANIFEST: PACKAGE})
    assert target.manifest() is None  # it is incomplete, and says so


# ---- S3


def test_an_export_to_s3(s3: S3Server, tmp_path: Path) -> None:
    target = open_target(f"s3://{BUCKET}/export", tmp_path)
    assert target.manifest() is None
    sent = stage(target, {"csv/a.csv": "one", "b.xlsx": "two", MANIFEST: PACKAGE})
    assert sum(sent) == 3
    assert s3.found() == ["export/b.xlsx", "export/csv/a.csv", f"export/{MANIFEST}"]
    assert [request for request in s3.requests if request.startswith("PUT")][-1].endswith(MANIFEST)
    s3.requests.clear()
    stage(target, {"b.xlsx": "new", MANIFEST: PACKAGE}, stale=("csv/a.csv", "csv/never.csv"))
    assert s3.found() == ["export/b.xlsx", f"export/{MANIFEST}"]
    assert (target.size("b.xlsx"), target.size("csv/a.csv")) == (3, None)
    manifest = target.manifest()
    assert manifest is not None and manifest.state == "s"
    target.remove_folder("")
    assert s3.found() == []


@pytest.mark.parametrize("fault", ["busy", "broken", "dropped"])
def test_a_server_that_fails_twice_and_then_works(s3: S3Server, tmp_path: Path, fault: str) -> None:
    target = open_target(f"s3://{BUCKET}/export", tmp_path)
    for position in range(6):
        s3.faults[:] = [lambda environ: None] * position + [getattr(s3, fault)] * 2
        stage(target, {"csv/a.csv": "one", MANIFEST: PACKAGE})
        s3.faults.clear()
        assert s3.found() == ["export/csv/a.csv", f"export/{MANIFEST}"]


@pytest.mark.parametrize("fault", ["busy", "wrong_key", "dropped"])
def test_a_server_that_fails_always(s3: S3Server, tmp_path: Path, fault: str) -> None:
    target = open_target(f"s3://{BUCKET}/export", tmp_path)
    stage(target, {"csv/a.csv": "one", MANIFEST: PACKAGE})
    s3.faults[:] = [lambda environ: None, *[getattr(s3, fault)] * 50]
    with pytest.raises(ExportError, match=f"s3://{BUCKET}/export cannot be reached: ") as caught:
        stage(target, {"csv/a.csv": "two", MANIFEST: PACKAGE})
    s3.faults.clear()
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert target.manifest() is None  # it is incomplete, and says so


def test_a_bucket_that_is_not_there(s3: S3Server, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="s3://nowhere/export cannot be reached: there is no such bucket"):
        stage(open_target("s3://nowhere/export", tmp_path), {MANIFEST: PACKAGE})


def test_an_address_with_a_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="a password, key or signature in it is not used") as caught:
        open_target("s3://AKIA:s3cret@bucket/export", tmp_path)
    assert "s3cret" not in str(caught.value)
