"""Where an export goes: whole or not at all, in folders and behind URLs, and never over somebody else's files."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from s3_server import BUCKET, SECRET, S3Server, s3

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
def bucket() -> Iterator[str]:
    yield "memory://bucket/export"
    system = fsspec.filesystem("memory")
    if system.exists("/bucket"):
        system.rm("/bucket", recursive=True)


@pytest.fixture(params=["folder", "url"])
def target(request: pytest.FixtureRequest, tmp_path: Path, bucket: str) -> Target:
    (tmp_path / "scratch").mkdir()
    return open_target(str(tmp_path / "export") if request.param == "folder" else bucket, tmp_path / "scratch")


def listing(target: Target, tmp_path: Path) -> set[str]:
    if isinstance(target, UrlTarget):
        system = fsspec.filesystem("memory")
        return {path.removeprefix("/bucket/export/") for path in system.find("/bucket/export")}
    folder = tmp_path / "export"
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {".export.lock"}


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


def test_the_manifest_is_gone_while_files_change(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    stage(target, {"csv/a.csv": "one", MANIFEST: PACKAGE})
    seen = []
    with target.staging() as staged:
        (staged / "csv").mkdir()
        (staged / "csv" / "a.csv").write_text("two")
        (staged / "csv" / "b.csv").write_text("two")
        (staged / MANIFEST).write_text(PACKAGE)
        target.place(staged, (), lambda count: seen.append((tmp_path / MANIFEST).exists()))
    assert seen == [False, False, True]


def test_an_interrupted_placing_can_be_done_again(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    stage(target, {"csv/a.csv": "one", MANIFEST: PACKAGE})

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with target.staging() as staged, pytest.raises(KeyboardInterrupt):
        (staged / "new.xlsx").write_text("two")
        (staged / MANIFEST).write_text(PACKAGE)
        target.place(staged, (), stop)
    assert target.manifest() is None  # it is incomplete, and says so
    assert (tmp_path / "new.xlsx").exists()
    stage(target, {"csv/a.csv": "three", "new.xlsx": "three", MANIFEST: PACKAGE})
    assert {path.name for path in tmp_path.iterdir()} == {"csv", "new.xlsx", MANIFEST, ".export.lock"}


def test_what_a_killed_export_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".export-dead" / "parquet").mkdir(parents=True)
    with FolderTarget(tmp_path).staging():
        assert not (tmp_path / ".export-dead").exists()


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
