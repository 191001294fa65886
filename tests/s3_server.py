"""A server on this machine that speaks S3, and that fails when it is told to. No test goes anywhere else."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

SECRET = "never-say-this/secret+key"
BUCKET = "crawls"


class S3Server:
    """Answers as S3 does, but for what `faults` says of the next requests: each is asked before its request."""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self.faults: list[Callable[[dict[str, Any]], tuple[str, bytes] | None]] = []
        self.requests: list[str] = []
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=MotoRequestHandler)
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            self.requests.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
            fault = self.faults.pop(0) if self.faults else None
        answer = fault(environ) if fault else None
        if answer is None:
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        start_response(answer[0], [("Content-Type", "application/xml"), ("Content-Length", str(len(answer[1])))])
        return [answer[1]]

    def busy(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        """503, as S3 says that there is too much to do."""
        return (
            "503 Slow Down",
            b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate</Message></Error>",
        )

    def broken(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        """500, as of a server that is ill."""
        return "500 Internal Server Error", b"<Error><Code>InternalError</Code><Message>We are ill</Message></Error>"

    def wrong_key(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        """403, as to somebody with a key that there is not."""
        words = b"The AWS Access Key Id you provided does not exist in our records."
        return "403 Forbidden", b"<Error><Code>InvalidAccessKeyId</Code><Message>" + words + b"</Message></Error>"

    def dropped(self, environ: dict[str, Any]) -> None:
        """No answer: the connection ends."""
        with contextlib.suppress(OSError):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)

    def hanging(self, environ: dict[str, Any]) -> None:
        """No answer for as long as the test runs."""
        self._released.wait(30)

    def client(self) -> Any:
        """A client of its own, for what is there before and after."""
        return boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1", config=Config(retries={"max_attempts": 0})
        )

    def put(self, **objects: bytes) -> None:
        for key, content in objects.items():
            self.client().put_object(Bucket=BUCKET, Key=key, Body=content)

    def found(self, prefix: str = "") -> list[str]:
        found = self.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", [])]

    def stop(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


def environment(url: str) -> dict[str, str]:
    """How a process finds the server, and nothing else: no address of a cloud that tells credentials."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIATESTONLY",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nowhere/config",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials",
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A server with one empty bucket, and the environment that leads to it."""
    import fsspec

    from pipelines import remote

    server = S3Server()
    for name, value in environment(server.url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(remote, "_FIRST_PAUSE", 0.01)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.client().create_bucket(Bucket=BUCKET)
    server.requests.clear()
    yield server
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    for name in ("s3", "s3a"):  # as before, for tests in which it is not installed
        sys.modules["fsspec.registry"]._registry.pop(name, None)
    server.stop()
    s3_backends.reset()
