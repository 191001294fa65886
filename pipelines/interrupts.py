"""Makes of Ctrl-C and SIGTERM one exception, raised where it does no harm; a second one ends the process at once.

Whatever is raised in the end, by DuckDB or by Dagster, `came` tells that it is only the echo of an interrupt. Needs
next to nothing of the standard library, for it has to hear before everything else is imported. What is said to the
person who stopped a command does not belong here.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from importlib.machinery import ExtensionFileLoader
from types import FrameType

_MAIN_THREAD = _thread.get_ident()  # it is the first that imports us, and alone hears signals

#: As shells have it: 128 and the number of SIGINT. SIGTERM ends a command likewise.
EXIT_CODE = 130
#: Where Python runs the code of a compiled module that is imported. nanobind, which DuckDB's is built with, takes
#: whatever is raised meanwhile for a fatal error and aborts the process.
_COMPILED = {ExtensionFileLoader.create_module.__code__, ExtensionFileLoader.exec_module.__code__}
#: Two within so many seconds are one: `timeout` and the like send theirs to the process and to its group.
_ONE = 0.5


class _State:
    """What has been heard, and what becomes of it."""

    #: When the first interrupt came, by time.monotonic, and the number of the last signal.
    first: float | None = None
    number = signal.SIGINT
    #: What is raised where one comes; None where it has to wait.
    raised: type[BaseException] | None = KeyboardInterrupt
    is_waiting = False
    told: list[Callable[[], object]] = []  # noqa: RUF012 (there is one state)


def hear() -> None:
    """Listen from now on; not to what whoever started us wants ignored, as `nohup` and shell scripts do."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _heard)
    sys.unraisablehook = _not_raised


def came() -> bool:
    """Whether there was an interrupt: then whatever fails fails because of it."""
    return _State.first is not None


def _heard(number: int, frame: FrameType | None) -> None:
    _State.number = signal.Signals(number)
    if _is_importing_compiled(frame):
        _come_again()
        return
    if _State.first is None:
        _State.first = time.monotonic()
    elif time.monotonic() - _State.first > _ONE:
        _end_at_once()
    else:
        return
    for tell in tuple(_State.told):
        with contextlib.suppress(Exception):  # it has just ended
            tell()
    if _State.raised is None:
        _State.is_waiting = True
    else:
        raise _State.raised


def _is_importing_compiled(frame: FrameType | None) -> bool:
    """Whether what runs in this frame runs on behalf of such an import."""
    while frame is not None:
        if frame.f_code in _COMPILED:
            return True
        frame = frame.f_back
    return False


def end_children() -> None:
    """End the processes that read pages: without us they would wait for work for ever."""
    processes = sys.modules.get("multiprocessing")
    for process in processes.active_children() if processes else ():
        process.kill()


def _end_at_once() -> None:
    end_children()
    show_cursor = b"\x1b[?25h" if os.isatty(2) else b""  # which a progress bar hides
    os.write(2, show_cursor + b"ieval: stopped at once; what was published before is as it was\n")
    os._exit(EXIT_CODE)


def _not_raised(unraisable: sys.UnraisableHookArgs) -> None:
    """Python drops what is raised while it takes an object apart: an interrupt comes again a moment later."""
    if came() and not issubclass(unraisable.exc_type, Exception):
        _State.first = None
        _come_again()
    else:
        sys.__unraisablehook__(unraisable)


def _come_again() -> None:
    _thread.start_new_thread(_interrupt_later, ())


def _interrupt_later() -> None:
    time.sleep(0.05)
    _thread.interrupt_main(_State.number)  # SIGINT may be ignored


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let an interrupt wait for the end of what is done inside: of what would leave something half done."""
    with _raising(None):
        yield
    if _State.is_waiting and _State.raised is not None and _thread.get_ident() == _MAIN_THREAD:
        _State.is_waiting = False
        raise _State.raised


@contextlib.contextmanager
def let_through(error: type[BaseException] = KeyboardInterrupt) -> Iterator[None]:
    """Inside `held_back`, do not wait: raise this where an interrupt comes, and at once where one waits."""
    with _raising(error):
        if _State.is_waiting and _thread.get_ident() == _MAIN_THREAD:
            _State.is_waiting = False
            raise error
        yield


@contextlib.contextmanager
def _raising(error: type[BaseException] | None) -> Iterator[None]:
    if _thread.get_ident() != _MAIN_THREAD:
        yield
        return
    before, _State.raised = _State.raised, error
    try:
        yield
    finally:
        _State.raised = before


@contextlib.contextmanager
def passed_on(tell: Callable[[], object]) -> Iterator[None]:
    """Call `tell` when an interrupt comes: for what works in other threads, which hear of none."""
    _State.told.append(tell)
    try:
        yield
    finally:
        _State.told.remove(tell)


@contextlib.contextmanager
def kept_from_children() -> Iterator[None]:
    """Start processes that never hear Ctrl-C, which a terminal sends to all: not even before their first line."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    with held_back():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
