"""Turns the bytes of a page into its text, and says where the bytes are not what they should be.

Pages are UTF-8. A byte order mark selects UTF-16, and a byte that is not UTF-8 (a copy saved by an old editor) is read
as Windows-1252, which is what such copies are in practice: one bad byte must not spoil the page around it. Where a page
is cut inside a character, that character is missing like all that follows it. Whoever keeps the bytes beside such a
text loses nothing. Pure; reading files does not belong here.
"""

from __future__ import annotations

import codecs

_UTF_16_DECODERS = {
    codecs.BOM_UTF16_LE: codecs.utf_16_le_decode,
    codecs.BOM_UTF16_BE: codecs.utf_16_be_decode,
}
#: Byte -> character; the five that Windows-1252 leaves undefined are the control characters of ISO 8859-1.
_WINDOWS_1252 = [bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256)]


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join([_WINDOWS_1252[byte] for byte in error.object[error.start : error.end]]), error.end


codecs.register_error("ieval-windows-1252", _windows_1252)


def decode_page(page_bytes: bytes) -> str:
    """Return the text of a page, the byte order mark and the line ends left in it. Never raises."""
    decode_utf_16 = _UTF_16_DECODERS.get(page_bytes[:2])
    if decode_utf_16:
        return decode_utf_16(page_bytes, "replace", False)[0]
    try:
        # Not the final bytes, for all we know: half a character at the end is left away.
        return codecs.utf_8_decode(page_bytes, "strict", False)[0]
    except UnicodeDecodeError:
        return page_bytes.decode("utf-8", errors="ieval-windows-1252")


def first_undecodable_line(page_bytes: bytes) -> int | None:
    """Return the line (from 1) of the first byte that is not UTF-8, None where all of it is."""
    try:
        page_bytes.decode("utf-8")
    except UnicodeDecodeError as error:
        return page_bytes.count(b"\n", 0, error.start) + 1
    return None
