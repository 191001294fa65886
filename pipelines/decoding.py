"""Turns the bytes of a page into its text, and says where the bytes are not what they should be.

Pages are UTF-8. A byte order mark selects UTF-16, and a byte that is not UTF-8 (a page cut inside a character, a copy
saved by an old editor) is read as Windows-1252, which is what such copies are in practice: one bad byte must not spoil
the page around it. Whoever keeps the bytes beside such a text loses nothing. Pure; reading files does not belong here.
"""

from __future__ import annotations

import codecs

_UTF_16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Read each offending byte as Windows-1252; its five undefined bytes as the control characters of ISO 8859-1."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    characters = []
    for byte in error.object[error.start : error.end]:
        try:
            characters.append(bytes([byte]).decode("cp1252"))
        except UnicodeDecodeError:
            characters.append(chr(byte))
    return "".join(characters), error.end


codecs.register_error("ieval-windows-1252", _windows_1252)


def decode_page(page_bytes: bytes) -> str:
    """Return the text of a page, the byte order mark and the line ends left in it. Never raises."""
    encoding = _UTF_16_MARKS.get(page_bytes[:2])
    if encoding:
        try:
            return page_bytes.decode(encoding)
        except UnicodeDecodeError:  # a mark by chance, or a half character: read it byte by byte like any other
            pass
    return page_bytes.decode("utf-8", errors="ieval-windows-1252")


def first_undecodable_line(page_bytes: bytes) -> int | None:
    """Return the line (from 1) of the first byte that is not UTF-8, None where all of it is."""
    try:
        page_bytes.decode("utf-8")
    except UnicodeDecodeError as error:
        return page_bytes.count(b"\n", 0, error.start) + 1
    return None
