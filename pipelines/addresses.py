"""Says what an address is, which may not be used because of a secret in it, and how names are written in messages.

File names, addresses and errors of other programs come from anywhere: what is made of them here is one line of harmless
text. Reaching an address does not belong here.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

#: A user in an address; a password may have slashes in it, but then what is before them is no host with its port.
_USER = re.compile(r"(?<=://)(?:[^/\s?#]*@|[^/\s?#@]*:(?!\d+(?:[/?#\s]|$))\S*@)")
#: Parameters of a query that let in whoever has them, as in a presigned address.
_SIGNED = r"[\w.-]*(?:token|secret|signature|credential|passw(?:or)?d|(?:api|access|account)[_-]?key)|sig|auth|pwd"
_SIGNATURE = re.compile(rf"(?<=[?&#])({_SIGNED})=[^&\s#]*", re.IGNORECASE)
#: Where what stands before an @ may be a mere name, or a part of the storage; elsewhere it is a key.
_NAMES = ("sftp", "ssh", "ftp", "smb", "hdfs", "webhdfs", "webdav", "abfs", "abfss", "adl")


class AddressError(ValueError):
    """An address that is not used; the message says why, without what is secret in it."""


def is_address(name: str) -> bool:
    """Whether a source or target is an address and not a file or folder by its path."""
    return "://" in name


def refuse_secrets(address: str) -> None:
    """Raise AddressError where an address has a password or signature in it: it would be kept with every page."""
    user = _USER.search(address)
    has_password = user is not None and (":" in user[0] or urlsplit(address).scheme not in _NAMES)
    if has_password or _SIGNATURE.search(address):
        raise AddressError(
            f"{shown(address)}: an address with a password, key or signature in it is not used, for addresses are "
            "kept; give these by environment variables such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws"
        )


def without_secrets(words: str) -> str:
    """Words, which may be an address, without its user, password, keys and signatures."""
    return _SIGNATURE.sub(r"\1=***", _USER.sub("***@", words))


def shown(words: str) -> str:
    """Words for a message: one line, odd characters by their numbers, and no password or signature of an address."""
    words = without_secrets(words)
    if words.isprintable():
        return words
    return "".join(letter if letter.isprintable() else _number(letter) for letter in words)


def _number(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is no UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
