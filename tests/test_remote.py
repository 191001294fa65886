"""Pages at addresses: read like those in folders, with patience, and no word of secrets."""

from __future__ import annotations

import http.server
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PAGES, Ieval
from moto.s3.models import s3_backends
from s3_server import BUCKET, SECRET, S3Server, environment, s3
from test_source_manifest import Reader
from test_sources import make_tar, make_zip, names, read, write_lines

from pipelines import remote, sources
from pipelines.remote import Place
from pipelines.sources import Passed, SourceError, UnreachableError, list_files, read_files, sources_fingerprint

__all__ = ["s3"]
CRAWL = f"s3://{BUCKET}/crawl"


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    """Pages at memory://crawl."""
    system = fsspec.filesystem("memory")
    for name, text in {"a.TXT": "one", "deep/er/b.txt": "two", ".git/c.txt": "no", "notes.md": "no"}.items():
        system.pipe(f"/crawl/{name}", text.encode())
    yield system
    system.rm("/crawl", recursive=True)


@pytest.fixture
def pages(s3: S3Server) -> S3Server:
    """The same in a bucket."""
    s3.put(**{"crawl/a.TXT": b"one", "crawl/deep/er/b.txt": b"two", "crawl/.git/c.txt": b"no", "crawl/notes.md": b"no"})
    s3.requests.clear()
    return s3


# ---- any address


@pytest.mark.parametrize("address", ["memory://crawl", "memory://crawl/", "memory:///crawl"])
def test_a_folder(memory: fsspec.AbstractFileSystem, address: str) -> None:
    pages, passed = read(address)
    base = address.rstrip("/")
    assert pages == {f"{base}/a.TXT": b"one", f"{base}/deep/er/b.txt": b"two"}
    assert passed.skipped == [f"{base}/notes.md: in a folder only .txt files are pages; name it to read it"]
    assert passed.failed == []


def test_files_and_patterns(memory: fsspec.AbstractFileSystem) -> None:
    assert read("memory://crawl/notes.md", "memory://crawl/a.TXT")[0] == {
        "memory://crawl/notes.md": b"no",
        "memory://crawl/a.TXT": b"one",
    }
    assert list(read("memory://crawl/**/*.txt")[0]) == ["memory://crawl/.git/c.txt", "memory://crawl/deep/er/b.txt"]
    assert list(read("memory://cr*/deep")[0]) == ["memory://crawl/deep/er/b.txt"]
    memory.pipe("/crawl/page[1].txt", b"x")
    assert names(read("memory://crawl/page[1].txt")[0]) == ["page[1].txt"]


def test_local_and_remote_sources_come_in_the_order_given(memory: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    (tmp_path / "z.txt").write_text("z")
    assert names(read("memory://crawl/a.TXT", tmp_path, "memory://crawl/deep")[0]) == ["a.TXT", "z.txt", "b.txt"]


def test_addresses_of_this_machine_are_folders(tmp_path: Path) -> None:
    (tmp_path / "z.txt").write_text("z")
    assert read(f"file://{tmp_path}")[0] == {f"{tmp_path}/z.txt": b"z"}


@pytest.mark.parametrize("address", ["memory://crawl/nowhere", "memory://crawl/*.html", "memory://nowhere/"])
def test_nothing_there(memory: fsspec.AbstractFileSystem, address: str) -> None:
    with pytest.raises(SourceError, match=r"(no such file or folder|no file matches); give files") as caught:
        read(address)
    assert address in str(caught.value)


def test_archives_and_crawls(memory: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    crawl = tmp_path / "crawl.parquet"
    pq.write_table(pa.table({"text": ["p1"], "url": ["https://i.eval/1"]}), crawl)
    for path in (
        make_zip(tmp_path / "pages.zip", {"z.txt": b"z"}),
        make_tar(tmp_path / "pages.tar.gz", {"t.txt": b"t"}),
        write_lines(tmp_path / "crawl.jsonl", {"text": "l"}, {"oops": 1}),
        crawl,
    ):
        memory.pipe(f"/crawl/{path.name}", path.read_bytes())
    base = "memory://crawl"
    pages, passed = read(*(f"{base}/{name}" for name in ("pages.zip", "pages.tar.gz", "crawl.jsonl", "crawl.parquet")))
    assert pages == {
        f"{base}/pages.zip/z.txt": b"z",
        f"{base}/pages.tar.gz/t.txt": b"t",
        f"{base}/crawl.jsonl#1": b"l",
        "https://i.eval/1": b"p1",
    }
    assert passed.failed[0].startswith(f"{base}/crawl.jsonl, line 2: no text")
    assert passed.failing_files == {f"{base}/crawl.jsonl"}
    memory.pipe("/crawl/pages.zip", b"no archive")
    with pytest.raises(SourceError, match=r"memory://crawl/pages\.zip: cannot be read as an archive"):
        read(f"{base}/pages.zip")


def test_a_page_that_is_too_large_is_not_fetched(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe("/crawl/large.txt", b"x" * (128 * 1024 + 1))
    pages, passed = read("memory://crawl")
    assert len(pages) == 2
    assert passed.failed == ["memory://crawl/large.txt: larger than 128 kB, which no page is"]


def test_what_changes_after_it_was_listed(memory: fsspec.AbstractFileSystem) -> None:
    files = list_files(["memory://crawl"], Passed())
    memory.pipe("/crawl/a.TXT", b"one and more")
    memory.rm("/crawl/deep/er/b.txt")
    passed = Passed()
    assert [page.source_uri for page in read_files(files, passed)] == ["memory://crawl/a.TXT"]
    assert passed.failing_files == {"memory://crawl/a.TXT", "memory://crawl/deep/er/b.txt"}
    assert passed.failed == ["memory://crawl/deep/er/b.txt: it went away"]


def test_unchanged_files_are_not_fetched_again(
    memory: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(tmp_path)
    assert len(reader.read("memory://crawl")) == 2
    monkeypatch.chdir(tmp_path)  # an address is the same from everywhere
    assert reader.changed("memory://crawl") == ([], ["id of one", "id of two"])
    seen = sources_fingerprint(["memory://crawl"])
    assert sources_fingerprint(["memory://crawl"]) == seen
    memory.pipe("/crawl/a.TXT", b"eno")
    assert reader.changed("memory://crawl")[0] == ["memory://crawl/a.TXT"]
    assert sources_fingerprint(["memory://crawl"]) != seen


def test_what_nobody_can_tell_from_another_version_is_always_fetched(
    memory: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_version", lambda entry: None)
    reader = Reader(tmp_path)
    for _ in range(2):
        assert len(reader.read("memory://crawl")) == 2


SECRETS = [
    "https://host/x?sas_token=1",
    "https://host/x?client_secret=1",
    "https://host/x?passwd=1",
    "https://host/x?v=1&auth=1",
    "https://host/x#access_token=1",
    "hf://TOKEN@x/y",
    "s3://AKIA:s3cret@bucket/crawl",
    "s3://AKIA:s3/c+r/s3cret@bucket/crawl",
    "s3://s3cret@bucket/crawl",
    "https://user:s3cret@host/a.txt",
    "https://s3cret@host/a.txt",
    "sftp://user:s3cret@host/pages",
    "https://host/a.txt?X-Amz-Credential=s3cret&X-Amz-Signature=s3cret",
    "https://host/a.txt?v=1&sig=s3cret",
    "simplecache::s3://AKIA:s3cret@bucket/x",
]


@pytest.mark.parametrize("address", SECRETS)
def test_an_address_with_a_secret_is_refused(address: str) -> None:
    with pytest.raises(SourceError, match="an address with a password, key or signature in it is not used") as caught:
        read(address)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "s3://bucket/a@b.txt",
        "s3://bucket/a:b@c.txt",
        "sftp://user@host/pages",
        "http://host:8080/a@b",
        "https://h/?id=1",
    ],
)
def test_an_address_without_a_secret_is_not(address: str) -> None:
    remote.refuse_secrets(address)


def test_addresses_inside_addresses_are_refused() -> None:
    with pytest.raises(SourceError, match="one address inside another is not used"):
        read("zip://a.txt::memory://crawl/a.zip")


@pytest.mark.parametrize("address", ["nope://bucket", "NOPE://x/y\x1b[2J"])
def test_addresses_that_nobody_knows(address: str) -> None:
    with pytest.raises(UnreachableError, match="cannot be reached: Protocol not known") as caught:
        read(address)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("method", ["info", "ls", "cat_file"])
@pytest.mark.parametrize("failures", [2, 3])
def test_everything_is_tried_three_times(
    memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch, method: str, failures: int
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    real, left = getattr(memory, method), [failures]

    def ill(*arguments: object, **options: object) -> object:
        if left[0]:
            left[0] -= 1
            raise ConnectionError("via http://me:s3cret@proxy:1/?sig=s3cret \x1b[2J")
        return real(*arguments, **options)

    monkeypatch.setattr(memory, method, ill)
    monkeypatch.setattr(sources, "_AT_ONCE", 1)
    if failures == 2:
        assert len(read("memory://crawl")[0]) == 2
        assert pauses == [0.5, 1.0]
        return
    words = r"cannot be reached: via http://***@proxy:1/?sig=*** \x1b[2J"
    if method == "cat_file":
        pages, passed = read("memory://crawl")
        assert len(pages) == 1
        assert passed.failed == [f"memory://crawl/a.TXT: {words}"]
        assert passed.failing_files == {"memory://crawl/a.TXT"}
    else:
        with pytest.raises(UnreachableError, match=re.escape(f"memory://crawl {words}")) as caught:
            read("memory://crawl")
        assert caught.value.__cause__ is None


def test_where_nothing_answers_any_more_nobody_asks_on(
    memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(200):
        memory.pipe(f"/crawl/many/{number:03}.txt", b"x")
    files = list_files(["memory://crawl/many"], Passed())
    monkeypatch.setattr(remote, "_FIRST_PAUSE", 0)
    asked = []

    def ill(path: str, **options: object) -> bytes:
        asked.append(path)
        raise ConnectionError("gone")

    monkeypatch.setattr(memory, "cat_file", ill)
    passed = Passed()
    assert list(read_files(files, passed)) == []
    assert len(passed.failed) == 17
    assert passed.failed[-1] == "memory://crawl/many/016.txt: not tried, nor what is behind it, 184 in all"
    assert len(passed.failing_files) == 200
    assert len(set(asked)) < 60


def test_a_watcher_takes_no_silence_for_a_change(
    memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_FIRST_PAUSE", 0)
    monkeypatch.setattr(memory, "info", lambda path: 1 / 0)
    with pytest.raises(UnreachableError):
        sources_fingerprint(["memory://crawl"])


# ---- S3


def test_pages_from_s3(pages: S3Server, tmp_path: Path) -> None:
    found, passed = read(f"{CRAWL}/")
    assert found == {f"{CRAWL}/a.TXT": b"one", f"{CRAWL}/deep/er/b.txt": b"two"}
    assert len(passed.skipped) == 1
    assert list(read(f"{CRAWL}/*.TXT", f"{CRAWL}/notes.md")[0]) == [f"{CRAWL}/a.TXT", f"{CRAWL}/notes.md"]
    make_zip(tmp_path / "pages.zip", {"z.txt": b"z"})
    pages.put(**{"pages.zip": (tmp_path / "pages.zip").read_bytes(), "empty.txt": b"", "crawl/": b""})
    assert read(f"s3://{BUCKET}/pages.zip")[0] == {f"s3://{BUCKET}/pages.zip/z.txt": b"z"}
    assert read(f"s3://{BUCKET}/empty.txt")[0] == {f"s3://{BUCKET}/empty.txt": b""}
    assert len(read(CRAWL)[0]) == 2
    assert len(read(f"s3://{BUCKET}")[0]) == 3


def test_unchanged_objects_are_not_fetched_again(pages: S3Server, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    assert len(reader.read(CRAWL)) == 2
    assert reader.read(CRAWL) == []
    pages.put(**{"crawl/a.TXT": b"one"})  # the same again is no change
    assert reader.changed(CRAWL)[0] == []
    pages.put(**{"crawl/a.TXT": b"eno"})
    assert reader.changed(CRAWL)[0] == [f"{CRAWL}/a.TXT"]


def test_a_thousand_objects_and_more(s3: S3Server) -> None:
    bucket = s3_backends["123456789012"]["aws"].buckets[BUCKET]
    for number in range(1_050):
        s3_backends["123456789012"]["aws"].put_object(bucket.name, f"many/{number:04}.txt", b"x")
    assert len(list_files([f"s3://{BUCKET}/many"], Passed())) == 1_050


@pytest.mark.parametrize("fault", ["busy", "broken", "dropped"])
def test_a_server_that_fails_twice_and_then_works(pages: S3Server, fault: str) -> None:
    for position in (0, 1, 2, 3):  # looking, listing, and reading
        pages.faults[:] = [lambda environ: None] * position + [getattr(pages, fault)] * 2
        assert len(read(CRAWL)[0]) == 2


@pytest.mark.parametrize("fault", ["busy", "broken", "dropped", "wrong_key"])
def test_a_server_that_fails_always(pages: S3Server, fault: str) -> None:
    pages.faults[:] = [getattr(pages, fault)] * 50
    with pytest.raises(UnreachableError, match=f"^{CRAWL} cannot be reached: ") as caught:
        read(CRAWL)
    assert len(pages.requests) <= 6
    assert str(caught.value).isprintable()
    assert SECRET not in str(caught.value)


def test_a_server_that_hangs(pages: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_READ_SECONDS", 1)
    pages.faults[:] = [pages.hanging] * 2
    assert len(read(CRAWL)[0]) == 2
    pages.faults[:] = [pages.hanging] * 50
    started = time.monotonic()
    with pytest.raises(UnreachableError, match=f"^{CRAWL} cannot be reached: .*[Tt]ime"):
        read(CRAWL)
    assert time.monotonic() - started < 30  # for which the server hangs


def test_nobody_there(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:s3cret@127.0.0.1:9")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(UnreachableError, match="cannot be reached") as caught:
        read(CRAWL)
    assert "s3cret" not in str(caught.value)


def test_a_bucket_that_is_not_there(s3: S3Server) -> None:
    with pytest.raises(SourceError, match="s3://nowhere/crawl: no such file or folder"):
        read("s3://nowhere/crawl")


def test_no_credentials(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(UnreachableError, match=f"{CRAWL} cannot be reached: .*[Cc]redentials"):
        read(CRAWL)


# ---- runs


def test_a_run_with_pages_and_parts_at_s3(s3: S3Server, ieval: Ieval, tmp_path: Path) -> None:
    s3.put(**{f"crawl/{path.name}": path.read_bytes() for path in sorted(PAGES.glob("lesson_*.txt"))})
    variables = {**environment(s3.url), "IEVAL_PARTS": f"s3://{BUCKET}/parts", "DAGSTER_HOME": ""}
    done = ieval("run", f"{CRAWL}/", "--warehouse", tmp_path, "--json", **variables)
    assert done.returncode == 0, done.stderr
    assert '"new_pages": 7' in done.stdout
    assert {key.split("/")[1] for key in s3.found("parts/")} == {"pages", "records", "places"}
    assert not (tmp_path / "pages").exists()
    done = ieval("run", f"{CRAWL}/", "--warehouse", tmp_path, "--json", **variables)
    assert '"files_unchanged": 7' in done.stdout
    # No secret in anything that a run leaves.
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left and not [path for path in left if SECRET.encode() in path.read_bytes()]
    done = ieval("sql", "SELECT count(*) AS n, min(source_uri) AS uri FROM raw.pages", "--csv", "--warehouse", tmp_path)
    assert f"7,{CRAWL}/lesson_900101.txt" in done.stdout


@pytest.mark.parametrize("where", ["argument", "IEVAL_PAGES", "IEVAL_PARTS"])
def test_a_secret_in_an_address_is_neither_used_nor_kept(ieval: Ieval, tmp_path: Path, where: str) -> None:
    address = "s3://AKIA:s3cret/s3cret@bucket/crawl"
    arguments = [address] if where == "argument" else []
    variables = {} if where == "argument" else {where: address}
    done = ieval("run", *arguments, "--warehouse", tmp_path / "w", DAGSTER_HOME="", **variables)
    assert done.returncode == 1
    assert "s3://***@bucket/crawl: an address with a password, key or signature in it is not used" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in left if b"s3cret" in path.read_bytes()]


def test_a_run_whose_server_is_down(ieval: Ieval, tmp_path: Path) -> None:
    variables = environment("http://127.0.0.1:9")
    done = ieval("run", f"{CRAWL}/", "--warehouse", tmp_path / "w", DAGSTER_HOME="", **variables)
    assert done.returncode == 1
    assert f"ieval: {CRAWL}/ cannot be reached: " in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stdout + done.stderr


# ---- the web


class _Pages(http.server.BaseHTTPRequestHandler):
    """Says `page` at /page and at /big a page without end, is ill at /ill, and elsewhere there is nothing."""

    def do_GET(self) -> None:
        if self.path not in ("/page?id=1", "/big"):
            self.send_error(503 if self.path == "/ill" else 404)
            return
        self.send_response(200)
        self.end_headers()
        if self.command == "GET":
            try:
                for _ in range(1 if self.path.startswith("/page") else 10_000):
                    self.wfile.write(b"page" if self.path.startswith("/page") else b"x" * 65_536)
            except OSError:
                pass

    do_HEAD = do_GET

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(remote, "_FIRST_PAUSE", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_page_from_the_web(web: str) -> None:
    assert read(f"{web}/page?id=1")[0] == {f"{web}/page?id=1": b"page"}
    pages, passed = read(f"{web}/big")
    assert pages == {}
    assert passed.failed == [f"{web}/big: larger than 128 kB, which no page is"]
    with pytest.raises(SourceError, match="no such file or folder"):
        read(f"{web}/nothing")
    with pytest.raises(UnreachableError, match="503"):
        read(f"{web}/ill")


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setattr(sys.modules["fsspec.registry"], "_registry", {})  # which remembers that it was there
    with pytest.raises(remote.RemoteError, match=r"pip install 'ieval-warehouse\[s3\]'"):
        Place("s3://bucket")
